// SPDX-License-Identifier: MIT
#pragma once
// Virtio over MMIO, versions 1 and 2 (virtio 1.1: 4.2 and its legacy form 4.2.4): what all drivers have in common.

#include "arch/riscv64/probe.hpp"
#include "dev/device_memory.hpp"
#include "dev/machine.hpp"
#include "dev/mmio.hpp"
#include "dev/split_queue.hpp"

namespace dev {

inline constexpr u32 virtio_feature_version_1 = 32;

class VirtioRegisters {
 public:
  static constexpr u64 config = 0x100;  ///< the device's own registers begin here

  constexpr VirtioRegisters() = default;
  explicit VirtioRegisters(const MachineDescription::Device& slot) : base_(arch::device_address(slot.registers.base)) {}

  /// A device of this kind answers there (2: disk, 1: network), with a version that is known. Only looks, and works
  /// where nothing answers: a device that is not wanted is never written to.
  [[nodiscard]] bool has_device(u32 kind) const {
    constexpr u32 magic_value = 0x74726976;  // "virt"
    const auto version = arch::probe_word(base_ + reg_version);
    return arch::probe_word(base_ + reg_magic) == magic_value && version && *version >= 1 && *version <= 2 &&
           arch::probe_word(base_ + reg_device_id) == kind;
  }
  [[nodiscard]] bool is_legacy() const { return read(reg_version) == 1; }

  /// The first steps of 3.1.1: reset, then agree on `wanted` features as far as they are offered (version 1 of the
  /// standard too, where there is one). Returns what was accepted. False in `agreed`: the device refuses.
  struct Agreement {
    u64 features;
    bool agreed;
  };
  [[nodiscard]] Agreement begin(u64 wanted) const {
    write(reg_status, 0);
    write(reg_status, status_acknowledge);
    write(reg_status, status_acknowledge | status_driver);
    if (!is_legacy()) wanted |= u64{1} << virtio_feature_version_1;
    const u64 features = offered_features() & wanted;
    write_features(features);
    if (is_legacy()) return {features, true};
    write(reg_status, status_acknowledge | status_driver | status_features_ok);
    return {features, (read(reg_status) & status_features_ok) != 0};
  }
  /// Tells the device where a queue lies; false if it has no such queue, or a shorter one.
  [[nodiscard]] bool start_queue(u32 number, const Rings& rings) const {
    write(reg_queue_select, number);
    if (read(reg_queue_size_max) < queue_entries) return false;
    write(reg_queue_size, queue_entries);
    if (is_legacy()) {
      write(reg_guest_page_size, 4096);
      write(reg_queue_align, 4096);
      write(reg_queue_page, static_cast<u32>(device_view(&rings) / 4096));
      return true;
    }
    write_address(reg_queue_descriptors, rings.descriptors);
    write_address(reg_queue_driver, &rings.available_flags);
    write_address(reg_queue_device, &rings.used_flags);
    write(reg_queue_ready, 1);
    return true;
  }
  /// The last step: from now on the device works.
  void finish() const { write(reg_status, read(reg_status) | status_driver_ok); }
  /// It still does: nobody has reset it, and it does not ask for it.
  [[nodiscard]] bool is_working() const {
    return (read(reg_status) & (status_driver_ok | status_needs_reset)) == status_driver_ok;
  }

  void ring(u32 queue) const { write(reg_queue_notify, queue); }
  void acknowledge_interrupt() const { write(reg_interrupt_acknowledge, read(reg_interrupt_status) & 3); }

  template <class Word>
  [[nodiscard]] Word read_config(u64 offset) const {
    return mmio_read<Word>(base_ + config + offset);
  }

 private:
  static constexpr u64 reg_magic = 0x000, reg_version = 0x004, reg_device_id = 0x008;
  static constexpr u64 reg_device_features = 0x010, reg_device_features_select = 0x014;
  static constexpr u64 reg_driver_features = 0x020, reg_driver_features_select = 0x024;
  static constexpr u64 reg_guest_page_size = 0x028;  ///< legacy
  static constexpr u64 reg_queue_select = 0x030, reg_queue_size_max = 0x034, reg_queue_size = 0x038;
  static constexpr u64 reg_queue_align = 0x03c, reg_queue_page = 0x040;  ///< legacy
  static constexpr u64 reg_queue_ready = 0x044, reg_queue_notify = 0x050;
  static constexpr u64 reg_interrupt_status = 0x060, reg_interrupt_acknowledge = 0x064, reg_status = 0x070;
  static constexpr u64 reg_queue_descriptors = 0x080, reg_queue_driver = 0x090,
                       reg_queue_device = 0x0a0;  ///< low, high

  static constexpr u32 status_acknowledge = 1, status_driver = 2, status_driver_ok = 4, status_features_ok = 8;
  static constexpr u32 status_needs_reset = 64;

  [[nodiscard]] u32 read(u64 offset) const { return mmio_read<u32>(base_ + offset); }
  void write(u64 offset, u32 value) const { mmio_write<u32>(base_ + offset, value); }
  void write_address(u64 offset, const void* pointer) const {
    write(offset, static_cast<u32>(device_view(pointer)));
    write(offset + 4, static_cast<u32>(device_view(pointer) >> 32));
  }
  [[nodiscard]] u64 offered_features() const {
    write(reg_device_features_select, 1);
    const u64 high = read(reg_device_features);
    write(reg_device_features_select, 0);
    return high << 32 | read(reg_device_features);
  }
  void write_features(u64 features) const {
    write(reg_driver_features_select, 1);
    write(reg_driver_features, static_cast<u32>(features >> 32));
    write(reg_driver_features_select, 0);
    write(reg_driver_features, static_cast<u32>(features));
  }

  u64 base_ = 0;
};

}  // namespace dev
