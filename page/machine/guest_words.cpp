// SPDX-License-Identifier: MIT
// What is told of a guest, as JSON for the page.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>

#include "page/machine/guest.hpp"
#include "page/machine/past_writers.hpp"
#include "vellum/words/locks.hpp"
#include "vellum/words/sentence.hpp"
#include "vellum/words/target.hpp"

namespace page {

using nlohmann::json;
using vellum::u64;
using vellum::usize;

namespace {

constexpr usize most_blamed = 32;

std::string hex(u64 value) { return fmt::format("{:#x}", value); }

}  // namespace

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
          {"hang", json_of_hang()},
          {"harts", harts}};
}

u64 Guest::moment_before(const vellum::Moment& moment) {
  const bool is_of_hart = moment.hart != vellum::by_device && moment.step > 0;
  return is_of_hart ? moment.step - 1 : moment.step;
}

json Guest::json_of(const vellum::Moment& moment, const vellum::CallChain& callers) const {
  json chain = json::array();
  for (const u64 caller : callers) {
    if (caller == 0) break;
    const std::string line = names_->line(caller - 1);
    chain.push_back(names_->function(caller) + (line.empty() ? "" : " (" + line + ")"));
  }
  return {{"step", moment_before(moment)},
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
  json walk = json::array();
  if (number < walks_.size()) {
    for (const vellum::WalkStep& step : walks_[number]) {
      walk.push_back({{"level", step.level}, {"address", hex(step.entry_address)}, {"value", hex(step.value)}});
    }
  }
  value["walk"] = walk;
  return value;
}

json Guest::json_of(const vellum::AwaitedLock& lock) {
  return {{"name", lock.name},
          {"symbol", lock.symbol},
          {"address", hex(lock.address)},
          {"says_holder", lock.says_holder},
          {"holder", lock.holder ? json(*lock.holder) : json(nullptr)}};
}

Guest::Hang Guest::hang_now(const char* why) const {
  json harts = json::array();
  const vellum::Locks locks(*names_);
  for (vellum::u32 i = 0; i < machine_->hart_count(); ++i) {
    const vellum::Hart& hart = machine_->hart(i);
    const u64 step = machine_->schedule().steps;
    harts.push_back(json_of(vellum::Moment{step + 1, hart.pc, i}, judges_->callers_of(hart)));
    harts.back()["waiting"] = hart.is_waiting;
    const auto lock = locks.awaited_by(hart, [&](u64 address) { return machine_->look_at(i, address); });
    harts.back()["lock"] = lock ? json_of(*lock) : json(nullptr);
  }
  return {why, machine_->schedule().steps, harts};
}

json Guest::json_of_hang() const {
  if (!hang_) return nullptr;
  return {{"why", hang_->why}, {"step", hang_->step}, {"harts", hang_->harts}};
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

json Guest::blame(u64 entry_address) {
  json list = json::array();
  entry_address &= ~u64{sizeof(u64) - 1};
  const u64 now = machine_->schedule().steps;
  u64 told_back_to = now;
  const auto& history = judges_->history();
  const vellum::EntryChange* change = history.newest(entry_address);
  for (; change != nullptr && list.size() < most_blamed; change = history.before(*change)) {
    if (change->by.step > now) continue;
    list.push_back(json_of(*change));
    told_back_to = std::min(told_back_to, change->by.step - 1);
  }
  // What stood there before a walk had read it, and the judges knew that it is an entry, is in the past.
  const bool is_ram = machine_->memory().is_ram(entry_address, sizeof(u64));
  if (list.size() < most_blamed && is_ram) {
    for (const auto& earlier : search_writers(entry_address, told_back_to, most_blamed - list.size())) {
      list.push_back(json_of(earlier));
    }
  }
  return list;
}

std::vector<vellum::EntryChange> Guest::search_writers(u64 address, u64 before, usize most) {
  const u64 here = machine_->schedule().steps;
  judges_->forget_stops();
  judges_->pay(vellum::Attention::away);
  PastWriters writers(*machine_, *judges_, *timeline_, address);
  auto found = writers.search(before, most);
  go_to(here);
  return found;
}

}  // namespace page
