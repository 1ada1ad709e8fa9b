// SPDX-License-Identifier: MIT
#pragma once
// Regions: what an address space promises about its addresses, whether the page table knows it already or not.

#include <cstddef>
#include <type_traits>

#include "mm/backing.hpp"
#include "mm/frames.hpp"
#include "sv39/pte.hpp"

namespace mm {

using sv39::Access;
using sv39::Permissions;
using sv39::Pte;

enum class RegionKind : u8 {
  segment,    ///< a program's text or data, filled by exec
  guard,      ///< below the stack: a leaf without U, so that the hole is visible in the page table
  stack,
  heap,       ///< sbrk's
  anonymous,  ///< mmap without a file
  file,       ///< mmap of a file
};

enum class Sharing : u8 { private_copy, shared };

/// A run of pages with one meaning. Rights are what the program was promised: copy-on-write pages and pages that are
/// not there yet have less in the table.
struct Region {
  VirtAddr begin{};
  VirtAddr end{};
  RegionKind kind = RegionKind::anonymous;
  Sharing sharing = Sharing::private_copy;
  /// No right at all (PROT_NONE): no page is ever mapped, and `permissions` says nothing.
  bool inaccessible = false;
  Permissions permissions = Permissions::read_only();
  /// Every page that is mapped lies in [populated_begin, populated_end): what was never touched costs nothing to free.
  VirtAddr populated_begin{};
  VirtAddr populated_end{};
  FileBacking* backing = nullptr;
  u64 first_page = 0;  ///< index in the file of the page at `begin`

  [[nodiscard]] bool contains(VirtAddr va) const { return begin <= va && va < end; }
  [[nodiscard]] u64 bytes() const { return end - begin; }
  [[nodiscard]] u64 file_page(VirtAddr va) const { return first_page + (va.floor() - begin.floor()); }
  /// Whether a program's access is within its rights.
  [[nodiscard]] bool allows(Access access) const {
    return !inaccessible && kind != RegionKind::guard && permissions.allows(access);
  }
  [[nodiscard]] bool is_mmap() const { return kind == RegionKind::anonymous || kind == RegionKind::file; }
  void note_populated(VirtAddr from, VirtAddr to) {
    if (populated_begin == populated_end) {
      populated_begin = from;
      populated_end = to;
      return;
    }
    if (from < populated_begin) populated_begin = from;
    if (to > populated_end) populated_end = to;
  }
};

static_assert(std::is_trivially_copyable_v<Region>);
static_assert(sizeof(Region) == 64, "what a compiler copies in place, and indexes with a shift");

/// The regions of one address space in order of address; they never overlap. Bounded: a full list is an error value.
class RegionList {
 public:
  RegionList() {}  // storage_ is left as it is

  /// What programs can have. Two more places are kept for cuts, so that giving memory back never fails.
  static constexpr u32 limit = 46;
  static constexpr u32 capacity = limit + 2;

  [[nodiscard]] u32 size() const { return size_; }
  [[nodiscard]] bool has_room(u32 more) const { return size_ + more <= limit; }
  [[nodiscard]] Region& operator[](u32 i) { return begin()[i]; }
  [[nodiscard]] const Region& operator[](u32 i) const { return begin()[i]; }
  [[nodiscard]] Region* begin() { return reinterpret_cast<Region*>(storage_); }
  [[nodiscard]] Region* end() { return begin() + size_; }
  [[nodiscard]] const Region* begin() const { return reinterpret_cast<const Region*>(storage_); }
  [[nodiscard]] const Region* end() const { return begin() + size_; }

  /// The region that holds `va`, or null.
  [[nodiscard]] Region* find(VirtAddr va);
  /// Index of the first region that ends above `va` (size() if none).
  [[nodiscard]] u32 first_above(VirtAddr va) const;
  /// Whether any region intersects [begin, end).
  [[nodiscard]] bool any_in(VirtAddr begin, VirtAddr end) const;

  /// Puts a region into its place; there must be room, and it must not overlap.
  Region& insert(const Region& region);
  void erase(u32 index);
  /// Cuts the region at `at`, strictly inside it; there must be room. Returns the upper part's index.
  u32 cut(u32 index, VirtAddr at);

 private:
  u32 make_gap(VirtAddr begin, VirtAddr end);

  u32 size_ = 0;
  u32 last_found_ = 0;
  /// Bytes rather than Regions: making an address space must not cost the construction of those it does not have.
  alignas(Region) std::byte storage_[capacity * sizeof(Region)];
};

}  // namespace mm
