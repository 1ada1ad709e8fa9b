// SPDX-License-Identifier: MIT
#include "tools/vellum/report.hpp"

#include "vellum/words/locks.hpp"
#include "vellum/words/sentence.hpp"
#include "vellum/words/sleepers.hpp"

namespace vellum_tool {

namespace {

using vellum::in_hex;
using vellum::u64;

/// A return address belongs to the call before it.
constexpr u64 call_of(u64 returns_to) { return returns_to - 1; }

std::string who(const vellum::Moment& moment, const vellum::Names& names) {
  const std::string when = ", instruction " + std::to_string(moment.step);
  if (moment.hart == vellum::by_device) return "a device, by DMA" + when;
  return "hart " + std::to_string(moment.hart) + ", " + names.place(moment.pc) + when;
}

/// The functions that the place was expanded into: its own line may stand in any of many.
std::string expanded_in(u64 address, const vellum::Names& names) {
  std::string text;
  for (const std::string& outer : names.around(address)) text += "            expanded in " + outer + "\n";
  return text;
}

std::string expanded_in(const vellum::Moment& moment, const vellum::Names& names) {
  return moment.hart == vellum::by_device ? std::string() : expanded_in(moment.pc, names);
}

std::string called_from(const vellum::CallChain& callers, const vellum::Names& names) {
  std::string text;
  for (const u64 caller : callers) {
    if (caller == 0) break;
    text += "            called from " + names.place(call_of(caller)) + "\n" + expanded_in(call_of(caller), names);
  }
  return text;
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return out + '"';
}

std::string list_of(std::span<const std::string> texts) {
  std::string list;
  for (const std::string& text : texts) list += (list.empty() ? "" : ",") + quoted(text);
  return "[" + list + "]";
}

std::string moment_as_json(const vellum::Moment& moment, const vellum::CallChain& callers, const vellum::Names& names) {
  std::string text = "{\"instruction\":" + std::to_string(moment.step);
  if (moment.hart == vellum::by_device) return text + ",\"device\":true}";
  text += ",\"hart\":" + std::to_string(moment.hart) + ",\"pc\":" + quoted(in_hex(moment.pc)) +
          ",\"function\":" + quoted(names.function(moment.pc)) + ",\"line\":" + quoted(names.line(moment.pc)) +
          ",\"around\":" + list_of(names.around(moment.pc)) + ",\"callers\":[";
  for (std::size_t i = 0; i < callers.size() && callers[i] != 0; ++i) {
    text += (i == 0 ? "" : ",") + quoted(names.place(call_of(callers[i])));
    for (const std::string& outer : names.around(call_of(callers[i]))) text += "," + quoted(outer);
  }
  return text + "]}";
}

const char* name_of(vellum::Severity severity) { return severity == vellum::Severity::fault ? "fault" : "note"; }

}  // namespace

std::string describe(const vellum::Finding& finding, const vellum::Names& names,
                     std::span<const vellum::WalkStep> walk) {
  std::string text = std::string("vellum: ") + name_of(severity_of(finding.rule)) + ": " + name_of(finding.rule) +
                     " (" + source_of(finding.rule) + ")\n    " + sentence_of(finding) + "\n";
  text += "    here:   " + who(finding.now, names) + "\n" + expanded_in(finding.now, names) +
          called_from(finding.callers, names);
  if (finding.has_cause) {
    text += "    cause:  " + who(finding.cause, names) + "\n" + expanded_in(finding.cause, names) +
            called_from(finding.cause_callers, names);
  }
  if (finding.entry_address != 0) {
    text += "    entry:  at " + in_hex(finding.entry_address) + " was " + in_hex(finding.old_entry) + ", is " +
            in_hex(finding.new_entry) + "\n";
  }
  for (const vellum::WalkStep& step : walk) {
    text += "    walk:   level " + std::to_string(step.level) + ": " + in_hex(step.value) + " at " +
            in_hex(step.entry_address) + "\n";
  }
  return text;
}

std::string describe_as_json(const vellum::Finding& finding, const vellum::Names& names,
                             std::span<const vellum::WalkStep> walk) {
  std::string text = "{\"rule\":" + quoted(name_of(finding.rule)) +
                     ",\"severity\":" + quoted(name_of(severity_of(finding.rule))) +
                     ",\"text\":" + quoted(sentence_of(finding)) + ",\"address\":" + quoted(in_hex(finding.address)) +
                     ",\"now\":" + moment_as_json(finding.now, finding.callers, names);
  if (finding.has_cause) text += ",\"cause\":" + moment_as_json(finding.cause, finding.cause_callers, names);
  if (finding.entry_address != 0) {
    text += ",\"entry\":{\"address\":" + quoted(in_hex(finding.entry_address)) +
            ",\"old\":" + quoted(in_hex(finding.old_entry)) + ",\"new\":" + quoted(in_hex(finding.new_entry)) + "}";
  }
  text += ",\"walk\":[";
  for (const vellum::WalkStep& step : walk) {
    text += std::string(&step == walk.data() ? "" : ",") + "{\"level\":" + std::to_string(step.level) +
            ",\"address\":" + quoted(in_hex(step.entry_address)) + ",\"value\":" + quoted(in_hex(step.value)) + "}";
  }
  return text + "]}\n";
}

namespace {

/// The lock that a hart turns on, and who holds it.
std::string describe(const vellum::AwaitedLock& lock, unsigned hart) {
  std::string text = "            waits for the lock " + lock.name + " (" +
                     (lock.symbol.empty() ? "" : lock.symbol + ", ") + "at " + in_hex(lock.address) + "), ";
  if (lock.holder == hart) return text + "held by itself";
  if (lock.holder) return text + "held by hart " + std::to_string(*lock.holder);
  return text + (lock.says_holder ? "held by no hart that is known" : "whose holder this kernel does not write down");
}

}  // namespace

std::string describe_harts(const Vm& machine, const vellum::Names& names) {
  std::string text;
  const vellum::Locks locks(names);
  vellum::Waiting waiting;
  for (unsigned i = 0; i < machine.hart_count(); ++i) {
    const vellum::HartState& hart = machine.hart_state(i);
    constexpr std::array<const char*, 4> privileges{"user", "supervisor", "", "machine"};
    const char* privilege = privileges[static_cast<std::size_t>(hart.privilege)];
    const bool open = (hart.mstatus &
                       (hart.privilege == vellum::Privilege::machine ? vellum::status::mie : vellum::status::sie)) != 0;
    text += "    hart " + std::to_string(i) + (hart.is_waiting ? ": waits (wfi) at " : ": runs at ") +
            names.place(hart.pc) + ", in " + privilege + " mode" +
            (hart.privilege == vellum::Privilege::user || open ? "" : ", interrupts off") + "\n";
    waiting.push_back(locks.awaited_by(hart, [&](u64 address) { return machine.word_at(i, address); }));
    if (waiting.back()) text += describe(*waiting.back(), i) + "\n";
    if (hart.privilege == vellum::Privilege::user) continue;
    u64 last = hart.x[1];
    text += "            called from " + names.place(call_of(last)) + "\n";
    u64 frame = hart.x[8];
    for (int depth = 0; depth < 8; ++depth) {
      const auto returns_to = machine.word_at(i, frame - 8), outer = machine.word_at(i, frame - 16);
      if (!returns_to || !outer || *returns_to == 0) break;
      if (*returns_to != last) text += "            called from " + names.place(call_of(*returns_to)) + "\n";
      last = *returns_to;
      if (*outer <= frame) break;
      frame = *outer;
    }
  }
  if (const std::string circle = circle_of(waiting); !circle.empty()) text += "    a circle: " + circle + "\n";
  const vellum::Sleepers sleepers(names);
  const auto any_hart_sees = [&](u64 address) -> std::optional<u64> {
    for (unsigned i = 0; i < machine.hart_count(); ++i) {
      if (const auto word = machine.word_at(i, address)) return word;
    }
    return std::nullopt;
  };
  return text + describe(sleepers.all(any_hart_sees));
}

std::string describe(const vellum::EntryChange& change, const vellum::Names& names) {
  return "    " + in_hex(change.old_value) + " -> " + in_hex(change.new_value) + " by " + who(change.by, names) + "\n" +
         called_from(change.callers, names);
}

}  // namespace vellum_tool
