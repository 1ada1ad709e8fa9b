// SPDX-License-Identifier: MIT
// Fuzzes kernel/fs and tools/fsck with damaged images: the input's first bytes choose a layout and changes to an image
// that holds some of everything, the rest chooses operations on what it is then. Run by tests/fuzz/run.
#include <array>
#include <cstdlib>
#include <memory>
#include <string>

#include "fs/memory_disk.hpp"
#include "fs/volume.hpp"
#include "tools/fsck/checker.hpp"
#include "tools/mkfs/image_builder.hpp"

namespace {

using fs_test::MemoryDisk;

constexpr std::size_t buffers = 96;

struct World {
  explicit World(std::vector<std::byte> image)
      : disk(std::move(image)), cache(buffers * fs::BlockCache::bytes_per_buffer() / 8) {}
  bool mount(fs::LayoutChoice layout) {
    return volume->mount(disk, std::as_writable_bytes(std::span(cache)), layout).has_value();
  }
  MemoryDisk disk;
  std::vector<std::uint64_t> cache;
  std::unique_ptr<fs::Volume> volume = std::make_unique<fs::Volume>();
};

void write(fs::Volume& volume, std::string_view path, std::size_t size, std::uint64_t offset) {
  const auto file = volume.open({}, path, abi::OpenMode::create | abi::OpenMode::read_write);
  if (!file) return;
  const std::vector<std::byte> bytes(size, std::byte{'x'});
  fs::MemorySource source(bytes);
  (void)(*file)->write(source, offset, size);
}

void read(fs::Volume& volume, std::string_view path) {
  const auto file = volume.open({}, path, abi::OpenMode::read_only);
  if (!file) return;
  std::array<std::byte, 5000> bytes;
  for (std::uint64_t at = 0; at < 400000; at += 30000) (void)(*file)->read_at(at, bytes);
  (void)(*file)->stat();
}

std::vector<std::byte> make_image(abi::InodeLayout layout) {
  mkfs::ImageBuilder builder({.blocks = 800, .log_blocks = 31, .inodes = 64, .layout = layout});
  const auto bytes = builder.finish();
  World world({bytes.begin(), bytes.end()});
  if (!world.mount(layout == abi::InodeLayout::single ? fs::LayoutChoice::single : fs::LayoutChoice::double_indirect)) {
    std::abort();
  }
  fs::Volume& volume = *world.volume;
  for (const char* path : {"a", "b", "a/c"}) (void)volume.create({}, path, {.type = abi::FileType::directory});
  write(volume, "f", 20000, 0);
  write(volume, "a/g", 300, 0);
  (void)volume.link({}, "f", "a/c/h");
  (void)volume.symlink({}, "a/g", "s");
  (void)volume.create({}, "d", {.type = abi::FileType::device, .major = 1});
  (void)volume.sync();
  return {world.disk.bytes().begin(), world.disk.bytes().end()};
}

// Where an image describes itself: superblock, log header, the first inodes, the bitmap, the first data blocks.
constexpr std::array<std::array<std::uint32_t, 2>, 5> areas{
    {{1024, 32}, {2048, 128}, {33 * 1024, 1024}, {38 * 1024, 100}, {39 * 1024, 16 * 1024}}};

void operate(fs::Volume& volume, std::uint8_t what, std::string_view path, std::string_view other) {
  switch (what % 8) {
    case 0: return read(volume, path);
    case 1: return write(volume, path, std::size_t{what} * 40, what * 8);
    case 2: (void)volume.unlink({}, path); return;
    case 3: (void)volume.link({}, path, other); return;
    case 4: (void)volume.create({}, path, {.type = abi::FileType::directory}); return;
    case 5: (void)volume.open({}, path, abi::OpenMode::read_write | abi::OpenMode::truncate); return;
    case 6: (void)volume.symlink({}, other, path); return;
    case 7: (void)volume.find_directory({}, path); return;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const auto layout = data[0] % 2 == 0 ? abi::InodeLayout::single : abi::InodeLayout::double_indirect;
  static const std::array images{make_image(abi::InodeLayout::single), make_image(abi::InodeLayout::double_indirect)};
  std::vector<std::byte> image = images[data[0] % 2];
  const std::size_t changes = data[1] % 32;
  std::size_t at = 2;
  for (std::size_t i = 0; i < changes && at + 4 <= size; ++i, at += 4) {
    const auto& area = areas[data[at] % areas.size()];
    image[area[0] + (data[at + 1] | data[at + 2] << 8) % area[1]] = static_cast<std::byte>(data[at + 3]);
  }
  fsck::Options options;
  options.layout = data[0] % 2 == 0 ? fsck::Options::Layout::single : fsck::Options::Layout::double_indirect;
  (void)fsck::check(image, options);

  World world(std::move(image));
  if (!world.mount(layout == abi::InodeLayout::single ? fs::LayoutChoice::single : fs::LayoutChoice::double_indirect))
    return 0;
  constexpr std::array<std::string_view, 12> paths{"f", "a", "b",   "a/c", "a/g", "a/c/h",
                                                   "s", "d", "new", "a/x", "..",  "a/c/../c/y"};
  for (; at + 2 <= size; at += 2) {
    operate(*world.volume, data[at], paths[data[at + 1] % paths.size()],
            paths[data[at + 1] / paths.size() % paths.size()]);
  }
  (void)world.volume->sync();
  if (world.volume->inodes().referenced_count() != 0) std::abort();
  if (!world.volume->is_read_only() && world.volume->cache().pinned_count() != 0) std::abort();
  return 0;
}
