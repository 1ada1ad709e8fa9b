// SPDX-License-Identifier: MIT
#include "syscall/call_table.hpp"

#include <array>

namespace calls {

namespace {

u64 just_refuse(process::Process&) { return failed; }
constinit Handler refusal = just_refuse;

u64 refuse(process::Process& self) { return refusal(self); }

constexpr CallEntry no_call{refuse, "unknown"};

constexpr auto empty_table = [] {
  std::array<CallEntry, call_numbers> table;
  table.fill(no_call);
  return table;
}();

constinit std::array<CallEntry, call_numbers> table = empty_table;  // number 0 is no call
constinit CallBlock* newest_block = nullptr;

/// The newest call of this name, or null.
const NamedCall* find_call(std::string_view name) {
  for (const CallBlock* block = newest_block; block != nullptr; block = block->next) {
    for (const NamedCall& call : block->calls) {
      if (name == call.name) return &call;
    }
  }
  return nullptr;
}

}  // namespace

void set_refusal(Handler handler) { refusal = handler; }

void register_calls(CallBlock& block) {
  block.next = newest_block;
  newest_block = &block;
  for (const NamedCall& call : block.calls) {
    const u64 number = static_cast<u64>(call.number);
    if (call.number != unnumbered && number < call_numbers) table[number] = {call.handler, call.name};
  }
}

bool number_call(u64 number, std::string_view name) {
  if (number == 0 || number >= call_numbers) return false;
  const NamedCall* const call = find_call(name);
  table[number] = call != nullptr ? CallEntry{call->handler, call->name} : no_call;
  return call != nullptr;
}

bool is_call(u64 number) { return call_at(number).handler != refuse; }

const CallEntry& call_at(u64 number) { return table[number < call_numbers ? number : 0]; }

}  // namespace calls
