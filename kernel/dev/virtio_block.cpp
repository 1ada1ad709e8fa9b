// SPDX-License-Identifier: MIT
#include "dev/virtio_block.hpp"

#include <algorithm>
#include <array>

#include "arch/riscv64/csr.hpp"
#include "dev/interrupts.hpp"
#include "dev/machine.hpp"
#include "dev/plic.hpp"
#include "dev/virtio_mmio.hpp"
#include "lib/format.hpp"
#include "sched/wait_queue.hpp"
#include "sync/spinlock.hpp"

// Virtio 1.1: 5.2 (block device).

namespace dev {

namespace {

constexpr u32 block_device_kind = 2;
constexpr u32 feature_flush = 9;
constexpr u64 config_capacity = 0;
constexpr u64 sector_bytes = 512;

struct RequestHeader {
  static constexpr u32 read = 0, write = 1, flush = 4;
  u32 type;
  u32 reserved;
  u64 sector;
};
constexpr u8 status_ok = 0;

constexpr u32 descriptors_per_request = 3;  // header, data, status
constexpr u32 request_slots = 40;
constexpr u32 groups = 64;
static_assert(request_slots * descriptors_per_request <= queue_entries);

/// One caller's requests: it sleeps until the last has come back. Static, since stacks may not be shared.
struct Group {
  u32 pending = 0;
  bool failed = false;
  sched::WaitQueue finished;
};

struct Slot {
  RequestHeader header{};
  u8 status = 0;
  u32 group = 0;
};

class VirtioBlock final : public BlockDevice {
 public:
  constexpr VirtioBlock() = default;
  /// Sets the device up, which has been found to be one.
  bool start(const MachineDescription::Device& where);
  /// Reads a block without sleeping, for boot: whether the answer comes, and with the interrupt that it should.
  bool answers(u32 interrupt);
  void handle_interrupt();

  u64 block_count() const override { return sectors_ * sector_bytes / block_bytes; }
  lib::Result<void> read_many(std::span<const BlockRead> reads) override;
  lib::Result<void> write_many(std::span<const BlockWrite> writes) override;
  lib::Result<void> flush() override;

 private:
  struct Transfer {
    u32 type;
    u64 block;
    const void* data;
    usize bytes;
  };
  [[nodiscard]] bool is_valid(u64 block, usize bytes) const {
    return bytes != 0 && bytes % block_bytes == 0 && block < block_count() &&
           bytes / block_bytes <= block_count() - block;
  }
  template <class Requests, class ToTransfer>
  lib::Result<void> run(const Requests& requests, ToTransfer to_transfer);
  u32 take_group() SYNC_REQUIRES(lock_);
  u32 take_slot() SYNC_REQUIRES(lock_);
  void submit(const Transfer& transfer, u32 group) SYNC_REQUIRES(lock_);
  void notify() SYNC_REQUIRES(lock_);
  void finish(u32 index) SYNC_REQUIRES(lock_);

  VirtioRegisters registers_;
  u64 sectors_ = 0;
  bool has_flush_ = false;
  locks::SpinLock lock_{"virtio_disk", locks::Rank::device};
  u64 free_slots_ SYNC_GUARDED_BY(lock_) = (u64{1} << request_slots) - 1;
  u64 free_groups_ SYNC_GUARDED_BY(lock_) = ~u64{0};
  std::array<Slot, request_slots> slots_{};
  std::array<Group, groups> groups_ SYNC_GUARDED_BY(lock_){};
  sched::WaitQueue slot_freed_ SYNC_GUARDED_BY(lock_);
  sched::WaitQueue group_freed_ SYNC_GUARDED_BY(lock_);
  SplitQueue<DeviceMemory> queue_ SYNC_GUARDED_BY(lock_);
};

constinit VirtioBlock disk;

bool VirtioBlock::start(const MachineDescription::Device& where) {
  registers_ = VirtioRegisters(where);
  const auto [features, agreed] = registers_.begin(u64{1} << feature_flush);
  if (!agreed) return false;
  has_flush_ = features >> feature_flush & 1;
  {
    const locks::Guard guard(lock_);
    if (!registers_.start_queue(0, queue_.rings())) return false;
  }
  sectors_ = registers_.read_config<u32>(config_capacity) | u64{registers_.read_config<u32>(config_capacity + 4)} << 32;
  registers_.finish();
  return true;
}

bool VirtioBlock::answers(u32 interrupt) {
  static std::array<std::byte, block_bytes> block;
  constexpr u64 patience_seconds = 2;
  const u64 deadline = arch::read_time() + patience_seconds * machine().timebase_frequency;
  u32 index = 0;
  {
    locks::Guard guard(lock_);
    index = take_group();
    submit({RequestHeader::read, 0, block.data(), block.size()}, index);
    notify();
  }
  const auto pending = [&] {
    locks::Guard guard(lock_);
    return groups_[index].pending != 0;
  };
  while (pending() && arch::read_time() < deadline) {
    const u32 source = plic::claim();
    if (source == interrupt) handle_interrupt();
    if (source != plic::nothing) plic::complete(source);
  }
  locks::Guard guard(lock_);
  if (groups_[index].pending != 0) return false;
  free_groups_ |= u64{1} << index;
  return true;
}

u32 VirtioBlock::take_group() {
  while (free_groups_ == 0) (void)group_freed_.wait(lock_, sched::Interruptible::no);
  const auto group = static_cast<u32>(__builtin_ctzll(free_groups_));
  free_groups_ &= free_groups_ - 1;
  groups_[group].pending = 0;
  groups_[group].failed = false;
  return group;
}

u32 VirtioBlock::take_slot() {
  while (free_slots_ == 0) {
    notify();  // or none would ever come back
    (void)slot_freed_.wait(lock_, sched::Interruptible::no);
  }
  const auto slot = static_cast<u32>(__builtin_ctzll(free_slots_));
  free_slots_ &= free_slots_ - 1;
  return slot;
}

/// Writes the descriptors of one request and makes it available. The device is told by notify().
void VirtioBlock::submit(const Transfer& transfer, u32 group) {
  const u32 index = take_slot();
  Slot& slot = slots_[index];
  slot.header = {transfer.type, 0, transfer.block * (block_bytes / sector_bytes)};
  slot.status = 0xff;
  slot.group = group;
  ++groups_[group].pending;

  const auto first = static_cast<u16>(index * descriptors_per_request);
  const u16 data = static_cast<u16>(first + 1), last = static_cast<u16>(first + 2);
  const bool has_data = transfer.bytes != 0;
  queue_.describe(first,
                  {device_view(&slot.header), sizeof(RequestHeader), Descriptor::has_next, has_data ? data : last});
  const u16 direction = transfer.type == RequestHeader::read ? Descriptor::device_writes : u16{0};
  if (has_data) {
    queue_.describe(data, {device_view(transfer.data), static_cast<u32>(transfer.bytes),
                           static_cast<u16>(Descriptor::has_next | direction), last});
  }
  queue_.describe(last, {device_view(&slot.status), 1, Descriptor::device_writes, 0});
  queue_.offer(first);
}

void VirtioBlock::notify() {
  queue_.notify([this] { registers_.ring(0); });
}

template <class Requests, class ToTransfer>
lib::Result<void> VirtioBlock::run(const Requests& requests, ToTransfer to_transfer) {
  locks::Guard guard(lock_);
  const u32 index = take_group();
  Group& group = groups_[index];
  for (const auto& request : requests) submit(to_transfer(request), index);
  notify();
  while (group.pending != 0) (void)group.finished.wait(lock_, sched::Interruptible::no);
  const bool failed = group.failed;
  free_groups_ |= u64{1} << index;
  group_freed_.wake_one();
  if (failed) return lib::fail(lib::Error::io);
  return {};
}

lib::Result<void> VirtioBlock::read_many(std::span<const BlockRead> reads) {
  for (const BlockRead& read : reads) {
    if (!is_valid(read.block, read.data.size())) return lib::fail(lib::Error::io);
  }
  return run(reads, [](const BlockRead& read) {
    return Transfer{RequestHeader::read, read.block, read.data.data(), read.data.size()};
  });
}

lib::Result<void> VirtioBlock::write_many(std::span<const BlockWrite> writes) {
  for (const BlockWrite& write : writes) {
    if (!is_valid(write.block, write.data.size())) return lib::fail(lib::Error::io);
  }
  return run(writes, [](const BlockWrite& write) {
    return Transfer{RequestHeader::write, write.block, write.data.data(), write.data.size()};
  });
}

lib::Result<void> VirtioBlock::flush() {
  if (!has_flush_) return {};
  const std::array<Transfer, 1> one{Transfer{RequestHeader::flush, 0, nullptr, 0}};
  return run(one, [](const Transfer& transfer) { return transfer; });
}

void VirtioBlock::handle_interrupt() {
  locks::Guard guard(lock_);
  queue_.begin_taking_back([this] { registers_.acknowledge_interrupt(); });
  while (const auto used = queue_.take_back()) finish(used->first / descriptors_per_request);
}

void VirtioBlock::finish(u32 index) {
  if (index >= request_slots || (free_slots_ >> index & 1) != 0) return;  // nothing of ours: a broken device
  Slot& slot = slots_[index];
  Group& group = groups_[slot.group];
  if (DeviceMemory::load(slot.status) != status_ok) group.failed = true;
  free_slots_ |= u64{1} << index;
  slot_freed_.wake_one();
  if (--group.pending == 0) group.finished.wake_all();
}

/// Whether `root=NAME` means this slot: its number in the order of addresses, as QEMU numbers its virtio-mmio buses, or
/// the address of its registers, 0x before it.
bool is_named(std::string_view name, u32 number, const MachineDescription::Device& where) {
  std::array<char, 20> text;
  return name == lib::format_to(text, "{}", number) || name == lib::format_to(text, "0x{:x}", where.registers.base);
}

}  // namespace

lib::Result<BlockDevice*> start_virtio_block(std::string_view name) {
  for (u32 i = 0; i < machine().virtio_count; ++i) {
    const MachineDescription::Device& slot = machine().virtio[i];
    if (!name.empty() && !is_named(name, i, slot)) continue;
    if (!VirtioRegisters(slot).has_device(block_device_kind)) continue;
    if (!disk.start(slot)) return lib::fail(lib::Error::invalid_argument);
    set_interrupt_handler(slot, [] { disk.handle_interrupt(); });
    if (slot.plic != plic::controller_of_this_hart() || !disk.answers(slot.interrupt)) {
      return lib::fail(lib::Error::io);
    }
    return &disk;
  }
  return lib::fail(lib::Error::not_found);
}

}  // namespace dev
