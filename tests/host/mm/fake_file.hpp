// SPDX-License-Identifier: MIT
#pragma once
// A file as kernel/mm sees it, without a file system: FileBacking over bytes in host memory. It plays fs/file_pages'
// part exactly (one reference of its own on each page, one for each mapping; a dirty page is written back by its last
// mapping) and keeps beside that what a reader must see, whatever the kernel does.

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <vector>

#include "mm/backing.hpp"
#include "mm/frames.hpp"

namespace mm_test {

using PageBytes = std::array<std::byte, 4096>;

class FakeFile final : public mm::FileBacking {
 public:
  explicit FakeFile(std::uint64_t size) : size_(size), disk_((size + 4095) / 4096), truth_(disk_.size()) {
    for (std::size_t page = 0; page < disk_.size(); ++page) {
      for (std::size_t i = 0; i < 4096; ++i) {
        const bool inside = page * 4096 + i < size;
        disk_[page][i] = inside ? static_cast<std::byte>(page * 31 + i * 7 + 1) : std::byte{0};
      }
    }
    truth_ = disk_;
  }

  // What the kernel calls.
  void hold() override { ++holders_; }
  void drop() override {
    if (holders_ == 0) std::abort();
    --holders_;
  }
  lib::Result<sv39::Ppn> acquire_page(sv39::u64 index) override {
    if (fail_reads_ != 0 && --fail_reads_ == 0) {
      ++read_errors_;
      return lib::fail(lib::Error::io);
    }
    if (index >= disk_.size()) return lib::fail(lib::Error::bad_address);
    if (auto present = try_acquire_page(index)) return present;
    auto frame = mm::frames().allocate(mm::FrameState::file);
    if (!frame) return frame;
    std::memcpy(mm::frame_bytes(*frame), disk_[index].data(), 4096);
    mm::frames().ref(*frame);
    pages_[index] = Page{*frame, false};
    return *frame;
  }
  lib::Result<sv39::Ppn> try_acquire_page(sv39::u64 index) override {
    const auto found = pages_.find(index);
    if (found == pages_.end()) return lib::fail(lib::Error::not_found);
    mm::frames().ref(found->second.frame);
    return found->second.frame;
  }
  void mark_dirty(sv39::u64 index) override { pages_.at(index).dirty = true; }
  void release_page(sv39::u64 index) override {
    const auto found = pages_.find(index);
    if (found == pages_.end()) std::abort();
    mm::frames().unref(found->second.frame);
    if (mm::frames().refs(found->second.frame) != 1) return;
    (void)write_if_dirty(index);  // if it fails the page is lost
    mm::frames().unref(found->second.frame);
    pages_.erase(found);
  }
  [[nodiscard]] lib::Result<void> write_back(sv39::u64 index) override {
    // Others who map the page may store through their mapping without a fault: it stays dirty until the last.
    if (mm::frames().refs(pages_.at(index).frame) > 2) return {};
    return write_if_dirty(index);
  }

  // What the test knows and does.
  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] std::uint64_t page_count() const { return disk_.size(); }
  [[nodiscard]] PageBytes& truth(std::uint64_t index) { return truth_[index]; }
  [[nodiscard]] std::uint64_t holders() const { return holders_; }
  [[nodiscard]] std::uint64_t cached_pages() const { return pages_.size(); }
  [[nodiscard]] std::uint64_t read_errors() const { return read_errors_; }
  void fail_read(unsigned n) { fail_reads_ = n; }
  void fail_writes(bool fail) { fail_writes_ = fail; }
  /// Write through the file interface: into the page if it is in memory, else to the disk.
  void write(std::uint64_t offset, std::byte value) {
    const auto found = pages_.find(offset / 4096);
    if (found != pages_.end()) {
      static_cast<std::byte*>(mm::frame_bytes(found->second.frame))[offset % 4096] = value;
      found->second.dirty = true;
    } else {
      disk_[offset / 4096][offset % 4096] = value;
    }
    truth_[offset / 4096][offset % 4096] = value;
  }
  /// Once nobody maps the last page its bytes past the end are gone; mapped stores there were never the file's.
  void forget_tail() {
    if (!truth_.empty() && size_ % 4096 != 0 && !pages_.contains(truth_.size() - 1)) {
      std::fill(truth_.back().begin() + size_ % 4096, truth_.back().end(), std::byte{0});
    }
  }
  [[nodiscard]] bool matches_disk() {
    forget_tail();
    return disk_ == truth_;
  }
  [[nodiscard]] bool is_cached(std::uint64_t index) const { return pages_.contains(index); }

 private:
  lib::Result<void> write_if_dirty(std::uint64_t index) {
    Page& page = pages_.at(index);
    if (!page.dirty) return {};
    if (fail_writes_) return lib::fail(lib::Error::io);
    std::memcpy(disk_[index].data(), mm::frame_bytes(page.frame), 4096);
    // Never beyond the end of the file.
    if ((index + 1) * 4096 > size_) std::fill(disk_[index].begin() + size_ % 4096, disk_[index].end(), std::byte{0});
    page.dirty = false;
    ++written_back_;
    return {};
  }

  struct Page {
    sv39::Ppn frame;
    bool dirty;
  };
  std::uint64_t size_;
  std::vector<PageBytes> disk_;
  std::vector<PageBytes> truth_;
  std::map<std::uint64_t, Page> pages_;
  std::uint64_t holders_ = 0;
  std::uint64_t written_back_ = 0;
  std::uint64_t read_errors_ = 0;
  unsigned fail_reads_ = 0;
  bool fail_writes_ = false;
};

}  // namespace mm_test
