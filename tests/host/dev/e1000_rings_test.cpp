// SPDX-License-Identifier: MIT
// The e1000's rings between driver and card on a machine that reorders all that RVWMO lets it: QEMU shows none of this,
// its card sees every store at once and in order.
//
// The model: memory as in reordering_memory.hpp. A tail register arrives at once, reading the cause acknowledges. The
// card takes descriptors from its head to the tail whenever it likes, at once when the tail moves, and interrupts after
// it has written one back. Every frame must leave and arrive once, whole and in order.
#include "dev/e1000_rings.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>

#include "dev/reordering_memory.hpp"

namespace {

using dev::RingOrder;
using dev::transmit_entries;

constexpr u32 receive_entries = dev::least_receive_entries;

class Machine;

struct Shared {
  Machine* machine;
  template <class T>
  void store(T& cell, const std::type_identity_t<T>& value);
  template <class T>
  T load(const T& cell);
  void fence(RingOrder order);
};

/// Memory, card and driver of one run.
class Machine {
 public:
  Machine(unsigned seed, std::optional<RingOrder> missing)
      : memory(seed, [this] { run_card(); }),
        receive(std::make_unique<dev::ReceiveRing<Shared>>(Shared{this})),
        transmit(std::make_unique<dev::TransmitRing<Shared>>(Shared{this})),
        missing_(missing) {
    receive->restart(receive_entries);
    for (u32 i = 0; i < receive_entries; ++i) {
      buffers_[i] = i;
      receive->arm(i, u64{i} + 1);
    }
    receive->publish([this](u32 tail) { move_receive_tail(tail); });
  }

  void fence(RingOrder order) { memory.fence(order != missing_); }

  /// The driver sends one frame, if there is room: its contents are a number in its buffer.
  void send() {
    take_back_sent();
    if (transmit->is_full()) return;
    const u32 buffer = next_outgoing_ % (2 * transmit_entries);
    memory.store(outgoing_[buffer], u64{++next_outgoing_});
    (void)transmit->send(buffer, static_cast<u16>(next_outgoing_), [this](u32 tail) {
      transmit_tail_ = tail;
      run_card();
    });
  }
  void take_back_sent() {
    while (transmit->take_back()) ++taken_back_;
    if (taken_back_ > left_) memory.report("a frame is taken back that the card still has");
  }

  /// The wire brings a frame, if the card has a descriptor for it.
  void bring() {
    if (receive_head_ == receive_tail_) return;
    dev::ReceiveDescriptor& descriptor = receive->descriptors()[receive_head_];
    receive_head_ = (receive_head_ + 1) % receive_entries;
    const u64 buffer = descriptor.address - 1;
    if (buffer >= receive_entries || buffers_[buffer] >= receive_entries || (descriptor.status & 1) != 0) {
      return memory.report("the card finds a descriptor that is not written");
    }
    buffers_[buffer] = receive_entries;  // the card's no more until it is armed again
    ++brought_;
    memory.device_write(incoming_[buffer], brought_);
    memory.device_write(descriptor.length, static_cast<u16>(brought_));
    memory.device_write(descriptor.status, dev::ReceiveDescriptor::done | dev::ReceiveDescriptor::end_of_packet);
    interrupts_ = true;
  }
  void handle_interrupts() {
    for (int turns = 0; interrupts_; ++turns) {
      if (turns == 1000) return memory.report("the driver finds no end");
      receive->begin_taking([this] {
        // A register's read: not before what the driver does next unless a fence says so.
        const bool seen = interrupts_;
        memory.store_late(&interrupts_, [this, seen] {
          if (seen) interrupts_ = false;
        });
        return 0;
      });
      bool any = false;
      while (const auto arrived = receive->take()) {
        any = true;
        const u64 contents = memory.load(incoming_[arrived->index]);
        if (arrived->length != static_cast<u16>(handed_up_ + 1)) memory.report("the length is not there yet");
        if (contents != ++handed_up_) memory.report("the frame is not there yet");
        memory.store(buffers_[arrived->index], u32{arrived->index});
        receive->arm(arrived->index, u64{arrived->index} + 1);
      }
      if (any) receive->publish([this](u32 tail) { move_receive_tail(tail); });
    }
  }
  void end() {
    for (int i = 0; i < 3; ++i) {
      memory.settle();
      while (transmit_head_ != transmit_tail_) run_card();
      take_back_sent();
      handle_interrupts();
    }
    if (left_ != next_outgoing_ || taken_back_ != left_) memory.report("a frame never leaves, or is never taken back");
    if (handed_up_ != brought_) memory.report("a frame is never handed up");
  }

  dev_test::ReorderingMemory memory;
  std::unique_ptr<dev::ReceiveRing<Shared>> receive;
  std::unique_ptr<dev::TransmitRing<Shared>> transmit;
  [[nodiscard]] u64 brought() const { return brought_; }

 private:
  void move_receive_tail(u32 tail) { receive_tail_ = tail; }

  void run_card() {
    if (unasked_ != 0 && memory.below(3) == 0) {
      --unasked_;
      bring();
    }
    if (transmit_head_ == transmit_tail_) return;
    dev::TransmitDescriptor& descriptor = transmit->descriptors()[transmit_head_];
    transmit_head_ = (transmit_head_ + 1) % transmit_entries;
    ++left_;
    if (descriptor.length != static_cast<u16>(left_)) memory.report("the card finds an old descriptor");
    if (descriptor.address >= 2 * transmit_entries || outgoing_[descriptor.address] != left_) {
      memory.report("the card finds an unfinished frame");
    }
    memory.device_write(descriptor.status, dev::TransmitDescriptor::done);
  }

  std::optional<RingOrder> missing_;
  u64 outgoing_[2 * transmit_entries] = {}, incoming_[receive_entries] = {};
  u32 buffers_[receive_entries] = {};  // itself while the card may fill it
  u32 receive_head_ = 0, receive_tail_ = 0, transmit_head_ = 0, transmit_tail_ = 0;
  u64 next_outgoing_ = 0, left_ = 0, taken_back_ = 0, brought_ = 0, handed_up_ = 0;
  bool interrupts_ = false;
  u32 unasked_ = 20;  // frames that the wire brings whenever it likes
};

template <class T>
void Shared::store(T& cell, const std::type_identity_t<T>& value) {
  machine->memory.store(cell, value);
}
template <class T>
T Shared::load(const T& cell) {
  return machine->memory.load(cell);
}
void Shared::fence(RingOrder order) { machine->fence(order); }

/// What goes wrong in `runs` short lives of the rings; empty if nothing does.
std::string explore(std::optional<RingOrder> missing, unsigned runs) {
  for (unsigned seed = 0; seed < runs; ++seed) {
    Machine machine(seed, missing);
    for (int round = 0; round < 8; ++round) {
      if (machine.memory.flip()) machine.send();
      if (machine.memory.flip()) machine.bring();
      if (machine.memory.flip()) machine.handle_interrupts();
    }
    machine.end();
    if (!machine.memory.violation().empty()) return machine.memory.violation();
  }
  return "";
}

TEST(E1000Rings, NoReorderingHarmsThem) { EXPECT_EQ(explore({}, 1000), ""); }

TEST(E1000Rings, WithoutOneOfTheirOrdersTheyFail) {
  EXPECT_NE(explore(RingOrder::descriptor_before_tail, 1000), "");
  EXPECT_NE(explore(RingOrder::done_before_contents, 1000), "");
  EXPECT_EQ(explore(RingOrder::acknowledge_before_look, 1000), "a frame is never handed up");
}

TEST(E1000Rings, GoRoundManyTimes) {
  Machine machine(1, {});
  while (machine.brought() < 3000) {
    machine.send();
    machine.bring();
    machine.handle_interrupts();
    ASSERT_EQ(machine.memory.violation(), "");
  }
  machine.end();
  EXPECT_EQ(machine.memory.violation(), "");
}

TEST(E1000Rings, OneDescriptorStaysTheDrivers) {
  Machine machine(1, {});
  for (u32 i = 0; i < 2 * receive_entries; ++i) machine.bring();
  EXPECT_EQ(machine.brought(), receive_entries - 1);
}

}  // namespace
