// SPDX-License-Identifier: MIT
#pragma once
// Packets: one frame of RAM each, owned by whoever holds the handle, from the driver to the program's buffer without a
// copy between. Free of the target, so that the network stack is tested on the host.

#include <atomic>
#include <cstddef>
#include <span>
#include <utility>

#include "lib/result.hpp"
#include "lib/types.hpp"
#include "sync/spinlock.hpp"

namespace dev {

/// A frame's contents while it is a packet.
struct PacketBuffer {
  /// The largest Ethernet frame without its CRC, and what a card is told that a buffer holds.
  static constexpr usize max_frame = 1514, room = 2048;
  /// Behind the 14 bytes of the Ethernet header, what follows is aligned to 4.
  static constexpr usize at = 1026;

  PacketBuffer* next;              ///< in a queue, or in the pool
  u32 length;                      ///< bytes of `data` that count
  u32 source_address;              ///< who sent the datagram, in host order: for who reads it
  u16 source_port;
  u16 payload_at;                  ///< the datagram's payload, inside `data`
  u16 payload_length;
  alignas(8) std::byte card[64];   ///< the driver's own (virtio-net: its header)
  std::byte unused[at - 24 - 64];  ///< behind the 24 bytes above `card`
  std::byte data[room];
};
static_assert(offsetof(PacketBuffer, data) == PacketBuffer::at);
static_assert(sizeof(PacketBuffer) <= 4096);

/// A packet's owner. Move-only; dropping it frees the frame.
class Packet {
 public:
  constexpr Packet() = default;
  explicit Packet(PacketBuffer* buffer) : buffer_(buffer) {}
  Packet(Packet&& other) noexcept : buffer_(std::exchange(other.buffer_, nullptr)) {}
  Packet& operator=(Packet&& other) noexcept {
    if (this != &other) {
      reset();
      buffer_ = std::exchange(other.buffer_, nullptr);
    }
    return *this;
  }
  ~Packet() { reset(); }

  /// A packet without contents; for threads, as it takes a frame from the allocator. no_memory.
  [[nodiscard]] static lib::Result<Packet> make();

  void reset() {
    if (buffer_ != nullptr) give_back();
  }
  /// Ends the ownership: the caller has the buffer now.
  [[nodiscard]] PacketBuffer* release() { return std::exchange(buffer_, nullptr); }

  [[nodiscard]] PacketBuffer* get() const { return buffer_; }
  PacketBuffer* operator->() const { return buffer_; }
  explicit operator bool() const { return buffer_ != nullptr; }

  [[nodiscard]] std::span<std::byte> bytes() const { return {buffer_->data, buffer_->length}; }
  [[nodiscard]] std::span<std::byte> payload() const {
    return {buffer_->data + buffer_->payload_at, buffer_->payload_length};
  }

 private:
  void give_back();
  PacketBuffer* buffer_ = nullptr;
};

/// Packets one behind the other. The owner's lock guards it.
class PacketQueue {
 public:
  constexpr PacketQueue() = default;
  PacketQueue(const PacketQueue&) = delete;
  PacketQueue& operator=(const PacketQueue&) = delete;
  ~PacketQueue() { clear(); }

  [[nodiscard]] u32 count() const { return count_; }
  [[nodiscard]] bool empty() const { return count_ == 0; }
  void push(Packet packet) {
    PacketBuffer* const last = packet.release();
    last->next = nullptr;
    (first_ == nullptr ? first_ : last_->next) = last;
    last_ = last;
    ++count_;
  }
  /// The oldest; nothing if it is empty.
  [[nodiscard]] Packet pop() {
    if (first_ == nullptr) return {};
    PacketBuffer* const first = first_;
    first_ = first->next;
    --count_;
    return Packet(first);
  }
  void clear() {
    while (first_ != nullptr) (void)pop();
  }

 private:
  PacketBuffer* first_ = nullptr;
  PacketBuffer* last_ = nullptr;
  u32 count_ = 0;
};

/// Frames kept ready for what arrives. An interrupt takes from here and never from the allocator; when the pool is
/// empty, what arrives is dropped. Packets that are done with come back here until it is full again, so that in the
/// long run nothing is allocated at all; a thread refills what is held up in queues.
class PacketPool {
 public:
  constexpr PacketPool() = default;
  PacketPool(const PacketPool&) = delete;
  PacketPool& operator=(const PacketPool&) = delete;

  /// Keeps `target` frames ready from now on. no_memory: as many as there were.
  [[nodiscard]] lib::Result<void> start(u32 target);

  /// A ready packet, or an empty handle. For interrupts.
  [[nodiscard]] Packet take();
  /// A packet that is done with; the frame stays ready, or goes back to the allocator.
  void give(PacketBuffer& buffer);

  /// Less than half of the frames are there.
  [[nodiscard]] bool is_low() const {
    return count_.load(std::memory_order_relaxed) < target_.load(std::memory_order_relaxed) / 2;
  }
  /// Allocates what is missing; for threads.
  [[nodiscard]] lib::Result<void> refill();
  /// Frames that refill() has allocated, at the start too.
  [[nodiscard]] u64 refilled() const { return refilled_.load(std::memory_order_relaxed); }

 private:
  locks::SpinLock lock_{"packets", locks::Rank::packets};
  PacketBuffer* first_ SYNC_GUARDED_BY(lock_) = nullptr;
  std::atomic<u32> count_{0};  ///< written under the lock, glanced at without
  std::atomic<u32> target_{0};
  std::atomic<u64> refilled_{0};
};

/// The machine's one pool.
[[nodiscard]] PacketPool& packet_pool();

}  // namespace dev
