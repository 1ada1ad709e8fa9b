// SPDX-License-Identifier: MIT
#pragma once
// A virtio disk behind virtio-mmio, interface version 1 (legacy) or 2 (virtio 1.1: 4.2 and 5.2).

#include <algorithm>
#include <span>
#include <string_view>

#include "vellum/dev/virtqueue.hpp"

namespace vellum {

enum class VirtioVersion : u8 { legacy = 1, modern = 2 };

/// The disk's bytes, with whoever wants to know what changes in them.
template <class Disk>
concept DiskStore = requires(Disk& disk, u64 offset, std::span<u8> to, std::span<const u8> from) {
  { disk.disk_bytes() } -> std::same_as<u64>;
  disk.disk_read(offset, to);
  disk.disk_write(offset, from);
};

class VirtioBlock {
 public:
  VirtioBlock() : VirtioBlock(VirtioVersion::modern) {}
  explicit VirtioBlock(VirtioVersion version) : version_(version) {}

  [[nodiscard]] bool line() const { return interrupt_status_ != 0; }
  /// A request waits: the device looks at its queue `latency` after it was told.
  [[nodiscard]] bool is_notified() const { return notified_; }

  [[nodiscard]] u64 read(u64 offset, u32 bytes, u64 disk_bytes) const;
  void write(u64 offset, u32 value);

  /// Does all that the driver has offered.
  template <class Machine>
    requires DmaBus<Machine> && DiskStore<Machine>
  void serve(Machine& machine);

 private:
  static constexpr u32 device_id = 2, vendor = 0x554d4551;  // what QEMU says
  static constexpr u64 sector_bytes = 512;
  static constexpr u32 needs_reset = 0x40, driver_ok = 4;
  static constexpr u64 feature_segments = u64{1} << 2, feature_block_size = u64{1} << 6, feature_flush = u64{1} << 9,
                       feature_version_1 = u64{1} << 32;
  static constexpr u8 request_ok = 0, request_failed = 1, request_unsupported = 2;
  static constexpr u32 type_read = 0, type_write = 1, type_flush = 4, type_identity = 8;

  struct Header {
    u32 type;
    u32 reserved;
    u64 sector;
  };

  [[nodiscard]] u64 offered() const {
    const u64 common = feature_segments | feature_block_size | feature_flush;
    return version_ == VirtioVersion::modern ? common | feature_version_1 : common;
  }
  [[nodiscard]] bool is_modern() const { return version_ == VirtioVersion::modern; }
  [[nodiscard]] u64 configuration(u64 offset, u32 bytes, u64 disk_bytes) const;
  void set_status(u32 value);
  void set_legacy_page(u32 page);
  void fail() {
    status_ |= needs_reset;
    interrupt_status_ |= 2;
  }

  template <class Machine>
  u32 perform(Machine& machine, const Chain& chain);
  template <class Machine>
  u8 transfer(Machine& machine, const Header& header, const Chain& chain, u32& written);

  VirtioVersion version_;
  bool notified_ = false;
  [[maybe_unused]] u16 unused_ = 0;  // no byte of the state is left to chance
  u32 features_select_ = 0, driver_features_select_ = 0, queue_select_ = 0, status_ = 0, interrupt_status_ = 0;
  u64 accepted_ = 0;
  u32 guest_page_bytes_ = 0, queue_align_ = 4096, legacy_page_ = 0;
  [[maybe_unused]] u32 unused_end_ = 0;
  Virtqueue queue_;
};

template <class Machine>
  requires DmaBus<Machine> && DiskStore<Machine>
void VirtioBlock::serve(Machine& machine) {
  notified_ = false;
  if ((status_ & driver_ok) == 0 || (status_ & needs_reset) != 0) return;
  Chain chain;
  QueueFault fault = QueueFault::none;
  bool any = false;
  // No more than the queue holds: a driver that keeps offering gets its turn again.
  for (u32 count = 0; count < Virtqueue::max_size && queue_.take(machine, chain, fault); ++count) {
    const u32 written = perform(machine, chain);
    if (!queue_.give_back(machine, chain.head, written)) fault = QueueFault::broken;
    any = true;
    if (fault != QueueFault::none) break;
  }
  if (fault != QueueFault::none) return fail();
  if (any && !queue_.wants_no_interrupt(machine)) interrupt_status_ |= 1;
}

/// One request; returns how many bytes were written into the guest's buffers.
template <class Machine>
u32 VirtioBlock::perform(Machine& machine, const Chain& chain) {
  Header header{};
  if (chain.readable == 0 || chain.writable == 0 || chain.segments[0].length < sizeof header ||
      !machine.dma_read(chain.segments[0].address, &header, sizeof header)) {
    fail();
    return 0;
  }
  const DmaSegment& last = chain.segments[chain.readable + chain.writable - 1];
  if (last.length == 0) {
    fail();
    return 0;
  }
  u32 written = 0;
  const u8 result = transfer(machine, header, chain, written);
  if (!machine.dma_write(last.address + last.length - 1, &result, 1)) fail();
  return written + 1;
}

/// The data of a request: all buffers between the header and the status byte, moved a piece at a time.
template <class Machine>
u8 VirtioBlock::transfer(Machine& machine, const Header& header, const Chain& chain, u32& written) {
  if (header.type == type_flush) return request_ok;
  const bool is_read = header.type == type_read, is_identity = header.type == type_identity;
  if (!is_read && !is_identity && header.type != type_write) return request_unsupported;
  std::array<u8, 512> piece{};
  constexpr std::string_view identity = "vellum";
  if (header.sector > machine.disk_bytes() / sector_bytes && !is_identity) return request_failed;
  u64 at = is_identity ? 0 : header.sector * sector_bytes;
  const u32 total = chain.readable + chain.writable;
  for (u32 i = 0; i < total; ++i) {
    const bool is_readable = i < chain.readable;
    u64 address = chain.segments[i].address;
    u64 rest = chain.segments[i].length;
    if (i == 0) {
      address += sizeof(Header);
      rest -= sizeof(Header);
    }
    if (i == total - 1) --rest;
    if (is_readable != (header.type == type_write)) continue;
    for (; rest != 0;) {
      const u64 now = std::min<u64>(rest, piece.size());
      const std::span<u8> bytes(piece.data(), now);
      if (is_identity) {
        for (u64 k = 0; k < now; ++k) piece[k] = at + k < identity.size() ? static_cast<u8>(identity[at + k]) : u8{0};
        if (!machine.dma_write(address, piece.data(), now)) return request_failed;
      } else {
        if (at + now > machine.disk_bytes()) return request_failed;
        if (is_read) {
          machine.disk_read(at, bytes);
          if (!machine.dma_write(address, piece.data(), now)) return request_failed;
        } else {
          if (!machine.dma_read(address, piece.data(), now)) return request_failed;
          machine.disk_write(at, bytes);
        }
      }
      if (!is_readable) written += static_cast<u32>(now);
      address += now;
      at += now;
      rest -= now;
    }
  }
  return request_ok;
}

}  // namespace vellum
