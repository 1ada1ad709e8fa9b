// SPDX-License-Identifier: MIT
#pragma once
// The split virtqueue as its driver sees it (virtio 1.1: 2.6): how chains of descriptors go to the device and come
// back.
//
// Driver and device run at the same time and share nothing but memory and a doorbell, so it matters in which order each
// sees what the other wrote. The queue therefore touches what is shared only through `Shared`, and says there which
// order it relies on. tests/host/dev/split_queue_test.cpp puts a machine there that reorders all that it may, and shows
// that the four orders are enough and that none can be left out.

#include <concepts>
#include <cstddef>
#include <optional>

#include "lib/types.hpp"

namespace dev {

constexpr u32 queue_entries = 128;

struct Descriptor {
  static constexpr u16 has_next = 1, device_writes = 2;
  u64 address;
  u32 length;
  u16 flags;
  u16 next;
};

/// What driver and device share, in the legacy layout, which the modern interface can use as well: descriptors and
/// available ring, then on the next page the used ring.
struct alignas(4096) Rings {
  Descriptor descriptors[queue_entries];
  u16 available_flags;
  u16 available_index;
  u16 available[queue_entries];
  alignas(4096) u16 used_flags;
  u16 used_index;
  struct {
    u32 id;
    u32 length;
  } used[queue_entries];
};
static_assert(offsetof(Rings, used_flags) == 4096);

/// The orders that the protocol needs: all accesses before the point are over before any after it begins.
enum class Order : u8 {
  request_before_index,  ///< data, descriptors and ring entry are there when the device sees the index (2.6.13.3.1)
  index_before_doorbell,  ///< the device that is told finds something (2.6.13.4)
  acknowledge_before_index,  ///< what finishes after the look interrupts again
  index_before_entry,  ///< used entry, status and data are read after the index that announces them (2.6.14)
};

/// Memory that a device reads and writes at any time.
template <class T>
concept SharedMemory = requires(T shared, u16& cell, Descriptor& descriptor) {
  shared.store(cell, u16{});
  shared.store(descriptor, Descriptor{});
  { shared.load(cell) } -> std::same_as<u16>;
  shared.fence(Order::request_before_index);
};

/// One queue. The caller keeps count of which descriptors are free, and calls nothing here from two harts at a time.
template <SharedMemory Shared>
class SplitQueue {
 public:
  constexpr explicit SplitQueue(Shared shared = {}) : shared_(shared) {}
  SplitQueue(const SplitQueue&) = delete;
  SplitQueue& operator=(const SplitQueue&) = delete;

  [[nodiscard]] const Rings& rings() const { return rings_; }
  [[nodiscard]] Rings& rings() { return rings_; }

  /// Writes one descriptor of a chain that is not offered yet.
  void describe(u16 index, const Descriptor& descriptor) { shared_.store(rings_.descriptors[index], descriptor); }

  /// Makes the chain that begins with descriptor `first` available, and all that was written before. The device may
  /// begin at once, but need not look before notify().
  void offer(u16 first) {
    shared_.store(rings_.available[offered_ % queue_entries], first);
    shared_.fence(Order::request_before_index);
    shared_.store(rings_.available_index, ++offered_);
    is_announced_ = false;
  }

  /// Rings `doorbell` if something was offered since the last time.
  template <class Doorbell>
  void notify(const Doorbell& doorbell) {
    if (is_announced_) return;
    is_announced_ = true;
    shared_.fence(Order::index_before_doorbell);
    doorbell();
  }

  /// The device interrupted: acknowledges it by `acknowledge`. What finishes after this is found by take_back() or
  /// interrupts again.
  template <class Acknowledge>
  void begin_taking_back(const Acknowledge& acknowledge) {
    acknowledge();
    shared_.fence(Order::acknowledge_before_index);
  }

  /// A chain that came back: its first descriptor, and how many bytes the device claims to have written.
  struct Used {
    u32 first;
    u32 length;
  };
  /// The next one, if there is one.
  [[nodiscard]] std::optional<Used> take_back() {
    if (taken_ == shared_.load(rings_.used_index)) return {};
    shared_.fence(Order::index_before_entry);
    const auto& entry = rings_.used[taken_++ % queue_entries];
    return Used{shared_.load(entry.id), shared_.load(entry.length)};
  }

  /// After a reset of the device: everything as at first.
  void restart() {
    rings_.available_flags = rings_.available_index = rings_.used_flags = rings_.used_index = 0;
    offered_ = taken_ = 0;
    is_announced_ = true;
    shared_.fence(Order::index_before_doorbell);
  }

 private:
  [[no_unique_address]] Shared shared_;
  bool is_announced_ = true;
  u16 offered_ = 0;
  u16 taken_ = 0;
  Rings rings_{};
};

}  // namespace dev
