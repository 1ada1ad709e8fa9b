// SPDX-License-Identifier: MIT
#pragma once
// What the file system's tests share: an image, a mounted volume over it, and short ways to use them.

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "fs/memory_disk.hpp"
#include "fs/volume.hpp"
#include "tools/fsck/checker.hpp"
#include "tools/mkfs/image_builder.hpp"

namespace fs_test {

using lib::Error;

inline std::vector<std::byte> make_image(const mkfs::Plan& plan) {
  mkfs::ImageBuilder builder(plan);
  const auto bytes = builder.finish();
  return {bytes.begin(), bytes.end()};
}

inline fs::LayoutChoice layout_of(const mkfs::Plan& plan) {
  return plan.layout == abi::InodeLayout::single ? fs::LayoutChoice::single : fs::LayoutChoice::double_indirect;
}

/// A disk and a volume mounted from it. `remount` starts over from the disk's bytes with nothing in memory.
class Mounted {
 public:
  explicit Mounted(std::vector<std::byte> image, fs::LayoutChoice layout = fs::LayoutChoice::by_size, u32 buffers = 256)
      : disk_(std::make_unique<MemoryDisk>(std::move(image))), layout_(layout), buffers_(buffers) {
    remount();
  }
  explicit Mounted(const mkfs::Plan& plan = {}, u32 buffers = 256)
      : Mounted(make_image(plan), layout_of(plan), buffers) {}

  void remount() {
    volume_ = std::make_unique<fs::Volume>();
    cache_memory_.resize(buffers_ * fs::BlockCache::bytes_per_buffer() / 8);
    result_ = volume_->mount(*disk_, std::as_writable_bytes(std::span(cache_memory_)), layout_);
  }

  [[nodiscard]] const std::expected<void, fs::MountError>& result() const { return result_; }
  fs::Volume* operator->() { return volume_.get(); }
  fs::Volume& operator*() { return *volume_; }
  [[nodiscard]] MemoryDisk& disk() { return *disk_; }

  [[nodiscard]] fsck::Report check() {
    fsck::Options options;
    options.layout = layout_ == fs::LayoutChoice::by_size  ? fsck::Options::Layout::by_size
                     : layout_ == fs::LayoutChoice::single ? fsck::Options::Layout::single
                                                           : fsck::Options::Layout::double_indirect;
    return fsck::check(disk_->bytes(), options);
  }

  // --- By path, from the root ---

  lib::Result<void> write(std::string_view path, std::string_view text, u64 offset = 0) {
    const auto file = LIB_TRY(volume_->open({}, path, abi::OpenMode::create | abi::OpenMode::read_write));
    fs::MemorySource source(std::as_bytes(std::span(text)));
    LIB_TRY(file->write(source, offset, text.size()));
    return file->settle();  // as closing it would
  }
  lib::Result<std::string> read(std::string_view path) {
    const auto file = LIB_TRY(volume_->open({}, path, abi::OpenMode::read_only));
    std::string text(LIB_TRY(file->stat()).size, '\0');
    const usize count = LIB_TRY(file->read_at(0, std::as_writable_bytes(std::span(text))));
    text.resize(count);
    return text;
  }
  lib::Result<abi::Stat> stat(std::string_view path) {
    return LIB_TRY(volume_->find({}, path, fs::LastLink::keep))->stat();
  }
  lib::Result<void> mkdir(std::string_view path) {
    LIB_TRY(volume_->create({}, path, {.type = abi::FileType::directory}));
    return {};
  }
  [[nodiscard]] std::vector<std::string> names(std::string_view path) {
    std::vector<std::string> result;
    const auto text = read(path);
    if (!text) return {"<" + std::string(lib::describe(text.error())) + ">"};
    for (usize at = 0; at + sizeof(abi::Dirent) <= text->size(); at += sizeof(abi::Dirent)) {
      abi::Dirent entry;
      std::memcpy(&entry, text->data() + at, sizeof entry);
      if (entry.inode != 0) result.emplace_back(entry.name, strnlen(entry.name, sizeof entry.name));
    }
    return result;
  }

 private:
  std::unique_ptr<MemoryDisk> disk_;
  fs::LayoutChoice layout_;
  u32 buffers_;
  std::vector<u64> cache_memory_;
  std::unique_ptr<fs::Volume> volume_;
  std::expected<void, fs::MountError> result_;
};

template <class T>
Error error_of(const lib::Result<T>& result) {
  return result ? static_cast<Error>(~0u) : result.error();
}

#define EXPECT_OK(expression) EXPECT_TRUE((expression).has_value())
#define ASSERT_OK(expression) ASSERT_TRUE((expression).has_value())
#define EXPECT_ERROR(error, expression) EXPECT_EQ(error, ::fs_test::error_of(expression))

/// No problem on disk, and nothing held in memory.
inline void expect_clean(Mounted& mounted) {
  const fsck::Report report = mounted.check();
  for (const std::string& problem : report.problems) ADD_FAILURE() << problem;
  EXPECT_EQ(mounted->inodes().referenced_count(), 0u);
  // What a read-only volume could not commit stays in memory: its readers go on seeing one state.
  if (!mounted->is_read_only()) EXPECT_EQ(mounted->cache().pinned_count(), 0u);
}

}  // namespace fs_test
