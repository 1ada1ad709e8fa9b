// SPDX-License-Identifier: MIT
// The file system's operations one by one, in every class of image: results, errors, and a clean fsck after each test.
#include "fs/kit.hpp"

namespace fs_test {
namespace {

struct ImageClass {
  const char* name;
  mkfs::Plan plan;
};
// E and F with fewer blocks: the size alone would not select the layout, the mount option does.
constexpr ImageClass classes[] = {
    {"A", {1000, 30, 200, abi::InodeLayout::single}},
    {"B", {10000, 30, 200, abi::InodeLayout::single}},
    {"C", {2000, 30, 200, abi::InodeLayout::single}},
    {"D", {2000, 31, 200, abi::InodeLayout::single}},
    {"E", {70000, 30, 200, abi::InodeLayout::double_indirect}},
    {"F", {20000, 31, 200, abi::InodeLayout::double_indirect}},
    {"G", {10000, 31, 200, abi::InodeLayout::single}},
    {"SmallLog", {1000, 13, 100, abi::InodeLayout::single}},
    {"LargeLog", {3000, 200, 1000, abi::InodeLayout::double_indirect}},
};

class VolumeTest : public testing::TestWithParam<ImageClass> {
 protected:
  void SetUp() override { ASSERT_OK(volume.result()); }
  void TearDown() override {
    expect_clean(volume);
    volume.remount();
    ASSERT_OK(volume.result());
    expect_clean(volume);
  }
  Mounted volume{GetParam().plan, 512};
};

INSTANTIATE_TEST_SUITE_P(Class, VolumeTest, testing::ValuesIn(classes),
                         [](const auto& info) { return info.param.name; });

std::string pattern(usize size, u32 seed = 1) {
  std::string text(size, '\0');
  std::mt19937 random(seed);
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

TEST_P(VolumeTest, FreshImageHasARootWithDots) {
  EXPECT_EQ(volume.names("/"), (std::vector<std::string>{".", ".."}));
  EXPECT_EQ(volume.stat("/")->inode, 1u);
  EXPECT_EQ(volume.stat("/")->type, abi::FileType::directory);
}

TEST_P(VolumeTest, WriteReadRemount) {
  const std::string text = pattern(5000);
  ASSERT_OK(volume.write("a", text));
  EXPECT_EQ(*volume.read("a"), text);
  EXPECT_EQ(volume.stat("a")->size, 5000u);
  volume.remount();
  EXPECT_EQ(*volume.read("/a"), text);
  ASSERT_OK(volume.write("a", "XYZ", 1023));
  std::string expected = text;
  expected.replace(1023, 3, "XYZ");
  EXPECT_EQ(*volume.read("a"), expected);
}

// Reading remembers which blocks follow one another. Those of a file that is cut are another file's afterwards; then no
// two of a file's blocks are neighbours, and a file goes on where reading had come to its end.
TEST_P(VolumeTest, ReadingFollowsTheBlocksWhereverTheyGo) {
  const std::string old_text = pattern(40 * abi::block_size, 1), text = pattern(40 * abi::block_size, 2);
  ASSERT_OK(volume.write("a", old_text));
  EXPECT_TRUE(*volume.read("a") == old_text);
  ASSERT_OK(volume->open({}, "a", abi::OpenMode::read_write | abi::OpenMode::truncate));
  ASSERT_OK(volume.write("b", old_text));
  EXPECT_EQ(*volume.read("a"), "");
  for (usize at = 0; at < text.size(); at += abi::block_size) {
    ASSERT_OK(volume.write("a", text.substr(at, abi::block_size), at));
    ASSERT_OK(volume.write("c", text.substr(at, abi::block_size), at));
    EXPECT_TRUE(*volume.read("a") == text.substr(0, at + abi::block_size)) << at;
  }
  EXPECT_TRUE(*volume.read("b") == old_text);
  EXPECT_TRUE(*volume.read("c") == text);
  ASSERT_OK(volume.write("a", old_text));
  EXPECT_TRUE(*volume.read("a") == old_text);
}

TEST_P(VolumeTest, WriteBeyondTheEndIsRefused) {
  ASSERT_OK(volume.write("a", "1234"));
  EXPECT_ERROR(Error::invalid_argument, volume.write("a", "x", 5));
  EXPECT_OK(volume.write("a", "x", 4));
  EXPECT_EQ(*volume.read("a"), "1234x");
}

TEST_P(VolumeTest, LargestFileAndOneByteMore) {
  const u64 limit = volume->geometry().max_file_size();
  const u64 room = u64{volume->geometry().size - volume->geometry().data_start - 300} * abi::block_size;
  const std::string text = pattern(std::min(limit, room), 7);
  ASSERT_OK(volume.write("big", text));
  if (limit <= room) EXPECT_ERROR(Error::too_big, volume.write("big", "x", limit));
  EXPECT_TRUE(*volume.read("big") == text);
  volume.remount();
  EXPECT_TRUE(*volume.read("big") == text);
  ASSERT_OK(volume->open({}, "big", abi::OpenMode::read_write | abi::OpenMode::truncate));
  EXPECT_EQ(volume.stat("big")->size, 0u);
  ASSERT_OK(volume.write("big", text));
  ASSERT_OK(volume->unlink({}, "big"));
}

TEST_P(VolumeTest, FullDiskGivesNoSpaceAndEverythingBack) {
  const u32 free_before = volume.check().free_blocks;
  const std::string text = pattern(volume->geometry().max_file_size() > 1000000 ? 1000000 : 200000);
  int files = 0;
  lib::Result<void> result;
  while ((result = volume.write("f" + std::to_string(files), text)).has_value()) ++files;
  EXPECT_EQ(error_of(result), Error::no_space);
  EXPECT_ERROR(Error::no_space, volume.write("g", pattern(2000000)));
  for (int i = 0; i <= files; ++i) EXPECT_OK(volume->unlink({}, "f" + std::to_string(i)));
  (void)volume->unlink({}, "g");
  EXPECT_GE(volume.check().free_blocks + 1, free_before);  // the root directory may have grown by a block
  EXPECT_OK(volume.write("again", text));
}

TEST_P(VolumeTest, InodesRunOutAndComeBack) {
  const u32 count = volume->geometry().inode_count;
  u32 made = 0;
  lib::Result<void> result;
  while ((result = volume.write("n" + std::to_string(made), "")).has_value()) ++made;
  EXPECT_EQ(error_of(result), Error::no_space);
  EXPECT_EQ(made, count - 2);
  EXPECT_ERROR(Error::no_space, volume.mkdir("d"));
  for (u32 i = 0; i < made; ++i) ASSERT_OK(volume->unlink({}, "n" + std::to_string(i)));
  EXPECT_OK(volume.mkdir("d"));
}

TEST_P(VolumeTest, NamesOfFourteenCharactersAndLonger) {
  ASSERT_OK(volume.write("12345678901234", "fourteen"));
  EXPECT_EQ(*volume.read("123456789012345"), "fourteen");
  EXPECT_ERROR(Error::already_exists, volume->create({}, "12345678901234567", {}));
  ASSERT_OK(volume.mkdir("directory_name_that_is_long"));
  EXPECT_OK(volume.write("directory_name/x", "y"));
  EXPECT_ERROR(Error::not_found, volume.read("1234567890123"));
}

TEST_P(VolumeTest, Paths) {
  ASSERT_OK(volume.mkdir("a"));
  ASSERT_OK(volume.mkdir("/a//b/"));
  ASSERT_OK(volume.write("a/b/c", "x"));
  EXPECT_EQ(*volume.read("///a/./b/../b//c"), "x");
  EXPECT_EQ(*volume.read("/../../a/b/c"), "x");
  EXPECT_ERROR(Error::not_a_directory, volume.read("a/b/c/d"));
  EXPECT_ERROR(Error::not_found, volume.read("a/x/c"));
  EXPECT_ERROR(Error::not_found, volume.mkdir(""));
  EXPECT_ERROR(Error::not_found, volume.mkdir("/"));
  EXPECT_ERROR(Error::already_exists, volume.mkdir("a/."));
  EXPECT_ERROR(Error::already_exists, volume.mkdir("a/b/.."));
  EXPECT_ERROR(Error::not_a_directory, volume->find_directory({}, "a/b/c"));
  const auto inside = volume->find_directory({}, "a/b");
  ASSERT_OK(inside);
  EXPECT_EQ((*volume->find(*inside, "c"))->number(), volume.stat("a/b/c")->inode);
  EXPECT_EQ((*volume->find(*inside, ""))->number(), (*inside)->number());
  EXPECT_EQ((*volume->find(*inside, ".."))->number(), volume.stat("a")->inode);
}

TEST_P(VolumeTest, LinksCountAndKeepTheFile) {
  ASSERT_OK(volume.write("a", "text"));
  ASSERT_OK(volume->link({}, "a", "b"));
  EXPECT_EQ(volume.stat("a")->link_count, 2);
  EXPECT_ERROR(Error::already_exists, volume->link({}, "a", "b"));
  EXPECT_EQ(volume.stat("a")->link_count, 2);
  ASSERT_OK(volume->unlink({}, "a"));
  EXPECT_EQ(*volume.read("b"), "text");
  EXPECT_EQ(volume.stat("b")->link_count, 1);
  EXPECT_ERROR(Error::not_found, volume->link({}, "a", "c"));
  EXPECT_ERROR(Error::not_permitted, volume->link({}, ".", "c"));
  EXPECT_ERROR(Error::not_found, volume->link({}, "b", "no/c"));
  EXPECT_EQ(volume.stat("b")->link_count, 1);
}

TEST_P(VolumeTest, LinkCountHasALimit) {
  ASSERT_OK(volume.write("a", ""));
  const auto file = volume->find({}, "a");
  {
    fs::Transaction transaction(volume->log(), 1);
    {
      const fs::InodeLock lock(**file);
      ASSERT_OK((*file)->set_link_count(transaction, 32767));
    }
    ASSERT_OK(transaction.commit());
  }
  EXPECT_ERROR(Error::too_many_links, volume->link({}, "a", "b"));
  {
    fs::Transaction transaction(volume->log(), 1);
    {
      const fs::InodeLock lock(**file);
      ASSERT_OK((*file)->set_link_count(transaction, 1));
    }
    ASSERT_OK(transaction.commit());
  }
}

TEST_P(VolumeTest, UnlinkRules) {
  ASSERT_OK(volume.mkdir("d"));
  ASSERT_OK(volume.write("d/f", ""));
  EXPECT_ERROR(Error::directory_not_empty, volume->unlink({}, "d"));
  EXPECT_ERROR(Error::not_permitted, volume->unlink({}, "d/."));
  EXPECT_ERROR(Error::not_permitted, volume->unlink({}, "d/.."));
  EXPECT_ERROR(Error::not_found, volume->unlink({}, "/"));
  EXPECT_ERROR(Error::not_found, volume->unlink({}, "x"));
  EXPECT_ERROR(Error::not_a_directory, volume->unlink({}, "d/f/x"));
  EXPECT_EQ(volume.stat("/")->link_count, 2);
  ASSERT_OK(volume->unlink({}, "d/f"));
  ASSERT_OK(volume->unlink({}, "d"));
  EXPECT_EQ(volume.stat("/")->link_count, 1);
}

TEST_P(VolumeTest, UnlinkedFileLivesWhileItIsOpen) {
  auto file = volume->open({}, "f", abi::OpenMode::create | abi::OpenMode::read_write);
  ASSERT_OK(file);
  ASSERT_OK(volume->unlink({}, "f"));
  const std::string text = pattern(3000);
  fs::MemorySource source(std::as_bytes(std::span(text)));
  u64 offset = 0;
  EXPECT_OK((*file)->write(source, offset, text.size()));
  EXPECT_EQ((*file)->stat()->link_count, 0);
}

TEST_P(VolumeTest, NothingHappensInARemovedDirectory) {
  ASSERT_OK(volume.mkdir("a"));
  ASSERT_OK(volume.mkdir("a/b"));
  ASSERT_OK(volume.write("f", ""));
  const auto removed = volume->find_directory({}, "a/b");
  ASSERT_OK(removed);
  ASSERT_OK(volume->unlink({}, "a/b"));
  ASSERT_OK(volume->unlink({}, "a"));
  for (const char* path : {"..", ".", "x", "../f", "../.."}) {
    EXPECT_ERROR(Error::not_found, volume->open(*removed, path, abi::OpenMode::read_only));
  }
  EXPECT_ERROR(Error::not_found, volume->open(*removed, "x", abi::OpenMode::create | abi::OpenMode::read_write));
  EXPECT_ERROR(Error::not_found, volume->create(*removed, "d", {.type = abi::FileType::directory}));
  EXPECT_ERROR(Error::not_found, volume->link(*removed, "/f", "g"));
  EXPECT_OK(volume->find(*removed, "/f"));
  // The number may be used again; the removed directory stays what it was.
  ASSERT_OK(volume.mkdir("c"));
  EXPECT_ERROR(Error::not_found, volume->find(*removed, ".."));
}

TEST_P(VolumeTest, NamesOfARemovedDirectoryDoNotComeBackWithItsInode) {
  ASSERT_OK(volume.mkdir("a"));
  ASSERT_OK(volume.mkdir("a/b"));
  EXPECT_EQ(volume.stat("a/b/..")->inode, volume.stat("a")->inode);
  const u32 number = volume.stat("a/b")->inode;
  ASSERT_OK(volume->unlink({}, "a/b"));
  ASSERT_OK(volume.mkdir("c"));
  EXPECT_EQ(volume.stat("c")->inode, number);
  EXPECT_EQ(volume.stat("c/..")->inode, 1u);
}

TEST_P(VolumeTest, DirectoryGrowsAndItsFreeEntriesAreUsedAgain) {
  for (int i = 0; i < 90; ++i) ASSERT_OK(volume.write("x" + std::to_string(i), ""));
  const u64 size = volume.stat("/")->size;
  for (int i = 0; i < 90; i += 2) ASSERT_OK(volume->unlink({}, "x" + std::to_string(i)));
  for (int i = 0; i < 45; ++i) ASSERT_OK(volume.write("y" + std::to_string(i), ""));
  EXPECT_EQ(volume.stat("/")->size, size);
  EXPECT_EQ(volume.names("/").size(), 92u);
  for (int i = 1; i < 90; i += 2) EXPECT_OK(volume.stat("x" + std::to_string(i)));
  for (int i = 0; i < 45; ++i) EXPECT_OK(volume.stat("y" + std::to_string(i)));
}

TEST_P(VolumeTest, OpenModes) {
  EXPECT_ERROR(Error::not_found, volume->open({}, "f", abi::OpenMode::read_write));
  ASSERT_OK(volume.write("f", "text"));
  ASSERT_OK(volume.mkdir("d"));
  EXPECT_OK(volume->open({}, "d", abi::OpenMode::read_only));
  EXPECT_ERROR(Error::is_a_directory, volume->open({}, "d", abi::OpenMode::read_write));
  EXPECT_ERROR(Error::is_a_directory, volume->open({}, "d", abi::OpenMode::write_only));
  EXPECT_ERROR(Error::is_a_directory, volume->open({}, "d", abi::OpenMode::create));
  EXPECT_ERROR(Error::is_a_directory, volume->open({}, "d", abi::OpenMode::truncate));
  EXPECT_OK(volume->open({}, "f", abi::OpenMode::create));
  EXPECT_EQ(*volume.read("f"), "text");
  EXPECT_OK(volume->open({}, "f", abi::OpenMode::create | abi::OpenMode::truncate));
  EXPECT_EQ(*volume.read("f"), "");
}

TEST_P(VolumeTest, SymbolicLinks) {
  ASSERT_OK(volume.mkdir("d"));
  ASSERT_OK(volume.write("d/f", "text"));
  ASSERT_OK(volume->symlink({}, "d/f", "l"));
  ASSERT_OK(volume->symlink({}, "f", "d/l"));
  ASSERT_OK(volume->symlink({}, "/d", "dl"));
  EXPECT_EQ(*volume.read("l"), "text");
  EXPECT_EQ(*volume.read("d/l"), "text");
  EXPECT_EQ(*volume.read("dl/f"), "text");
  EXPECT_EQ(*volume.read("dl/../l"), "text");
  EXPECT_EQ(volume.stat("l")->type, abi::FileType::symlink);
  EXPECT_EQ(volume.stat("dl/f")->type, abi::FileType::file);
  const auto link = volume->open({}, "l", abi::OpenMode::read_only | abi::OpenMode::no_follow);
  ASSERT_OK(link);
  EXPECT_EQ((*link)->stat()->size, 3u);
  EXPECT_ERROR(Error::already_exists, volume->symlink({}, "x", "l"));
  ASSERT_OK(volume->unlink({}, "d/f"));
  EXPECT_ERROR(Error::not_found, volume.read("l"));
  ASSERT_OK(volume.write("l", "made through the link"));
  EXPECT_EQ(*volume.read("d/f"), "made through the link");
  ASSERT_OK(volume->unlink({}, "l"));
  EXPECT_EQ(*volume.read("d/f"), "made through the link");
}

TEST_P(VolumeTest, CyclesOfSymbolicLinksEnd) {
  ASSERT_OK(volume->symlink({}, "b", "a"));
  ASSERT_OK(volume->symlink({}, "a", "b"));
  ASSERT_OK(volume->symlink({}, ".", "here"));
  EXPECT_ERROR(Error::too_many_links, volume.read("a"));
  EXPECT_ERROR(Error::too_many_links, volume.write("a", "x"));
  EXPECT_ERROR(Error::too_many_links, volume.read("a/b"));
  EXPECT_OK(volume.stat("here/here/here/a"));
  std::string deep;
  for (int i = 0; i < 15; ++i) deep += "here/";
  EXPECT_ERROR(Error::too_many_links, volume.stat(deep + "a"));
  EXPECT_ERROR(Error::invalid_argument, volume->symlink({}, "", "e"));
  EXPECT_ERROR(Error::invalid_argument, volume->symlink({}, std::string(200, 'x'), "e"));
  // The chain of the lab: each link names the next one.
  ASSERT_OK(volume.write("file", "end"));
  ASSERT_OK(volume->symlink({}, "file", "s0"));
  for (int i = 1; i < 9; ++i) ASSERT_OK(volume->symlink({}, "s" + std::to_string(i - 1), "s" + std::to_string(i)));
  EXPECT_EQ(*volume.read("s8"), "end");
}

TEST_P(VolumeTest, SixtyOpenFilesAndMoreThanTheTableHolds) {
  std::vector<fs::InodeRef> open;
  const u32 possible = std::min<u32>(volume->geometry().inode_count - 2, fs::InodeTable::slot_count + 50);
  lib::Result<fs::InodeRef> file;
  for (u32 i = 0; i < possible; ++i) {
    file = volume->open({}, "f" + std::to_string(i), abi::OpenMode::create);
    if (!file) break;
    open.push_back(std::move(*file));
  }
  if (possible > fs::InodeTable::slot_count) {
    EXPECT_GE(open.size(), 200u);
    EXPECT_EQ(error_of(file), Error::limit_reached);
  } else {
    EXPECT_EQ(open.size(), possible);
  }
  open.clear();
  EXPECT_OK(volume.write("f0", "x"));
}

// A source or sink that stops at a byte: what a bad user address, or a page that is not there yet, does.
class StoppingSource final : public fs::DataSource {
 public:
  StoppingSource(std::string_view text, usize good, Error then) : text_(text), good_(good), then_(then) {}
  fs::CopyResult take(std::span<std::byte> bytes) override {
    const usize count = std::min(bytes.size(), good_ - done_);
    std::memcpy(bytes.data(), text_.data() + done_, count);
    done_ += count;
    if (count != bytes.size()) return {count, lib::fail(then_)};
    return {count, {}};
  }
  lib::Result<void> page_in() override {
    good_ = text_.size();
    ++page_ins;
    return {};
  }
  int page_ins = 0;

 private:
  std::string_view text_;
  usize good_, done_ = 0;
  Error then_;
};

TEST_P(VolumeTest, AWriteWhoseSourceStopsKeepsItsPrefixDurably) {
  const std::string old = pattern(4000, 2), text = pattern(3000, 3);
  for (const usize good : {0, 1, 64, 1023, 1024, 1025, 2999}) {
    ASSERT_OK(volume.write("f", old));
    {
      const auto file = volume->open({}, "f", abi::OpenMode::read_write);
      StoppingSource source(text, good, Error::bad_address);
      u64 offset = 100;
      EXPECT_ERROR(Error::bad_address, (*file)->write(source, offset, text.size()));
      EXPECT_EQ(offset, 100 + good);
    }
    std::string expected = old;
    expected.replace(100, good, text, 0, good);
    EXPECT_TRUE(*volume.read("f") == expected) << good;
    volume.remount();
    EXPECT_TRUE(*volume.read("f") == expected) << good;
  }
}

TEST_P(VolumeTest, AWriteGoesOnAfterAPageIn) {
  const std::string text = pattern(20000, 4);
  for (const usize good : {0, 1, 1024, 5000}) {
    const auto file =
        volume->open({}, "f", abi::OpenMode::create | abi::OpenMode::read_write | abi::OpenMode::truncate);
    StoppingSource source(text, good, Error::needs_page_in);
    u64 offset = 0;
    const auto written = (*file)->write(source, offset, text.size());
    ASSERT_OK(written);
    EXPECT_EQ(*written, text.size());
    EXPECT_EQ(source.page_ins, 1);
    EXPECT_OK((*file)->settle());
    EXPECT_TRUE(*volume.read("f") == text);
  }
}

TEST_P(VolumeTest, FailingWritesLeakNothing) {
  for (int i = 0; i < 600; ++i) {
    const auto file = volume->open({}, "junk", abi::OpenMode::create | abi::OpenMode::write_only);
    ASSERT_OK(file);
    StoppingSource source("x", 0, Error::bad_address);
    u64 offset = 0;
    EXPECT_ERROR(Error::bad_address, (*file)->write(source, offset, 1));
    ASSERT_OK(volume->unlink({}, "junk"));
  }
  EXPECT_OK(volume.write("junk", pattern(100000)));
}

TEST_P(VolumeTest, DevicesKeepTheirNumbers) {
  ASSERT_OK(volume->create({}, "console", {.type = abi::FileType::device, .major = 1, .minor = -5}));
  volume.remount();
  const auto device = volume->find({}, "console");
  const fs::InodeLock lock(**device);
  EXPECT_EQ((*device)->major(), 1);
  EXPECT_EQ((*device)->minor(), -5);
}

TEST_P(VolumeTest, SyncLeavesAnEmptyLog) {
  ASSERT_OK(volume.write("f", "text"));
  EXPECT_FALSE(volume.check().notes.empty());
  ASSERT_OK(volume->sync());
  EXPECT_TRUE(volume.check().notes.empty());
}

TEST_P(VolumeTest, BlocksAreHomeWithoutTheLog) {
  for (int i = 0; i < 30; ++i) ASSERT_OK(volume.write("f" + std::to_string(i), pattern(1500, i)));
  // A reader that does not know the log sees everything: the log is emptied behind the file system's back.
  Mounted other(std::vector<std::byte>(volume.disk().bytes().begin(), volume.disk().bytes().end()),
                layout_of(GetParam().plan));
  std::vector<std::byte> raw(volume.disk().bytes().begin(), volume.disk().bytes().end());
  std::memset(raw.data() + 2 * abi::block_size, 0, 4);
  Mounted unlogged(std::move(raw), layout_of(GetParam().plan));
  for (int i = 0; i < 30; ++i) EXPECT_EQ(*unlogged.read("f" + std::to_string(i)), pattern(1500, i));
  expect_clean(unlogged);
}

}  // namespace
}  // namespace fs_test
