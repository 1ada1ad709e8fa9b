// SPDX-License-Identifier: MIT
#include "vellum/dev/virtio_block.hpp"

namespace vellum {

namespace {

namespace reg {
constexpr u64 magic = 0x000, version = 0x004, device = 0x008, vendor = 0x00c;
constexpr u64 device_features = 0x010, device_features_select = 0x014, driver_features = 0x020,
              driver_features_select = 0x024;
constexpr u64 guest_page_size = 0x028, queue_align = 0x03c, queue_page = 0x040;  // legacy
constexpr u64 queue_select = 0x030, queue_size_max = 0x034, queue_size = 0x038, queue_ready = 0x044,
              queue_notify = 0x050;
constexpr u64 interrupt_status = 0x060, interrupt_acknowledge = 0x064, status = 0x070;
constexpr u64 descriptors_low = 0x080, descriptors_high = 0x084, driver_low = 0x090, driver_high = 0x094,
              device_low = 0x0a0, device_high = 0x0a4;
constexpr u64 configuration = 0x100;
}  // namespace reg

constexpr u32 magic_value = 0x74726976;  // "virt"

void set_low(u64& word, u32 value) { word = (word & ~u64{0xffffffff}) | value; }
void set_high(u64& word, u32 value) { word = (word & 0xffffffff) | u64{value} << 32; }

}  // namespace

u64 VirtioBlock::read(u64 offset, u32 bytes, u64 disk_bytes) const {
  if (offset >= reg::configuration) return configuration(offset - reg::configuration, bytes, disk_bytes);
  if (bytes != 4) return 0;
  switch (offset) {
    case reg::magic: return magic_value;
    case reg::version: return static_cast<u32>(version_);
    case reg::device: return device_id;
    case reg::vendor: return vendor;
    case reg::device_features: return features_select_ < 2 ? offered() >> 32 * features_select_ & 0xffffffff : 0;
    case reg::queue_size_max: return queue_select_ == 0 ? Virtqueue::max_size : 0;
    case reg::queue_ready: return is_modern() && queue_select_ == 0 && queue_.is_ready ? 1 : 0;
    case reg::queue_page: return !is_modern() && queue_select_ == 0 ? legacy_page_ : 0;
    case reg::interrupt_status: return interrupt_status_;
    case reg::status: return status_;
    default: return 0;
  }
}

/// The disk's configuration (5.2.4): capacity in sectors, most segments of a request, bytes of a block.
u64 VirtioBlock::configuration(u64 offset, u32 bytes, u64 disk_bytes) const {
  std::array<u8, 64> space{};
  const u64 sectors = disk_bytes / sector_bytes;
  const u32 segments = Chain::max_segments - 2, block = sector_bytes;
  copy_bytes(space.data(), &sectors, 8);
  copy_bytes(space.data() + 12, &segments, 4);
  copy_bytes(space.data() + 20, &block, 4);
  u64 value = 0;
  if (offset + bytes <= space.size()) copy_bytes(&value, space.data() + offset, bytes);
  return value;
}

void VirtioBlock::write(u64 offset, u32 value) {
  switch (offset) {
    case reg::device_features_select: features_select_ = value; break;
    case reg::driver_features_select: driver_features_select_ = value; break;
    case reg::driver_features:
      if (driver_features_select_ == 0) set_low(accepted_, value);
      if (driver_features_select_ == 1) set_high(accepted_, value);
      break;
    case reg::queue_select: queue_select_ = value; break;
    case reg::queue_notify:
      if (value == 0) notified_ = true;
      break;
    case reg::interrupt_acknowledge: interrupt_status_ &= ~value; break;
    case reg::status: set_status(value); break;
    case reg::guest_page_size: guest_page_bytes_ = value; break;
    default: break;
  }
  if (queue_select_ != 0) return;
  if (offset == reg::queue_size) {
    queue_.size = value;
    return;
  }
  if (is_modern()) {
    switch (offset) {
      case reg::queue_ready: queue_.is_ready = (value & 1) != 0; break;
      case reg::descriptors_low: set_low(queue_.descriptors, value); break;
      case reg::descriptors_high: set_high(queue_.descriptors, value); break;
      case reg::driver_low: set_low(queue_.driver, value); break;
      case reg::driver_high: set_high(queue_.driver, value); break;
      case reg::device_low: set_low(queue_.device, value); break;
      case reg::device_high: set_high(queue_.device, value); break;
      default: break;
    }
  } else if (offset == reg::queue_align) {
    queue_align_ = value;
  } else if (offset == reg::queue_page) {
    set_legacy_page(value);
  }
}

void VirtioBlock::set_status(u32 value) {
  if (value == 0) {  // reset (2.1.2)
    *this = VirtioBlock(version_);
    return;
  }
  // Only features that were offered are taken (2.2), and a modern driver has to say that it is one.
  constexpr u32 features_ok = 8;
  const bool is_acceptable = (accepted_ & ~offered()) == 0 && (!is_modern() || (accepted_ & feature_version_1) != 0);
  if ((value & features_ok) != 0 && !is_acceptable) value &= ~features_ok;
  status_ = (value & ~needs_reset) | (status_ & needs_reset);
}

/// Legacy (2.6.2): the three parts lie one behind the other, the used ring aligned.
void VirtioBlock::set_legacy_page(u32 page) {
  legacy_page_ = page;
  queue_.is_ready = page != 0;
  queue_.next_available = queue_.used = 0;
  queue_.descriptors = u64{page} * guest_page_bytes_;
  queue_.driver = queue_.descriptors + u64{16} * queue_.size;
  const u64 align = std::has_single_bit(queue_align_) ? queue_align_ : 4096;
  queue_.device = (queue_.driver + 6 + u64{2} * queue_.size + align - 1) & ~(align - 1);
}

}  // namespace vellum
