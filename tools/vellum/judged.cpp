// SPDX-License-Identifier: MIT
#include "tools/vellum/judged.hpp"

#include <algorithm>
#include <utility>

#include "vellum/words/sentence.hpp"
#include "vellum/words/target.hpp"

namespace vellum_tool {

namespace {

using vellum::StopReason;
using vellum::u64;
using vellum::WhenIdle;

constexpr vellum::JudgeLimits limits{.changes = std::size_t{1} << 17,
                                     .change_buckets = std::size_t{1} << 16,
                                     .code_stores = std::size_t{1} << 16,
                                     .findings = 200,
                                     .traps = 0};

vellum::StopAt stop_of(Until until) {
  switch (until) {
    case Until::trap: return vellum::StopAt::trap;
    case Until::page_fault: return vellum::StopAt::page_fault;
    case Until::satp_write: return vellum::StopAt::satp_write;
    case Until::finding: return vellum::StopAt::finding;
    case Until::function_return:
    case Until::nothing: break;
  }
  return vellum::StopAt::nothing;
}

}  // namespace

JudgesHolder::JudgesHolder(std::size_t ram_bytes) : memory_(limits, ram_bytes), judges_(memory_.storage()) {}

Judged::Judged(const Parts& parts, const Settings& settings, const vellum::Names& names)
    : JudgesHolder(parts.ram.bytes().size()),
      MachineVm<vellum::Judges>(parts, settings, judges_),
      settings_(settings),
      names_(names),
      frame_table_(names) {
  judges_.attach(machine());
  tell_judges();
}

/// Where the kernel has what the judges look for.
void Judged::tell_judges() {
  judges_.judge_only(settings_.rules.value_or(~u64{0}));
  vellum::acquaint(judges_, names_, {settings_.allocate, settings_.release, settings_.panic}, frame_table_);
  judges_.stop_at(stop_of(settings_.until));
  judges_.also_stop_at(vellum::StopAt::finding);
  if (settings_.until == Until::function_return) {
    (void)judges_.stop_at_return_of(names_.range_of(settings_.until_function).begin);
    judges_.also_stop_at(vellum::StopAt::finding);
  }
}

bool Judged::restart() {
  if (!MachineVm<vellum::Judges>::restart()) return false;
  judges_.forget_pages();
  // A hart that comes out of reset holds nothing.
  for (unsigned i = 0; i < hart_count(); ++i) {
    judges_.on_fence(machine().hart(i), false, 0, false, 0);
    judges_.on_fence_i(machine().hart(i));
  }
  return true;
}

StopReason Judged::run(u64 steps, WhenIdle when_idle) {
  const u64 end = schedule().steps + steps;
  while (true) {
    const StopReason reason = machine().run(end - schedule().steps, when_idle);
    tell_new_findings();
    if (reason != StopReason::asked) return reason;
    const bool only_a_finding = judges_.stopped_at() == vellum::StopAt::finding && settings_.until != Until::finding;
    if (!only_a_finding) return reason;
    if (schedule().steps >= end) return StopReason::steps_done;
  }
}

std::vector<vellum::WalkStep> Judged::walk_to(unsigned hart, u64 address, vellum::AccessKind kind) {
  return vellum::way_to(machine().memory(), machine().hart(hart).satp, address, kind);
}

void Judged::tell_new_findings() {
  const auto findings = judges_.findings();
  for (; told_ < findings.size(); ++told_) {
    const vellum::Finding& finding = findings[told_];
    const auto walk =
        has_walk(finding) ? walk_to(finding.now.hart, finding.address, finding.kind) : std::vector<vellum::WalkStep>{};
    reports_ += settings_.json ? describe_as_json(finding, names_, walk) : describe(finding, names_, walk);
    panicked_ |= finding.rule == vellum::Rule::panic;
    has_faults_ |= severity_of(finding.rule) == vellum::Severity::fault;
  }
}

std::string Judged::leaks() {
  judges_.judge_leaks();
  tell_new_findings();
  return take_reports();
}

std::string Judged::blame(u64 address) {
  std::string text = "vellum: the way to " + vellum::in_hex(address) + "\n";
  for (const vellum::WalkStep& step : walk_to(0, address, vellum::AccessKind::load)) {
    text += "  level " + std::to_string(step.level) + ": the entry at " + vellum::in_hex(step.entry_address) + " is " +
            vellum::in_hex(step.value) + "\n";
    const vellum::EntryChange* change = judges_.history().newest(step.entry_address);
    if (change == nullptr) text += "    written before a walk first read its table, or too long ago\n";
    for (int shown = 0; change != nullptr && shown < 8; ++shown) {
      text += describe(*change, names_);
      change = judges_.history().before(*change);
    }
  }
  return text;
}

std::string Judged::when(u64 address) {
  struct Change {
    const vellum::EntryChange* store;
    vellum::u32 level;
  };
  std::vector<Change> changes;
  const auto way = walk_to(0, address, vellum::AccessKind::load);
  for (const vellum::WalkStep& step : way) {
    const vellum::EntryChange* change = judges_.history().newest(step.entry_address);
    for (; change != nullptr; change = judges_.history().before(*change)) changes.push_back({change, step.level});
  }
  std::ranges::sort(changes, {}, [](const Change& change) { return change.store->tick; });
  std::string text = "vellum: " + vellum::in_hex(address) + " leads to " + describe(vellum::target_of(way)) + "\n";
  if (changes.empty()) text += "  nothing on the way was changed after a walk first read it\n";
  for (const Change& change : changes) {
    text += "  instruction " + std::to_string(change.store->by.step) + ", level " + std::to_string(change.level) +
            ": " + vellum::change_in_words(change.store->old_value, change.store->new_value, change.level) + "\n" +
            describe(*change.store, names_);
  }
  return text;
}

std::optional<u64> parse_rules(std::string_view list) {
  if (list == "all") return ~u64{0};
  if (list == "none") return 0;
  u64 rules = 0;
  while (true) {
    const auto comma = list.find(',');
    const std::string_view word = list.substr(0, comma);
    u64 bit = 0;
    for (std::size_t rule = 0; rule < vellum::rule_count; ++rule) {
      if (word == name_of(static_cast<vellum::Rule>(rule))) bit = u64{1} << rule;
    }
    if (bit == 0) return std::nullopt;
    rules |= bit;
    if (comma == std::string_view::npos) return rules;
    list.remove_prefix(comma + 1);
  }
}

}  // namespace vellum_tool
