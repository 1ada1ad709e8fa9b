// SPDX-License-Identifier: MIT
#include "fs/block_cache.hpp"

#include <bit>
#include <cstring>
#include <memory>
#include <new>

namespace fs {

BlockCache::BlockCache() : clock_lock_("bcache", locks::Rank::block_cache) {}

usize BlockCache::bytes_per_buffer() { return abi::block_size + sizeof(Buffer) + 2 * sizeof(std::atomic<Buffer*>); }

void BlockCache::attach(dev::BlockDevice& device, std::span<std::byte> memory) {
  device_ = &device;
  if (count_ != 0) return drop_all();
  count_ = static_cast<u32>(memory.size() / bytes_per_buffer());
  const u32 bucket_count = std::bit_floor(2 * count_);
  bucket_shift_ = 32 - static_cast<u32>(std::countr_zero(bucket_count));
  // Data first: blocks stay aligned as the memory is, so that no block straddles two pages.
  std::byte* data = memory.data();
  std::byte* records = data + usize{count_} * abi::block_size;
  buffers_ = std::launder(reinterpret_cast<Buffer*>(records));
  buckets_ = std::launder(reinterpret_cast<std::atomic<Buffer*>*>(records + usize{count_} * sizeof(Buffer)));
  for (u32 i = 0; i < bucket_count; ++i) std::construct_at(&buckets_[i], nullptr);
  for (u32 i = 0; i < count_; ++i) {
    std::construct_at(&buffers_[i])->bytes = data + usize{i} * abi::block_size;
  }
}

Buffer* BlockCache::find_and_pin(u32 bucket, u32 block) {
  for (Buffer* buffer = buckets_[bucket].load(std::memory_order_relaxed); buffer != nullptr; buffer = buffer->next) {
    if (buffer->block.load(std::memory_order_relaxed) != block) continue;
    if ((buffer->pins.fetch_add(1, std::memory_order_acquire) & claimed) == 0) {
      buffer->recent.store(1, std::memory_order_relaxed);
      return buffer;
    }
    // The clock has just taken it for another block; it holds nothing that the disk does not.
    buffer->pins.fetch_sub(1, std::memory_order_release);
  }
  return nullptr;
}

Buffer* BlockCache::get(u32 block, WhenBusy when_busy) {
  const u32 bucket = bucket_of(block);
  {
    const locks::Guard guard(lock_of(bucket));
    if (Buffer* found = find_and_pin(bucket, block)) return found;
  }
  Buffer* victim = claim_victim(when_busy);
  if (victim == nullptr) return nullptr;
  Buffer* found = nullptr;
  {
    const locks::Guard guard(lock_of(bucket));
    found = find_and_pin(bucket, block);
    if (found == nullptr) {
      victim->block.store(block, std::memory_order_relaxed);
      victim->content.store(Buffer::Content::nothing, std::memory_order_relaxed);
      victim->recent.store(1, std::memory_order_relaxed);
      victim->next = buckets_[bucket].load(std::memory_order_relaxed);
      buckets_[bucket].store(victim, std::memory_order_relaxed);
    }
    // An ordinary buffer again, with one pin, ours.
    victim->pins.fetch_sub(claimed - 1, std::memory_order_release);
  }
  if (found == nullptr) return victim;
  unpin(*victim);  // another thread was faster; the victim stays outside every chain
  return found;
}

Buffer* BlockCache::sweep() {
  // Two rounds: the first may only clear `recent`.
  for (u32 i = 0; i < 2 * count_; ++i) {
    Buffer& buffer = buffers_[hand_];
    hand_ = hand_ + 1 == count_ ? 0 : hand_ + 1;
    if (buffer.pins.load(std::memory_order_relaxed) != 0) continue;
    if (buffer.recent.exchange(0, std::memory_order_relaxed) != 0) continue;
    u32 unpinned = 0;
    if (buffer.pins.compare_exchange_strong(unpinned, claimed, std::memory_order_acq_rel)) return &buffer;
  }
  return nullptr;
}

Buffer* BlockCache::claim_victim(WhenBusy when_busy) {
  Buffer* victim = nullptr;
  {
    const locks::Guard guard(clock_lock_);
    victim = sweep();
    if (victim == nullptr) [[unlikely]] {
      if (when_busy == WhenBusy::give_up) return nullptr;
      starved_.fetch_add(1, std::memory_order_relaxed);
      std::atomic_thread_fence(std::memory_order_seq_cst);
      while ((victim = sweep()) == nullptr) (void)buffer_free_.wait(clock_lock_, sched::Interruptible::no);
      starved_.fetch_sub(1, std::memory_order_relaxed);
    }
  }
  if (victim->block.load(std::memory_order_relaxed) != Buffer::no_block) unchain(*victim);
  return victim;
}

void BlockCache::wake_starved() {
  const locks::Guard guard(clock_lock_);
  buffer_free_.wake_all();
}

void BlockCache::unchain(Buffer& buffer) {
  const u32 bucket = bucket_of(buffer.block.load(std::memory_order_relaxed));
  const locks::Guard guard(lock_of(bucket));
  Buffer* at = buckets_[bucket].load(std::memory_order_relaxed);
  if (at == &buffer) {
    buckets_[bucket].store(buffer.next, std::memory_order_relaxed);
  } else {
    while (at->next != &buffer) at = at->next;
    at->next = buffer.next;
  }
  buffer.block.store(Buffer::no_block, std::memory_order_relaxed);
}

bool BlockCache::begin_fill(Buffer& buffer) {
  const u32 bucket = bucket_of(buffer.block.load(std::memory_order_relaxed));
  const locks::Guard guard(lock_of(bucket));
  while (buffer.content.load(std::memory_order_relaxed) == Buffer::Content::being_read) {
    (void)filled_queue(bucket).wait(lock_of(bucket), sched::Interruptible::no);
  }
  if (buffer.content.load(std::memory_order_relaxed) == Buffer::Content::valid) return false;
  buffer.content.store(Buffer::Content::being_read, std::memory_order_relaxed);
  return true;
}

void BlockCache::end_fill(Buffer& buffer, Buffer::Content content) {
  const u32 bucket = bucket_of(buffer.block.load(std::memory_order_relaxed));
  const locks::Guard guard(lock_of(bucket));
  buffer.content.store(content, std::memory_order_release);
  filled_queue(bucket).wake_all();
}

lib::Result<BufferRef> BlockCache::read_slowly(u32 block, std::span<const u32> following) {
  BufferRef ref(*this, *get(block, WhenBusy::wait));
  if (ref.buffer().content.load(std::memory_order_acquire) != Buffer::Content::valid) [[unlikely]] {
    LIB_TRY(fill(ref.buffer(), following));
  }
  return ref;
}

lib::Result<void> BlockCache::fill(Buffer& buffer, std::span<const u32> following) {
  if (!begin_fill(buffer)) return {};
  constexpr usize most = 16;
  BufferRef ahead[most];
  dev::BlockRead reads[most + 1] = {{buffer.block.load(std::memory_order_relaxed), {buffer.bytes, abi::block_size}}};
  usize count = 0;
  for (const u32 block : following) {
    if (count == most) break;
    if (block == 0) continue;
    // Never waits, neither for a buffer nor for another thread's read: who holds pins must not.
    Buffer* next = get(block, WhenBusy::give_up);
    if (next == nullptr) break;
    BufferRef ref(*this, *next);
    const locks::Guard guard(lock_of(bucket_of(block)));
    if (next->content.load(std::memory_order_relaxed) != Buffer::Content::nothing) continue;
    next->content.store(Buffer::Content::being_read, std::memory_order_relaxed);
    ahead[count++] = std::move(ref);
    reads[count] = {block, {next->bytes, abi::block_size}};
  }
  auto result = device_->read_many({reads, count + 1});
  const auto content = result ? Buffer::Content::valid : Buffer::Content::nothing;
  for (usize i = 0; i < count; ++i) end_fill(ahead[i].buffer(), content);
  // A bad block ahead must not hide a good one.
  if (!result && count != 0) result = device_->read(reads[0].block, {buffer.bytes, abi::block_size});
  end_fill(buffer, result ? Buffer::Content::valid : Buffer::Content::nothing);
  return result;
}

BufferRef BlockCache::fresh(u32 block) {
  BufferRef ref(*this, *get(block, WhenBusy::wait));
  const bool ours = begin_fill(ref.buffer());
  std::memset(ref.bytes(), 0, abi::block_size);
  if (ours) end_fill(ref.buffer(), Buffer::Content::valid);
  return ref;
}

void BlockCache::drop_all() {
  for (u32 i = 0; i < count_; ++i) {
    Buffer& buffer = buffers_[i];
    u32 unpinned = 0;
    if (!buffer.pins.compare_exchange_strong(unpinned, claimed)) continue;
    if (buffer.block.load(std::memory_order_relaxed) != Buffer::no_block) unchain(buffer);
    buffer.content.store(Buffer::Content::nothing, std::memory_order_relaxed);
    buffer.pins.fetch_sub(claimed, std::memory_order_release);
  }
}

void BlockCache::publish_locks() {
  locks::LockStatistics::publish(clock_lock_);
  for (BucketLock& lock : bucket_locks_) locks::LockStatistics::publish(lock);
}

u32 BlockCache::pinned_count() const {
  u32 pinned = 0;
  for (u32 i = 0; i < count_; ++i) pinned += buffers_[i].pins.load(std::memory_order_relaxed) != 0;
  return pinned;
}

}  // namespace fs
