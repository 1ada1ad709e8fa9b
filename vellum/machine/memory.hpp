// SPDX-License-Identifier: MIT
#pragma once
// Guest RAM and the boot ROM, page by page, and what is remembered of each page.

#include <algorithm>
#include <span>

#include "vellum/dev/map.hpp"

namespace vellum {

/// Why a store into a page may not take the short way. All are cleared or set by the machine alone.
namespace page_flag {
constexpr u8 has_code = 1;       // instructions of it are kept decoded
constexpr u8 has_entries = 2;    // a walk has read page-table entries from it
constexpr u8 watched_load = 4;   // an observer wants to see loads
constexpr u8 watched_store = 8;  // ... and stores
constexpr u8 unsaved = 16;       // not written since the last snapshot: its bytes must be kept first
constexpr u8 store_is_special = has_code | has_entries | watched_store | unsaved;
}  // namespace page_flag

struct PageInfo {
  static constexpr u32 no_code = ~u32{0};
  u32 code = no_code;      // which decoded page
  u8 flags = 0;
  u8 code_drops = 0;       // how often its decoded instructions were thrown away because of stores
  u16 stores_into_code = 0;  // since one was decoded last
};

/// RAM from map::ram_base on, one page of ROM where harts begin, and the disk. Their pages are numbered in this order.
class Memory {
 public:
  static constexpr u64 not_a_page = ~u64{0};

  /// `pages` has pages_for(ram, disk) records.
  Memory(std::span<u8> ram, std::span<u8> rom, std::span<u8> disk, std::span<PageInfo> pages)
      : ram_(ram), rom_(rom), disk_(disk), pages_(pages) {}

  [[nodiscard]] static constexpr u64 pages_for(u64 ram_bytes, u64 disk_bytes) {
    return ram_bytes / page_bytes + 1 + (disk_bytes + page_bytes - 1) / page_bytes;
  }

  [[nodiscard]] u64 ram_bytes() const { return ram_.size(); }
  [[nodiscard]] std::span<u8> ram() const { return ram_; }
  [[nodiscard]] std::span<u8> disk() const { return disk_; }
  [[nodiscard]] u64 rom_page() const { return ram_.size() / page_bytes; }
  [[nodiscard]] u64 first_disk_page() const { return rom_page() + 1; }
  [[nodiscard]] u64 page_count() const { return pages_.size(); }

  [[nodiscard]] bool is_ram(u64 address, u64 bytes = 1) const {
    const u64 offset = address - map::ram_base;
    return offset < ram_.size() && ram_.size() - offset >= bytes;
  }
  [[nodiscard]] u8* ram_at(u64 address) const { return ram_.data() + (address - map::ram_base); }
  [[nodiscard]] static u64 ram_page(u64 address) { return (address - map::ram_base) / page_bytes; }

  /// The number of the page of RAM or ROM at a physical address.
  [[nodiscard]] u64 page_at(u64 address) const {
    if (is_ram(address)) return ram_page(address);
    return address - map::boot_rom.base < rom_.size() ? rom_page() : not_a_page;
  }
  [[nodiscard]] u8* bytes_of(u64 page) const { return content_of(page).data(); }
  /// All bytes of a page; the disk's last one may be short.
  [[nodiscard]] std::span<u8> content_of(u64 page) const {
    if (page < rom_page()) return ram_.subspan(page * page_bytes, page_bytes);
    if (page == rom_page()) return rom_;
    const u64 offset = (page - first_disk_page()) * page_bytes;
    return disk_.subspan(offset, std::min<u64>(page_bytes, disk_.size() - offset));
  }
  /// The physical address of a page of RAM or ROM.
  [[nodiscard]] u64 address_of(u64 page) const {
    return page == rom_page() ? map::boot_rom.base : map::ram_base + page * page_bytes;
  }
  [[nodiscard]] PageInfo& info(u64 page) const { return pages_[page]; }

 private:
  std::span<u8> ram_, rom_, disk_;
  std::span<PageInfo> pages_;
};

}  // namespace vellum
