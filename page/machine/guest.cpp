// SPDX-License-Identifier: MIT
#include "page/machine/guest.hpp"

#include <algorithm>
#include <array>

#include "page/machine/machine_look.hpp"
#include "vellum/machine/elf.hpp"
#include "vellum/words/acquaint.hpp"
#include "vellum/words/target.hpp"

namespace page {

using vellum::u64;
using vellum::usize;

namespace {

constexpr vellum::JudgeLimits judge_limits{.changes = usize{1} << 16,
                                           .change_buckets = usize{1} << 15,
                                           .code_stores = usize{1} << 15,
                                           .findings = 200,
                                           .traps = 8192};
constexpr usize decoded_pages = 512;
constexpr usize sector_bytes = 512;
// The past: contents of pages, as many as the guest has and some more, but the tab has a bound.
constexpr usize past_beyond_ram = usize{32} << 20, longest_past = usize{256} << 20;
constexpr usize remembered_inputs = 65536, remembered_input_bytes = usize{1} << 20;
// A step back costs at most this many instructions executed again.
constexpr u64 steps_between_snapshots = 2'000'000;
constexpr usize longest_console = usize{256} << 10;

/// Memory that is zero because nobody has had it: a tab pays for what of it the guest touches. It is never given back;
/// the worker makes a new module for each guest. Empty: there is no more.
std::span<vellum::u8> untouched_memory(usize bytes) {
  constexpr usize wasm_page = 65536;
  const usize before = __builtin_wasm_memory_grow(0, (bytes + wasm_page - 1) / wasm_page);
  if (before == ~usize{0}) return {};
  return {reinterpret_cast<vellum::u8*>(before * wasm_page), bytes};
}

}  // namespace

vellum::usize Guest::past_bytes() const { return std::min(ram_.size() + past_beyond_ram, longest_past); }

bool Guest::make_memory() {
  ram_ = untouched_memory(usize{wish_.megabytes} << 20);
  if (ram_.empty()) return false;
  rom_.assign(vellum::page_bytes, 0);
  image_.resize(image_.size() / sector_bytes * sector_bytes);
  pages_.assign(vellum::Memory::pages_for(ram_.size(), image_.size()), {});
  code_.resize(decoded_pages);
  judge_memory_ = std::make_unique<vellum::JudgeMemory>(judge_limits, ram_.size());
  past_ = std::make_unique_for_overwrite<vellum::u8[]>(past_bytes());
  past_links_.resize(2 * past_bytes() / vellum::page_bytes);
  page_marks_.resize(pages_.size());
  input_.resize(remembered_input_bytes);
  input_events_.resize(remembered_inputs);
  return true;
}

std::unique_ptr<Guest> Guest::boot(const Wish& wish, std::vector<vellum::u8> kernel, std::vector<vellum::u8> image,
                                   std::string& why) {
  if (!vellum::read_elf(kernel)) {
    why = "the kernel is not a RISC-V kernel that this machine can boot: take kernel/kernel as make built it";
    return nullptr;
  }
  std::unique_ptr<Guest> guest(new Guest);
  guest->wish_ = wish;
  guest->kernel_ = std::move(kernel);
  guest->image_ = std::move(image);
  guest->names_ = std::make_unique<vellum::Names>(guest->kernel_);
  if (!guest->make_memory()) {
    why = "this tab has too little memory for such a guest";
    return nullptr;
  }
  if (!guest->make_machine()) {
    why = "the kernel does not fit into the machine's memory at 0x80000000";
    return nullptr;
  }
  guest->make_explorer();
  return guest;
}

bool Guest::make_machine() {
  const auto elf = vellum::read_elf(kernel_);
  if (!elf || !vellum::load_elf(kernel_, *elf, vellum::map::ram_base, ram_)) return false;
  judges_ = std::make_unique<vellum::Judges>(judge_memory_->storage());
  machine_ = std::make_unique<vellum::Judges::JudgedMachine>(
      vellum::Configuration{.harts = wish_.harts, .seed = wish_.seed, .bootargs = wish_.bootargs},
      vellum::Storage{ram_, rom_, image_, pages_, code_}, *judges_);
  judges_->attach(*machine_);
  tell_judges();
  timeline_ = std::make_unique<vellum::Timeline<vellum::Judges>>(
      *machine_, vellum::TimelineStorage{{past_.get(), past_bytes()}, past_links_, page_marks_, input_events_, input_});
  judges_->keep_pages_with(timeline_.get());
  return true;
}

/// Where the kernel has what the judges look for, under the names that xv6 gave it.
void Guest::tell_judges() {
  const vellum::Names& functions = *names_;
  frame_table_ = std::make_unique<vellum::KnownFrameTable>(functions);
  vellum::acquaint(*judges_, functions, {}, *frame_table_);
  forget_stops();
}

/// The machine always stops at a finding, for what led to it is kept; run() goes on if nobody else asked for it.
void Guest::stop_at(vellum::StopAt what) {
  wants_finding_ = what == vellum::StopAt::finding;
  judges_->stop_at(what);
  judges_->also_stop_at(vellum::StopAt::finding);
}

bool Guest::stop_at_return_of(u64 function) {
  wants_finding_ = false;
  const bool is_set = judges_->stop_at_return_of(function);
  judges_->also_stop_at(vellum::StopAt::finding);
  return is_set;
}

void Guest::forget_stops() {
  judges_->forget_stops();
  stop_at(vellum::StopAt::nothing);
}

/// The judges have seen the past already.
void Guest::look_at(vellum::Attention at_head) {
  judges_->pay(timeline_->is_in_past() ? vellum::Attention::away : at_head);
}

vellum::usize Guest::drop_output() {
  std::array<vellum::u8, 4096> buffer;
  usize dropped = 0;
  while (const usize count = machine_->take_output(buffer)) dropped += count;
  return dropped;
}

/// Output of the past is known already, but the console has to show it once more.
void Guest::collect_output(bool is_new) {
  std::array<vellum::u8, 4096> buffer;
  while (const usize count = machine_->take_output(buffer)) {
    fresh_output_.insert(fresh_output_.end(), buffer.begin(), buffer.begin() + count);
    if (is_new) printed_.insert(printed_.end(), buffer.begin(), buffer.begin() + count);
    shown_ += count;
  }
  if (is_new && shown_ != printed_at_.back().bytes) printed_at_.push_back({machine_->schedule().steps, shown_});
}

vellum::StopReason Guest::run(u64 steps, vellum::WhenIdle when_idle) {
  const u64 end = machine_->schedule().steps + steps;
  while (true) {
    timeline_->take_if_due(steps_between_snapshots);
    look_at(wish_.judges ? vellum::Attention::judging : vellum::Attention::remembering);
    const bool is_new = !timeline_->is_in_past();
    const u64 left = end - machine_->schedule().steps;
    last_stop_ = timeline_->run(std::min(left, steps_between_snapshots), when_idle);
    collect_output(is_new);
    note_findings();
    const bool is_only_a_finding =
        last_stop_ == vellum::StopReason::asked && !wants_finding_ && judges_->stopped_at() == vellum::StopAt::finding;
    if (is_only_a_finding) last_stop_ = vellum::StopReason::steps_done;
    if (is_new) look_for_hang();
    const bool goes_on = last_stop_ == vellum::StopReason::output_full ||
                         (last_stop_ == vellum::StopReason::steps_done && machine_->schedule().steps < end);
    if (!goes_on || (!is_new && !timeline_->is_in_past())) return last_stop_;
  }
}

/// The entries on the way to where it happened, as they are then.
void Guest::note_findings() {
  const auto findings = judges_->findings();
  while (walks_.size() < findings.size()) {
    const vellum::Finding& finding = findings[walks_.size()];
    walks_.push_back(has_walk(finding) ? vellum::way_to(machine_->memory(), machine_->hart(finding.now.hart).satp,
                                                        finding.address, finding.kind)
                                       : std::vector<vellum::WalkStep>{});
  }
}

/// Whether typing can still wake somebody: a hart that lets no interrupt of a device through sleeps for ever.
bool Guest::can_be_woken() const {
  constexpr u64 of_devices = u64{1} << 9 | u64{1} << 11;
  for (vellum::u32 i = 0; i < machine_->hart_count(); ++i) {
    if ((machine_->hart(i).mie & of_devices) != 0) return true;
  }
  return false;
}

/// A kernel that has given up goes round for ever, too: that was said.
void Guest::look_for_hang() {
  if (hang_) return;
  const auto findings = judges_->findings();
  const bool has_given_up =
      std::ranges::any_of(findings, [](const vellum::Finding& finding) { return finding.rule == vellum::Rule::panic; });
  if (has_given_up) return;
  if (last_stop_ == vellum::StopReason::idle) {
    if (!machine_->next_event() && !can_be_woken()) hang_ = hang_now(vellum::hang_by_sleep);
  } else if (spins_.look(
                 machine_->schedule().steps, machine_->hart_count(),
                 [this](vellum::u32 i) -> auto& { return machine_->hart(i); },
                 [this](u64 pc) { return names_->function(pc); })) {
    hang_ = hang_now(vellum::hang_by_turning);
  }
}

void Guest::skip_to_event() {
  if (const auto next = machine_->next_event()) timeline_->advance_to(*next);
}

void Guest::type(std::span<const vellum::u8> bytes) {
  if (timeline_->is_in_past()) {
    // What was typed at this very moment the first time is there already: the branch begins before it.
    const u64 now = machine_->schedule().steps;
    const bool is_typed = std::ranges::any_of(timeline_->events(),
                                              [now](const vellum::InputEvent& event) { return event.moment == now; });
    if (is_typed && now > oldest()) go_to(now - 1);
    timeline_->cut();
    judges_->forget_what_came_later();
    walks_.resize(judges_->findings().size());
    if (hang_ && hang_->step > machine_->schedule().steps) hang_ = std::nullopt;
    spins_ = {};
    printed_.resize(shown_);
    while (printed_at_.back().step > machine_->schedule().steps) printed_at_.pop_back();
    if (printed_at_.back().bytes != shown_) printed_at_.push_back({machine_->schedule().steps, shown_});
  }
  (void)timeline_->feed(bytes);
}

/// Goes there, and tells how much the guest printed on the way.
vellum::usize Guest::travel(u64 step) {
  usize printed = 0;
  // It stops where the machine has no more room for what it prints.
  constexpr int most_stops = 10'000;
  for (int stops = 0; stops < most_stops; ++stops) {
    const bool has_arrived = timeline_->go_to(step);
    printed += drop_output();
    if (has_arrived) break;
  }
  return printed;
}

void Guest::go_to(u64 step) {
  step = std::clamp(step, oldest(), newest());
  forget_stops();
  judges_->pay(vellum::Attention::away);
  if (step == newest()) {
    (void)travel(step);
    shown_ = printed_.size();
  } else {
    // From a moment at which it is known how much had been printed.
    const auto later = std::upper_bound(printed_at_.begin(), printed_at_.end(), step,
                                        [](u64 moment, const Printed& one) { return moment < one.step; });
    const Printed& known = *std::prev(later);
    (void)travel(std::max(known.step, oldest()));
    shown_ = known.bytes + travel(step);
  }
  fresh_output_.clear();
}

std::optional<u64> Guest::next_known_finding() const {
  const u64 now = machine_->schedule().steps;
  for (const vellum::Finding& finding : judges_->findings()) {
    const u64 step = moment_before(finding.now);
    if (step > now && step <= newest()) return step;
  }
  if (hang_ && hang_->step > now && hang_->step <= newest()) return hang_->step;
  return std::nullopt;
}

std::vector<Typed> Guest::typed() const {
  std::vector<Typed> list;
  for (const vellum::InputEvent& event : timeline_->events()) {
    if (event.moment > machine_->schedule().steps) break;
    const auto bytes = timeline_->typed().subspan(event.offset, event.count);
    list.push_back({event.moment, event.nanoseconds, {bytes.begin(), bytes.end()}});
  }
  return list;
}

bool Guest::replay(const std::vector<Typed>& typed, u64 end) {
  u64 before = 0;
  for (const Typed& one : typed) {
    if (one.step < before || one.step > end) return false;
    before = one.step;
    const std::span bytes(reinterpret_cast<const vellum::u8*>(one.bytes.data()), one.bytes.size());
    if (!timeline_->add_event(one.step, one.nanoseconds, bytes)) return false;
  }
  while (machine_->schedule().steps < end) {
    if (run(end - machine_->schedule().steps, vellum::WhenIdle::jump) != vellum::StopReason::steps_done) break;
  }
  return machine_->schedule().steps == end;
}

std::span<const vellum::u8> Guest::console() const {
  const auto all = std::span(printed_).first(std::min(shown_, printed_.size()));
  return all.last(std::min(all.size(), longest_console));
}

void Guest::make_explorer() {
  source_ = std::make_unique<foliowalk::Source>();
  source_->ram = std::make_unique<MachineRam>(*machine_);
  source_->machine = std::make_unique<MachineHarts>(*machine_);
  const auto bytes = std::as_bytes(std::span(kernel_));
  if (auto image = foliowalk::KernelImage::read("kernel", {bytes.begin(), bytes.end()})) {
    source_->image = std::move(*image);
    if (auto profile = foliowalk::Profile::detect(*source_->image, {})) source_->profile = std::move(*profile);
  }
  look_ = std::make_unique<MachineLook>(*source_, *machine_, *judges_);
  api_ = std::make_unique<foliowalk::Api>(*look_);
}

}  // namespace page
