// SPDX-License-Identifier: MIT
#pragma once
// Loads and stores that do not take the short way: translated by a walk, into devices, misaligned, into special pages.

#include "vellum/machine/machine.hpp"

namespace vellum {

/// Memory as the walk sees it.
template <Observer O>
struct Machine<O>::WalkMemory {
  Machine& machine;
  Hart& hart;

  std::optional<u64> read_entry(WalkStep step) {
    if (!machine.memory_.is_ram(step.entry_address, 8) ||
        !hart.pmp.allows(step.entry_address, 8, AccessKind::load, Privilege::supervisor)) {
      return std::nullopt;
    }
    machine.mark(Memory::ram_page(step.entry_address), page_flag::has_entries);
    copy_bytes(&step.value, machine.memory_.ram_at(step.entry_address), 8);
    if constexpr (O::sees_walks) machine.observer_.on_walk_step(hart, step);
    return step.value;
  }
  bool update_entry(u64 address, u64 value) {
    if (!hart.pmp.allows(address, 8, AccessKind::store, Privilege::supervisor)) return false;
    machine.store_ram(&hart, address, address, &value, 8);
    return true;
  }
};

template <Observer O>
bool Machine<O>::resolve_or_cause(Hart& hart, u64 address, u32 bytes, AccessKind kind, u64& physical, Cause& cause) {
  const Regime regime = hart.regime(kind);
  WalkMemory memory{*this, hart};
  const WalkResult result = walk(memory, address, kind, regime, configuration_.accessed_dirty);
  if constexpr (O::sees_walks) observer_.on_translation(hart, address, kind, regime, result);
  const auto choose = [kind](Cause fetch, Cause load, Cause store) {
    return kind == AccessKind::fetch ? fetch : kind == AccessKind::load ? load : store;
  };
  if (result.failure == WalkFailure::page_fault) {
    cause = choose(Cause::fetch_page, Cause::load_page, Cause::store_page);
    return false;
  }
  physical = result.translation.physical_address;
  if (result.failure || !hart.pmp.allows(physical, bytes, kind, regime.privilege)) {
    cause = choose(Cause::fetch_access, Cause::load_access, Cause::store_access);
    return false;
  }
  return true;
}

/// Translates for an access of `bytes` that does not leave its page; takes the trap if it may not be.
template <Observer O>
bool Machine<O>::resolve(Hart& hart, u64 address, u32 bytes, AccessKind kind, u64 pc, u64& physical) {
  if (const PlaceTranslation* place = hart.context->find_place(kind, address & page_mask)) {
    physical = place->physical | (address & ~page_mask);
    return true;
  }
  Cause cause{};
  if (resolve_or_cause(hart, address, bytes, kind, physical, cause)) return true;
  ++hart.exceptions;
  take_trap(hart, static_cast<u64>(cause), address, pc);
  return false;
}

/// Enters a translation for the short way, or, if something about the page forbids that, for the long one.
template <Observer O>
void Machine<O>::remember(Hart& hart, u64 address, u64 physical, AccessKind kind) {
  if (!memory_.is_ram(physical) || !hart.pmp.is_uniform(physical & page_mask)) return;
  const u64 page = Memory::ram_page(physical);
  const u8 flags = memory_.info(page).flags;
  const u8 special = kind == AccessKind::load ? page_flag::watched_load : page_flag::store_is_special;
  if ((flags & special) != 0) {
    hart.context->keep_place(kind, address & page_mask, physical & page_mask);
  } else if (kind == AccessKind::load) {
    hart.context->enter_load(address & page_mask, memory_.bytes_of(page));
  } else {
    hart.context->enter_store(address & page_mask, memory_.bytes_of(page));
  }
}

/// How many bytes of an access lie in its first page.
constexpr u32 bytes_in_first_page(u64 address, u32 bytes) {
  const u64 rest = page_bytes - (address & (page_bytes - 1));
  return rest < bytes ? static_cast<u32>(rest) : bytes;
}

template <Observer O>
bool Machine<O>::load(Hart& hart, u64 address, u32 bytes, u64 pc, u64 left, u64& value) {
  const u32 first = bytes_in_first_page(address, bytes);
  u64 physical = 0, behind = 0, high = 0;
  if (!resolve(hart, address, first, AccessKind::load, pc, physical)) return false;
  if (first < bytes && !resolve(hart, address + first, bytes - first, AccessKind::load, pc, behind)) return false;
  value = 0;
  u64 failed_at = address;
  bool is_done = load_piece(hart, address, physical, first, left, value);
  if (is_done && first < bytes) {
    failed_at = address + first;
    is_done = load_piece(hart, failed_at, behind, bytes - first, left, high);
    value |= high << 8 * first;
  }
  if (!is_done) {
    ++hart.exceptions;
    take_trap(hart, static_cast<u64>(Cause::load_access), failed_at, pc);
    return false;
  }
  if (first == bytes) remember(hart, address, physical, AccessKind::load);
  return true;
}

template <Observer O>
bool Machine<O>::load_piece(Hart& hart, u64 address, u64 physical, u32 bytes, u64 left, u64& value) {
  if (memory_.is_ram(physical, bytes)) {
    copy_bytes(&value, memory_.ram_at(physical), bytes);
    if constexpr (O::sees_watched) {
      if ((memory_.info(Memory::ram_page(physical)).flags & page_flag::watched_load) != 0) {
        observer_.on_watched(&hart, Access{address, physical, bytes}, AccessKind::load, value);
      }
    }
  } else if (!device_read(hart, physical, bytes, left, value)) {
    return false;
  }
  if constexpr (O::sees_loads) observer_.on_load(hart, Access{address, physical, bytes}, value);
  return true;
}

template <Observer O>
bool Machine<O>::store(Hart& hart, u64 address, u32 bytes, u64 value, u64 pc, u64 left) {
  const u32 first = bytes_in_first_page(address, bytes);
  u64 physical = 0, behind = 0;
  if (!resolve(hart, address, first, AccessKind::store, pc, physical)) return false;
  if (first < bytes && !resolve(hart, address + first, bytes - first, AccessKind::store, pc, behind)) return false;
  u64 failed_at = address;
  bool is_done = store_piece(hart, address, physical, first, value, left);
  if (is_done && first < bytes) {
    failed_at = address + first;
    is_done = store_piece(hart, failed_at, behind, bytes - first, value >> 8 * first, left);
  }
  if (!is_done) {
    ++hart.exceptions;
    take_trap(hart, static_cast<u64>(Cause::store_access), failed_at, pc);
    return false;
  }
  if (first == bytes) remember(hart, address, physical, AccessKind::store);
  return true;
}

template <Observer O>
bool Machine<O>::store_piece(Hart& hart, u64 address, u64 physical, u32 bytes, u64 value, u64 left) {
  if constexpr (O::sees_stores) {
    if (memory_.is_ram(physical, bytes)) observer_.on_store(hart, Access{address, physical, bytes}, value);
  }
  if (memory_.is_ram(physical, bytes)) {
    store_ram(&hart, address, physical, &value, bytes);
    return true;
  }
  if (!device_write(hart, physical, bytes, value, left)) return false;
  if constexpr (O::sees_stores) observer_.on_store(hart, Access{address, physical, bytes}, value);
  return true;
}

template <Observer O>
void Machine<O>::store_ram(Hart* hart, u64 address, u64 physical, const void* from, u64 bytes) {
  const PageInfo& info = memory_.info(Memory::ram_page(physical));
  if ((info.flags & page_flag::store_is_special) != 0) {
    note_first_store(Memory::ram_page(physical));
    if constexpr (O::sees_watched) {
      if ((info.flags & page_flag::watched_store) != 0) {
        u64 value = 0;
        copy_bytes(&value, from, std::min<u64>(bytes, 8));
        observer_.on_watched(hart, Access{address, physical, static_cast<u32>(bytes)}, AccessKind::store, value);
      }
    }
    if ((info.flags & page_flag::has_entries) != 0) {
      note_entry_stores(hart, physical, static_cast<const u8*>(from), bytes);
    }
    if ((info.flags & page_flag::has_code) != 0) note_code_store(hart, physical, bytes);
  }
  copy_bytes(memory_.ram_at(physical), from, bytes);
}

/// A store into a page with entries: if a valid one changes in more than A and D getting set, no translation may be
/// trusted any longer.
template <Observer O>
void Machine<O>::note_entry_stores(Hart* hart, u64 physical, const u8* from, u64 bytes) {
  bool any_changed = false;
  for (u64 at = physical & ~u64{7}; at < physical + bytes; at += 8) {
    u64 old_value = 0;
    copy_bytes(&old_value, memory_.ram_at(at), 8);
    u64 new_value = old_value;
    const u64 begin = std::max(at, physical), end = std::min(at + 8, physical + bytes);
    copy_bytes(reinterpret_cast<u8*>(&new_value) + (begin - at), from + (begin - physical), end - begin);
    if constexpr (O::sees_entry_stores) observer_.on_entry_store(hart, at, old_value, new_value);
    constexpr u64 marks = entry::accessed | entry::dirty;
    const bool only_marked = (old_value | marks) == (new_value | marks) && (old_value & ~new_value) == 0;
    any_changed |= (old_value & entry::valid) != 0 && !only_marked;
  }
  if (any_changed) forget_translations();
}

/// A store into a page with decoded instructions. Those it touches are decoded again; a page into which much is
/// stored and nothing decoded has become data.
template <Observer O>
void Machine<O>::note_code_store(Hart* hart, u64 physical, u64 bytes) {
  if constexpr (O::sees_code) observer_.on_code_store(hart, physical, bytes);
  PageInfo& info = memory_.info(Memory::ram_page(physical));
  const u32 patience = 8U << std::min<u32>(info.code_drops, 12);
  if (++info.stores_into_code > patience || bytes > 64) {
    if (info.code_drops < 12) ++info.code_drops;
    drop_code(Memory::ram_page(physical));
    return;
  }
  DecodedPage& page = code_.at(info.code);
  const u64 offset = physical & (page_bytes - 1);
  // The instruction before may reach into these bytes.
  const u64 first = offset / 2 == 0 ? 0 : offset / 2 - 1,
            last = std::min<u64>((offset + bytes - 1) / 2, DecodedPage::slots - 1);
  for (u64 slot = first; slot <= last; ++slot) page.clear_slot(slot);
}

template <Observer O>
bool Machine<O>::device_read(Hart& hart, u64 physical, u32 bytes, u64 left, u64& value) {
  value = 0;
  if (memory_.page_at(physical) == memory_.rom_page() && (physical & (page_bytes - 1)) + bytes <= page_bytes) {
    copy_bytes(&value, storage_.rom.data() + (physical - map::boot_rom.base), bytes);
    return true;
  }
  if (map::boot_rom.contains(physical) && map::boot_rom.contains(physical + bytes - 1)) return true;
  if (physical % bytes != 0) return false;
  if (map::clint.contains(physical)) {
    value = clint_.read(physical - map::clint.base, bytes, ticks(now(hart, left)));
  } else if (map::plic.contains(physical)) {
    if (bytes == 4) value = plic_.read(physical - map::plic.base);
    devices_touched_ = hart.leave = true;
  } else if (map::uart.contains(physical)) {
    value = uart_.read(physical - map::uart.base);
    devices_touched_ = hart.leave = true;
  } else if (map::virtio.contains(physical)) {
    const u64 offset = physical - map::virtio.base;
    if (offset < map::virtio_stride && !storage_.disk.empty()) {
      value = block_.read(offset, bytes, disk_bytes());
    } else {
      const u64 reg = offset % map::virtio_stride;
      value = reg == 0 ? 0x74726976 : reg == 4 ? static_cast<u64>(configuration_.virtio) : reg == 12 ? 0x554d4551 : 0;
    }
  } else if (map::clock.contains(physical)) {
    const u64 offset = physical - map::clock.base;
    const u64 nanoseconds = 1'700'000'000'000'000'000 + now(hart, left);  // a morning in November 2023
    value = offset == 0 ? nanoseconds & 0xffffffff : offset == 4 ? nanoseconds >> 32 : 0;
  } else {
    return map::finisher.contains(physical);
  }
  return true;
}

template <Observer O>
bool Machine<O>::device_write(Hart& hart, u64 physical, u32 bytes, u64 value, u64 left) {
  if (map::boot_rom.contains(physical) && map::boot_rom.contains(physical + bytes - 1)) return true;  // to no effect
  if (physical % bytes != 0) return false;
  if (bytes < 8) value &= (u64{1} << 8 * bytes) - 1;
  if (map::clint.contains(physical)) {
    clint_.write(physical - map::clint.base, bytes, value, ticks(now(hart, left)));
  } else if (map::plic.contains(physical)) {
    if (bytes == 4) plic_.write(physical - map::plic.base, static_cast<u32>(value));
  } else if (map::uart.contains(physical)) {
    if (const auto sent = uart_.write(physical - map::uart.base, static_cast<u8>(value))) print(*sent);
  } else if (map::virtio.contains(physical)) {
    const u64 offset = physical - map::virtio.base;
    if (offset < map::virtio_stride && bytes == 4 && !storage_.disk.empty())
      block_.write(offset, static_cast<u32>(value));
  } else if (map::finisher.contains(physical)) {
    if (physical == map::finisher.base) finisher_.write(static_cast<u32>(value));
  } else if (!map::clock.contains(physical)) {
    return false;
  }
  devices_touched_ = hart.leave = true;
  return true;
}

/// A device reads memory: RAM only, all or nothing.
template <Observer O>
bool Machine<O>::dma_read(u64 address, void* to, u64 bytes) {
  if (!memory_.is_ram(address, bytes)) return false;
  if constexpr (O::sees_dma) observer_.on_dma(address, bytes, AccessKind::load);
  copy_bytes(to, memory_.ram_at(address), bytes);
  return true;
}

template <Observer O>
bool Machine<O>::dma_write(u64 address, const void* from, u64 bytes) {
  if (!memory_.is_ram(address, bytes)) return false;
  if constexpr (O::sees_dma) observer_.on_dma(address, bytes, AccessKind::store);
  const auto* source = static_cast<const u8*>(from);
  while (bytes != 0) {
    const u64 now = std::min(bytes, page_bytes - (address & (page_bytes - 1)));
    store_ram(nullptr, address, address, source, now);
    address += now;
    source += now;
    bytes -= now;
  }
  return true;
}

}  // namespace vellum
