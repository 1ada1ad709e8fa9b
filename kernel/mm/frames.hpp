// SPDX-License-Identifier: MIT
#pragma once
// Physical memory, frame by frame (xv6: kalloc.c).
//
// One 16-byte record per frame of RAM. Free memory lies in buddy blocks of 2^0 to 2^9 frames; in front of them each
// hart has a cache of single frames, refilled and drained in batches, and robbed by the others before an allocation
// fails. No two allocator locks are ever held at once. What allocate() has handed out and free() not yet got back is
// counted, with nothing set aside that is not counted as free.

#include <atomic>
#include <span>

#include "arch/port.hpp"
#include "lib/result.hpp"
#include "mm/counters.hpp"
#include "mm/frame.hpp"
#include "sv39/address.hpp"
#include "sync/spinlock.hpp"

namespace mm {

using sv39::Level;
using sv39::PhysAddr;
using sv39::PhysRange;
using sv39::Ppn;
using sv39::VirtAddr;
using sv39::VirtRange;
using sv39::Vpn;

/// A block of 2^order frames, aligned to its size.
enum class Order : u32 { page = 0, megapage = 9 };
inline constexpr u32 order_count = 10;
constexpr u64 frames_in(Order order) { return u64{1} << static_cast<u32>(order); }

enum class Zero : u32 { no, yes };

/// Knows whether frames were on their way from one list to another, and so in none, while somebody looked for one.
class Moves {
 public:
  /// The caller has taken frames out of a list, whose lock it still holds; and it has put them into another.
  void begin() { under_way_.fetch_add(1, std::memory_order_relaxed); }
  void end() {
    // In this order: who sees that none is under way sees that one has ended.
    ended_.fetch_add(1, std::memory_order_release);
    under_way_.fetch_sub(1, std::memory_order_release);
  }

  /// Made before a look at all lists.
  class Watch {
   public:
    explicit Watch(const Moves& moves)
        : moves_(moves),
          ended_(moves.ended_.load(std::memory_order_acquire)),
          none_at_first_(moves.under_way_.load(std::memory_order_acquire) == 0) {}
    [[nodiscard]] bool saw_none() const {
      return none_at_first_ && moves_.under_way_.load(std::memory_order_acquire) == 0 &&
             moves_.ended_.load(std::memory_order_acquire) == ended_;
    }

   private:
    const Moves& moves_;
    u32 ended_;
    bool none_at_first_;
  };

 private:
  std::atomic<u32> under_way_{0};
  std::atomic<u32> ended_{0};
};

/// How many of `managed` frames are free, by two sums over all harts (`sum_of` a VmEvent) that are read one after the
/// other while both grow. Allocations first: then neither what is allocated nor what is freed in between makes the
/// answer smaller than what was free in the moment between the two, and that is all that has_too_few() needs. The other
/// way round a slow reader could find nothing free in an idle machine.
template <typename SumOf>
[[nodiscard]] constexpr u64 free_frames(u64 managed, SumOf sum_of) {
  const u64 allocated = sum_of(VmEvent::frame_allocated);
  const u64 freed = sum_of(VmEvent::frame_freed);
  return freed < allocated ? managed - (allocated - freed) : managed;
}

class FrameAllocator {
 public:
  /// Takes over RAM but for the reserved ranges (xv6: kinit, freerange). The frame table is put into the first free
  /// part that holds it. Touches the table, not the frames. Called once, by one hart.
  void init(PhysRange ram, std::span<const PhysRange> reserved);

  /// Gives a range that init() was told to reserve to the free memory (the device tree after it was read).
  void release_reserved(PhysRange range);

  /// A block for `use`, with one reference (xv6: kalloc). Fails with no_memory, and when the fail-nth hook says so.
  [[nodiscard]] lib::Result<Ppn> allocate(FrameState use, Zero zero = Zero::no, Order order = Order::page) {
    const u64 ppn = order == Order::page ? take_single(use, zero) : take_block_for(use, zero, order);
    if (ppn == no_ppn) [[unlikely]]
      return lib::fail(lib::Error::no_memory);
    return Ppn(ppn);
  }

  /// Gives back a block of `order` that has one reference (xv6: kfree). A frame in any state but a used one is a bug
  /// and the report names its state.
  void free(Ppn ppn, Order order = Order::page);

  /// The same for a single frame that is all zero again.
  void free_zeroed(Ppn ppn);

  /// One more, one fewer reference to a single frame; the last one frees it.
  void ref(Ppn ppn) { record(ppn).refs.fetch_add(1, std::memory_order_relaxed); }
  [[gnu::always_inline]] void unref(Ppn ppn) {
    Frame& frame = record(ppn);
    const u32 before = frame.refs.fetch_sub(1, std::memory_order_acq_rel);
    if (before <= 1) [[unlikely]]
      last_unref(ppn, frame, before);
  }
  [[nodiscard]] u32 refs(Ppn ppn) const { return record(ppn).refs.load(std::memory_order_acquire); }

  // A megapage mapping holds 2 MiB at `ppn` (aligned): one count of a compound block, or one of each frame.

  void ref_megapage(Ppn ppn);
  void unref_megapage(Ppn ppn);
  /// Whether this megapage mapping is the only user, so that it may be written without copying.
  [[nodiscard]] bool is_sole_megapage_owner(Ppn ppn);
  /// Before one of its mappings is split: the block's one count becomes 512 equal ones. Nothing if done already.
  void convert_compound(Ppn ppn);

  [[nodiscard]] bool contains(Ppn ppn) const { return ppn.value() - base_ < count_; }
  [[nodiscard]] Frame& record(Ppn ppn) { return table_[ppn.value() - base_]; }
  [[nodiscard]] const Frame& record(Ppn ppn) const { return table_[ppn.value() - base_]; }
  /// The frame table by value, for loops that count many references.
  struct Records {
    Frame* table;
    u64 base;
    [[nodiscard]] Frame& operator[](Ppn ppn) const { return table[ppn.value() - base]; }
  };
  [[nodiscard]] Records records() const { return {table_, base_}; }
  [[nodiscard]] FrameState state(Ppn ppn) const { return record(ppn).state; }
  [[nodiscard]] Ppn ppn_of(u32 number) const { return Ppn(base_ + number); }
  [[nodiscard]] u32 number_of(Ppn ppn) const { return static_cast<u32>(ppn.value() - base_); }

  /// Frames that can be allocated: exact when no other hart is inside the allocator, else no fewer than there were at
  /// one moment of the call. For reports; a decision asks has_too_few().
  [[nodiscard]] u64 free_count() const;
  /// Whether fewer than `count` frames were free at one moment of the call, so that the caller need not try. (False
  /// promises nothing: others allocate too.)
  [[nodiscard]] bool has_too_few(u64 count) const { return free_count() < count; }
  /// Frames that init() and release_reserved() took over.
  [[nodiscard]] u64 managed_count() const { return managed_.load(std::memory_order_relaxed); }
  /// Frames of RAM, reserved ones included.
  [[nodiscard]] u64 ram_count() const { return count_; }
  [[nodiscard]] PhysRange ram() const { return ram_; }

  /// Moves every hart's cached frames into the buddy lists (checker, statistics).
  void drain_caches();

  /// Makes the allocator's locks known to the statistics device.
  void publish_locks();

 private:
  /// Frames linked through Frame::cached().
  struct List {
    u32 head = no_frame;
    u32 count = 0;
  };
  struct alignas(64) Cache {
    locks::SpinLock lock{"kmem", locks::Rank::frame_cache};
    List plain SYNC_GUARDED_BY(lock);
    List zero SYNC_GUARDED_BY(lock);
  };
  static constexpr u32 batch_order = 5;  ///< a cache is refilled with up to 2^5 frames at once
  static constexpr u32 cache_limit = 512;  ///< a cache list longer than this is drained ...
  static constexpr u32 cache_keep = 256;  ///< ... to this length
  static constexpr u32 zero_limit = 64;  ///< zeroed frames kept apart, per hart

  [[noreturn]] static void wrong_free(FrameState state);
  u32 take_block(u32 order) SYNC_REQUIRES(lock_);
  void give_block(u32 number, u32 order) SYNC_REQUIRES(lock_);
  void list_push(u32 number, u32 order) SYNC_REQUIRES(lock_);
  void list_remove(u32 number, u32 order) SYNC_REQUIRES(lock_);
  void give_run(u64 first, u64 end);

  void push(List& list, u32 number, FrameState state);
  u32 pop(List& list);
  u32 pop_own(Cache& cache, Zero wanted);
  u32 fetch(u32 hart);
  u32 refill(u32 hart);
  u32 rob(u32 thief);
  void cache_single(u32 number, Zero zero);
  void drain(Cache& cache, u32 keep_plain, u32 keep_zero);
  u32 find_block(u32 order);
  /// What allocate() makes a Result of, where the caller can see it: that takes a dozen instructions off each
  /// allocation.
  static constexpr u64 no_ppn = ~u64{0};
  [[nodiscard]] u64 take_single(FrameState use, Zero zero);
  [[nodiscard]] u64 take_unless_it_must_fail(FrameState use, Zero zero);
  [[nodiscard]] u64 take_anywhere(FrameState use, Zero zero);
  [[nodiscard]] u64 take_block_for(FrameState use, Zero zero, Order wanted);
  [[nodiscard]] Ppn hand_out(u32 number, FrameState use, Zero zero);
  void last_unref(Ppn ppn, Frame& frame, u32 before);
  void free_last(Ppn ppn, u32 order);
  void claim(u32 number, FrameState use, u32 order);
  void check_free(u32 number, FrameState found, u32 order) const;

  Moves moves_;
  Frame* table_ = nullptr;
  u64 base_ = 0;  ///< number of RAM's first frame
  u64 count_ = 0;  ///< frames of RAM
  PhysRange ram_;
  std::atomic<u64> managed_{0};
  locks::SpinLock lock_{"kmem", locks::Rank::frames};
  u32 heads_[order_count] SYNC_GUARDED_BY(lock_) = {};
  Cache caches_[arch::max_harts];
};

/// The machine's one allocator.
[[nodiscard]] FrameAllocator& frames();

/// Where the kernel sees a frame.
[[nodiscard]] inline void* frame_bytes(Ppn ppn) { return arch::to_kernel(ppn.address()); }

}  // namespace mm
