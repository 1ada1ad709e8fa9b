// SPDX-License-Identifier: MIT
#pragma once
// What is known about one frame of RAM.

#include <atomic>

#include "lib/bug.hpp"
#include "lib/types.hpp"

namespace mm {

/// What a frame is, or is used for. Printed by the report of a wrong free.
enum class FrameState : u8 {
  inside = 0,  ///< part of a block whose first frame tells; also every frame before the allocator knows it
  reserved,    ///< kernel image, frame table, device tree: never handed out
  free,        ///< first frame of a buddy block
  cached,      ///< in a hart's cache, contents unknown (poisoned in debug builds)
  cached_zero, ///< in a hart's cache, known to be zero
  user,        ///< memory of programs, counted by mappings
  compound,    ///< first frame of a 2 MiB block whose one count is the number of megapage mappings
  file,        ///< a page of a file that is mapped somewhere; kernel/fs owns one reference
  table,       ///< page table, or in deposit to become one
  kernel,      ///< an object of the kernel: stack, address space, trapframe
  count_,
};
[[nodiscard]] const char* describe(FrameState state);

/// Whether a frame in this state has been handed out.
[[nodiscard]] constexpr bool is_used(FrameState state) {
  return state == FrameState::user || state == FrameState::compound || state == FrameState::file ||
         state == FrameState::table || state == FrameState::kernel;
}

/// A field that one hart owns and others may glance at: plain loads and stores, without a data race.
template <class T>
class Glanced {
 public:
  operator T() const { return value_.load(std::memory_order_relaxed); }  // NOLINT: it stands for a T
  Glanced& operator=(T value) {
    value_.store(value, std::memory_order_relaxed);
    return *this;
  }

 private:
  std::atomic<T> value_;
};

/// No frame: the end of a list of frame numbers (FrameAllocator::number_of).
inline constexpr u32 no_frame = ~u32{0};

/// One frame's record. Beside its count, its state and its order it has room for ten bytes, which mean something else
/// in each state: a record for each, to be had in that state only (debug builds see to it).
class Frame {
 public:
  std::atomic<u32> refs;
  Glanced<FrameState> state;  ///< of a buddy block: looked at by who frees its buddy
  Glanced<u8> order;

  /// free: the blocks of this order before and after it.
  struct FreeBlock {
    u32& next;
    u32& previous;
  };
  [[nodiscard]] FreeBlock free_block() {
    expect<is_in<FrameState::free>>();
    return {first_, second_};
  }

  /// cached, cached_zero: the next frame of the cache's list.
  struct Cached {
    u32& next;
  };
  [[nodiscard]] Cached cached() {
    expect<is_in<FrameState::cached, FrameState::cached_zero>>();
    return {first_};
  }

  /// Any used state, until the frame is taken from its reservation: the next one there.
  struct SetAside {
    u32& next;
  };
  [[nodiscard]] SetAside set_aside() {
    expect<is_used>();
    return {second_};
  }

  /// table: a node of a page table.
  struct Table {
    u32& twin;              ///< mirrored: the node of the kernel's table that mirrors it, or no_frame
    u32& deposit;  ///< level 1: the first table kept for its megapages; kept itself: the next one; or no_frame
    u16& mirrored_entries;  ///< how many of its entries the twin mirrors, from the first on
    /// As a new table has it: no twin, nothing in deposit.
    void clear() const {
      twin = deposit = no_frame;
      mirrored_entries = 0;
    }
  };
  [[nodiscard]] Table table() {
    expect<is_in<FrameState::table>>();
    return {first_, second_, small_};
  }

  /// file: which page of which file; kernel/fs's, under its lock.
  struct FilePage {
    u32& next;  ///< in the hash chain
    u32& page;  ///< index in the file, and fs's marks
    u16& inode;
  };
  [[nodiscard]] FilePage file_page() {
    expect<is_in<FrameState::file>>();
    return {first_, second_, small_};
  }

  // Debug builds fill free frames with a pattern (poison.hpp).

  [[nodiscard]] bool is_poisoned() const { return small_ == poisoned_mark; }
  void note_poisoned() { small_ = poisoned_mark; }
  void forget_poison() { small_ = 0; }

 private:
  static constexpr u16 poisoned_mark = 0xdead;

  template <FrameState... states>
  static constexpr bool is_in(FrameState now) {
    return ((now == states) || ...);
  }
  /// Nothing in release builds, not even the load: an atomic one is made although nobody looks at what it gives.
  template <bool (*allowed)(FrameState)>
  void expect() const {
#if BIFOLIUM_DEBUG
    if (!allowed(state)) lib::bug("a frame's record is read as that of another state");
#endif
  }

  u16 small_;
  u32 first_;
  u32 second_;
};
static_assert(sizeof(Frame) == 16);

}  // namespace mm
