// SPDX-License-Identifier: MIT
#include "page/machine/guest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>

#include "page/machine/machine_look.hpp"
#include "vellum/machine/elf.hpp"
#include "vellum/words/sentence.hpp"

namespace page {

using nlohmann::json;
using vellum::u64;
using vellum::usize;

namespace {

constexpr usize remembered_changes = usize{1} << 16, change_buckets = usize{1} << 15,
                remembered_code_stores = usize{1} << 15, most_findings = 200, remembered_traps = 8192,
                decoded_pages = 512;
constexpr usize most_blamed = 32;
constexpr usize sector_bytes = 512;
// The past: contents of pages, as many as the guest has and some more, but the tab has a bound.
constexpr usize past_beyond_ram = usize{32} << 20, longest_past = usize{256} << 20;
constexpr usize remembered_inputs = 65536, remembered_input_bytes = usize{1} << 20;
// A step back costs at most this many instructions executed again.
constexpr u64 steps_between_snapshots = 2'000'000;
constexpr usize longest_console = usize{256} << 10;

std::string hex(u64 value) { return fmt::format("{:#x}", value); }

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
  table_pages_.assign(ram_.size() / vellum::page_bytes, 0);
  changes_.assign(remembered_changes, {});
  buckets_.assign(change_buckets, 0);
  code_stores_.assign(remembered_code_stores, {});
  asid_fences_.assign(vellum::max_harts * vellum::HartFences::asids, 0);
  found_.assign(most_findings, {});
  traps_.assign(remembered_traps, {});
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
  guest->names_ = std::make_unique<Names>(guest->kernel_);
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
  judges_ = std::make_unique<vellum::Judges>(
      vellum::JudgeStorage{changes_, buckets_, code_stores_, asid_fences_, table_pages_, found_, traps_});
  machine_ = std::make_unique<vellum::Judges::JudgedMachine>(
      vellum::Configuration{.harts = wish_.harts, .seed = wish_.seed, .bootargs = wish_.bootargs},
      vellum::Storage{ram_, rom_, image_, pages_, code_}, *judges_);
  judges_->attach(*machine_);
  timeline_ = std::make_unique<vellum::Timeline<vellum::Judges>>(
      *machine_, vellum::TimelineStorage{{past_.get(), past_bytes()}, past_links_, page_marks_, input_events_, input_});
  judges_->keep_pages_with(timeline_.get());
  return true;
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
    const bool goes_on = last_stop_ == vellum::StopReason::output_full ||
                         (last_stop_ == vellum::StopReason::steps_done && machine_->schedule().steps < end);
    if (!goes_on || (!is_new && !timeline_->is_in_past())) return last_stop_;
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
  judges_->forget_stops();
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
    if (finding.now.step > now && finding.now.step <= newest()) return finding.now.step;
  }
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

json Guest::state() const {
  const auto& schedule = machine_->schedule();
  json harts = json::array();
  for (vellum::u32 i = 0; i < machine_->hart_count(); ++i) {
    const vellum::Hart& hart = machine_->hart(i);
    const bool in_kernel = hart.privilege != vellum::Privilege::user;
    harts.push_back({{"hart", i},
                     {"pc", hex(hart.pc)},
                     {"privilege", hart.privilege == vellum::Privilege::user         ? "U"
                                   : hart.privilege == vellum::Privilege::supervisor ? "S"
                                                                                     : "M"},
                     {"satp", hex(hart.satp)},
                     {"where", in_kernel ? names_->function(hart.pc) : ""},
                     {"line", in_kernel ? names_->line(hart.pc) : ""},
                     {"waiting", hart.is_waiting}});
  }
  const char* ended = timeline_->is_in_past()                         ? ""
                      : last_stop_ == vellum::StopReason::powered_off ? "powered off"
                      : last_stop_ == vellum::StopReason::reset       ? "reset"
                                                                      : "";
  return {{"step", schedule.steps},
          {"newest", newest()},
          {"oldest", oldest()},
          {"nanoseconds", schedule.nanoseconds},
          {"ended", ended},
          {"exit", machine_->exit_status()},
          {"findings", judges_->findings().size()},
          {"harts", harts}};
}

json Guest::json_of(const vellum::Moment& moment, const vellum::CallChain& callers) const {
  json chain = json::array();
  for (const u64 caller : callers) {
    if (caller == 0) break;
    const std::string line = names_->line(caller - 1);
    chain.push_back(names_->function(caller) + (line.empty() ? "" : " (" + line + ")"));
  }
  // A hart's own instruction counts as begun: the moment to go to is the one before it.
  const bool is_of_hart = moment.hart != vellum::by_device && moment.step > 0;
  return {{"step", is_of_hart ? moment.step - 1 : moment.step},
          {"hart", moment.hart == vellum::by_device ? 0 : moment.hart},
          {"pc", hex(moment.pc)},
          {"where", names_->function(moment.pc)},
          {"line", names_->line(moment.pc)},
          {"callers", chain}};
}

json Guest::json_of(const vellum::Finding& finding, usize number) const {
  json value{{"n", number},
             {"rule", vellum::name_of(finding.rule)},
             {"severity", vellum::severity_of(finding.rule) == vellum::Severity::fault ? "fault" : "note"},
             {"access", vellum::name_of(finding.kind)},
             {"text", vellum::sentence_of(finding)},
             {"address", hex(finding.address)},
             {"entry", finding.entry_address == 0 ? "" : hex(finding.entry_address)},
             {"old_entry", hex(finding.old_entry)},
             {"new_entry", hex(finding.new_entry)},
             {"old_physical", hex(finding.old_physical)},
             {"new_physical", hex(finding.new_physical)},
             {"is_allowed", finding.is_allowed_now},
             {"now", json_of(finding.now, finding.callers)}};
  if (finding.has_cause) value["cause"] = json_of(finding.cause, finding.cause_callers);
  return value;
}

json Guest::findings(usize after) const {
  json list = json::array();
  const auto all = judges_->findings();
  for (usize i = after; i < all.size(); ++i) list.push_back(json_of(all[i], i));
  return list;
}

json Guest::json_of(const vellum::EntryChange& change) const {
  return {{"by", json_of(change.by, change.callers)},
          {"device", change.by.hart == vellum::by_device},
          {"old", hex(change.old_value)},
          {"new", hex(change.new_value)}};
}

u64 Guest::value_at(u64 address) const {
  std::array<vellum::u8, sizeof(u64)> bytes{};
  (void)machine_->read_physical(address, bytes);
  return std::bit_cast<u64>(bytes);
}

/// Who stored what stands there, before any walk had read it and the judges knew that it is an entry: found by going
/// to ever closer moments of the past. Comes back to where it began.
std::optional<vellum::EntryChange> Guest::search_writer(u64 address) {
  const u64 here = machine_->schedule().steps, value = value_at(address);
  u64 before = oldest(), after = here;
  go_to(before);
  std::optional<vellum::EntryChange> found;
  if (value_at(address) != value) {
    while (after - before > 1) {
      const u64 middle = before + (after - before) / 2;
      go_to(middle);
      (value_at(address) == value ? after : before) = middle;
    }
    go_to(before);
    found = vellum::EntryChange{.address = address, .old_value = value_at(address), .new_value = value};
    found->by = {after, 0, vellum::by_device};
    std::array<u64, vellum::max_harts> steps{}, pcs{};
    std::array<vellum::CallChain, vellum::max_harts> chains{};
    for (vellum::u32 i = 0; i < machine_->hart_count(); ++i) {
      const vellum::Hart& hart = machine_->hart(i);
      steps[i] = hart.steps;
      pcs[i] = hart.pc;
      chains[i] = judges_->callers_of(hart);
    }
    go_to(after);
    for (vellum::u32 i = 0; i < machine_->hart_count(); ++i) {
      if (machine_->hart(i).steps == steps[i]) continue;
      found->by = {after, pcs[i], i};
      found->callers = chains[i];
    }
  }
  go_to(here);
  return found;
}

json Guest::blame(u64 entry_address) {
  json list = json::array();
  entry_address &= ~u64{7};
  const auto& history = judges_->history();
  const vellum::EntryChange* change = history.newest(entry_address);
  for (; change != nullptr && list.size() < most_blamed; change = history.before(*change)) {
    if (change->by.step <= machine_->schedule().steps) list.push_back(json_of(*change));
  }
  if (list.empty()) {
    if (const auto found = search_writer(entry_address)) list.push_back(json_of(*found));
  }
  return list;
}

}  // namespace page
