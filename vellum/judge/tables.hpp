// SPDX-License-Identifier: MIT
#pragma once
// The judge of tables: what one entry can be wrong about although its encoding is right. It speaks at the store, when
// the table is known from a walk and one still arrives there from a hart's satp or from the one before; else at the
// first walk that reads the entry.
//
// Where a table stands in its tree is remembered from the last walk through it. A frame may have become something else
// since, so before anything is said of a store the way from the root is gone once more.

#include <array>
#include <optional>

#include "vellum/judge/finding.hpp"
#include "vellum/mmu/walk.hpp"

namespace vellum {

/// Where the last walk through a table met it.
struct TableRecord {
  u64 base = 0;  // the first address that it translates
  u8 level = 0;
  u8 levels = 0;  // of the tree; 0: no walk has met it
};

/// The tables on a way, by level.
using TablePath = std::array<u64, 5>;

struct PhysicalRange {
  u64 begin = 0, bytes = 0;
  [[nodiscard]] constexpr bool touches(const PhysicalRange& other) const {
    return begin < other.begin + other.bytes && other.begin < begin + bytes;
  }
};

/// Whether a page touches RAM or one of QEMU's regions for devices: a kernel may expect something in each of them, also
/// where this machine has nothing.
[[nodiscard]] constexpr bool is_something(const PhysicalRange& page, const PhysicalRange& ram) {
  constexpr std::array devices{
      PhysicalRange{0x0, 0x10000},  // debug, boot ROM
      PhysicalRange{0x100000, 0x2000},  // test device, clock
      PhysicalRange{0x2000000, 0x10000},  // CLINT
      PhysicalRange{0x2f00000, 0x4000},  // ACLINT
      PhysicalRange{0x3000000, 0x10000},  // PCI's ports
      PhysicalRange{0x4000000, 0x2000000},  // platform bus
      PhysicalRange{0xc000000, 0x4000000},  // PLIC, with all that xv6 maps of it
      PhysicalRange{0x10000000, 0x9000},  // UART, virtio
      PhysicalRange{0x10100000, 0x1000},  // fw_cfg
      PhysicalRange{0x20000000, 0x60000000},  // flash, IMSIC, PCI
      PhysicalRange{0x400000000, 0x400000000},  // PCI's large registers
  };
  if (page.touches(ram)) return true;
  for (const PhysicalRange& device : devices) {
    if (page.touches(device)) return true;
  }
  return false;
}

/// Which rule a leaf of this level breaks, if it stands where it translates `address`.
[[nodiscard]] constexpr std::optional<Rule> judge_leaf(u64 leaf, u32 level, u64 address, const PhysicalRange& ram) {
  constexpr u64 both = entry::writable | entry::executable;
  const bool is_upper_half = address >> 63 != 0;
  const u64 frame = entry::frame_of(leaf);
  if ((leaf & entry::user) != 0) {
    if ((leaf & entry::global) != 0) return Rule::global_user_page;
    if (is_upper_half) return Rule::user_in_kernel_half;
  } else if (level == 0 && (leaf & both) == both && (is_upper_half || address == frame)) {
    // Not at other addresses: the guard below xv6's stack is a page of the program that lost its U. Nor larger pages: a
    // kernel that has just begun maps itself by one that may do everything.
    return Rule::kernel_write_execute;
  }
  if (!is_something({frame, page_bytes << 9 * level}, ram)) return Rule::leaf_outside_ram;
  return std::nullopt;
}

/// Whether a pointer in the table of this level leads back to the table itself or one above it.
[[nodiscard]] constexpr bool leads_back(u64 pointer, u32 level, const TablePath& path) {
  for (usize above = level; above < path.size(); ++above) {
    if (path[above] != 0 && path[above] == entry::frame_of(pointer)) return true;
  }
  return false;
}

/// Goes from a satp's root towards `address`, down to the table of `level`; whether it is `table`. The path is filled
/// in. `Read` gives the entry at a physical address, or nothing.
template <class Read>
[[nodiscard]] bool arrives(u64 satp, u64 address, u64 table, u32 level, const Read& read, TablePath& path) {
  path = {};
  if (satp::mode_of(satp) < satp::sv39 || satp::mode_of(satp) > satp::sv57) return false;
  u64 at = satp::root_of(satp);
  for (u32 here = levels_of(satp::mode_of(satp)); here-- > 0;) {
    path[here] = at;
    if (here == level) return at == table;
    const std::optional<u64> value = read(at + (address >> (12 + 9 * here) & 511) * 8);
    if (!value || (*value & (entry::valid | entry::rights | entry::reserved)) != entry::valid) return false;
    at = entry::frame_of(*value);
  }
  return false;
}

}  // namespace vellum
