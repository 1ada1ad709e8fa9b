// SPDX-License-Identifier: MIT
#include "dev/packet.hpp"

#include "arch/port.hpp"
#include "mm/frames.hpp"

namespace dev {

namespace {

constinit PacketPool pool;

lib::Result<PacketBuffer*> allocate() {
  const auto frame = LIB_TRY(mm::frames().allocate(mm::FrameState::kernel, mm::Zero::no));
  return static_cast<PacketBuffer*>(mm::frame_bytes(frame));
}

}  // namespace

PacketPool& packet_pool() { return pool; }

lib::Result<Packet> Packet::make() {
  Packet packet(LIB_TRY(allocate()));
  packet->length = 0;
  return packet;
}

void Packet::give_back() { pool.give(*release()); }

lib::Result<void> PacketPool::start(u32 target) {
  target_.store(target, std::memory_order_relaxed);
  return refill();
}

Packet PacketPool::take() {
  const locks::Guard guard(lock_);
  PacketBuffer* const buffer = first_;
  if (buffer == nullptr) return {};
  first_ = buffer->next;
  count_.store(count_.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
  return Packet(buffer);
}

void PacketPool::give(PacketBuffer& buffer) {
  {
    const locks::Guard guard(lock_);
    const u32 count = count_.load(std::memory_order_relaxed);
    if (count < target_.load(std::memory_order_relaxed)) {
      buffer.next = std::exchange(first_, &buffer);
      count_.store(count + 1, std::memory_order_relaxed);
      return;
    }
  }
  mm::frames().free(arch::to_phys(&buffer).floor());
}

// Meanwhile others may fill the pool: then give() sends the frame back.
lib::Result<void> PacketPool::refill() {
  while (count_.load(std::memory_order_relaxed) < target_.load(std::memory_order_relaxed)) {
    give(*LIB_TRY(allocate()));
    refilled_.fetch_add(1, std::memory_order_relaxed);
  }
  return {};
}

}  // namespace dev
