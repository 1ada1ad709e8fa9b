// SPDX-License-Identifier: MIT
#pragma once
// Addresses and page numbers of Sv39 (privileged manual, section "Sv39: Page-Based 39-bit Virtual-Memory System").
//
// Four types that never mix: a physical and a virtual byte address, a physical and a virtual page number. The only
// bridges between an address and a page number are floor() and ceil() one way and address() the other.

#include <array>
#include <compare>
#include <cstdint>
#include <expected>

#include "sv39/error.hpp"

namespace sv39 {

using u64 = std::uint64_t;

inline constexpr unsigned page_shift = 12;
inline constexpr u64 page_size = u64{1} << page_shift;
inline constexpr unsigned index_bits = 9;
inline constexpr unsigned entries_per_table = 1U << index_bits;
/// First address above the lower (user) half: xv6's MAXVA.
inline constexpr u64 user_half_end = u64{1} << 38;
/// First address of the upper half, where bits 63 to 38 are all ones.
inline constexpr u64 upper_half_begin = ~u64{0} << 38;
/// Physical addresses have 56 bits, physical page numbers 44.
inline constexpr unsigned physical_bits = 56;

/// Depth of a table, counting down from the root as the manual does; also the size of a leaf found there.
enum class Level : unsigned {
  base = 0,  ///< level 0: 4 KiB page
  mega = 1,  ///< level 1: 2 MiB megapage (xv6's SUPERPGSIZE)
  giga = 2,  ///< level 2, the root: 1 GiB gigapage
};

inline constexpr Level root_level = Level::giga;

constexpr Level below(Level level) { return static_cast<Level>(static_cast<unsigned>(level) - 1); }
constexpr Level above(Level level) { return static_cast<Level>(static_cast<unsigned>(level) + 1); }

/// Bit position of the level's index in an address: xv6's PXSHIFT.
constexpr unsigned shift_of(Level level) { return page_shift + index_bits * static_cast<unsigned>(level); }
/// Bytes that one entry at this level translates.
constexpr u64 bytes_of(Level level) { return u64{1} << shift_of(level); }
/// Base pages that one entry at this level translates.
constexpr u64 pages_of(Level level) { return u64{1} << (index_bits * static_cast<unsigned>(level)); }

/// Address-space identifier: whose translation a TLB entry is (satp.ASID, up to 16 bits).
enum class Asid : u64 {};

class PhysAddr;
class VirtAddr;

/// Physical page number: names a frame.
class Ppn {
 public:
  constexpr Ppn() = default;
  explicit constexpr Ppn(u64 value) : value_(value) {}
  [[nodiscard]] constexpr u64 value() const { return value_; }
  [[nodiscard]] constexpr PhysAddr address() const;
  /// Whether a leaf at `level` may point here (a misaligned superpage faults on every access).
  [[nodiscard]] constexpr bool is_aligned(Level level) const { return value_ % pages_of(level) == 0; }
  /// Whether the number fits the PTE's 44-bit field.
  [[nodiscard]] constexpr bool is_encodable() const { return value_ >> (physical_bits - page_shift) == 0; }
  friend constexpr Ppn operator+(Ppn ppn, u64 pages) { return Ppn(ppn.value_ + pages); }
  friend constexpr u64 operator-(Ppn a, Ppn b) { return a.value_ - b.value_; }
  friend constexpr auto operator<=>(Ppn, Ppn) = default;

 private:
  u64 value_ = 0;
};

/// Virtual page number: names a page. Kept as address / 4096, so the upper half keeps its sign bits.
class Vpn {
 public:
  constexpr Vpn() = default;
  explicit constexpr Vpn(u64 value) : value_(value) {}
  [[nodiscard]] constexpr u64 value() const { return value_; }
  [[nodiscard]] constexpr VirtAddr address() const;
  [[nodiscard]] constexpr bool is_aligned(Level level) const { return value_ % pages_of(level) == 0; }
  friend constexpr Vpn operator+(Vpn vpn, u64 pages) { return Vpn(vpn.value_ + pages); }
  friend constexpr u64 operator-(Vpn a, Vpn b) { return a.value_ - b.value_; }
  friend constexpr auto operator<=>(Vpn, Vpn) = default;

 private:
  u64 value_ = 0;
};

/// Physical byte address.
class PhysAddr {
 public:
  constexpr PhysAddr() = default;
  explicit constexpr PhysAddr(u64 value) : value_(value) {}
  [[nodiscard]] constexpr u64 value() const { return value_; }
  [[nodiscard]] constexpr u64 page_offset() const { return value_ % page_size; }
  [[nodiscard]] constexpr bool is_page_aligned() const { return page_offset() == 0; }
  /// The frame that holds the byte (PGROUNDDOWN).
  [[nodiscard]] constexpr Ppn floor() const { return Ppn(value_ >> page_shift); }
  /// The first frame that begins at or above it (PGROUNDUP); cannot wrap.
  [[nodiscard]] constexpr Ppn ceil() const { return Ppn((value_ >> page_shift) + (page_offset() != 0)); }
  friend constexpr PhysAddr operator+(PhysAddr a, u64 bytes) { return PhysAddr(a.value_ + bytes); }
  friend constexpr u64 operator-(PhysAddr a, PhysAddr b) { return a.value_ - b.value_; }
  friend constexpr auto operator<=>(PhysAddr, PhysAddr) = default;

 private:
  u64 value_ = 0;
};

/// Virtual byte address; may be non-canonical (a program can name any), ask before walking.
class VirtAddr {
 public:
  constexpr VirtAddr() = default;
  explicit constexpr VirtAddr(u64 value) : value_(value) {}
  [[nodiscard]] constexpr u64 value() const { return value_; }
  [[nodiscard]] constexpr u64 page_offset() const { return value_ % page_size; }
  [[nodiscard]] constexpr u64 offset_in(Level level) const { return value_ % bytes_of(level); }
  [[nodiscard]] constexpr bool is_page_aligned() const { return page_offset() == 0; }
  [[nodiscard]] constexpr bool is_aligned(Level level) const { return offset_in(level) == 0; }
  /// Start of the page, megapage or gigapage that holds the address.
  [[nodiscard]] constexpr VirtAddr align_down(Level level) const { return VirtAddr(value_ - offset_in(level)); }
  [[nodiscard]] constexpr Vpn floor() const { return Vpn(value_ >> page_shift); }
  [[nodiscard]] constexpr Vpn ceil() const { return Vpn((value_ >> page_shift) + (page_offset() != 0)); }
  /// Index into the table at `level`: xv6's PX.
  [[nodiscard]] constexpr unsigned index(Level level) const {
    return static_cast<unsigned>(value_ >> shift_of(level)) % entries_per_table;
  }
  /// Bits 63 to 39 equal bit 38; anything else faults whatever the tables say.
  [[nodiscard]] constexpr bool is_canonical() const { return value_ < user_half_end || value_ >= upper_half_begin; }
  [[nodiscard]] constexpr bool is_lower_half() const { return value_ < user_half_end; }
  friend constexpr VirtAddr operator+(VirtAddr a, u64 bytes) { return VirtAddr(a.value_ + bytes); }
  friend constexpr u64 operator-(VirtAddr a, VirtAddr b) { return a.value_ - b.value_; }
  friend constexpr auto operator<=>(VirtAddr, VirtAddr) = default;

 private:
  u64 value_ = 0;
};

constexpr PhysAddr Ppn::address() const { return PhysAddr(value_ << page_shift); }
constexpr VirtAddr Vpn::address() const { return VirtAddr(value_ << page_shift); }

/// The address whose three indices and offset are given; bit 38 is extended upwards.
constexpr VirtAddr address_of_indices(unsigned level2, unsigned level1, unsigned level0, u64 offset = 0) {
  u64 value = u64{level2} << shift_of(Level::giga) | u64{level1} << shift_of(Level::mega) |
              u64{level0} << shift_of(Level::base) | offset;
  return VirtAddr(value & (u64{1} << 38) ? value | upper_half_begin : value);
}

/// A run of virtual bytes that lies in one canonical half; may be empty. The end of a range that reaches the top of
/// the address space is 0 (modulo 2^64), so ask size(), last() and contains() rather than comparing with end().
class VirtRange {
 public:
  constexpr VirtRange() = default;

  /// Checks that every byte is canonical, that both ends are in the same half and that nothing wraps.
  [[nodiscard]] static constexpr std::expected<VirtRange, Error> from(VirtAddr begin, u64 bytes) {
    if (!begin.is_canonical()) return std::unexpected(Error{ErrorKind::not_canonical, begin.value(), 0});
    u64 limit = begin.is_lower_half() ? user_half_end - begin.value() : u64{0} - begin.value();
    if (bytes > limit) return std::unexpected(Error{ErrorKind::overflow, begin.value(), 0});
    return VirtRange(begin, bytes);
  }
  /// The same from first byte to one past the last.
  [[nodiscard]] static constexpr std::expected<VirtRange, Error> between(VirtAddr begin, VirtAddr end) {
    if (end < begin) return std::unexpected(Error{ErrorKind::overflow, begin.value(), 0});
    return from(begin, end - begin);
  }
  /// The pages [first, first + count); the caller knows that they lie in one half.
  [[nodiscard]] static constexpr VirtRange pages(Vpn first, u64 count) {
    return VirtRange(first.address(), count * page_size);
  }

  [[nodiscard]] constexpr VirtAddr begin() const { return begin_; }
  [[nodiscard]] constexpr VirtAddr end() const { return begin_ + bytes_; }
  /// Last byte; only of a range that is not empty.
  [[nodiscard]] constexpr VirtAddr last() const { return begin_ + (bytes_ - 1); }
  [[nodiscard]] constexpr u64 bytes() const { return bytes_; }
  [[nodiscard]] constexpr bool empty() const { return bytes_ == 0; }
  [[nodiscard]] constexpr bool contains(VirtAddr va) const { return va - begin_ < bytes_; }
  [[nodiscard]] constexpr bool contains(VirtRange other) const {
    return other.empty() || (contains(other.begin_) && other.bytes_ <= bytes_ - (other.begin_ - begin_));
  }
  [[nodiscard]] constexpr bool intersects(VirtRange other) const {
    return !empty() && !other.empty() && (contains(other.begin_) || other.contains(begin_));
  }
  [[nodiscard]] constexpr bool is_page_aligned() const { return begin_.is_page_aligned() && bytes_ % page_size == 0; }
  [[nodiscard]] constexpr u64 page_count() const { return bytes_ / page_size; }
  friend constexpr bool operator==(VirtRange, VirtRange) = default;

 private:
  constexpr VirtRange(VirtAddr begin, u64 bytes) : begin_(begin), bytes_(bytes) {}
  VirtAddr begin_;
  u64 bytes_ = 0;
};

/// A run of physical bytes; may be empty. Never wraps: physical addresses have 56 bits.
class PhysRange {
 public:
  constexpr PhysRange() = default;
  [[nodiscard]] static constexpr std::expected<PhysRange, Error> from(PhysAddr begin, u64 bytes) {
    constexpr u64 limit = u64{1} << physical_bits;
    if (begin.value() > limit || bytes > limit - begin.value()) {
      return std::unexpected(Error{ErrorKind::overflow, begin.value(), 0});
    }
    return PhysRange(begin, bytes);
  }
  [[nodiscard]] constexpr PhysAddr begin() const { return begin_; }
  [[nodiscard]] constexpr PhysAddr end() const { return begin_ + bytes_; }
  [[nodiscard]] constexpr u64 bytes() const { return bytes_; }
  [[nodiscard]] constexpr bool empty() const { return bytes_ == 0; }
  [[nodiscard]] constexpr bool contains(PhysAddr pa) const { return pa - begin_ < bytes_; }
  [[nodiscard]] constexpr bool intersects(PhysRange other) const {
    return !empty() && !other.empty() && (contains(other.begin_) || other.contains(begin_));
  }
  friend constexpr bool operator==(PhysRange, PhysRange) = default;

 private:
  constexpr PhysRange(PhysAddr begin, u64 bytes) : begin_(begin), bytes_(bytes) {}
  PhysAddr begin_;
  u64 bytes_ = 0;
};

}  // namespace sv39
