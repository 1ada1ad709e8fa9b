// SPDX-License-Identifier: MIT
// When the disk has no blocks or no inodes left.
#include "user/programs/systest/tests.hpp"

namespace systest {
namespace {

using testing::make_file;

constexpr int max_files = 40;  // of 268 blocks at most: more than any ordinary image holds

// Fills files b00, b01... until a write fails; how many there are then. Larger disks are not filled.
int fill_disk() {
  int files = 0;
  bool full = false;
  for (; files < max_files && !full; ++files) {
    const int fd = open(ShortName('b', files), create_write | Mode::truncate);
    if (fd < 0) break;
    int written = 0, n = 0;
    while (written < 268 * 1024 && (n = write(fd, buffer, 8 * 1024)) == 8 * 1024) written += n;
    // To the last block: whatever of the eight did not fit.
    while (written < 268 * 1024 && (n = write(fd, buffer, abi::block_size)) == 1024) written += n;
    full = written < 267 * 1024;
    close(fd);
  }
  return files;
}

void remove_files(int files) {
  for (int i = 0; i < files; ++i) EXPECT_EQ(unlink(ShortName('b', i)), 0);
}

// diskfull: everything that needs a block fails in order, and afterwards everything is as before.
void full_disk() {
  const int files = fill_disk();
  for (int i = 0; i < 70; ++i) {
    // Each entry may need a block of the directory; each directory needs one of its own.
    const ShortName name('d', i);
    if (mkdir(name) == 0) unlink(name);
  }
  const int fd = open("more", create_write);
  if (fd >= 0) {
    write(fd, buffer, 4 * 1024);
    close(fd);
    unlink("more");
  }
  remove_files(files);
  make_file("after", buffer, 4 * 1024);
  EXPECT_EQ(unlink("after"), 0);
}

// outofinodes
void no_inodes_left() {
  constexpr int more_than_inodes = 1000;
  int made = 0;
  for (; made < more_than_inodes; ++made) {
    const int fd = open(ShortName('i', made), create_write);
    if (fd < 0) break;
    close(fd);
  }
  EXPECT(made > 50);
  if (made < more_than_inodes) {
    EXPECT_EQ(mkdir("nodir"), -1);
    EXPECT_EQ(mknod("nodev", 1, 0), -1);
    EXPECT_EQ(symlink("/echo", "nolink"), -1);
    // A hard link needs none.
    EXPECT_EQ(link("i000", "hard"), 0);
    EXPECT_EQ(unlink("hard"), 0);
  }
  for (int i = 0; i < made; ++i) EXPECT_EQ(unlink(ShortName('i', i)), 0);
  make_file("after");
  EXPECT_EQ(unlink("after"), 0);
}

// badwrite: a write that fails at its first byte must not keep the block it took.
void failing_writes_keep_no_blocks() {
  for (int i = 0; i < 300; ++i) {
    const int fd = open("junk", create_write);
    EXPECT(fd >= 0);
    EXPECT_EQ(system_call(abi::Call::write, static_cast<std::uint64_t>(fd), 0xffffffffff, 1024), -1);
    close(fd);
    EXPECT_EQ(unlink("junk"), 0);
  }
  make_file("junk", buffer, buffer_size);
  EXPECT_EQ(unlink("junk"), 0);
}

void sync_returns() {
  make_file("s", buffer, 5000);
  EXPECT_EQ(sync(), 0);
  EXPECT_EQ(unlink("s"), 0);
}

}  // namespace

std::span<const testing::Test> disk_tests() {
  static constexpr testing::Test tests[] = {
      {"full_disk", full_disk},
      {"no_inodes_left", no_inodes_left},
      {"failing_writes_keep_no_blocks", failing_writes_keep_no_blocks},
      {"sync_returns", sync_returns},
  };
  return tests;
}

}  // namespace systest
