#include "dev/virtio_block.hpp"

#include <algorithm>
#include <array>
#include <type_traits>

#include "arch/port.hpp"
#include "arch/riscv64/csr.hpp"
#include "dev/interrupts.hpp"
#include "dev/machine.hpp"
#include "dev/mmio.hpp"
#include "dev/split_queue.hpp"
#include "lib/format.hpp"
#include "sched/wait_queue.hpp"
#include "sync/spinlock.hpp"

// Virtio 1.1: 4.2 (virtio over MMIO, 4.2.4 its legacy form), 2.6 (split virtqueues), 5.2 (block device).

namespace dev {

namespace {

namespace reg {
constexpr u64 magic = 0x000, version = 0x004, device_id = 0x008;
constexpr u64 device_features = 0x010, device_features_select = 0x014;
constexpr u64 driver_features = 0x020, driver_features_select = 0x024;
constexpr u64 guest_page_size = 0x028;  // legacy
constexpr u64 queue_select = 0x030, queue_size_max = 0x034, queue_size = 0x038;
constexpr u64 queue_align = 0x03c, queue_page = 0x040;  // legacy
constexpr u64 queue_ready = 0x044, queue_notify = 0x050;
constexpr u64 interrupt_status = 0x060, interrupt_acknowledge = 0x064, status = 0x070;
constexpr u64 queue_descriptors = 0x080, queue_driver = 0x090, queue_device = 0x0a0;  // low, then high word
constexpr u64 config_capacity = 0x100;
}  // namespace reg

constexpr u32 magic_value = 0x74726976;  // "virt"
constexpr u32 block_device_id = 2;
constexpr u32 status_acknowledge = 1, status_driver = 2, status_driver_ok = 4, status_features_ok = 8;
constexpr u32 feature_flush = 9, feature_version_1 = 32;
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

/// The memory of this machine, where the device reads and writes too.
struct DeviceMemory {
  template <class T>
  static void store(T& cell, const std::type_identity_t<T>& value) {
    cell = value;
  }
  template <class T>
  static T load(const T& cell) {
    return const_cast<const volatile T&>(cell);
  }
  static void fence(Order) { arch::fence_io(); }
};

u64 physical(const void* pointer) { return arch::to_phys(pointer).value(); }

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
  bool start(const MachineDescription::VirtioSlot& where);
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
  u32 read_register(u64 offset) const { return mmio_read<u32>(base_ + offset); }
  void write_register(u64 offset, u32 value) const { mmio_write<u32>(base_ + offset, value); }
  u64 offered_features() const;
  void accept_features(u64 features) const;
  bool start_queue(u32 version);
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

  u64 base_ = 0;
  u64 sectors_ = 0;
  bool has_flush_ = false;
  sync::SpinLock lock_{"virtio_disk", sync::Rank::device};
  u64 free_slots_ SYNC_GUARDED_BY(lock_) = (u64{1} << request_slots) - 1;
  u64 free_groups_ SYNC_GUARDED_BY(lock_) = ~u64{0};
  std::array<Slot, request_slots> slots_{};
  std::array<Group, groups> groups_ SYNC_GUARDED_BY(lock_){};
  sched::WaitQueue slot_freed_ SYNC_GUARDED_BY(lock_);
  sched::WaitQueue group_freed_ SYNC_GUARDED_BY(lock_);
  SplitQueue<DeviceMemory> queue_ SYNC_GUARDED_BY(lock_);
};

constinit VirtioBlock disk;

u64 VirtioBlock::offered_features() const {
  write_register(reg::device_features_select, 1);
  const u64 high = read_register(reg::device_features);
  write_register(reg::device_features_select, 0);
  return high << 32 | read_register(reg::device_features);
}

void VirtioBlock::accept_features(u64 features) const {
  write_register(reg::driver_features_select, 1);
  write_register(reg::driver_features, static_cast<u32>(features >> 32));
  write_register(reg::driver_features_select, 0);
  write_register(reg::driver_features, static_cast<u32>(features));
}

bool VirtioBlock::start(const MachineDescription::VirtioSlot& where) {
  base_ = arch::device_address(where.registers.base);
  const u32 version = read_register(reg::version);
  if (read_register(reg::magic) != magic_value || version < 1 || version > 2 ||
      read_register(reg::device_id) != block_device_id) {
    return false;
  }
  u32 status = 0;  // 3.1.1: reset, then step by step
  write_register(reg::status, status);
  write_register(reg::status, status |= status_acknowledge);
  write_register(reg::status, status |= status_driver);

  const u64 offered = offered_features();
  u64 accepted = offered & u64{1} << feature_flush;
  if (version == 2) accepted |= u64{1} << feature_version_1;
  accept_features(accepted);
  has_flush_ = accepted >> feature_flush & 1;
  if (version == 2) {
    write_register(reg::status, status |= status_features_ok);
    if ((read_register(reg::status) & status_features_ok) == 0) return false;
  }
  if (!start_queue(version)) return false;
  sectors_ = mmio_read<u32>(base_ + reg::config_capacity) | u64{mmio_read<u32>(base_ + reg::config_capacity + 4)} << 32;
  write_register(reg::status, status | status_driver_ok);
  return true;
}

bool VirtioBlock::start_queue(u32 version) {
  write_register(reg::queue_select, 0);
  if (read_register(reg::queue_size_max) < queue_entries) return false;
  write_register(reg::queue_size, queue_entries);
  const sync::Guard guard(lock_);
  const Rings& rings = queue_.rings();
  const auto write_address = [this](u64 offset, const void* pointer) {
    write_register(offset, static_cast<u32>(physical(pointer)));
    write_register(offset + 4, static_cast<u32>(physical(pointer) >> 32));
  };
  if (version == 1) {
    write_register(reg::guest_page_size, 4096);
    write_register(reg::queue_align, 4096);
    write_register(reg::queue_page, static_cast<u32>(physical(&rings) / 4096));
  } else {
    write_address(reg::queue_descriptors, rings.descriptors);
    write_address(reg::queue_driver, &rings.available_flags);
    write_address(reg::queue_device, &rings.used_flags);
    write_register(reg::queue_ready, 1);
  }
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
  queue_.describe(first, {physical(&slot.header), sizeof(RequestHeader), Descriptor::has_next, has_data ? data : last});
  const u16 direction = transfer.type == RequestHeader::read ? Descriptor::device_writes : u16{0};
  if (has_data) {
    queue_.describe(data, {physical(transfer.data), static_cast<u32>(transfer.bytes),
                           static_cast<u16>(Descriptor::has_next | direction), last});
  }
  queue_.describe(last, {physical(&slot.status), 1, Descriptor::device_writes, 0});
  queue_.offer(first);
}

void VirtioBlock::notify() {
  queue_.notify([this] { write_register(reg::queue_notify, 0); });
}

template <class Requests, class ToTransfer>
lib::Result<void> VirtioBlock::run(const Requests& requests, ToTransfer to_transfer) {
  sync::Guard guard(lock_);
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
  sync::Guard guard(lock_);
  queue_.begin_taking_back(
      [this] { write_register(reg::interrupt_acknowledge, read_register(reg::interrupt_status) & 3); });
  while (const auto first = queue_.take_back()) finish(*first / descriptors_per_request);
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

}  // namespace

BlockDevice* start_virtio_block() {
  for (u32 i = 0; i < machine().virtio_count; ++i) {
    const auto& slot = machine().virtio[i];
    if (!disk.start(slot)) continue;
    set_interrupt_handler(slot.interrupt, [] { disk.handle_interrupt(); });
    return &disk;
  }
  return nullptr;
}

}  // namespace dev
