// SPDX-License-Identifier: MIT
#include "vellum/debug/location.hpp"

#include <array>

namespace vellum::debug {
namespace {

constexpr std::string_view section = ".debug_info";
constexpr std::string_view broken = "a location expression is broken";

/// What makes `code` impossible to answer without the running program; empty when that is not the trouble.
std::string_view why_not(u8 code) {
  switch (code) {
    case op::form_tls_address:
    case op::gnu_push_tls_address: return "the variable is thread-local: each thread has its own";
    case op::entry_value:
    case op::gnu_entry_value: return "the value is the one that a register had when the function was entered";
    case op::piece: return "the object was taken apart into pieces by the compiler";
    case op::call_frame_cfa: return "the location depends on the call frame";
    default: return {};
  }
}

/// The stack machine of section 2.5. It has no jumps, so that it ends with the expression.
class Machine {
 public:
  Machine(const Dwarf& dwarf, const Unit& unit, Bytes expression)
      : dwarf_(dwarf), unit_(unit), in_(expression, section) {}

  void push(u64 value) {
    if (depth_ == stack_.size())
      wrong_ = broken;
    else
      stack_[depth_++] = value;
  }

  Result<Location> run() {
    while (!in_.at_end() && wrong_.empty()) {
      if (found_) return fail("a location expression goes on after its end", section, unit_.begin);
      step(in_.byte());
    }
    if (wrong_.empty() && !in_.ok()) wrong_ = broken;
    if (!wrong_.empty()) return fail(wrong_, section, unit_.begin);
    if (found_) return *found_;
    if (depth_ == 0) return Location{};
    return Location{Location::Kind::address, stack_[depth_ - 1], 0};
  }

 private:
  u64 pop() {
    if (depth_ == 0) {
      wrong_ = broken;
      return 0;
    }
    return stack_[--depth_];
  }

  void found(Location::Kind kind, u64 value, u64 number) { found_ = Location{kind, value, number}; }

  void step(u8 code) {
    if (code >= op::lit0 && code <= op::lit31) return push(code - op::lit0);
    if (code >= op::reg0 && code <= op::reg31) return found(Location::Kind::in_register, 0, code - op::reg0);
    if (code >= op::breg0 && code <= op::breg31)
      return found(Location::Kind::at_register, static_cast<u64>(in_.sleb()), code - op::breg0);
    switch (code) {
      case op::addr:
      case op::const8u:
      case op::const8s: return push(in_.giant());
      case op::const1u: return push(in_.byte());
      case op::const2u: return push(in_.half());
      case op::const4u: return push(in_.word());
      case op::const1s: return push(static_cast<u64>(static_cast<std::int8_t>(in_.byte())));
      case op::const2s: return push(static_cast<u64>(static_cast<std::int16_t>(in_.half())));
      case op::const4s: return push(static_cast<u64>(static_cast<std::int32_t>(in_.word())));
      case op::constu: return push(in_.uleb());
      case op::consts: return push(static_cast<u64>(in_.sleb()));
      case op::addrx:
      case op::constx:
      case op::gnu_addr_index: return push_indexed(in_.uleb());
      case op::plus_uconst: return push(pop() + in_.uleb());
      case op::regx: return found(Location::Kind::in_register, 0, in_.uleb());
      case op::fbreg: return found(Location::Kind::at_frame, static_cast<u64>(in_.sleb()), 0);
      case op::bregx: {
        const u64 number = in_.uleb();
        return found(Location::Kind::at_register, static_cast<u64>(in_.sleb()), number);
      }
      case op::stack_value: return found(Location::Kind::constant, pop(), 0);
      case op::nop: return;
      default: return arithmetic(code);
    }
  }

  void arithmetic(u8 code) {
    if (code == op::drop || code == op::dup) {
      const u64 top = pop();
      if (code == op::dup) push(top), push(top);
      return;
    }
    const bool known = code == op::plus || code == op::minus || code == op::mul || code == op::and_ ||
                       code == op::or_ || code == op::shl;
    if (!known) {
      const std::string_view why = why_not(code);
      wrong_ = why.empty() ? "a location expression asks for more than can be known without running the program" : why;
      return;
    }
    const u64 right = pop();
    const u64 left = pop();
    switch (code) {
      case op::plus: return push(left + right);
      case op::minus: return push(left - right);
      case op::mul: return push(left * right);
      case op::and_: return push(left & right);
      case op::or_: return push(left | right);
      default: return push(right < 64 ? left << right : 0);
    }
  }

  void push_indexed(u64 index) {
    const auto address = dwarf_.indexed_address(unit_, index);
    if (!address) {
      wrong_ = address.error().words;
      return;
    }
    push(*address);
  }

  const Dwarf& dwarf_;
  const Unit& unit_;
  Reader in_;
  std::array<u64, 16> stack_{};
  usize depth_ = 0;
  std::optional<Location> found_;
  std::string_view wrong_;
};

}  // namespace

Result<Location> evaluate(const Dwarf& dwarf, const Unit& unit, Bytes expression, std::optional<u64> start) {
  Machine machine(dwarf, unit, expression);
  if (start) machine.push(*start);
  return machine.run();
}

Result<Location> location_at(const Dwarf& dwarf, const Entry& entry, u64 pc) {
  const auto attribute = entry.find(at::location);
  if (!attribute) return Location{};
  if (const auto expression = Dwarf::block(*attribute)) return evaluate(dwarf, entry.unit(), *expression);
  auto list = RangeList::of_locations(dwarf, entry.unit(), *attribute);
  if (!list) return std::unexpected(list.error());
  for (;;) {
    const auto more = list->next();
    if (!more) return std::unexpected(more.error());
    if (!*more) return Location{};
    if (list->range().contains(pc)) return evaluate(dwarf, entry.unit(), list->expression());
  }
}

Result<std::optional<u64>> fixed_address(const Dwarf& dwarf, const Entry& entry) {
  const auto attribute = entry.find(at::location);
  if (!attribute) return std::nullopt;
  const auto expression = Dwarf::block(*attribute);
  // A list is for what moves about.
  if (!expression) return std::nullopt;
  const auto location = evaluate(dwarf, entry.unit(), *expression);
  if (!location) return std::unexpected(location.error());
  if (location->kind != Location::Kind::address) return std::nullopt;
  return location->value;
}

}  // namespace vellum::debug
