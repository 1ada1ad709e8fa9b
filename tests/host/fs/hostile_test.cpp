// SPDX-License-Identifier: MIT
// Images made to hurt (docs/failures.md D1 to D7): each is refused with the field's name, or mounted and then every
// operation ends with an answer. Nothing crashes, hangs, or writes outside its place.
#include <functional>

#include "fs/kit.hpp"

namespace fs_test {
namespace {

constexpr mkfs::Plan plan{1000, 31, 200, abi::InodeLayout::single};

// An image with some of everything: a file with an indirect block, directories, links, a device, a symbolic link.
std::vector<std::byte> populated(const mkfs::Plan& chosen = plan) {
  Mounted volume(chosen);
  EXPECT_OK(volume.write("big", std::string(40000, 'b')));
  EXPECT_OK(volume.write("small", "text"));
  EXPECT_OK(volume.mkdir("d"));
  EXPECT_OK(volume.mkdir("d/e"));
  EXPECT_OK(volume.write("d/f", std::string(3000, 'f')));
  EXPECT_OK(volume->link({}, "small", "d/e/link"));
  EXPECT_OK(volume->symlink({}, "d/f", "s"));
  EXPECT_OK(volume->create({}, "dev", {.type = abi::FileType::device, .major = 1, .minor = 0}));
  EXPECT_OK(volume->sync());
  return {volume.disk().bytes().begin(), volume.disk().bytes().end()};
}

// Every operation, on whatever is there. Answers are not judged, only that there is one.
void try_everything(Mounted& volume) {
  const char* paths[] = {"/", ".", "big", "small", "d", "d/e", "d/f", "d/e/link", "s", "dev", "d/..", "d/e/..", "new"};
  for (const char* path : paths) {
    (void)volume.stat(path);
    (void)volume.read(path);
    (void)volume.names(path);
  }
  for (const char* path : paths) {
    (void)volume.write(path, std::string(2000, 'w'), 100);
    (void)volume->link({}, path, "linked");
    (void)volume->unlink({}, "linked");
    (void)volume.mkdir(std::string(path) + "/sub");
    (void)volume.write(std::string(path) + "/made", "x");
  }
  for (const char* path : paths) (void)volume->open({}, path, abi::OpenMode::read_write | abi::OpenMode::truncate);
  for (const char* path : paths) {
    (void)volume->unlink({}, std::string(path) + "/sub");
    (void)volume->unlink({}, std::string(path) + "/made");
  }
  for (int i = 12; i >= 0; --i) (void)volume->unlink({}, paths[i]);
  (void)volume.write("last", "x");
  (void)volume->sync();
  EXPECT_EQ(volume->inodes().referenced_count(), 0u);
  if (!volume->is_read_only()) EXPECT_EQ(volume->cache().pinned_count(), 0u);
}

template <class T>
T& at(std::vector<std::byte>& image, u64 byte) {
  return *reinterpret_cast<T*>(image.data() + byte);
}
abi::Superblock& super(std::vector<std::byte>& image) { return at<abi::Superblock>(image, 1024); }
abi::DiskInode& inode(std::vector<std::byte>& image, u32 number) {
  return at<abi::DiskInode>(image, super(image).inode_start * 1024 + number * 64);
}
u32 number_of(const std::vector<std::byte>& image, const char* path) {
  Mounted volume(image, fs::LayoutChoice::single);
  return volume.stat(path)->inode;
}

void expect_refused(std::vector<std::byte> image, std::string_view field) {
  const std::vector<std::byte> before = image;
  Mounted volume(std::move(image));
  ASSERT_FALSE(volume.result());
  EXPECT_EQ(volume.result().error().field, field);
  EXPECT_TRUE(std::equal(before.begin(), before.end(), volume.disk().bytes().begin())) << "written to";
}

TEST(HostileSuperblock, IsRefusedByTheNameOfItsField) {
  const std::vector<std::byte> good = make_image(plan);
  const auto with = [&](auto change) {
    std::vector<std::byte> image = good;
    change(super(image));
    return image;
  };
  expect_refused(with([](auto& s) { s.magic ^= 1; }), "superblock.magic");
  expect_refused(with([](auto& s) { s.size = 1001; }), "superblock.size");
  expect_refused(with([](auto& s) { s.size = ~0u; }), "superblock.size");
  expect_refused(with([](auto& s) { s.size = 40; }), "superblock.size");
  expect_refused(with([](auto& s) { s.log_start = 1; }), "superblock.logstart");
  expect_refused(with([](auto& s) { s.log_blocks = 0; }), "superblock.nlog");
  expect_refused(with([](auto& s) { s.log_blocks = 5; }), "superblock.nlog");
  expect_refused(with([](auto& s) { s.log_blocks = 32; }), "superblock.inodestart");
  expect_refused(with([](auto& s) { s.log_blocks = ~0u; }), "superblock.inodestart");
  expect_refused(with([](auto& s) { s.log_start = ~0u; }), "superblock.inodestart");
  expect_refused(with([](auto& s) { s.inode_count = 0; }), "superblock.ninodes");
  expect_refused(with([](auto& s) { s.inode_count = 1; }), "superblock.ninodes");
  expect_refused(with([](auto& s) { s.inode_count = ~0u; }), "superblock.bmapstart");
  expect_refused(with([](auto& s) { s.bitmap_start = s.inode_start; }), "superblock.bmapstart");
  expect_refused(with([](auto& s) { s.bitmap_start = ~0u; }), "superblock.size");
  expect_refused(with([](auto& s) { s.data_blocks = 0; }), "superblock.nblocks");
  expect_refused(with([](auto& s) { s.data_blocks = 999; }), "superblock.nblocks");
  expect_refused(std::vector<std::byte>(1024), "unreadable superblock, block");
  expect_refused(std::vector<std::byte>(), "unreadable superblock, block");
}

TEST(HostileLog, IsRefused) {
  const std::vector<std::byte> good = populated();
  const auto with = [&](i32 count, i32 home) {
    std::vector<std::byte> image = good;
    at<abi::LogHeader>(image, 2048).count = count;
    at<abi::LogHeader>(image, 2048).blocks[0] = home;
    return image;
  };
  expect_refused(with(1000, 50), "log header.n");
  expect_refused(with(31, 50), "log header.n");
  expect_refused(with(-1, 50), "log header.n");
  expect_refused(with(1, 0), "log header.block");
  expect_refused(with(1, 1), "log header.block");
  expect_refused(with(1, 2), "log header.block");
  expect_refused(with(1, 1000), "log header.block");
  expect_refused(with(1, -5), "log header.block");
}

TEST(HostileRoot, IsRefused) {
  std::vector<std::byte> image = populated();
  inode(image, 1).type = abi::FileType::file;
  expect_refused(image, "root inode.type");
  inode(image, 1).type = abi::FileType::free;
  expect_refused(image, "root inode, error");
  inode(image, 1).type = abi::FileType::directory;
  inode(image, 1).link_count = 0;
  expect_refused(image, "root inode.nlink");
}

TEST(HostileBlockNumber, GivesAnErrorAndTheSystemGoesOn) {
  const std::vector<std::byte> good = populated();
  const u32 big = number_of(good, "big");
  for (const u32 bad : {0x7fffffffu, 1000u, 1u, 2u, ~0u}) {
    for (const int index : {0, 5, 12}) {
      std::vector<std::byte> image = good;
      inode(image, big).addresses[index] = bad;
      Mounted volume(image);
      ASSERT_OK(volume.result());
      EXPECT_ERROR(Error::corrupt, volume.read("big"));
      EXPECT_ERROR(Error::corrupt, volume.write("big", "x", index == 12 ? 13000 : index * 1024));
      EXPECT_EQ(*volume.read("small"), "text");
      EXPECT_OK(volume->unlink({}, "big"));
      EXPECT_OK(volume.write("after", "x"));
      EXPECT_FALSE(volume->is_read_only());
    }
  }
}

TEST(HostileEntry, NamingAFreeOrImpossibleInodeIsAnError) {
  const std::vector<std::byte> good = populated();
  for (const u16 bad : {150, 199, 200, 65535}) {
    std::vector<std::byte> image = good;
    const u32 root_block = inode(image, 1).addresses[0];
    abi::Dirent* entry = &at<abi::Dirent>(image, root_block * 1024);
    while (std::string_view(entry->name) != "small") ++entry;
    entry->inode = bad;
    Mounted volume(image);
    ASSERT_OK(volume.result());
    EXPECT_ERROR(Error::corrupt, volume.read("small"));
    EXPECT_ERROR(Error::corrupt, volume->unlink({}, "small"));
    EXPECT_OK(volume.read("big"));
    EXPECT_FALSE(volume.check().problems.empty());
    try_everything(volume);
  }
}

TEST(HostileInode, FieldsOutOfRangeAreErrors) {
  const std::vector<std::byte> good = populated();
  const u32 small = number_of(good, "small"), directory = number_of(good, "d");
  const std::pair<u32, std::function<void(abi::DiskInode&)>> changes[] = {
      {small, [](auto& i) { i.type = static_cast<abi::FileType>(77); }},
      {small, [](auto& i) { i.type = static_cast<abi::FileType>(-1); }},
      {small, [](auto& i) { i.link_count = -3; }},
      {small, [](auto& i) { i.size = ~0u; }},
      {small, [](auto& i) { i.size = 268 * 1024 + 1; }},
      {directory, [](auto& i) { i.size = 17; }},
      {directory, [](auto& i) { i.type = static_cast<abi::FileType>(9); }},
  };
  for (const auto& [number, change] : changes) {
    std::vector<std::byte> image = good;
    change(inode(image, number));
    Mounted volume(image);
    ASSERT_OK(volume.result());
    EXPECT_ERROR(Error::corrupt, volume.read(number == small ? "small" : "d"));
    EXPECT_FALSE(volume.check().problems.empty());
    try_everything(volume);
  }
}

// Files with missing blocks are legal, though nothing here makes them: they read as zeros, among the direct blocks and
// where the indirect table is missing, and when one is written in between, reading finds it although it had looked at
// the hole before.
TEST(HostileInode, HolesReadAsZerosUntilTheyAreWritten) {
  std::vector<std::byte> image = populated();
  abi::DiskInode& holed = inode(image, number_of(image, "big"));
  for (u32 i = 2; i < std::size(holed.addresses); ++i) holed.addresses[i] = 0;
  Mounted volume(image);
  ASSERT_OK(volume.result());
  std::string expected(40000, '\0');
  expected.replace(0, 2048, 2048, 'b');
  EXPECT_TRUE(*volume.read("big") == expected);
  for (const usize at : {5 * 1024, 20 * 1024, 30 * 1024}) {
    ASSERT_OK(volume.write("big", std::string(1024, 'w'), at));
    expected.replace(at, 1024, 1024, 'w');
    EXPECT_TRUE(*volume.read("big") == expected) << at;
  }
}

TEST(HostileDirectory, CyclesAndWrongDotsEnd) {
  const std::vector<std::byte> good = populated();
  const u32 d = number_of(good, "d"), e = number_of(good, "d/e"), small = number_of(good, "small");
  const auto entry = [&](std::vector<std::byte>& image, u32 directory, u32 index) -> abi::Dirent& {
    return at<abi::Dirent>(image, inode(image, directory).addresses[0] * 1024 + index * 16);
  };
  std::vector<std::byte> cycle = good;
  entry(cycle, e, 2).inode = static_cast<u16>(d);  // d/e/link is d
  std::vector<std::byte> dots = good;
  entry(dots, e, 1).inode = static_cast<u16>(small);  // d/e/.. is a file
  std::vector<std::byte> self = good;
  entry(self, d, 2).inode = static_cast<u16>(d);  // d/e is d
  std::vector<std::byte> root_again = good;
  entry(root_again, d, 2).inode = 1;  // d/e is the root
  std::vector<std::byte> twice = good;
  std::memcpy(entry(twice, d, 2).name, entry(twice, d, 3).name, 14);
  for (const auto& image : {cycle, dots, self, root_again, twice}) {
    Mounted volume(image);
    ASSERT_OK(volume.result());
    EXPECT_FALSE(volume.check().problems.empty());
    try_everything(volume);
  }
}

TEST(HostileBitmap, ABlockFreedTwiceMakesTheVolumeReadOnly) {
  std::vector<std::byte> image = populated();
  const u32 block = inode(image, number_of(image, "big")).addresses[3];
  at<u8>(image, super(image).bitmap_start * 1024 + block / 8) &= static_cast<u8>(~(1u << (block % 8)));
  Mounted volume(image);
  EXPECT_FALSE(volume.check().problems.empty());
  (void)volume->unlink({}, "big");
  EXPECT_TRUE(volume->is_read_only());
  EXPECT_EQ(*volume.read("small"), "text");
  EXPECT_ERROR(Error::read_only, volume.write("small", "x"));
}

// Bits turned at random in the parts that describe, in both layouts. The seeds are fixed: a failure can be repeated.
TEST(HostileImage, ThousandsOfMutationsEnd) {
  for (const abi::InodeLayout layout : {abi::InodeLayout::single, abi::InodeLayout::double_indirect}) {
    mkfs::Plan chosen = plan;
    chosen.layout = layout;
    const std::vector<std::byte> good = populated(chosen);
    int mounted = 0;
    for (u32 seed = 0; seed < 1500; ++seed) {
      SCOPED_TRACE("seed " + std::to_string(seed));
      std::mt19937 random(seed);
      std::vector<std::byte> image = good;
      const u32 inodes = 33 * 1024, bitmap = 46 * 1024, data = 47 * 1024;
      const std::pair<u32, u32> areas[] = {
          {1024, 1056}, {2048, 2060}, {inodes + 64, inodes + 64 * 12}, {bitmap, bitmap + 125}, {data, data + 1024 * 8}};
      const int changes = 1 + static_cast<int>(random() % 12);
      for (int i = 0; i < changes; ++i) {
        // The superblock and the log seldom: most such images are refused, and that ends the test.
        const auto [begin, end] = areas[random() % 16 == 0 ? random() % 2 : 2 + random() % 3];
        constexpr u8 values[] = {0, 1, 2, 3, 4, 0x7f, 0x80, 0xff, 47, 60};
        at<u8>(image, begin + random() % (end - begin)) =
            random() % 2 == 0 ? values[random() % std::size(values)] : static_cast<u8>(random());
      }
      Mounted volume(image, layout_of(chosen));
      (void)volume.check();
      if (!volume.result()) continue;
      ++mounted;
      try_everything(volume);
      if (testing::Test::HasFailure()) return;
    }
    EXPECT_GT(mounted, 500);
  }
}

}  // namespace
}  // namespace fs_test
