// SPDX-License-Identifier: MIT
#pragma once
// Instructions that are more than arithmetic and plain accesses, and how the interpreter finds the next one.

#include <algorithm>
#include <utility>

#include "vellum/isa/meaning.hpp"
#include "vellum/machine/machine.hpp"

namespace vellum {

/// The decoded instruction at a virtual address; where a trap leads, if there is none to be had.
template <Observer O>
Op* Machine<O>::enter(Hart& hart, u64 pc) {
  hart.refetch = false;
  if (hart.leave) return leave_at(hart, pc);
  const u64 page = pc & page_mask;
  const FetchTranslation& known = hart.context->fetches[TranslationContext::fetch_slot_of(pc)];
  u64 physical = 0;
  if (known.tag != page) {
    Cause cause{};
    hart.pc = pc;
    if (!resolve_or_cause(hart, pc, 2, AccessKind::fetch, physical, cause)) {
      ++hart.exceptions;
      take_trap(hart, static_cast<u64>(cause), pc, pc);
      hart.page_ops = &hart.stumble_op;
      hart.page_address = hart.pc;
      return &hart.stumble_op;
    }
    const u64 number = memory_.page_at(physical);
    if (number == Memory::not_a_page) {
      ++hart.exceptions;
      take_trap(hart, static_cast<u64>(Cause::fetch_access), pc, pc);
      hart.page_ops = &hart.stumble_op;
      hart.page_address = hart.pc;
      return &hart.stumble_op;
    }
    if constexpr (O::sees_code) observer_.on_fetch_page(hart, page, physical & page_mask);
    if (!hart.pmp.is_uniform(physical & page_mask)) return decode_crossing(hart, pc);
    hart.context->enter_fetch(page, decoded(number).ops);
  } else if constexpr (O::sees_code) {
    if (hart.page_address != page) {
      const auto leaf = look_up(hart.id, pc, AccessKind::fetch);
      if (leaf) observer_.on_fetch_page(hart, page, leaf->physical_address & page_mask);
    }
  }
  hart.page_address = page;
  hart.page_ops = known.ops;
  return known.ops + (pc & (page_bytes - 1)) / 2;
}

template <Observer O>
Op* Machine<O>::leave_at(Hart& hart, u64 pc) {
  hart.pc = pc;
  return &hart.stop_op;
}

/// After an instruction that went the long way.
template <Observer O>
Op* Machine<O>::go_on(Hart& hart, Op* next, u64 next_pc) {
  if (hart.leave) return leave_at(hart, next_pc);
  return hart.refetch ? enter(hart, next_pc) : next;
}

/// The bytes at a place of a page: four, or the last two with zeros behind them.
template <Observer O>
u32 Machine<O>::word_at(u64 page, u64 offset) const {
  u32 word = 0;
  copy_bytes(&word, memory_.bytes_of(page) + offset, std::min<u64>(4, page_bytes - offset));
  return word;
}

/// Decodes the instruction of a slot of the page that the hart runs in.
template <Observer O>
Op* Machine<O>::decode_at(Hart& hart, Op* op) {
  const auto offset = 2 * static_cast<u64>(op - hart.page_ops);
  const u64 page = reinterpret_cast<DecodedPage*>(hart.page_ops)->page;
  const u32 word = word_at(page, offset);
  if (O::sees_breaks && may_break_at(offset)) {
    op->code = code::breakpoint;
  } else if (!is_compressed(word) && offset == page_bytes - 2) {
    op->code = code::crossing;
  } else {
    *op = pack(decode(word), offset);
  }
  memory_.info(page).stores_into_code = 0;
  if constexpr (O::sees_code) {
    hart.pc = hart.pc_of(op);
    observer_.on_decode(hart, memory_.address_of(page) + offset, is_compressed(word) ? 2 : 4);
  }
  return op;
}

template <Observer O>
bool Machine<O>::may_break_at(u64 offset) const {
  const auto set = std::span(breaks_).first(break_count_);
  return std::any_of(set.begin(), set.end(), [offset](u64 pc) { return (pc & (page_bytes - 1)) == offset; });
}

template <Observer O>
bool Machine<O>::break_at(u64 pc, bool is_on) {
  auto* const end = breaks_.data() + break_count_;
  auto* const place = std::find(breaks_.data(), end, pc);
  if (is_on && place == end) {
    if (break_count_ == breaks_.size()) return false;
    breaks_[break_count_++] = pc;
  } else if (!is_on && place != end) {
    *place = breaks_[--break_count_];
  }
  // Pages are decoded by physical address: whichever has this place may be the one.
  for (DecodedPage& page : code_.all()) {
    if (page.is_in_use) page.clear_slot((pc & (page_bytes - 1)) / 2);
  }
  return true;
}

/// A place at which some address may break: asks, then executes what stands there.
template <Observer O>
Op* Machine<O>::stop_at_break(Hart& hart, Op* op) {
  const u64 pc = hart.pc_of(op);
  hart.pc = pc;
  const auto set = std::span(breaks_).first(break_count_);
  if constexpr (O::sees_breaks) {
    const bool goes_on = std::exchange(hart.broke_at, Hart::nowhere) == pc;
    if (hart.left != 0 && !goes_on && std::find(set.begin(), set.end(), pc) != set.end()) {
      observer_.on_break(hart, pc);
      if (stop_requested_) {
        hart.broke_at = pc;
        return leave_at(hart, pc);
      }
    }
  }
  const u64 offset = pc & (page_bytes - 1);
  const u64 page = reinterpret_cast<DecodedPage*>(hart.page_ops)->page;
  const u32 word = word_at(page, offset);
  return !is_compressed(word) && offset == page_bytes - 2 ? decode_crossing(hart, pc) : execute_alone(hart, pc, word);
}

/// An instruction that can't be kept in a decoded page: its halves are translated each by itself.
template <Observer O>
Op* Machine<O>::decode_crossing(Hart& hart, u64 pc) {
  u32 word = 0;
  for (u64 offset = 0; offset < 4; offset += 2) {
    if (offset == 2 && is_compressed(word)) break;
    u64 physical = 0;
    Cause cause{};
    const bool is_there = resolve_or_cause(hart, pc + offset, 2, AccessKind::fetch, physical, cause);
    const u64 page = is_there ? memory_.page_at(physical) : Memory::not_a_page;
    if (page == Memory::not_a_page) {
      ++hart.exceptions;
      take_trap(hart, static_cast<u64>(is_there ? Cause::fetch_access : cause), pc + offset, pc);
      hart.page_ops = &hart.stumble_op;
      hart.page_address = hart.pc;
      return &hart.stumble_op;
    }
    u16 half = 0;
    copy_bytes(&half, memory_.bytes_of(page) + (physical & (page_bytes - 1)), 2);
    word |= u32{half} << 8 * offset;
    if constexpr (O::sees_code) {
      hart.pc = pc;
      observer_.on_decode(hart, physical, 2);
    }
  }
  return execute_alone(hart, pc, word);
}

template <Observer O>
Op* Machine<O>::execute_alone(Hart& hart, u64 pc, u32 word) {
  hart.single[0] = pack(decode(word), not_in_page);
  hart.single[1].code = hart.single[2].code = code::refetch;
  hart.page_ops = hart.single.data();
  hart.page_address = pc;
  return hart.single.data();
}

template <Observer O>
Op* Machine<O>::csr_instruction(Hart& hart, Operation operation, const Op& op, u64 pc, u64 length, u64 left) {
  const auto number = static_cast<u32>(op.immediate);
  const bool is_immediate = operation >= Operation::csrrwi;
  const bool is_swap = operation == Operation::csrrw || operation == Operation::csrrwi;
  const bool writes = is_swap || op.rs1 != 0;
  const u64 operand = is_immediate ? op.rs1 : hart.x[op.rs1];
  const CsrSurroundings around = surroundings(hart, left);
  const std::optional<u64> old = vellum::read_csr(hart, number, around);
  if (!old || !csr_is_accessible(hart, number, writes)) {
    return system_instruction(hart, Operation::illegal, op, pc, length, left);
  }
  // What software cleared or set of mip is its own bits, not the devices' lines.
  const u64 base = number == csr::mip || number == csr::sip ? hart.software_pending : *old;
  if (writes) {
    const bool is_set = operation == Operation::csrrs || operation == Operation::csrrsi;
    const u64 value = is_swap ? operand : is_set ? base | operand : base & ~operand;
    const u64 old_satp = hart.satp;
    const CsrEffect effect = vellum::write_csr(hart, number, value, around);
    if constexpr (O::sees_fences) {
      if (number == csr::satp) observer_.on_satp(hart, old_satp, hart.satp);
    }
    if constexpr (O::forgets_at_satp) {
      if (number == csr::satp) hart.translations.clear();
    }
    hart.x[op.rd] = *old;
    if (effect.protection) hart.translations.clear();
    if (effect.regime) hart.select_context();
    if (effect.timer) hart.leave = true;
    if (effect.interrupts && take_interrupt(hart, pc + length, left)) return enter(hart, hart.pc);
    if (effect.regime || effect.protection || hart.leave) return enter(hart, pc + length);
    return hart.page_ops + (pc + length - hart.page_address) / 2;
  }
  hart.x[op.rd] = *old;
  return hart.page_ops + (pc + length - hart.page_address) / 2;
}

template <Observer O>
Op* Machine<O>::system_instruction(Hart& hart, Operation operation, const Op& op, u64 pc, u64 length, u64 left) {
  const bool is_user = hart.privilege == Privilege::user;
  const bool is_supervisor = hart.privilege == Privilege::supervisor;
  const auto forbidden_by = [&](u64 bit) { return is_user || (is_supervisor && (hart.mstatus & bit) != 0); };
  switch (operation) {
    case Operation::ecall:
      return raise(hart, static_cast<Cause>(static_cast<u64>(Cause::user_call) + static_cast<u64>(hart.privilege)), 0,
                   pc);
    case Operation::ebreak: return raise(hart, Cause::breakpoint, 0, pc);  // as QEMU: no address
    case Operation::fence_i:
      if constexpr (O::sees_fences) observer_.on_fence_i(hart);
      return enter(hart, pc + length);
    case Operation::sfence_vma:
      if (forbidden_by(status::tvm)) break;
      if constexpr (O::sees_fences) {
        observer_.on_fence(hart, op.rs1 != 0, hart.x[op.rs1], op.rs2 != 0, hart.x[op.rs2]);
      }
      return enter(hart, pc + length);
    case Operation::wfi:
      if (forbidden_by(status::tw)) break;
      hart.is_waiting = true;
      hart.leave = true;
      return leave_at(hart, pc + length);
    case Operation::sret:
    case Operation::mret: {
      const bool is_mret = operation == Operation::mret;
      if (is_mret ? hart.privilege != Privilege::machine : forbidden_by(status::tsr)) break;
      return_from_trap(hart, is_mret);
      if (take_interrupt(hart, hart.pc, left)) return enter(hart, hart.pc);
      return enter(hart, hart.pc);
    }
    default: break;
  }
  // Not an instruction here and now: its bits are the trap's value.
  u32 word = 0;
  for (u64 offset = 0; offset < 4; offset += 2) {
    if (offset == 2 && is_compressed(word)) break;
    u16 half = 0;
    if (const auto place = look_up(hart.id, pc + offset, AccessKind::fetch)) {
      (void)read_physical(place->physical_address, {reinterpret_cast<u8*>(&half), 2});
    }
    word |= u32{half} << 8 * offset;
  }
  return raise(hart, Cause::illegal_instruction, word, pc);
}

/// 3.3.2: privilege and interrupt enable go back to what they were before the trap.
template <Observer O>
void Machine<O>::return_from_trap(Hart& hart, bool from_machine) {
  u64& word = hart.mstatus;
  if (from_machine) {
    hart.privilege = static_cast<Privilege>(bits(word, 12, 11));
    word = (word & ~(status::mie | status::mpp)) | ((word & status::mpie) != 0 ? status::mie : 0) | status::mpie;
    hart.pc = hart.mepc;
  } else {
    hart.privilege = (word & status::spp) != 0 ? Privilege::supervisor : Privilege::user;
    word = (word & ~(status::sie | status::spp)) | ((word & status::spie) != 0 ? status::sie : 0) | status::spie;
    hart.pc = hart.sepc;
  }
  if (hart.privilege != Privilege::machine) word &= ~status::mprv;
  hart.select_context();
  if constexpr (O::sees_traps) observer_.on_return(hart);
}

template <Observer O>
Op* Machine<O>::atomic_instruction(Hart& hart, Operation operation, const Op& op, u64 pc, u64 length) {
  const u32 bytes = access_bytes(operation);
  const bool is_reserve = operation == Operation::lr_w || operation == Operation::lr_d;
  const bool is_conditional = operation == Operation::sc_w || operation == Operation::sc_d;
  const AccessKind kind = is_reserve ? AccessKind::load : AccessKind::store;
  const u64 address = hart.x[op.rs1], operand = hart.x[op.rs2];
  const auto next = [&] { return go_on(hart, hart.page_ops + (pc + length - hart.page_address) / 2, pc + length); };
  if (is_conditional) {
    const bool is_reserved = std::exchange(hart.has_reservation, false) && hart.reserved_address == address;
    if (!is_reserved) {
      hart.x[op.rd] = 1;  // without touching memory, as QEMU does
      return next();
    }
  }
  if (address % bytes != 0) {
    return raise(hart, is_reserve ? Cause::load_misaligned : Cause::store_misaligned, address, pc);
  }
  const auto& known = (is_reserve ? hart.context->loads : hart.context->stores)[TranslationContext::slot_of(address)];
  u64 physical = 0;
  if (known.tag == (address & page_mask)) {
    physical = address + known.addend - reinterpret_cast<u64>(memory_.ram().data()) + map::ram_base;
  } else if (!resolve(hart, address, bytes, kind, pc, physical)) {
    return enter(hart, hart.pc);
  }
  const bool is_ram = memory_.is_ram(physical, bytes);
  u64 raw = 0;
  if (is_ram) {
    copy_bytes(&raw, memory_.ram_at(physical), bytes);
  } else if (!map::boot_rom.contains(physical) || !device_read(hart, physical, bytes, 0, raw)) {
    return raise(hart, is_reserve ? Cause::load_access : Cause::store_access, address, pc);
  }
  const u64 old = bytes == 4 ? meaning::word(raw) : raw;
  if constexpr (O::sees_loads) {
    if (!is_conditional) observer_.on_load(hart, Access{address, physical, bytes}, old);
  }
  if (is_reserve) {
    hart.has_reservation = true;
    hart.reserved_address = address;
    hart.reserved_value = old;
    hart.x[op.rd] = old;
    return next();
  }
  // Another hart's store in between shows in the value; one that stored the same again does no harm.
  if (is_conditional && hart.reserved_value != old) {
    hart.x[op.rd] = 1;
    return next();
  }
  const u64 value = is_conditional ? operand : combined(operation, old, operand);
  if (is_ram) {  // ROM stays as it is
    (void)store_piece(hart, address, physical, bytes, value, 0);
    remember(hart, address, physical, AccessKind::store);
  }
  hart.x[op.rd] = is_conditional ? 0 : old;
  return next();
}

}  // namespace vellum
