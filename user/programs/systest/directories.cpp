// SPDX-License-Identifier: MIT
// Directories and names: making, removing, walking, and the directory that is gone while someone stands in it.
#include "user/programs/systest/tests.hpp"

namespace systest {
namespace {

using testing::make_file;

void make_and_remove() {
  EXPECT_EQ(mkdir("d"), 0);
  EXPECT_EQ(mkdir("d"), -1);
  EXPECT_EQ(chdir("d"), 0);
  EXPECT_EQ(chdir(".."), 0);
  EXPECT_EQ(unlink("d"), 0);
  EXPECT_EQ(chdir("d"), -1);
}

void create_many() {
  for (int i = 0; i < 52; ++i) make_file(ShortName('a', i));
  for (int i = 0; i < 52; ++i) EXPECT_EQ(unlink(ShortName('a', i)), 0);
  for (int i = 0; i < 52; ++i) EXPECT(!exists(ShortName('a', i)));
}

// subdir: every mixture of names through a two-level tree.
void subdirectories() {
  EXPECT_EQ(mkdir("dd"), 0);
  make_file("dd/ff", "ff", 2);
  EXPECT_EQ(unlink("dd"), -1);
  EXPECT_EQ(mkdir("dd/dd"), 0);
  make_file("dd/dd/ff", "FF", 2);
  const int fd = open("dd/dd/../ff", Mode::read_only);
  EXPECT_EQ(read(fd, buffer, 8), 2);
  EXPECT_EQ(buffer[0], 'f');
  close(fd);
  EXPECT_EQ(link("dd/dd/ff", "dd/dd/ffff"), 0);
  EXPECT_EQ(unlink("dd/dd/ff"), 0);
  EXPECT_EQ(open("dd/dd/ff", Mode::read_only), -1);
  EXPECT_EQ(chdir("dd"), 0);
  EXPECT_EQ(chdir("dd/../../dd"), 0);
  EXPECT_EQ(chdir("./.."), 0);
  EXPECT_EQ(size_of("dd/dd/ffff"), 2);
  EXPECT_EQ(open("dd/ff/ff", create_both), -1);
  EXPECT_EQ(open("dd/xx/ff", create_both), -1);
  EXPECT_EQ(open("dd", Mode::create), -1);
  EXPECT_EQ(open("dd", Mode::read_write), -1);
  EXPECT_EQ(open("dd", Mode::write_only), -1);
  EXPECT_EQ(link("dd/ff/ff", "dd/dd/xx"), -1);
  EXPECT_EQ(link("dd/xx/ff", "dd/dd/xx"), -1);
  EXPECT_EQ(link("dd/ff", "dd/dd/ffff"), -1);
  EXPECT_EQ(mkdir("dd/ff/ff"), -1);
  EXPECT_EQ(mkdir("dd/xx/ff"), -1);
  EXPECT_EQ(mkdir("dd/dd/ffff"), -1);
  EXPECT_EQ(unlink("dd/xx/ff"), -1);
  EXPECT_EQ(unlink("dd/ff/ff"), -1);
  EXPECT_EQ(chdir("dd/ff"), -1);
  EXPECT_EQ(chdir("dd/xx"), -1);
  EXPECT_EQ(unlink("dd/dd/ffff"), 0);
  EXPECT_EQ(unlink("dd/ff"), 0);
  EXPECT_EQ(unlink("dd"), -1);
  EXPECT_EQ(unlink("dd/dd"), 0);
  EXPECT_EQ(unlink("dd"), 0);
}

// fourteen: names are cut at 14 characters.
void names_of_fourteen() {
  EXPECT_EQ(mkdir("12345678901234"), 0);
  EXPECT_EQ(mkdir("12345678901234/123456789012345"), 0);
  make_file("12345678901234/12345678901234/123456789012345");
  EXPECT(exists("12345678901234/12345678901234/12345678901234"));
  EXPECT_EQ(mkdir("12345678901234/12345678901234"), -1);
  EXPECT_EQ(mkdir("123456789012345/12345678901234"), -1);
  EXPECT_EQ(unlink("12345678901234/12345678901234/12345678901234"), 0);
  EXPECT_EQ(unlink("12345678901234/12345678901234"), 0);
  EXPECT_EQ(unlink("12345678901234"), 0);
}

void dots_stay() {
  EXPECT_EQ(mkdir("dots"), 0);
  EXPECT_EQ(chdir("dots"), 0);
  EXPECT_EQ(unlink("."), -1);
  EXPECT_EQ(unlink(".."), -1);
  EXPECT_EQ(chdir(".."), 0);
  EXPECT_EQ(unlink("dots/."), -1);
  EXPECT_EQ(unlink("dots/.."), -1);
  EXPECT_EQ(unlink("/"), -1);
  EXPECT_EQ(unlink("dots"), 0);
}

// dirfile: a file has no inside.
void file_is_no_directory() {
  make_file("file");
  EXPECT_EQ(chdir("file"), -1);
  EXPECT_EQ(open("file/xx", Mode::read_only), -1);
  EXPECT_EQ(open("file/xx", create_write), -1);
  EXPECT_EQ(mkdir("file/xx"), -1);
  EXPECT_EQ(unlink("file/xx"), -1);
  EXPECT_EQ(link("/echo", "file/xx"), -1);
  EXPECT_EQ(unlink("file"), 0);
  EXPECT_EQ(open(".", Mode::read_write), -1);
  const int fd = open(".", Mode::read_only);
  EXPECT_EQ(write(fd, "x", 1), -1);
  close(fd);
}

// iref: empty names, 50 levels down, with every call that takes an inode.
void empty_names() {
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(mkdir("deep"), 0);
    EXPECT_EQ(chdir("deep"), 0);
    mkdir("");
    link("/echo", "");
    int fd = open("", Mode::create);
    if (fd >= 0) close(fd);
    fd = open("xx", Mode::create);
    if (fd >= 0) close(fd);
    unlink("xx");
  }
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(chdir(".."), 0);
    EXPECT_EQ(unlink("deep"), 0);
  }
}

// bigdir: so many entries that the directory has many blocks.
void large_directory() {
  constexpr int count = 500;
  make_file("x");
  for (int i = 0; i < count; ++i) EXPECT_EQ(link("x", ShortName('x', i)), 0);
  EXPECT_EQ(unlink("x"), 0);
  for (int i = 0; i < count; ++i) EXPECT_EQ(unlink(ShortName('x', i)), 0);
  EXPECT(!exists(ShortName('x', count / 2)));
}

void directory_entries_are_readable() {
  EXPECT_EQ(mkdir("r"), 0);
  make_file("r/one");
  const int fd = open("r", Mode::read_only);
  abi::Dirent entry;
  bool dot = false, dots = false, one = false;
  while (read(fd, &entry, sizeof(entry)) == sizeof(entry)) {
    dot |= entry.inode != 0 && strcmp(entry.name, ".") == 0;
    dots |= entry.inode != 0 && strcmp(entry.name, "..") == 0;
    one |= entry.inode != 0 && strcmp(entry.name, "one") == 0;
  }
  EXPECT(dot && dots && one);
  close(fd);
  EXPECT_EQ(unlink("r/one"), 0);
  EXPECT_EQ(unlink("r"), 0);
}

void slashes() {
  EXPECT_EQ(mkdir("//test.d///s//"), 0);
  make_file("s///f");
  EXPECT(exists("./s/.///f"));
  EXPECT(exists("///test.d/s/../s/f"));
  EXPECT(exists("/"));
  EXPECT(exists("/.."));
  EXPECT_EQ(unlink("s//f"), 0);
  EXPECT_EQ(unlink("s/"), 0);
}

// iput, exitiput, openiput: a directory is removed while it is someone's current one or is being opened.
void removed_while_current() {
  EXPECT_EQ(mkdir("gone"), 0);
  EXPECT_EQ(chdir("gone"), 0);
  EXPECT_EQ(unlink("../gone"), 0);
  EXPECT_EQ(chdir("/test.d"), 0);
  testing::run_children(1, [](int) {
    EXPECT_EQ(mkdir("gone"), 0);
    EXPECT_EQ(chdir("gone"), 0);
    EXPECT_EQ(unlink("../gone"), 0);
  });
  EXPECT_EQ(mkdir("gone"), 0);
  testing::start_children(1, [](int) {
    for (int i = 0; i < 50; ++i) EXPECT_EQ(open("gone", Mode::read_write), -1);
  });
  EXPECT_EQ(unlink("gone"), 0);
  testing::expect_children(1);
}

// A3: nothing can be found or made in a directory that has no name any more.
void nothing_in_a_removed_directory() {
  EXPECT_EQ(mkdir("a"), 0);
  EXPECT_EQ(mkdir("a/b"), 0);
  EXPECT_EQ(chdir("a/b"), 0);
  EXPECT_EQ(unlink("/test.d/a/b"), 0);
  EXPECT_EQ(unlink("/test.d/a"), 0);
  EXPECT_EQ(open("..", Mode::read_only), -1);
  EXPECT_EQ(open("../..", Mode::read_only), -1);
  EXPECT_EQ(open("x", create_write), -1);
  EXPECT_EQ(mkdir("y"), -1);
  EXPECT_EQ(mknod("z", 1, 0), -1);
  EXPECT_EQ(link("/echo", "w"), -1);
  EXPECT_EQ(symlink("/echo", "v"), -1);
  EXPECT_EQ(unlink("x"), -1);
  EXPECT_EQ(chdir(".."), -1);
  // Others may take the inode over meanwhile.
  EXPECT_EQ(mkdir("/test.d/c"), 0);
  EXPECT_EQ(open("..", Mode::read_only), -1);
  EXPECT_EQ(unlink("/test.d/c"), 0);
  EXPECT_EQ(chdir("/"), 0);
}

void symbolic_links() {
  EXPECT_EQ(symlink("target", "s"), 0);
  EXPECT_EQ(open("s", Mode::read_only), -1);
  make_file("target", "abc", 3);
  EXPECT_EQ(readable_bytes("s"), 3);
  abi::Stat status;
  const int fd = open("s", Mode::read_only | Mode::no_follow);
  EXPECT_EQ(fstat(fd, &status), 0);
  EXPECT(status.type == abi::FileType::symlink);
  close(fd);
  EXPECT_EQ(symlink("target", "s"), -1);
  EXPECT_EQ(symlink("s", "s2"), 0);
  EXPECT_EQ(readable_bytes("s2"), 3);
  EXPECT_EQ(unlink("target"), 0);
  EXPECT_EQ(open("s2", Mode::read_only), -1);
  EXPECT_EQ(symlink("/test.d/b", "a"), 0);
  EXPECT_EQ(symlink("/test.d/a", "b"), 0);
  EXPECT_EQ(open("a", Mode::read_write), -1);
  EXPECT_EQ(unlink("a") | unlink("b") | unlink("s") | unlink("s2"), 0);
}

}  // namespace

std::span<const testing::Test> directory_tests() {
  static constexpr testing::Test tests[] = {
      {"make_and_remove", make_and_remove},
      {"create_many", create_many},
      {"subdirectories", subdirectories},
      {"names_of_fourteen", names_of_fourteen},
      {"dots_stay", dots_stay},
      {"file_is_no_directory", file_is_no_directory},
      {"empty_names", empty_names},
      {"large_directory", large_directory},
      {"directory_entries_are_readable", directory_entries_are_readable},
      {"slashes", slashes},
      {"removed_while_current", removed_while_current},
      {"nothing_in_a_removed_directory", nothing_in_a_removed_directory},
      {"symbolic_links", symbolic_links},
  };
  return tests;
}

}  // namespace systest
