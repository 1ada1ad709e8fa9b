// SPDX-License-Identifier: MIT
#pragma once
// The e1000's two rings of legacy descriptors as its driver sees them (Intel 8254x manual, 3.2 and 3.3).
//
// As in split_queue.hpp, driver and card share memory and a doorbell (the tail register), so it matters in which order
// each sees what the other wrote. The rings touch what is shared only through `Shared`, and say there which order they
// rely on; tests/host/dev/e1000_rings_test.cpp puts a machine there that reorders all that it may.

#include <concepts>
#include <optional>

#include "lib/types.hpp"

namespace dev {

constexpr u32 transmit_entries = 64;
/// Receive descriptors: a ring's bytes are a multiple of 128 (13.4.27), which are 8 of them.
constexpr u32 least_receive_entries = 64, most_receive_entries = 512, receive_entries_step = 8;

/// The orders that the card's protocol needs: all accesses before the point are over before any after it begins.
enum class RingOrder : u8 {
  descriptor_before_tail,   ///< frames and descriptors are there when the card sees the tail
  done_before_contents,     ///< length, errors and the frame are read after the bit that says it is done
  acknowledge_before_look,  ///< what the card finishes after the look interrupts again
};

struct ReceiveDescriptor {
  static constexpr u8 done = 1, end_of_packet = 2;
  u64 address = 0;
  u16 length = 0;
  u16 checksum = 0;
  u8 status = 0;
  u8 errors = 0;
  u16 special = 0;
};
struct TransmitDescriptor {
  static constexpr u8 end_of_packet = 1, insert_crc = 2, report_status = 8;
  static constexpr u8 done = 1;
  u64 address = 0;
  u16 length = 0;
  u8 checksum_offset = 0;
  u8 command = 0;
  u8 status = 0;
  u8 checksum_start = 0;
  u16 special = 0;
};
static_assert(sizeof(ReceiveDescriptor) == 16 && sizeof(TransmitDescriptor) == 16);

/// Memory that a card reads and writes at any time.
template <class T>
concept RingMemory = requires(T shared, u8& cell, TransmitDescriptor& descriptor) {
  shared.store(descriptor, TransmitDescriptor{});
  { shared.load(cell) } -> std::same_as<u8>;
  shared.fence(RingOrder::descriptor_before_tail);
};

/// Buffers for what arrives. Buffer i always belongs to descriptor i. The tail names the last descriptor that is the
/// card's, which leaves that one alone: of n it uses n - 1. One hart at a time.
template <RingMemory Shared>
class ReceiveRing {
 public:
  constexpr explicit ReceiveRing(Shared shared = {}) : shared_(shared) {}
  ReceiveRing(const ReceiveRing&) = delete;
  ReceiveRing& operator=(const ReceiveRing&) = delete;

  [[nodiscard]] const ReceiveDescriptor* descriptors() const { return descriptors_; }
  [[nodiscard]] ReceiveDescriptor* descriptors() { return descriptors_; }

  /// Before the first use, and after a reset of the card: a ring of so many descriptors, of which the first is next and
  /// none is the card's.
  void restart(u32 entries) {
    entries_ = entries;
    next_ = 0;
  }
  /// Writes a descriptor whose buffer is free; the card may use it after publish().
  void arm(u32 index, u64 buffer) { shared_.store(descriptors_[index], ReceiveDescriptor{.address = buffer}); }
  /// Rings `doorbell(tail)`: everything armed before the tail is the card's.
  template <class Doorbell>
  void publish(const Doorbell& doorbell) {
    shared_.fence(RingOrder::descriptor_before_tail);
    doorbell((next_ == 0 ? entries_ : next_) - 1);
  }

  /// Acknowledges the card's interrupt. What arrives after this is found by take() or interrupts again.
  template <class Acknowledge>
  auto begin_taking(const Acknowledge& acknowledge) {
    const auto cause = acknowledge();
    shared_.fence(RingOrder::acknowledge_before_look);
    return cause;
  }

  struct Arrived {
    u32 index;
    u16 length = 0;
    u8 errors = 0;
    bool is_whole;  ///< the frame ends in this buffer
  };
  /// The next buffer that the card has filled, if there is one. It is to be armed again before publish().
  [[nodiscard]] std::optional<Arrived> take() {
    ReceiveDescriptor& descriptor = descriptors_[next_];
    const u8 status = shared_.load(descriptor.status);
    if ((status & ReceiveDescriptor::done) == 0) return {};
    shared_.fence(RingOrder::done_before_contents);
    const Arrived arrived{.index = next_,
                          .length = shared_.load(descriptor.length),
                          .errors = shared_.load(descriptor.errors),
                          .is_whole = (status & ReceiveDescriptor::end_of_packet) != 0};
    next_ = next_ + 1 == entries_ ? 0 : next_ + 1;
    return arrived;
  }

 private:
  [[no_unique_address]] Shared shared_;
  u32 entries_ = 0;
  u32 next_ = 0;
  alignas(128) ReceiveDescriptor descriptors_[most_receive_entries]{};
};

/// Frames on their way out. One hart at a time.
template <RingMemory Shared>
class TransmitRing {
 public:
  constexpr explicit TransmitRing(Shared shared = {}) : shared_(shared) {}
  TransmitRing(const TransmitRing&) = delete;
  TransmitRing& operator=(const TransmitRing&) = delete;

  [[nodiscard]] const TransmitDescriptor* descriptors() const { return descriptors_; }
  [[nodiscard]] TransmitDescriptor* descriptors() { return descriptors_; }

  void restart() { first_ = next_ = 0; }
  /// Descriptors in use. One stays free: a tail equal to the head means that the ring is empty.
  [[nodiscard]] u32 used() const { return (next_ + transmit_entries - first_) % transmit_entries; }
  [[nodiscard]] bool is_full() const { return used() == transmit_entries - 1; }

  /// Gives a frame to the card; returns the descriptor that names it. Not when it is full.
  template <class Doorbell>
  u32 send(u64 buffer, u16 length, const Doorbell& doorbell) {
    const u32 index = next_;
    next_ = (next_ + 1) % transmit_entries;
    shared_.store(descriptors_[index],
                  TransmitDescriptor{.address = buffer,
                                     .length = length,
                                     .command = TransmitDescriptor::end_of_packet | TransmitDescriptor::insert_crc |
                                                TransmitDescriptor::report_status});
    shared_.fence(RingOrder::descriptor_before_tail);
    doorbell(next_);
    return index;
  }
  /// The oldest descriptor, if the card is done with it; its buffer is free then.
  [[nodiscard]] std::optional<u32> take_back() {
    if (first_ == next_) return {};
    if ((shared_.load(descriptors_[first_].status) & TransmitDescriptor::done) == 0) return {};
    shared_.fence(RingOrder::done_before_contents);
    const u32 index = first_;
    first_ = (first_ + 1) % transmit_entries;
    return index;
  }

 private:
  [[no_unique_address]] Shared shared_;
  u32 first_ = 0;  ///< the oldest in use
  u32 next_ = 0;
  alignas(128) TransmitDescriptor descriptors_[transmit_entries]{};
};

}  // namespace dev
