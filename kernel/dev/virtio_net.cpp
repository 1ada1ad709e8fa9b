// SPDX-License-Identifier: MIT
#include "dev/virtio_net.hpp"

#include <array>

#include "dev/card_buffers.hpp"
#include "dev/interrupts.hpp"
#include "dev/virtio_mmio.hpp"
#include "lib/format.hpp"
#include "lib/immortal.hpp"
#include "sched/wait_queue.hpp"

// Virtio 1.1: 5.1 (network device). No offloads, so a frame and its header is all that there is.

namespace dev {

namespace {

constexpr u32 network_device_kind = 1;
constexpr u32 feature_mac = 5;
constexpr u32 receive_queue = 0, transmit_queue = 1;
// The header has two bytes less in version 1 (5.1.6.1). It lies in a descriptor of its own, as version 1 demands.
constexpr u32 header_bytes = 12, legacy_header_bytes = 10;
constexpr u32 descriptors_per_frame = 2;
constexpr u32 slots = queue_entries / descriptors_per_frame;
static_assert(sizeof(PacketBuffer::card) >= header_bytes);

class VirtioNet final : public NetworkDevice {
 public:
  constexpr VirtioNet() = default;
  bool start(const MachineDescription::Device& where);
  void handle_interrupt();

  const char* name() const override { return "virtio-net"; }
  MacAddress address() const override { return address_; }
  void open(PacketReceiver& receiver) override;
  lib::Result<void> transmit(Packet packet, WhenFull when_full) override;
  More poll() override;
  void tend() override;
  CardCounters counters() override;

 private:
  [[nodiscard]] bool restart() SYNC_REQUIRES(receive_lock_);
  void arm(u32 slot) SYNC_REQUIRES(receive_lock_);
  void publish() SYNC_REQUIRES(receive_lock_) {
    received_.notify([this] { registers_.ring(receive_queue); });
  }
  [[nodiscard]] More receive_some() SYNC_REQUIRES(receive_lock_);
  void take_back_sent() SYNC_REQUIRES(transmit_lock_);
  [[nodiscard]] u16 header_size() const { return static_cast<u16>(is_legacy_ ? legacy_header_bytes : header_bytes); }

  VirtioRegisters registers_;
  bool is_legacy_ = false;
  MacAddress address_;
  PacketReceiver* receiver_ = nullptr;

  locks::SpinLock receive_lock_{"virtio_net receive", locks::Rank::card_receive};
  SplitQueue<DeviceMemory> received_ SYNC_GUARDED_BY(receive_lock_);
  std::array<Packet, slots> receive_buffers_ SYNC_GUARDED_BY(receive_lock_);
  bool is_polled_ SYNC_GUARDED_BY(receive_lock_) = false;  // a thread takes up; the interrupts leave it to it
  CardCounters counters_ SYNC_GUARDED_BY(receive_lock_);   // all but the transmit ones

  locks::SpinLock transmit_lock_{"virtio_net transmit", locks::Rank::card_transmit};
  SplitQueue<DeviceMemory> sent_ SYNC_GUARDED_BY(transmit_lock_);
  std::array<Packet, slots> transmit_buffers_ SYNC_GUARDED_BY(transmit_lock_);
  u64 free_slots_ SYNC_GUARDED_BY(transmit_lock_) = ~u64{0};
  sched::WaitQueue room_ SYNC_GUARDED_BY(transmit_lock_);
  u64 transmitted_ SYNC_GUARDED_BY(transmit_lock_) = 0;
  u64 transmit_full_ SYNC_GUARDED_BY(transmit_lock_) = 0;
};
static_assert(slots == 64, "free_slots_ has a bit for each");

constinit lib::Immortal<VirtioNet> the_card;

bool VirtioNet::start(const MachineDescription::Device& where) {
  registers_ = VirtioRegisters(where);
  is_legacy_ = registers_.is_legacy();
  const locks::Guard guard(receive_lock_);
  if (!fill(receive_buffers_)) {
    lib::print("network: virtio-net: no memory for its buffers; not used\n");
    return false;
  }
  const auto [features, agreed] = registers_.begin(u64{1} << feature_mac);
  if (!agreed) {
    lib::print("network: virtio-net: refuses its features; not used\n");
    return false;
  }
  if ((features >> feature_mac & 1) != 0) {
    for (u32 i = 0; i < 6; ++i) address_.bytes[i] = registers_.read_config<u8>(i);
  } else {
    address_ = {{0x52, 0x54, 0, 0x12, 0x34, 0x56}};  // locally administered: ours to choose
  }
  set_interrupt_handler(where, [] { the_card.get().handle_interrupt(); });
  return true;
}

void VirtioNet::open(PacketReceiver& receiver) {
  receiver_ = &receiver;
  const locks::Guard guard(receive_lock_);
  if (!restart()) lib::print("network: virtio-net: its queues are too short; it stays silent\n");
  counters_.resets = 0;
}

/// Everything that a reset forgets. Frames that were under way are lost.
bool VirtioNet::restart() {
  ++counters_.resets;
  if (!registers_.begin(u64{1} << feature_mac).agreed) return false;
  received_.restart();
  is_polled_ = false;
  const locks::Guard guard(transmit_lock_);
  for (Packet& packet : transmit_buffers_) packet.reset();
  free_slots_ = ~u64{0};
  sent_.restart();
  if (!registers_.start_queue(receive_queue, received_.rings()) ||
      !registers_.start_queue(transmit_queue, sent_.rings())) {
    return false;
  }
  registers_.finish();
  for (u32 slot = 0; slot < slots; ++slot) arm(slot);
  publish();
  room_.wake_all();
  return true;
}

void VirtioNet::arm(u32 slot) {
  const auto first = static_cast<u16>(slot * descriptors_per_frame);
  PacketBuffer& buffer = *receive_buffers_[slot].get();
  received_.describe(first, {device_view(buffer.card), header_size(), Descriptor::has_next | Descriptor::device_writes,
                             static_cast<u16>(first + 1)});
  received_.describe(static_cast<u16>(first + 1),
                     {device_view(buffer.data), PacketBuffer::room, Descriptor::device_writes, 0});
  received_.offer(first);
}

/// Hands up what has arrived.
NetworkDevice::More VirtioNet::receive_some() {
  u32 taken = 0;
  while (taken < receive_burst) {
    const auto used = received_.take_back();
    if (!used) break;
    ++taken;
    const u32 slot = used->first / descriptors_per_frame;
    if (slot >= slots || used->first % descriptors_per_frame != 0) continue;  // nothing of ours: a broken device
    const u32 length = used->length - header_size();
    const bool is_good = used->length >= header_size() && is_possible_frame(length);
    Packet frame = take_frame(receive_buffers_[slot], is_good ? Arrival::good : Arrival::bad, length, counters_);
    arm(slot);
    if (frame) receiver_->receive(std::move(frame));
  }
  if (taken != 0) publish();
  return taken == receive_burst ? More::yes : More::no;
}

void VirtioNet::handle_interrupt() {
  const locks::Guard guard(receive_lock_);
  ++counters_.interrupts;
  received_.begin_taking_back([this] { registers_.acknowledge_interrupt(); });
  {
    const locks::Guard transmit_guard(transmit_lock_);
    take_back_sent();
  }
  if (is_polled_ || (!packet_pool().is_low() && receive_some() == More::no)) return;
  is_polled_ = true;
  receiver_->work_is_waiting();
}

NetworkDevice::More VirtioNet::poll() {
  const locks::Guard guard(receive_lock_);
  if (!is_polled_) return More::no;
  ++counters_.polls;
  if (receive_some() == More::yes) return More::yes;
  is_polled_ = false;  // what comes from now on interrupts, and its handler waits for our lock
  return More::no;
}

void VirtioNet::take_back_sent() {
  bool any = false;
  while (const auto used = sent_.take_back()) {
    const u32 slot = used->first / descriptors_per_frame;
    if (slot >= slots || (free_slots_ >> slot & 1) != 0) continue;  // nothing of ours: a broken device
    transmit_buffers_[slot].reset();
    free_slots_ |= u64{1} << slot;
    ++transmitted_;
    any = true;
  }
  if (any && !room_.empty()) room_.wake_all();
}

lib::Result<void> VirtioNet::transmit(Packet packet, WhenFull when_full) {
  const locks::Guard guard(transmit_lock_);
  take_back_sent();
  while (free_slots_ == 0) {
    if (when_full == WhenFull::drop) {
      ++transmit_full_;
      return lib::fail(lib::Error::busy);
    }
    if (room_.wait(transmit_lock_, sched::Interruptible::yes) == sched::Woken::killed) {
      return lib::fail(lib::Error::interrupted);
    }
    take_back_sent();
  }
  const auto slot = static_cast<u32>(__builtin_ctzll(free_slots_));
  free_slots_ &= free_slots_ - 1;
  const auto first = static_cast<u16>(slot * descriptors_per_frame);
  for (u32 i = 0; i < header_bytes; ++i) packet->card[i] = std::byte{0};  // no offload of any kind
  sent_.describe(first, {device_view(packet->card), header_size(), Descriptor::has_next, static_cast<u16>(first + 1)});
  sent_.describe(static_cast<u16>(first + 1), {device_view(packet->data), packet->length, 0, 0});
  transmit_buffers_[slot] = std::move(packet);
  sent_.offer(first);
  sent_.notify([this] { registers_.ring(transmit_queue); });
  return {};
}

void VirtioNet::tend() {
  {
    const locks::Guard guard(transmit_lock_);
    take_back_sent();
  }
  if (registers_.is_working()) return;
  const locks::Guard guard(receive_lock_);
  (void)restart();  // a device that refuses is tried again later
}

CardCounters VirtioNet::counters() {
  CardCounters result;
  {
    const locks::Guard guard(receive_lock_);
    result = counters_;
  }
  const locks::Guard guard(transmit_lock_);
  result.transmitted = transmitted_;
  result.transmit_full = transmit_full_;
  return result;
}

}  // namespace

u32 count_virtio_net() {
  u32 count = 0;
  for (u32 i = 0; i < machine().virtio_count; ++i) {
    if (VirtioRegisters(machine().virtio[i]).has_device(network_device_kind)) ++count;
  }
  return count;
}

NetworkDevice* start_virtio_net() {
  VirtioNet& card = the_card.get();
  for (u32 i = 0; i < machine().virtio_count; ++i) {
    const auto& slot = machine().virtio[i];
    if (VirtioRegisters(slot).has_device(network_device_kind)) return card.start(slot) ? &card : nullptr;
  }
  return nullptr;
}

}  // namespace dev
