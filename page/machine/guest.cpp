#include "page/machine/guest.hpp"

#include <fmt/format.h>

#include <array>

#include "page/machine/machine_look.hpp"
#include "vellum/machine/elf.hpp"

namespace page {

using nlohmann::json;
using vellum::u64;
using vellum::usize;

namespace {

constexpr usize remembered_changes = usize{1} << 16, change_buckets = usize{1} << 15, remembered_code_stores = usize{1} << 15,
                most_findings = 200, decoded_pages = 512;
constexpr usize most_blamed = 32;

std::string hex(u64 value) { return fmt::format("{:#x}", value); }

const char* word_of(vellum::AccessKind kind) {
  switch (kind) {
    case vellum::AccessKind::fetch: return "fetch";
    case vellum::AccessKind::load: return "load";
    case vellum::AccessKind::store: return "store";
  }
  return "";
}

std::string sentence(const vellum::Finding& finding) {
  const std::string access = fmt::format("A {} at {:#x}", word_of(finding.kind), finding.address);
  switch (finding.rule) {
    case vellum::Rule::stale_translation:
      return finding.is_allowed_now
                 ? fmt::format("{} reaches {:#x}, but without a fence since the entry was changed the hart may still go to {:#x}.",
                               access, finding.new_physical, finding.old_physical)
                 : fmt::format("{} is refused by the tables now, but without a fence since the entry was changed the hart "
                               "may still allow it, at {:#x}.",
                               access, finding.old_physical);
    case vellum::Rule::stale_after_satp:
      return fmt::format("{} may still be translated by the tables that satp named before, to {:#x}: they were left without "
                         "a fence and have the same ASID.",
                         access, finding.old_physical);
    case vellum::Rule::stale_code:
      return fmt::format("The instruction at {:#x} was stored after this hart's last fence.i: the hart may still execute what "
                         "stood there before.",
                         finding.address);
    case vellum::Rule::reserved_entry:
      return fmt::format("{} meets the entry {:#x}, whose encoding is reserved.", access, finding.new_entry);
    case vellum::Rule::misaligned_superpage:
      return fmt::format("{} meets the superpage {:#x}, whose frame is not a multiple of its size.", access, finding.new_entry);
  }
  return {};
}

}  // namespace

void Guest::make_memory() {
  ram_.assign(usize{wish_.megabytes} << 20, 0);
  rom_.assign(vellum::page_bytes, 0);
  image_ = image_as_given_;
  pages_.assign(vellum::Memory::pages_for(ram_.size(), image_.size()), {});
  code_.resize(decoded_pages);
  table_pages_.assign(ram_.size() / vellum::page_bytes, 0);
  changes_.assign(remembered_changes, {});
  buckets_.assign(change_buckets, 0);
  code_stores_.assign(remembered_code_stores, {});
  asid_fences_.assign(vellum::max_harts * vellum::HartFences::asids, 0);
  found_.assign(most_findings, {});
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
  guest->image_as_given_ = std::move(image);
  guest->names_ = std::make_unique<Names>(guest->kernel_);
  guest->start_anew();
  if (!guest->machine_) {
    why = "the kernel does not fit into the machine's memory at 0x80000000";
    return nullptr;
  }
  return guest;
}

void Guest::start_anew() {
  api_ = nullptr;
  look_ = nullptr;
  source_ = nullptr;
  machine_ = nullptr;
  make_memory();
  const auto elf = vellum::read_elf(kernel_);
  if (!elf || !vellum::load_elf(kernel_, *elf, vellum::map::ram_base, ram_)) return;
  judges_ = std::make_unique<vellum::Judges>(
      vellum::JudgeStorage{changes_, buckets_, code_stores_, asid_fences_, table_pages_, found_});
  machine_ = std::make_unique<vellum::Judges::JudgedMachine>(
      vellum::Configuration{.harts = wish_.harts, .seed = wish_.seed, .bootargs = wish_.bootargs},
      vellum::Storage{ram_, rom_, image_, pages_, code_}, *judges_);
  judges_->attach(*machine_);
  make_explorer();
}

void Guest::type(std::span<const vellum::u8> bytes) {
  const auto& now = machine_->schedule();
  std::erase_if(typed_, [&](const Typed& typed) { return typed.step > now.steps; });
  typed_.push_back({now.steps, now.nanoseconds, {bytes.begin(), bytes.end()}});
  newest_ = now.steps;
  machine_->feed(bytes);
}

void Guest::go_to(u64 step) {
  newest_ = newest();
  if (step < machine_->schedule().steps) start_anew();
  judges_->forget_stops();
  const auto run_to = [this](u64 target) {
    std::array<vellum::u8, 4096> printed;
    while (machine_->schedule().steps < target) {
      const auto reason = machine_->run(target - machine_->schedule().steps);
      if (reason == vellum::StopReason::output_full) {
        while (machine_->take_output(printed) != 0) {
        }
      } else if (reason != vellum::StopReason::steps_done) {
        return;
      }
    }
  };
  for (const Typed& typed : typed_) {
    if (typed.step < machine_->schedule().steps) continue;  // it has been typed already
    if (typed.step >= step) break;
    run_to(typed.step);
    machine_->advance_to(typed.nanoseconds);
    machine_->feed({reinterpret_cast<const vellum::u8*>(typed.text.data()), typed.text.size()});
  }
  run_to(step);
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
  look_ = std::make_unique<MachineLook>(*source_, *machine_);
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
  return {{"step", schedule.steps},
          {"newest", newest()},
          {"oldest", 0},
          {"nanoseconds", schedule.nanoseconds},
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
  return {{"step", moment.step},
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
             {"text", sentence(finding)},
             {"address", hex(finding.address)},
             {"entry", finding.entry_address == 0 ? "" : hex(finding.entry_address)},
             {"old_entry", hex(finding.old_entry)},
             {"new_entry", hex(finding.new_entry)},
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

json Guest::blame(u64 entry_address) const {
  json list = json::array();
  const auto& history = judges_->history();
  for (const vellum::EntryChange* change = history.newest(entry_address & ~u64{7}); change != nullptr && list.size() < most_blamed;
       change = history.before(*change)) {
    list.push_back({{"by", json_of(change->by, change->callers)},
                    {"device", change->by.hart == vellum::by_device},
                    {"old", hex(change->old_value)},
                    {"new", hex(change->new_value)}});
  }
  return list;
}

}  // namespace page
