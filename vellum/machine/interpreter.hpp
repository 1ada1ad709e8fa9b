// SPDX-License-Identifier: MIT
#pragma once
// The inner loop. Each piece executes one instruction and says which is next; pieces are made from the operations of
// the table by templates, and what needs more than registers and remembered translations is called in Machine.
//
// With clang on a host, each piece ends in a jump to the next one (a guaranteed tail call): the state of the loop stays
// in registers and every piece has a jump of its own, which branch predictors like. Elsewhere it is a switch in a loop.

#include <utility>

#include "vellum/isa/meaning.hpp"
#include "vellum/machine/machine.hpp"

#if defined(__clang__) && (defined(__x86_64__) || defined(__aarch64__))
#define VELLUM_TAIL_CALLS 1
#define VELLUM_PIECE __attribute__((preserve_none))
#endif

namespace vellum {

template <Observer O>
class Interpreter {
 public:
  /// Executes at most `steps` instructions of one hart from its pc on.
  static void run(Machine<O>& machine, Hart& hart, u64 steps) {
    hart.granted = steps;
    hart.leave = false;
    Op* op = machine.enter(hart, hart.pc);
#if defined(VELLUM_TAIL_CALLS)
    dispatch(machine, hart, op, steps);
#else
    loop(machine, hart, op, steps);
#endif
  }

 private:
  using M = Machine<O>;

  template <class T>
  static T* host(u64 address) {
    return reinterpret_cast<T*>(static_cast<std::uintptr_t>(address));
  }
  /// Says where the hart is, for whoever looks at it from outside of this loop.
  static void begin_long_way(Hart& hart, u64 pc, u64 left) {
    hart.pc = pc;
    hart.left = left;
  }
  template <unsigned bytes>
  using Word =
      std::conditional_t<bytes == 1, u8, std::conditional_t<bytes == 2, u16, std::conditional_t<bytes == 4, u32, u64>>>;

  /// Whether an access of this size at `address` lies in the remembered page, at an aligned address.
  template <unsigned bytes>
  static bool hits(const DataTranslation& translation, u64 address) {
    return (address & (page_mask | (bytes - 1))) == translation.tag;
  }

  static Op* jump(M& machine, Hart& hart, u64 target, u64 left) {
    const FetchTranslation& known = hart.context->fetches[TranslationContext::fetch_slot_of(target)];
    if (known.tag != (target & page_mask)) [[unlikely]]
      return enter(machine, hart, target, left);
    hart.page_address = known.tag;
    hart.page_ops = known.ops;
    return known.ops + (target & (page_bytes - 1)) / 2;
  }

  /// Goes on at an address whose translation has to be looked for.
  static Op* enter(M& machine, Hart& hart, u64 target, u64 left) {
    hart.left = left;
    return machine.enter(hart, target);
  }

  template <Operation operation, unsigned length>
  [[gnu::always_inline]] static Op* load(M& machine, Hart& hart, Op* op, u64 left) {
    constexpr unsigned bytes = access_bytes(operation);
    const u64 address = hart.x[op->rs1] + static_cast<u64>(i64{op->immediate});
    const DataTranslation& known = hart.context->loads[TranslationContext::slot_of(address)];
    if (!hits<bytes>(known, address)) [[unlikely]]
      return load_slowly<operation, length>(machine, hart, op, left);
    Word<bytes> raw;
    copy_bytes(&raw, host<const u8>(address + known.addend), bytes);
    if constexpr (O::sees_loads) {
      begin_long_way(hart, hart.pc_of(op), left);
      const u64 physical = physical_of(machine, address + known.addend);
      machine.observer_.on_load(hart, Access{address, physical, bytes}, loaded(operation, raw));
    }
    hart.x[op->rd] = loaded(operation, raw);
    return op + length / 2;
  }

  template <Operation operation, unsigned length>
  [[gnu::noinline]] static Op* load_slowly(M& machine, Hart& hart, Op* op, u64 left) {
    const u64 address = hart.x[op->rs1] + static_cast<u64>(i64{op->immediate});
    const u64 pc = hart.pc_of(op);
    u64 raw = 0;
    begin_long_way(hart, pc, left);
    if (!machine.load(hart, address, access_bytes(operation), pc, left, raw)) return machine.enter(hart, hart.pc);
    hart.x[op->rd] = loaded(operation, raw);
    return machine.go_on(hart, op + length / 2, pc + length);
  }

  template <Operation operation, unsigned length>
  [[gnu::always_inline]] static Op* store(M& machine, Hart& hart, Op* op, u64 left) {
    constexpr unsigned bytes = access_bytes(operation);
    const u64 address = hart.x[op->rs1] + static_cast<u64>(i64{op->immediate});
    const DataTranslation& known = hart.context->stores[TranslationContext::slot_of(address)];
    if (!hits<bytes>(known, address)) [[unlikely]]
      return store_slowly<operation, length>(machine, hart, op, left);
    const auto value = static_cast<Word<bytes>>(hart.x[op->rs2]);
    if constexpr (O::sees_stores) {
      begin_long_way(hart, hart.pc_of(op), left);
      const u64 physical = physical_of(machine, address + known.addend);
      machine.observer_.on_store(hart, Access{address, physical, bytes}, value);
    }
    copy_bytes(host<u8>(address + known.addend), &value, bytes);
    return op + length / 2;
  }

  template <Operation operation, unsigned length>
  [[gnu::noinline]] static Op* store_slowly(M& machine, Hart& hart, Op* op, u64 left) {
    const u64 address = hart.x[op->rs1] + static_cast<u64>(i64{op->immediate});
    const u64 pc = hart.pc_of(op);
    begin_long_way(hart, pc, left);
    if (!machine.store(hart, address, access_bytes(operation), hart.x[op->rs2], pc, left)) {
      return machine.enter(hart, hart.pc);
    }
    return machine.go_on(hart, op + length / 2, pc + length);
  }

  static u64 physical_of(const M& machine, u64 host_address) {
    return host_address - reinterpret_cast<u64>(machine.memory_.ram().data()) + map::ram_base;
  }

  /// One instruction; the next one is what it returns.
  template <Operation operation, unsigned length, bool is_near>
  [[gnu::always_inline]] static Op* execute(M& machine, Hart& hart, Op* op, u64 left) {
    Op* const next = op + length / 2;
    const auto immediate = static_cast<u64>(i64{op->immediate});
    if constexpr (is_arithmetic(operation)) {
      hart.x[op->rd] = compute(operation, hart.x[op->rs1], hart.x[op->rs2]);
      return next;
    } else if constexpr (is_immediate(operation)) {
      hart.x[op->rd] = compute(operation, hart.x[op->rs1], immediate);
      return next;
    } else if constexpr (operation == Operation::lui) {
      hart.x[op->rd] = immediate;
      return next;
    } else if constexpr (operation == Operation::auipc) {
      hart.x[op->rd] = hart.pc_of(op) + immediate;
      return next;
    } else if constexpr (operation == Operation::jal) {
      const u64 pc = hart.pc_of(op);
      hart.x[op->rd] = pc + length;
      if constexpr (is_near) return op + op->immediate / 2;
      return jump(machine, hart, pc + immediate, left);
    } else if constexpr (operation == Operation::jalr) {
      const u64 target = (hart.x[op->rs1] + immediate) & ~u64{1};
      hart.x[op->rd] = hart.pc_of(op) + length;
      return jump(machine, hart, target, left);
    } else if constexpr (is_branch(operation)) {
      if (!is_taken(operation, hart.x[op->rs1], hart.x[op->rs2])) return next;
      if constexpr (is_near) return op + op->immediate / 2;
      return jump(machine, hart, hart.pc_of(op) + immediate, left);
    } else if constexpr (is_load(operation)) {
      return load<operation, length>(machine, hart, op, left);
    } else if constexpr (is_store(operation)) {
      return store<operation, length>(machine, hart, op, left);
    } else if constexpr (operation == Operation::fence) {
      return next;
    } else if constexpr (is_atomic(operation)) {
      begin_long_way(hart, hart.pc_of(op), left);
      return machine.atomic_instruction(hart, operation, *op, hart.pc, length);
    } else if constexpr (is_csr(operation)) {
      begin_long_way(hart, hart.pc_of(op), left);
      return machine.csr_instruction(hart, operation, *op, hart.pc, length, left);
    } else {
      begin_long_way(hart, hart.pc_of(op), left);
      return machine.system_instruction(hart, operation, *op, hart.pc, length, left);
    }
  }

  static constexpr bool is_special(u32 number) { return number >= code::undecoded && number != code::stumble; }

  /// A piece that is no instruction.
  template <u32 number>
  [[gnu::always_inline]] static Op* execute_special(M& machine, Hart& hart, Op* op, u64 left) {
    hart.left = left;
    switch (number) {
      case code::undecoded: return machine.decode_at(hart, op);
      case code::breakpoint: return machine.stop_at_break(hart, op);
      case code::crossing: return machine.decode_crossing(hart, hart.pc_of(op));
      case code::page_end: return machine.enter(hart, hart.page_address + page_bytes);
      default: return machine.enter(hart, hart.pc_of(op));  // refetch
    }
  }

  template <u32 number>
  [[gnu::always_inline]] static Op* execute_number(M& machine, Hart& hart, Op* op, u64 left) {
    if constexpr (number == code::stumble) {
      return enter(machine, hart, hart.pc_of(op), left);
    } else if constexpr (number < code::short_forms) {
      return execute<static_cast<Operation>(number), 4, false>(machine, hart, op, left);
    } else if constexpr (number < code::near_long) {
      constexpr auto operation = static_cast<Operation>(number - code::short_forms);
      return execute<operation, 2, false>(machine, hart, op, left);
    } else {
      constexpr bool is_short = number >= code::near_short;
      constexpr u32 index = number - (is_short ? code::near_short : code::near_long);
      constexpr auto operation =
          index == 0 ? Operation::jal : static_cast<Operation>(static_cast<u32>(Operation::beq) + index - 1);
      return execute<operation, is_short ? 2 : 4, true>(machine, hart, op, left);
    }
  }

  static void come_back(Hart& hart, Op* op, u64 left) {
    if (op != &hart.stop_op) hart.pc = hart.pc_of(op);
    hart.left = left;
  }

#if defined(VELLUM_TAIL_CALLS)
  using Piece = VELLUM_PIECE void (*)(M&, Hart&, Op*, u64);

  template <u32 number>
  VELLUM_PIECE static void piece(M& machine, Hart& hart, Op* op, u64 left) {
    if constexpr (number == code::stop) {
      return come_back(hart, op, left);
    } else if constexpr (is_special(number)) {
      op = execute_special<number>(machine, hart, op, left);
      [[clang::musttail]] return pieces[op->code](machine, hart, op, left);
    } else {
      if (left == 0) [[unlikely]]
        return come_back(hart, op, left);
      --left;
      if constexpr (O::sees_instructions) {
        begin_long_way(hart, hart.pc_of(op), left);
        machine.observer_.on_instruction(hart, hart.pc);
      }
      op = execute_number<number>(machine, hart, op, left);
      [[clang::musttail]] return pieces[op->code](machine, hart, op, left);
    }
  }
  template <usize... numbers>
  static constexpr std::array<Piece, sizeof...(numbers)> make_pieces(std::index_sequence<numbers...> /*all*/) {
    return {&piece<numbers>...};
  }
  static constexpr std::array<Piece, code::count> pieces = make_pieces(std::make_index_sequence<code::count>{});

  [[gnu::noinline]] static void dispatch(M& machine, Hart& hart, Op* op, u64 left) {
    pieces[op->code](machine, hart, op, left);
  }
#else
  template <u32 number>
  [[gnu::always_inline]] static bool step(M& machine, Hart& hart, Op*& op, u64& left) {
    if constexpr (number >= code::count || number == code::stop) {
      return false;
    } else if constexpr (is_special(number)) {
      op = execute_special<number>(machine, hart, op, left);
      return true;
    } else {
      if (left == 0) [[unlikely]]
        return false;
      --left;
      if constexpr (O::sees_instructions) {
        begin_long_way(hart, hart.pc_of(op), left);
        machine.observer_.on_instruction(hart, hart.pc);
      }
      op = execute_number<number>(machine, hart, op, left);
      return true;
    }
  }

#define VELLUM_CASE(n)                                                       \
  case n:                                                                    \
    if (!step<n>(machine, hart, op, left)) return come_back(hart, op, left); \
    break;
#define VELLUM_CASES_4(n) VELLUM_CASE(n) VELLUM_CASE(n + 1) VELLUM_CASE(n + 2) VELLUM_CASE(n + 3)
#define VELLUM_CASES_16(n) VELLUM_CASES_4(n) VELLUM_CASES_4(n + 4) VELLUM_CASES_4(n + 8) VELLUM_CASES_4(n + 12)
#define VELLUM_CASES_64(n) VELLUM_CASES_16(n) VELLUM_CASES_16(n + 16) VELLUM_CASES_16(n + 32) VELLUM_CASES_16(n + 48)
  [[gnu::noinline]] static void loop(M& machine, Hart& hart, Op* op, u64 left) {
    for (;;) {
      switch (op->code) {
        VELLUM_CASES_64(0)
        VELLUM_CASES_64(64)
        VELLUM_CASES_64(128)
        VELLUM_CASES_64(192)
      }
    }
  }
#undef VELLUM_CASE
#undef VELLUM_CASES_4
#undef VELLUM_CASES_16
#undef VELLUM_CASES_64
#endif
};

}  // namespace vellum
