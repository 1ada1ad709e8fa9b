// SPDX-License-Identifier: MIT
#pragma once
// The page-table entry of Sv39, every bit of it.
//
//   63    62 61   60     54   53            10   9 8   7   6   5   4   3   2   1   0
//   N    PBMT     reserved    PPN (44 bits)     RSW   D   A   G   U   X   W   R   V
//
// V  the entry means something.
// R, W, X  rights of a leaf. All three clear: the entry points to the next table. W without R is reserved.
// U  user mode may use the page; supervisor mode then may only with sstatus.SUM, and may never execute from it.
// G  the mapping is in every address space, so that a fence of one ASID need not remove it.
// A  accessed, D  dirty: set by hardware, or a page fault asks for it where hardware does not (Svade). We set A when a
//    leaf is built and D with W, so that neither case arises; only pgaccess clears A.
// RSW  two bits for the supervisor. Bit 8: copy-on-write, the page is logically writable but its frame is shared.
//      Bit 9: unused, always 0.
// PPN  the frame. A leaf at level 1 or 2 must have its low 9 or 18 PPN bits clear.
// 54..60 reserved. PBMT (Svpbmt) and N (Svnapot) belong to extensions that our kernel does not use: 0 in every entry of
// ours, and reserved on hardware without them. What reads other kernels' tables says which there are (Extensions).
//
// In a non-leaf entry A, D and U are reserved and must be clear.

#include "sv39/address.hpp"

namespace sv39 {

/// One way of touching memory.
enum class Access : unsigned { read, write, execute };

/// Who touches it.
enum class Privilege : unsigned { user, supervisor };

/// Bit positions of the format above.
namespace pte_bit {
inline constexpr u64 valid = 1 << 0;
inline constexpr u64 read = 1 << 1;
inline constexpr u64 write = 1 << 2;
inline constexpr u64 execute = 1 << 3;
inline constexpr u64 user = 1 << 4;
inline constexpr u64 global = 1 << 5;
inline constexpr u64 accessed = 1 << 6;
inline constexpr u64 dirty = 1 << 7;
inline constexpr u64 copy_on_write = 1 << 8;
inline constexpr u64 software_1 = 1 << 9;
inline constexpr unsigned ppn_shift = 10;
inline constexpr u64 ppn_mask = ((u64{1} << 44) - 1) << ppn_shift;
inline constexpr u64 reserved = ~(ppn_mask | 0x3ff);
inline constexpr u64 memory_type = u64{3} << 61;
inline constexpr u64 contiguous = u64{1} << 63;
}  // namespace pte_bit

/// What hardware may know beyond the base format (the manual's chapters "Svnapot" and "Svpbmt").
enum class Extension : unsigned {
  contiguous_pages =
      1,  ///< Svnapot: N in a level-0 leaf whose low 4 PPN bits are 8 makes it one of 16 of a 64 KiB page
  memory_types = 2,  ///< Svpbmt: PBMT 1 (not cached) and 2 (device) in a leaf; 3 stays reserved
};

/// A set of them; empty for Bifolium's own tables.
class Extensions {
 public:
  constexpr Extensions() = default;
  [[nodiscard]] constexpr Extensions with(Extension one) const {
    return Extensions(bits_ | static_cast<unsigned>(one));
  }
  [[nodiscard]] constexpr Extensions with(Extensions others) const { return Extensions(bits_ | others.bits_); }
  [[nodiscard]] constexpr bool has(Extension one) const { return (bits_ & static_cast<unsigned>(one)) != 0; }
  friend constexpr bool operator==(Extensions, Extensions) = default;

 private:
  explicit constexpr Extensions(unsigned bits) : bits_(bits) {}
  unsigned bits_ = 0;
};

/// The size of Svnapot's page, the only one that the manual defines so far.
inline constexpr u64 contiguous_size = 16 * page_size;

/// Rights of a leaf: what may be done, by whom, in one or all address spaces. Every value is a legal encoding; write
/// brings read with it.
class Permissions {
 public:
  [[nodiscard]] static constexpr Permissions read_only() { return Permissions(pte_bit::read); }
  [[nodiscard]] static constexpr Permissions read_write() { return Permissions(pte_bit::read | pte_bit::write); }
  [[nodiscard]] static constexpr Permissions read_execute() { return Permissions(pte_bit::read | pte_bit::execute); }
  [[nodiscard]] static constexpr Permissions execute_only() { return Permissions(pte_bit::execute); }
  [[nodiscard]] static constexpr Permissions read_write_execute() {
    return Permissions(pte_bit::read | pte_bit::write | pte_bit::execute);
  }
  /// The same rights for user mode.
  [[nodiscard]] constexpr Permissions user() const { return Permissions(bits_ | pte_bit::user); }
  [[nodiscard]] constexpr Permissions supervisor() const { return Permissions(bits_ & ~pte_bit::user); }
  [[nodiscard]] constexpr Permissions global() const { return Permissions(bits_ | pte_bit::global); }
  /// What remains without W; never empty, since write implies read.
  [[nodiscard]] constexpr Permissions without_write() const { return Permissions(bits_ & ~pte_bit::write); }

  [[nodiscard]] constexpr bool allows(Access access) const {
    return bits_ & (access == Access::read    ? pte_bit::read
                    : access == Access::write ? pte_bit::write
                                              : pte_bit::execute);
  }
  [[nodiscard]] constexpr bool is_user() const { return bits_ & pte_bit::user; }
  [[nodiscard]] constexpr bool is_global() const { return bits_ & pte_bit::global; }
  /// The R, W, X, U and G bits in their PTE positions; for Pte and for printing.
  [[nodiscard]] constexpr u64 bits() const { return bits_; }
  friend constexpr bool operator==(Permissions, Permissions) = default;

 private:
  friend class Pte;
  explicit constexpr Permissions(u64 bits) : bits_(bits) {}
  u64 bits_;
};

/// One entry. leaf() and table() are the only makers of valid entries, so reserved encodings cannot be built;
/// from_raw() is for entries read out of memory, which may be anything.
class Pte {
 public:
  /// The invalid entry, all zero.
  constexpr Pte() = default;

  /// A leaf. `ppn` must be encodable and aligned for `level`; a wrong one gives the invalid entry rather than a
  /// mapping of some other memory. A is set, and D when writable.
  [[nodiscard]] static constexpr Pte leaf(Ppn ppn, Permissions permissions, Level level = Level::base) {
    if (!ppn.is_encodable() || !ppn.is_aligned(level)) return Pte();
    u64 dirty = permissions.allows(Access::write) ? pte_bit::dirty : 0;
    return Pte(ppn.value() << pte_bit::ppn_shift | permissions.bits_ | pte_bit::valid | pte_bit::accessed | dirty);
  }
  /// A pointer to the next table; all rights, A, D, U and G clear.
  [[nodiscard]] static constexpr Pte table(Ppn ppn) {
    return ppn.is_encodable() ? Pte(ppn.value() << pte_bit::ppn_shift | pte_bit::valid) : Pte();
  }
  [[nodiscard]] static constexpr Pte from_raw(u64 bits) { return Pte(bits); }

  [[nodiscard]] constexpr u64 raw() const { return bits_; }
  [[nodiscard]] constexpr bool is_valid() const { return bits_ & pte_bit::valid; }
  [[nodiscard]] constexpr bool is_leaf() const {
    return is_valid() && (bits_ & (pte_bit::read | pte_bit::write | pte_bit::execute));
  }
  [[nodiscard]] constexpr bool is_table() const {
    return (bits_ & (pte_bit::valid | pte_bit::read | pte_bit::write | pte_bit::execute)) == pte_bit::valid;
  }
  [[nodiscard]] constexpr Ppn ppn() const { return Ppn((bits_ & pte_bit::ppn_mask) >> pte_bit::ppn_shift); }
  /// R, W, X, U and G as they stand: a copy-on-write page reads as not writable here.
  [[nodiscard]] constexpr Permissions permissions() const {
    return Permissions(bits_ & (pte_bit::read | pte_bit::write | pte_bit::execute | pte_bit::user | pte_bit::global));
  }
  [[nodiscard]] constexpr bool allows(Access access) const { return permissions().allows(access); }
  [[nodiscard]] constexpr bool is_user() const { return bits_ & pte_bit::user; }
  [[nodiscard]] constexpr bool is_global() const { return bits_ & pte_bit::global; }
  [[nodiscard]] constexpr bool is_accessed() const { return bits_ & pte_bit::accessed; }
  [[nodiscard]] constexpr bool is_dirty() const { return bits_ & pte_bit::dirty; }
  [[nodiscard]] constexpr bool is_copy_on_write() const { return bits_ & pte_bit::copy_on_write; }

  /// The same leaf shared copy-on-write: W and D go, the mark comes. An entry without W is returned as it is.
  [[nodiscard]] constexpr Pte as_copy_on_write() const {
    if (!(bits_ & pte_bit::write)) return *this;
    return Pte((bits_ & ~(pte_bit::write | pte_bit::dirty)) | pte_bit::copy_on_write);
  }
  /// The opposite: W and D back, the mark gone. An entry without the mark is returned as it is.
  [[nodiscard]] constexpr Pte as_private() const {
    if (!is_copy_on_write()) return *this;
    return Pte((bits_ & ~pte_bit::copy_on_write) | pte_bit::write | pte_bit::dirty | pte_bit::accessed);
  }
  [[nodiscard]] constexpr Pte with_accessed() const { return Pte(bits_ | pte_bit::accessed); }
  [[nodiscard]] constexpr Pte without_accessed() const { return Pte(bits_ & ~pte_bit::accessed); }
  [[nodiscard]] constexpr Pte with_dirty() const { return Pte(bits_ | pte_bit::dirty); }
  [[nodiscard]] constexpr Pte without_dirty() const { return Pte(bits_ & ~pte_bit::dirty); }
  /// The same frame, A and copy-on-write mark with other rights; D follows W. On a copy-on-write leaf W is not given
  /// (the mark keeps standing for it), and the mark goes when the new rights have no write.
  [[nodiscard]] constexpr Pte with_permissions(Permissions permissions) const {
    u64 kept = bits_ & (pte_bit::ppn_mask | pte_bit::accessed | pte_bit::valid);
    if (permissions.allows(Access::write)) {
      if (is_copy_on_write()) return Pte(kept | permissions.without_write().bits_ | pte_bit::copy_on_write);
      return Pte(kept | permissions.bits_ | pte_bit::dirty);
    }
    return Pte(kept | permissions.bits_);
  }
  /// The same bits over another frame (copy-on-write break, split).
  [[nodiscard]] constexpr Pte with_frame(Ppn ppn) const {
    return Pte((bits_ & ~pte_bit::ppn_mask) | ppn.value() << pte_bit::ppn_shift);
  }
  /// What the kernel-side mirror of a user leaf holds: no U, no X; invalid where nothing else is left, or where the
  /// leaf is not the user's (a guard page).
  [[nodiscard]] constexpr Pte as_mirror() const {
    if (!is_user() || !(bits_ & pte_bit::read)) return Pte();
    return Pte(bits_ & ~(pte_bit::user | pte_bit::execute));
  }

  /// Bits 63 to 54 as far as they mean nothing on hardware with these extensions.
  [[nodiscard]] constexpr u64 reserved_bits(Extensions extensions) const {
    u64 reserved = bits_ & pte_bit::reserved;
    if (!is_leaf()) return reserved;
    if (extensions.has(Extension::contiguous_pages)) reserved &= ~pte_bit::contiguous;
    const bool is_type = (bits_ & pte_bit::memory_type) != pte_bit::memory_type;
    if (extensions.has(Extension::memory_types) && is_type) reserved &= ~pte_bit::memory_type;
    return reserved;
  }
  /// Whether the leaf is one of the sixteen of a 64 KiB page.
  [[nodiscard]] constexpr bool is_contiguous(Level level, Extensions extensions) const {
    return extensions.has(Extension::contiguous_pages) && (bits_ & pte_bit::contiguous) && is_leaf() &&
           level == Level::base && ppn().value() % 16 == 8;
  }
  /// Where the page of a leaf begins that translates `va`.
  [[nodiscard]] constexpr PhysAddr page_of(VirtAddr va, Level level, Extensions extensions) const {
    if (!is_contiguous(level, extensions)) return ppn().address();
    return PhysAddr(ppn().address().value() / contiguous_size * contiguous_size +
                    va.value() % contiguous_size / page_size * page_size);
  }

  /// Whether hardware would refuse the entry at `level` whatever the access: reserved bits, W without R, A/D/U in a
  /// non-leaf, misaligned superpage, a non-leaf at level 0; with Svnapot also N where it has no meaning.
  [[nodiscard]] constexpr bool is_reserved_encoding(Level level, Extensions extensions = {}) const {
    if (!is_valid()) return false;
    if (reserved_bits(extensions) != 0) return true;
    if ((bits_ & pte_bit::contiguous) && !is_contiguous(level, extensions)) return true;
    if ((bits_ & pte_bit::write) && !(bits_ & pte_bit::read)) return true;
    if (is_leaf()) return !ppn().is_aligned(level);
    return level == Level::base || (bits_ & (pte_bit::accessed | pte_bit::dirty | pte_bit::user));
  }
  friend constexpr bool operator==(Pte, Pte) = default;

 private:
  explicit constexpr Pte(u64 bits) : bits_(bits) {}
  u64 bits_ = 0;
};

static_assert(sizeof(Pte) == 8);

}  // namespace sv39
