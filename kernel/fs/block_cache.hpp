// SPDX-License-Identifier: MIT
#pragma once
// The block cache (xv6: bio.c): a fixed number of 1 KiB buffers, found by hash, replaced least recently used
// first (by a clock, so that a hit moves nothing).
//
// Who may touch a buffer's bytes: the holder of the lock that owns the block on disk (an inode's mutex for its
// data, the bitmap's spin lock, the inode-table slot's inode). The cache itself only says which block a buffer holds.
//
// No deadlock when every buffer is pinned (docs/failures.md A10): a thread that waits for a buffer holds no other
// pin but those of blocks already in its transaction's log, and the log reserves at most max_log_capacity of
// those, fewer than there are buffers. So some pin is always held by a thread that waits for no buffer (at most
// for the device), and will be released; a commit needs no buffer, it writes from the logged ones.

#include <algorithm>
#include <atomic>
#include <span>

#include "abi/limits.hpp"
#include "dev/block_device.hpp"
#include "lib/result.hpp"
#include "sched/wait_queue.hpp"
#include "sync/spinlock.hpp"

namespace fs {

class BlockCache;

/// One cached block. Only BlockCache and Log look inside; everyone else holds a BufferRef.
struct Buffer {
  static constexpr u32 no_block = ~u32{0};
  enum class Content : u32 { nothing, being_read, valid };

  Buffer* next = nullptr;      ///< hash chain, under its bucket's lock
  std::byte* bytes = nullptr;
  std::atomic<u32> block{no_block};  ///< changes only while `pins` carries the claim
  std::atomic<u32> pins{0};    ///< holders; `claimed` is added while the clock replaces the block
  std::atomic<u32> recent{0};  ///< used since the clock's hand last passed
  std::atomic<Content> content{Content::nothing};  ///< changes under the bucket's lock; stays valid while pinned
  std::atomic<u32> logged{0};  ///< belongs to the open or committing group; set and cleared by the log
};

/// A pin on a buffer: the block stays in memory while it lives (xv6: bread ... brelse). Move-only.
class BufferRef {
 public:
  BufferRef() = default;
  BufferRef(BufferRef&& other) noexcept : cache_(other.cache_), buffer_(other.buffer_) { other.buffer_ = nullptr; }
  BufferRef& operator=(BufferRef&& other) noexcept {
    if (this != &other) {
      release();
      cache_ = other.cache_;
      buffer_ = other.buffer_;
      other.buffer_ = nullptr;
    }
    return *this;
  }
  ~BufferRef() { release(); }

  [[nodiscard]] std::byte* bytes() const { return buffer_->bytes; }
  [[nodiscard]] u32 block() const { return buffer_->block.load(std::memory_order_relaxed); }
  /// The block as an array of T.
  template <class T>
  [[nodiscard]] T* as() const {
    return reinterpret_cast<T*>(buffer_->bytes);
  }
  [[nodiscard]] Buffer& buffer() const { return *buffer_; }
  explicit operator bool() const { return buffer_ != nullptr; }
  void release();

 private:
  friend class BlockCache;
  BufferRef(BlockCache& cache, Buffer& buffer) : cache_(&cache), buffer_(&buffer) {}
  BlockCache* cache_ = nullptr;
  Buffer* buffer_ = nullptr;
};

class BlockCache {
 public:
  static constexpr usize lock_count = 8;  ///< few: only a miss takes one

  BlockCache();
  BlockCache(const BlockCache&) = delete;
  BlockCache& operator=(const BlockCache&) = delete;

  /// Bytes of memory per buffer, its record and hash bucket included; what `attach` divides by.
  [[nodiscard]] static usize bytes_per_buffer();
  /// Makes as many buffers as `memory` holds (8-byte aligned; kept for ever) over `device`. Once, at boot.
  void attach(dev::BlockDevice& device, std::span<std::byte> memory);

  /// The block's bytes, read from the device if need be (xv6: bread). Sleeps. io: the device failed.
  /// If the device must be asked, it reads what is missing of `following` too, with the same round trip.
  [[nodiscard]] lib::Result<BufferRef> read(u32 block, std::span<const u32> following = {}) {
    Buffer* const buffer = buckets_[bucket_of(block)].load(std::memory_order_relaxed);
    if (buffer != nullptr && try_pin(*buffer, block)) [[likely]]
      return BufferRef(*this, *buffer);
    return read_slowly(block, following);
  }
  /// Whether `read` would find it at once; a hint, for nobody holds it.
  [[nodiscard]] bool holds(u32 block) const {
    const Buffer* const buffer = buckets_[bucket_of(block)].load(std::memory_order_relaxed);
    return buffer != nullptr && buffer->block.load(std::memory_order_relaxed) == block;
  }
  /// A pin on a block whose old content does not matter: filled with zeros, not read (xv6: bzero's bread).
  [[nodiscard]] BufferRef fresh(u32 block);
  /// Blocks that are cached side by side, from `first` to `last`, each pinned; none if `first` is null.
  struct Run {
    Buffer* first;
    Buffer* last;
    [[nodiscard]] std::span<const std::byte> bytes() const { return {first->bytes, last->bytes + abi::block_size}; }
  };
  /// Pins as many of `wanted` blocks, at least one, from `block` on, as are in memory side by side; perhaps none. Never
  /// sleeps and takes no lock, so one may hold many pins this way.
  [[nodiscard, gnu::always_inline]] Run try_pin_run(u32 block, usize wanted) {
    Buffer* const first = buckets_[bucket_of(block)].load(std::memory_order_relaxed);
    if (first == nullptr || !try_pin(*first, block)) return {nullptr, nullptr};
    Buffer* const end = std::min(first + wanted, buffers_ + count_);
    Buffer* last = first;
    while (last + 1 != end && pin_if(last[1], ++block)) ++last;
    return {first, last};
  }
  void unpin_run(const Run& run) {
    for (Buffer* buffer = run.first; buffer <= run.last; ++buffer) buffer->pins.fetch_sub(1, std::memory_order_release);
    wake_if_starved();
  }
  /// Forgets every block that nobody holds. For mounting another image, and tests.
  void drop_all();

  [[nodiscard]] u32 buffer_count() const { return count_; }
  [[nodiscard]] u32 pinned_count() const;
  [[nodiscard]] dev::BlockDevice& device() const { return *device_; }
  /// Makes the cache's locks, all named bcache, known to the statistics device.
  void publish_locks();

  /// Adds a pin for the log.
  void pin(Buffer& buffer) { buffer.pins.fetch_add(1, std::memory_order_relaxed); }
  void unpin(Buffer& buffer);

 private:
  static constexpr u32 claimed = u32{1} << 30;

  struct BucketLock : locks::SpinLock {
    BucketLock() : locks::SpinLock("bcache", locks::Rank::block_cache) {}
  };

  [[nodiscard]] u32 bucket_of(u32 block) const { return (block * 2654435761u) >> bucket_shift_; }
  [[nodiscard]] locks::SpinLock& lock_of(u32 bucket) { return bucket_locks_[bucket % lock_count]; }
  [[nodiscard]] sched::WaitQueue& filled_queue(u32 bucket) { return filled_[bucket % lock_count]; }
  [[nodiscard]] Buffer* find_and_pin(u32 bucket, u32 block);
  /// A pin if the buffer holds this block, read in.
  [[nodiscard]] bool try_pin(Buffer& buffer, u32 block) {
    return buffer.block.load(std::memory_order_relaxed) == block && pin_if(buffer, block);
  }
  /// The same where that is likely: pinned, it cannot become another block any more, so only then it is looked at.
  [[nodiscard]] bool pin_if(Buffer& buffer, u32 block) {
    const u32 pins = buffer.pins.fetch_add(1, std::memory_order_acquire);
    if ((pins & claimed) == 0 && buffer.block.load(std::memory_order_relaxed) == block &&
        buffer.content.load(std::memory_order_acquire) == Buffer::Content::valid) [[likely]] {
      buffer.recent.store(1, std::memory_order_relaxed);
      return true;
    }
    unpin(buffer);
    return false;
  }
  /// After a pin was dropped. The fence is the waiter's twin (claim_victim): either this sees that someone waits, or
  /// the waiter's sweep sees the free buffer.
  void wake_if_starved() {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (starved_.load(std::memory_order_relaxed) != 0) [[unlikely]]
      wake_starved();
  }
  enum class WhenBusy { wait, give_up };
  [[nodiscard]] Buffer* get(u32 block, WhenBusy when_busy);
  [[nodiscard]] Buffer* claim_victim(WhenBusy when_busy);
  [[nodiscard]] Buffer* sweep();
  void unchain(Buffer& buffer);
  void wake_starved();
  [[nodiscard]] lib::Result<BufferRef> read_slowly(u32 block, std::span<const u32> following);
  [[nodiscard]] lib::Result<void> fill(Buffer& buffer, std::span<const u32> following);
  [[nodiscard]] bool begin_fill(Buffer& buffer);
  void end_fill(Buffer& buffer, Buffer::Content content);

  dev::BlockDevice* device_ = nullptr;
  Buffer* buffers_ = nullptr;
  u32 count_ = 0;
  std::atomic<Buffer*>* buckets_ = nullptr;  ///< heads of the chains; written under the buckets' locks
  u32 bucket_shift_ = 31;
  BucketLock bucket_locks_[lock_count];
  sched::WaitQueue filled_[lock_count];
  locks::SpinLock clock_lock_;  ///< the hand, and sleep when every buffer is pinned
  u32 hand_ = 0;
  std::atomic<u32> starved_{0};
  sched::WaitQueue buffer_free_;
};

inline void BufferRef::release() {
  if (buffer_ != nullptr) cache_->unpin(*buffer_);
  buffer_ = nullptr;
}

inline void BlockCache::unpin(Buffer& buffer) {
  if (buffer.pins.fetch_sub(1, std::memory_order_release) == 1) wake_if_starved();
}

}  // namespace fs
