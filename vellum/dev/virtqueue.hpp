// SPDX-License-Identifier: MIT
#pragma once
// A split virtqueue seen from the device (virtio 1.1, 2.6). Everything in it is the guest's word: each index and length
// is checked, and a chain can't be longer than the queue.

#include <array>
#include <concepts>

#include "vellum/isa/types.hpp"

namespace vellum {

/// A piece of guest memory that belongs to a request.
struct DmaSegment {
  u64 address;
  u32 length;
};

/// The buffers of one request: first those the device reads, then those it writes.
struct Chain {
  static constexpr u32 max_segments = 256;
  u16 head = 0;
  u32 readable = 0, writable = 0;  // how many of each
  std::array<DmaSegment, max_segments> segments;
};

enum class QueueFault : u8 { none, broken };

/// Guest memory as a device sees it. Each access says whether all of it was there.
template <class Bus>
concept DmaBus = requires(Bus& bus, u64 address, void* to, const void* from, u64 bytes) {
  { bus.dma_read(address, to, bytes) } -> std::same_as<bool>;
  { bus.dma_write(address, from, bytes) } -> std::same_as<bool>;
};

struct Virtqueue {
  static constexpr u32 max_size = 1024;

  u64 descriptors = 0, driver = 0, device = 0;  // addresses of the three parts
  u32 size = 0;
  u16 next_available = 0, used = 0;
  bool is_ready = false;
  std::array<u8, 7> unused{};  // no byte of the state is left to chance

  /// Takes the next request that the driver offers. Nothing when there is none; `fault` tells a queue that makes no
  /// sense, after which the device wants a reset.
  template <DmaBus Bus>
  bool take(Bus& bus, Chain& chain, QueueFault& fault) {
    fault = QueueFault::none;
    if (!is_usable()) return false;
    u16 offered = 0;
    if (!bus.dma_read(driver + 2, &offered, 2)) return broken(fault);
    if (offered == next_available) return false;
    if (static_cast<u16>(offered - next_available) > size) return broken(fault);
    if (!bus.dma_read(driver + 4 + u64{2} * (next_available % size), &chain.head, 2)) return broken(fault);
    ++next_available;
    return collect(bus, chain) ? true : broken(fault);
  }

  /// Gives a request back, with the number of bytes that the device wrote into it.
  template <DmaBus Bus>
  bool give_back(Bus& bus, u16 head, u32 written) {
    const std::array<u32, 2> element{head, written};
    if (!bus.dma_write(device + 4 + u64{8} * (used % size), element.data(), 8)) return false;
    ++used;
    return bus.dma_write(device + 2, &used, 2);
  }

  /// Whether the driver asked not to be interrupted (2.6.7).
  template <DmaBus Bus>
  [[nodiscard]] bool wants_no_interrupt(Bus& bus) const {
    u16 flags = 0;
    return bus.dma_read(driver, &flags, 2) && (flags & 1) != 0;
  }

  [[nodiscard]] bool is_usable() const { return is_ready && size != 0 && size <= max_size; }

 private:
  struct Descriptor {
    u64 address;
    u32 length;
    u16 flags;
    u16 next;
  };
  static constexpr u16 has_next = 1, device_writes = 2, indirect = 4;

  static bool broken(QueueFault& fault) {
    fault = QueueFault::broken;
    return false;
  }

  template <DmaBus Bus>
  bool collect(Bus& bus, Chain& chain) const {
    chain.readable = chain.writable = 0;
    u32 index = chain.head;
    for (u32 count = 0; count < Chain::max_segments; ++count) {
      Descriptor descriptor{};
      if (index >= size || !bus.dma_read(descriptors + u64{16} * index, &descriptor, 16)) return false;
      if ((descriptor.flags & indirect) != 0) return false;  // was not offered
      if ((descriptor.flags & device_writes) != 0) {
        ++chain.writable;
      } else {
        if (chain.writable != 0) return false;  // 2.6.4.2: readable ones come first
        ++chain.readable;
      }
      chain.segments[count] = {descriptor.address, descriptor.length};
      if ((descriptor.flags & has_next) == 0) return true;
      index = descriptor.next;
    }
    return false;
  }
};

}  // namespace vellum
