// SPDX-License-Identifier: MIT
#include "dev/e1000.hpp"

#include <algorithm>
#include <array>
#include <span>

#include "dev/card_buffers.hpp"
#include "dev/device_memory.hpp"
#include "dev/e1000_rings.hpp"
#include "dev/interrupts.hpp"
#include "dev/mmio.hpp"
#include "lib/format.hpp"
#include "lib/immortal.hpp"
#include "mm/frames.hpp"
#include "sched/thread.hpp"
#include "sched/wait_queue.hpp"

// Intel PCI/PCI-X Family of Gigabit Ethernet Controllers Software Developer's Manual (8254x), chapters 3, 13 and 14.

namespace dev {

namespace {

namespace reg {
constexpr u32 control = 0x0000;
constexpr u32 interrupt_cause = 0x00c0, interrupt_mask_set = 0x00d0, interrupt_mask_clear = 0x00d8;
constexpr u32 receive_control = 0x0100, transmit_control = 0x0400, transmit_gap = 0x0410;
constexpr u32 receive_base = 0x2800, receive_length = 0x2808, receive_head = 0x2810, receive_tail = 0x2818;
constexpr u32 receive_delay = 0x2820, receive_absolute_delay = 0x282c;
constexpr u32 transmit_base = 0x3800, transmit_length = 0x3808, transmit_head = 0x3810, transmit_tail = 0x3818;
constexpr u32 missed_packets = 0x4010;  // 13.7.4: frames that found no room; a read clears it
constexpr u32 multicast_table = 0x5200, multicast_words = 128;
constexpr u32 address_low = 0x5400, address_high = 0x5404;
}  // namespace reg

constexpr u32 control_reset = 1 << 26, control_link_up = 1 << 6, control_speed_detection = 1 << 5;
constexpr u32 cause_transmitted = 1 << 0, cause_receive_overrun = 1 << 6, cause_received = 1 << 7;
constexpr u32 receive_causes = cause_received | cause_receive_overrun;
constexpr u32 receive_enable = 1 << 1, receive_broadcast = 1 << 15, receive_strip_crc = 1 << 26;  // 2,048-byte buffers
constexpr u32 transmit_enable = 1 << 1, transmit_pad = 1 << 3;
constexpr u32 transmit_collisions = 0x10 << 4, transmit_distance = 0x40 << 12;  // 13.4.33, full duplex
constexpr u32 gap_of_82540 = 10 | 8 << 10 | 6 << 20;  // 13.4.34
constexpr u32 address_valid = u32{1} << 31;

constexpr u64 stall_ticks = 20;  // a frame that the card has not taken for so long: it never will
constexpr u32 reset_patience = 10000;

class E1000 final : public NetworkDevice {
 public:
  constexpr E1000() = default;
  bool start(u64 registers, u32 interrupt);
  void handle_interrupt();

  const char* name() const override { return "e1000"; }
  MacAddress address() const override { return address_; }
  void open(PacketReceiver& receiver) override;
  lib::Result<void> transmit(Packet packet, WhenFull when_full) override;
  More poll() override;
  void tend() override;
  CardCounters counters() override;

 private:
  [[nodiscard]] u32 read(u32 offset) const { return mmio_read<u32>(base_ + offset); }
  void write(u32 offset, u32 value) const { mmio_write<u32>(base_ + offset, value); }

  bool reset() const;
  void read_address();
  void start_receiving() SYNC_REQUIRES(receive_lock_);
  void start_transmitting() SYNC_REQUIRES(transmit_lock_);
  void restart() SYNC_REQUIRES(receive_lock_);
  void arm(u32 index) SYNC_REQUIRES(receive_lock_) {
    receive_ring_.arm(index, device_view(receive_buffers_[index]->data));
  }
  void publish() SYNC_REQUIRES(receive_lock_) {
    receive_ring_.publish([this](u32 tail) { write(reg::receive_tail, tail); });
  }
  [[nodiscard]] More receive_some() SYNC_REQUIRES(receive_lock_);
  void count_missed() SYNC_REQUIRES(receive_lock_) { counters_.missed += read(reg::missed_packets); }
  [[nodiscard]] bool is_good(const ReceiveRing<DeviceMemory>::Arrived& arrived) SYNC_REQUIRES(receive_lock_);
  void take_back_sent() SYNC_REQUIRES(transmit_lock_);
  [[nodiscard]] lib::Result<void> wait_for_room() SYNC_REQUIRES(transmit_lock_);
  [[nodiscard]] bool is_stalled();

  u64 base_ = 0;
  MacAddress address_;
  PacketReceiver* receiver_ = nullptr;

  locks::SpinLock receive_lock_{"e1000 receive", locks::Rank::card_receive};
  ReceiveRing<DeviceMemory> receive_ring_ SYNC_GUARDED_BY(receive_lock_);
  u32 receive_entries_ SYNC_GUARDED_BY(receive_lock_) = 0;
  std::array<Packet, most_receive_entries> receive_buffers_ SYNC_GUARDED_BY(receive_lock_);
  bool inside_long_frame_ SYNC_GUARDED_BY(receive_lock_) = false;  // its end is still to come
  bool is_polled_ SYNC_GUARDED_BY(receive_lock_) = false;  // the receive interrupt is off, a thread takes up
  CardCounters counters_ SYNC_GUARDED_BY(receive_lock_);  // all but the transmit ones

  locks::SpinLock transmit_lock_{"e1000 transmit", locks::Rank::card_transmit};
  TransmitRing<DeviceMemory> transmit_ring_ SYNC_GUARDED_BY(transmit_lock_);
  std::array<Packet, transmit_entries> transmit_buffers_ SYNC_GUARDED_BY(transmit_lock_);
  sched::WaitQueue room_ SYNC_GUARDED_BY(transmit_lock_);
  u64 transmitted_ SYNC_GUARDED_BY(transmit_lock_) = 0;
  u64 transmit_full_ SYNC_GUARDED_BY(transmit_lock_) = 0;
  u64 progress_seen_ SYNC_GUARDED_BY(transmit_lock_) = 0;  // transmitted_ when ...
  u64 progress_tick_ SYNC_GUARDED_BY(transmit_lock_) = 0;  // ... it was last seen to move, or nothing was under way
};

constinit lib::Immortal<E1000> the_card;

/// 14.3: interrupts off before and after, since the reset turns none of them off for sure.
bool E1000::reset() const {
  write(reg::interrupt_mask_clear, ~u32{0});
  write(reg::control, read(reg::control) | control_reset);
  for (u32 tries = 0; (read(reg::control) & control_reset) != 0; ++tries) {
    if (tries == reset_patience) return false;
  }
  write(reg::interrupt_mask_clear, ~u32{0});
  (void)read(reg::interrupt_cause);
  write(reg::control, read(reg::control) | control_link_up | control_speed_detection);
  for (u32 i = 0; i < reg::multicast_words; ++i) write(reg::multicast_table + 4 * i, 0);
  return true;
}

/// The card has it from its EEPROM after a reset.
void E1000::read_address() {
  const u32 low = read(reg::address_low), high = read(reg::address_high);
  for (u32 i = 0; i < 4; ++i) address_.bytes[i] = static_cast<u8>(low >> 8 * i);
  for (u32 i = 0; i < 2; ++i) address_.bytes[4 + i] = static_cast<u8>(high >> 8 * i);
  if ((high & address_valid) == 0) address_ = {{0x52, 0x54, 0, 0x12, 0x34, 0x56}};  // QEMU's first
}

void E1000::start_receiving() {
  const u32 low = u32{address_.bytes[0]} | u32{address_.bytes[1]} << 8 | u32{address_.bytes[2]} << 16 |
                  u32{address_.bytes[3]} << 24;
  write(reg::address_low, low);
  write(reg::address_high, u32{address_.bytes[4]} | u32{address_.bytes[5]} << 8 | address_valid);
  receive_ring_.restart(receive_entries_);
  inside_long_frame_ = false;
  is_polled_ = false;
  for (u32 i = 0; i < receive_entries_; ++i) arm(i);
  const u64 ring = device_view(receive_ring_.descriptors());
  write(reg::receive_base, static_cast<u32>(ring));
  write(reg::receive_base + 4, static_cast<u32>(ring >> 32));
  write(reg::receive_length, receive_entries_ * sizeof(ReceiveDescriptor));
  write(reg::receive_head, 0);
  write(reg::receive_delay, 0);
  write(reg::receive_absolute_delay, 0);
  publish();
  write(reg::receive_control, receive_enable | receive_broadcast | receive_strip_crc);
}

void E1000::start_transmitting() {
  for (Packet& packet : transmit_buffers_) packet.reset();  // what was under way is lost
  transmit_ring_.restart();
  const u64 ring = device_view(transmit_ring_.descriptors());
  write(reg::transmit_base, static_cast<u32>(ring));
  write(reg::transmit_base + 4, static_cast<u32>(ring >> 32));
  write(reg::transmit_length, transmit_entries * sizeof(TransmitDescriptor));
  write(reg::transmit_head, 0);
  write(reg::transmit_tail, 0);
  write(reg::transmit_gap, gap_of_82540);
  write(reg::transmit_control, transmit_enable | transmit_pad | transmit_collisions | transmit_distance);
  room_.wake_all();
}

/// What arrives while the ring is full is lost, whoever it is for, and a card does not wait for a hart that stands
/// still (a guest: one that its host does not run). So the ring holds a burst of some hundred frames, as long as that
/// is a small part of the memory.
constexpr u32 receive_entries_for(u64 ram_frames) {
  constexpr u64 share = 64;
  const u64 wanted = std::clamp<u64>(ram_frames / share, least_receive_entries, most_receive_entries);
  return static_cast<u32>(wanted) / receive_entries_step * receive_entries_step;
}

bool E1000::start(u64 registers, u32 interrupt) {
  base_ = registers;
  if (!reset()) {
    lib::print("network: e1000: does not come out of its reset; not used\n");
    return false;
  }
  read_address();
  const locks::Guard guard(receive_lock_);
  receive_entries_ = receive_entries_for(mm::frames().ram_count());
  if (!fill(std::span(receive_buffers_).first(receive_entries_))) {
    lib::print("network: e1000: no memory for its buffers; not used\n");
    return false;
  }
  set_interrupt_handler({.registers = {}, .interrupt = interrupt, .plic = 0},
                        [] { the_card.get().handle_interrupt(); });
  return true;
}

void E1000::open(PacketReceiver& receiver) {
  receiver_ = &receiver;
  const locks::Guard guard(receive_lock_);
  restart();
  counters_.resets = counters_.missed = 0;
}

/// Everything that a reset forgets. Frames that were under way are lost.
void E1000::restart() {
  count_missed();
  (void)reset();  // a card that stays in its reset is tried again later
  ++counters_.resets;
  start_receiving();
  const locks::Guard guard(transmit_lock_);
  start_transmitting();
  write(reg::interrupt_mask_set, receive_causes);
}

// Of a frame that is longer than a buffer every piece but the last says so.
bool E1000::is_good(const ReceiveRing<DeviceMemory>::Arrived& arrived) {
  const bool is_piece = inside_long_frame_ || !arrived.is_whole;
  inside_long_frame_ = !arrived.is_whole;
  return !is_piece && arrived.errors == 0 && is_possible_frame(arrived.length);
}

/// Hands up what has arrived.
NetworkDevice::More E1000::receive_some() {
  u32 taken = 0;
  while (taken < receive_burst) {
    const auto arrived = receive_ring_.take();
    if (!arrived) break;
    ++taken;
    const Arrival arrival = is_good(*arrived) ? Arrival::good : Arrival::bad;
    Packet frame = take_frame(receive_buffers_[arrived->index], arrival, arrived->length, counters_);
    arm(arrived->index);
    if (frame) receiver_->receive(std::move(frame));
  }
  if (taken != 0) publish();
  return taken == receive_burst ? More::yes : More::no;
}

void E1000::handle_interrupt() {
  const locks::Guard guard(receive_lock_);
  ++counters_.interrupts;
  const u32 cause = receive_ring_.begin_taking([this] { return read(reg::interrupt_cause); });
  if ((cause & cause_transmitted) != 0) {
    const locks::Guard transmit_guard(transmit_lock_);
    take_back_sent();
  }
  if (is_polled_ || (!packet_pool().is_low() && receive_some() == More::no)) return;
  is_polled_ = true;
  write(reg::interrupt_mask_clear, receive_causes);
  receiver_->work_is_waiting();
}

NetworkDevice::More E1000::poll() {
  const locks::Guard guard(receive_lock_);
  if (!is_polled_) return More::no;
  ++counters_.polls;
  if (receive_some() == More::yes) return More::yes;
  is_polled_ = false;
  write(reg::interrupt_mask_set, receive_causes);  // what came since the last look interrupts at once
  return More::no;
}

void E1000::take_back_sent() {
  bool any = false;
  while (const auto index = transmit_ring_.take_back()) {
    transmit_buffers_[*index].reset();
    ++transmitted_;
    any = true;
  }
  if (any && !room_.empty()) room_.wake_all();
}

/// Only who waits needs the interrupt for frames that are gone: who sends takes back what is done anyway.
lib::Result<void> E1000::wait_for_room() {
  while (transmit_ring_.is_full()) {
    write(reg::interrupt_mask_set, cause_transmitted);
    const sched::Woken woken = room_.wait(transmit_lock_, sched::Interruptible::yes);
    if (woken == sched::Woken::killed) return lib::fail(lib::Error::interrupted);
    take_back_sent();
  }
  write(reg::interrupt_mask_clear, cause_transmitted);
  return {};
}

lib::Result<void> E1000::transmit(Packet packet, WhenFull when_full) {
  const locks::Guard guard(transmit_lock_);
  take_back_sent();
  if (transmit_ring_.is_full()) [[unlikely]] {
    if (when_full == WhenFull::drop) {
      ++transmit_full_;
      return lib::fail(lib::Error::busy);
    }
    LIB_TRY(wait_for_room());
  }
  const u32 index = transmit_ring_.send(device_view(packet->data), static_cast<u16>(packet->length),
                                        [this](u32 tail) { write(reg::transmit_tail, tail); });
  transmit_buffers_[index] = std::move(packet);
  take_back_sent();  // QEMU's card is done when the doorbell returns
  return {};
}

/// Frames are under way, and none of them has been taken for a long time.
bool E1000::is_stalled() {
  const locks::Guard guard(transmit_lock_);
  take_back_sent();
  const u64 now = sched::uptime_ticks();
  if (transmit_ring_.used() == 0 || transmitted_ != progress_seen_) {
    progress_seen_ = transmitted_;
    progress_tick_ = now;
  }
  return now - progress_tick_ >= stall_ticks;
}

void E1000::tend() {
  const bool is_stuck = is_stalled();
  if (!is_stuck && (read(reg::receive_control) & receive_enable) != 0) return;
  const locks::Guard guard(receive_lock_);
  restart();
  // Whatever the card had received before is gone with its descriptors' meaning; the peers send again.
}

CardCounters E1000::counters() {
  CardCounters result;
  {
    const locks::Guard guard(receive_lock_);
    count_missed();
    result = counters_;
  }
  const locks::Guard guard(transmit_lock_);
  result.transmitted = transmitted_;
  result.transmit_full = transmit_full_;
  return result;
}

}  // namespace

NetworkDevice* start_e1000(u64 registers, u32 interrupt) {
  E1000& card = the_card.get();
  return card.start(registers, interrupt) ? &card : nullptr;
}

}  // namespace dev
