// SPDX-License-Identifier: MIT
// The queue between driver and disk on a machine that reorders all that RVWMO lets it (V35). QEMU shows none of this:
// its device sees every store at once and in order.
//
// The model: memory as in reordering_memory.hpp. The doorbell arrives at once, the acknowledgement late if it may. The
// device looks when it is told or when it likes, and sleeps as soon as a look finds nothing. It finishes requests in
// any order. Every request must arrive whole and come back once and whole.
#include "dev/split_queue.hpp"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dev/reordering_memory.hpp"

namespace {

using dev::Descriptor;
using dev::Order;

constexpr u32 slot_count = 40;

struct Request {
  u64 question = 0;  // written by the driver: header and, for a write, data
  u64 answer = 0;  // written by the device: data of a read
  u16 status = 0;
};

/// Memory, device and chance of one run.
class Machine {
 public:
  Machine(unsigned seed, std::optional<Order> missing) : memory_(seed, [this] { tick(); }), missing_(missing) {}

  void connect(dev::Rings& rings) { rings_ = &rings; }

  template <class T>
  void store(T& cell, const T& value) {
    memory_.store(cell, value);
  }
  template <class T>
  T load(const T& cell) {
    return memory_.load(cell);
  }
  void fence(Order order) { memory_.fence(order != missing_); }
  void ring() {
    device_is_awake_ = true;
    run_device();
  }
  void acknowledge() {
    const bool seen = interrupts_;
    memory_.store_late(&interrupts_, [this, seen] {
      if (seen) interrupts_ = false;
    });
  }
  [[nodiscard]] bool interrupts() const { return interrupts_; }

  /// Nothing more is written: what is on its way arrives, and a device that is awake ends its work.
  void come_to_rest() {
    memory_.settle();
    while (device_is_awake_ || !taken_.empty()) run_device();
  }

  // What the device must find and what it answers.
  Request requests[slot_count];
  std::vector<u16> offered;  // first descriptors, in order
  std::map<u16, u64> questions;  // of requests under way, by their first descriptor

  [[nodiscard]] bool flip() { return memory_.flip(); }
  [[nodiscard]] u32 below(u32 limit) { return memory_.below(limit); }
  void report(const std::string& violation) { memory_.report(violation); }
  [[nodiscard]] const std::string& violation() const { return memory_.violation(); }

 private:
  void tick() {
    if (below(4) == 0) device_is_awake_ = true;  // it may look whenever it likes
    run_device();
  }
  void run_device() {
    if (device_is_awake_) look();
    if (!taken_.empty() && flip()) finish(below(static_cast<u32>(taken_.size())));
  }
  void look() {
    if (rings_->available_index == static_cast<u16>(looked_)) {
      device_is_awake_ = false;
      return;
    }
    const u16 first = rings_->available[looked_ % dev::queue_entries];
    const u16 expected = offered[looked_++];
    const Descriptor& head = rings_->descriptors[first];
    if (first != expected)
      report("the device finds another ring entry");
    else if (head.address != questions[first] || requests[first].question != head.address)
      report("the device finds an unfinished request");
    taken_.push_back(expected);
  }
  void finish(u32 which) {
    const u16 first = taken_[which];
    taken_.erase(taken_.begin() + which);
    memory_.device_write(requests[first].answer, ~questions[first]);
    memory_.device_write(requests[first].status, 1);
    memory_.device_write(rings_->used[rings_->used_index % dev::queue_entries].id, first);
    memory_.device_write(rings_->used_index, u16(rings_->used_index + 1));
    interrupts_ = true;
  }

  dev_test::ReorderingMemory memory_;
  std::optional<Order> missing_;
  dev::Rings* rings_ = nullptr;
  bool interrupts_ = false;
  bool device_is_awake_ = false;
  u64 looked_ = 0;  // entries of the available ring
  std::vector<u16> taken_;
};

struct Shared {
  Machine* machine;
  template <class T>
  void store(T& cell, const std::type_identity_t<T>& value) {
    machine->store(cell, value);
  }
  template <class T>
  T load(const T& cell) {
    return machine->load(cell);
  }
  void fence(Order order) { machine->fence(order); }
};

/// A driver over the queue: offers requests a few at a time, takes them back when the device interrupts.
class Driver {
 public:
  explicit Driver(Machine& machine) : machine_(machine), queue_(std::make_unique<Queue>(Shared{&machine})) {
    machine.connect(queue_->rings());
  }

  void offer_some() {
    for (u32 count = 1 + machine_.below(3); count != 0; --count) {
      const auto slot = static_cast<u16>(machine_.below(slot_count));
      if (machine_.questions.contains(slot)) continue;
      const u64 question = ++last_question_;
      machine_.questions[slot] = question;
      machine_.offered.push_back(slot);
      machine_.store(machine_.requests[slot].question, question);
      machine_.store(machine_.requests[slot].status, u16{0});
      queue_->describe(slot, {.address = question, .length = 1, .flags = 0, .next = 0});
      queue_->offer(slot);
    }
    queue_->notify([this] { machine_.ring(); });
  }
  void handle_interrupts() {
    while (machine_.interrupts()) {
      queue_->begin_taking_back([this] { machine_.acknowledge(); });
      while (const auto used = queue_->take_back()) finish(used->first);
    }
  }
  void end() {
    machine_.come_to_rest();
    handle_interrupts();
    machine_.come_to_rest();
    handle_interrupts();
    if (!machine_.questions.empty()) machine_.report("a request never comes back");
  }

 private:
  using Queue = dev::SplitQueue<Shared>;

  void finish(u32 slot) {
    const auto question = machine_.questions.find(static_cast<u16>(slot));
    if (question == machine_.questions.end()) return machine_.report("a request comes back that is not under way");
    Request& request = machine_.requests[slot];
    if (machine_.load(request.status) != 1) machine_.report("the status is not there yet");
    if (machine_.load(request.answer) != ~question->second) machine_.report("the data is not there yet");
    machine_.questions.erase(question);
  }

  Machine& machine_;
  std::unique_ptr<Queue> queue_;
  u64 last_question_ = 0;
};

/// What goes wrong in `runs` short lives of a queue; empty if nothing does.
std::string explore(std::optional<Order> missing, unsigned runs) {
  for (unsigned seed = 0; seed < runs; ++seed) {
    Machine machine(seed, missing);
    Driver driver(machine);
    for (int round = 0; round < 6; ++round) {
      driver.offer_some();
      if (machine.flip()) driver.handle_interrupts();
    }
    driver.end();
    if (!machine.violation().empty()) return machine.violation();
  }
  return "";
}

TEST(SplitQueue, NoReorderingHarmsIt) { EXPECT_EQ(explore({}, 20000), ""); }

TEST(SplitQueue, WithoutOneOfItsOrdersItFails) {
  EXPECT_NE(explore(Order::request_before_index, 20000), "");
  EXPECT_EQ(explore(Order::index_before_doorbell, 20000), "a request never comes back");
  EXPECT_EQ(explore(Order::acknowledge_before_index, 20000), "a request never comes back");
  EXPECT_NE(explore(Order::index_before_entry, 20000), "");
}

TEST(SplitQueue, GoesRoundItsRingAndItsIndices) {
  Machine machine(1, {});
  Driver driver(machine);
  while (machine.offered.size() < 70000) {
    driver.offer_some();
    driver.handle_interrupts();
    ASSERT_EQ(machine.violation(), "");
  }
  driver.end();
  EXPECT_EQ(machine.violation(), "");
}

TEST(SplitQueue, RingsOnlyForWhatIsNew) {
  Machine machine(1, {});
  dev::SplitQueue<Shared> queue(Shared{&machine});
  machine.connect(queue.rings());
  int rings = 0;
  const auto doorbell = [&] { ++rings; };
  queue.notify(doorbell);
  EXPECT_EQ(rings, 0);
  machine.offered = {0, 1};
  queue.offer(0);
  queue.offer(1);
  queue.notify(doorbell);
  queue.notify(doorbell);
  EXPECT_EQ(rings, 1);
}

}  // namespace
