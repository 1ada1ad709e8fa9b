// SPDX-License-Identifier: MIT
// Several processes in the same files and directories at once.
#include "user/programs/systest/tests.hpp"

namespace systest {
namespace {

using testing::make_file;
using testing::run_children;

// fourfiles
void four_writers() {
  constexpr int writers = 4, rounds = 12, piece = 500;
  run_children(writers, [](int who) {
    const ShortName name('f', who);
    const int fd = open(name, create_both);
    EXPECT(fd >= 0);
    memset(buffer, '0' + who, piece);
    for (int i = 0; i < rounds; ++i) EXPECT_EQ(write(fd, buffer, piece), piece);
  });
  for (int who = 0; who < writers; ++who) {
    const int bytes = readable_bytes(ShortName('f', who));
    EXPECT_EQ(bytes, rounds * piece);
    for (int i = 0; i < bytes; ++i) EXPECT_EQ(buffer[i], '0' + who);
    EXPECT_EQ(unlink(ShortName('f', who)), 0);
  }
}

// createdelete
void create_and_delete() {
  constexpr int processes = 4, files = 20;
  run_children(processes, [](int who) {
    for (int i = 0; i < files; ++i) {
      make_file(ShortName(static_cast<char>('p' + who), i));
      if (i > 0 && i % 2 == 0) EXPECT_EQ(unlink(ShortName(static_cast<char>('p' + who), i / 2)), 0);
    }
  });
  for (int i = 0; i < files; ++i) {
    for (int who = 0; who < processes; ++who) {
      const ShortName name(static_cast<char>('p' + who), i);
      const bool wanted = i == 0 || i >= files / 2;
      EXPECT_EQ(exists(name), wanted);
      if (wanted) EXPECT_EQ(unlink(name), 0);
    }
  }
}

// concreate: two processes make, link and unlink the same names; each name must be there once.
void concurrent_create() {
  constexpr int files = 40;
  for (int i = 0; i < files; ++i) {
    const ShortName name('C', i);
    unlink(name);
    testing::start_children(1, [&](int) {
      if (i % 3 == 1 || i % 5 == 1)
        link("C000", name);
      else
        close(open(name, create_both));
    });
    if (i % 3 == 1)
      link("C000", name);
    else
      close(open(name, create_both));
    testing::expect_children(1);
  }
  int seen[files] = {};
  const int fd = open(".", Mode::read_only);
  abi::Dirent entry;
  int count = 0;
  while (read(fd, &entry, sizeof(entry)) == sizeof(entry)) {
    if (entry.inode == 0 || entry.name[0] != 'C' || entry.name[4] != '\0') continue;
    const int number = atoi(entry.name + 1);
    EXPECT(number >= 0 && number < files);
    EXPECT_EQ(seen[number]++, 0);
    ++count;
  }
  close(fd);
  EXPECT_EQ(count, files);
  run_children(4, [](int who) {
    for (int i = 0; i < files; ++i) {
      const ShortName name('C', i);
      if ((i + who) % 2 == 0) {
        for (int n = 0; n < 3; ++n) {
          const int file = open(name, Mode::read_only);
          if (file >= 0) close(file);
        }
      } else {
        unlink(name);
      }
    }
  });
  for (int i = 0; i < files; ++i) unlink(ShortName('C', i));
}

// linkunlink
void link_and_unlink() {
  run_children(2, [](int who) {
    testing::Random random(static_cast<std::uint64_t>(who == 0 ? 1 : 97));
    for (int i = 0; i < 100; ++i) {
      switch (random.below(3)) {
        case 0: close(open("x", create_both)); break;
        case 1: link("/cat", "x"); break;
        default: unlink("x");
      }
    }
  });
  unlink("x");
  abi::Stat status;
  EXPECT_EQ(stat("/cat", &status), 0);
  EXPECT_EQ(status.link_count, 1);
}

// manywrites: more transactions at once than the log has room for.
void many_large_writes() {
  constexpr int writers = 4, rounds = 10, bytes = 3 * 1024 + 1;
  run_children(writers, [](int who) {
    const ShortName name('b', who);
    for (int i = 0; i < rounds; ++i) {
      const int fd = open(name, create_both);
      EXPECT(fd >= 0);
      EXPECT_EQ(write(fd, buffer, bytes), bytes);
      close(fd);
      EXPECT_EQ(unlink(name), 0);
    }
  });
}

// A10: more processes read at once than the machine can have disk requests or xv6 had buffers.
void many_readers() {
  constexpr int readers = 38, file_blocks = 8;
  for (int i = 0; i < readers; ++i) {
    memset(buffer, 'A' + i, file_blocks * 1024);
    make_file(ShortName('r', i), buffer, file_blocks * 1024);
  }
  run_children(readers, [](int who) {
    for (int round = 0; round < 10; ++round) {
      const int fd = open(ShortName('r', who), Mode::read_only);
      EXPECT(fd >= 0);
      for (int block = 0; block < file_blocks; ++block) {
        EXPECT_EQ(read(fd, buffer, 1024), 1024);
        EXPECT(buffer[0] == 'A' + who && buffer[1023] == 'A' + who);
      }
      close(fd);
    }
  });
  for (int i = 0; i < readers; ++i) EXPECT_EQ(unlink(ShortName('r', i)), 0);
}

// A13: a link into a directory that is being removed is in it, or refused; never lost.
void link_into_removed_directory() {
  make_file("x");
  testing::start_children(1, [](int) {
    for (int i = 0; i < 150; ++i) {
      mkdir("d");
      unlink("d");
    }
  });
  for (int i = 0; i < 150; ++i)
    if (link("x", "d/f") == 0) EXPECT_EQ(unlink("d/f"), 0);
  testing::expect_children(1);
  unlink("d");
  abi::Stat status;
  EXPECT_EQ(stat("x", &status), 0);
  EXPECT_EQ(status.link_count, 1);
  EXPECT_EQ(unlink("x"), 0);
}

// A14, A15: inode numbers are reused as fast as they can be, in one directory, by everyone.
void inode_churn() {
  run_children(3, [](int who) {
    const ShortName mine('i', who), shared('s', 0);
    for (int i = 0; i < 60; ++i) {
      const int fd = open(mine, create_both);
      EXPECT(fd >= 0);
      EXPECT_EQ(unlink(mine), 0);
      EXPECT_EQ(write(fd, "x", 1), 1);
      close(fd);
      close(open(shared, create_both));
      link(shared, mine);
      unlink(shared);
      unlink(mine);
    }
  });
  unlink("s000");
}

// Cross-directory links and removals: the lock order between two directories.
void opposite_lock_orders() {
  EXPECT_EQ(mkdir("a"), 0);
  EXPECT_EQ(mkdir("a/b"), 0);
  make_file("a/f");
  make_file("a/b/f");
  run_children(3, [](int who) {
    const ShortName name('n', who);
    for (int i = 0; i < 40; ++i) {
      char up[16], down[16];
      snprintf_to(up, sizeof(up), "a/%s", name.text);
      snprintf_to(down, sizeof(down), "a/b/%s", name.text);
      link("a/b/f", up);
      link("a/f", down);
      close(open(who == 0 ? "a/b/.." : "a/b/../b/f", Mode::read_only));
      unlink(up);
      unlink(down);
    }
  });
  EXPECT_EQ(unlink("a/b/f") | unlink("a/b") | unlink("a/f") | unlink("a"), 0);
}

// concurrent symlinks: a name that changes between file and link while others open it.
void concurrent_symlinks() {
  run_children(2, [](int who) {
    testing::Random random(static_cast<std::uint64_t>(who + 5));
    for (int i = 0; i < 60; ++i) {
      if (random.below(3) != 0) {
        symlink("/test.d/z", "y");
        abi::Stat status;
        const int fd = open("y", Mode::read_only | Mode::no_follow);
        if (fd >= 0) {
          EXPECT_EQ(fstat(fd, &status), 0);
          EXPECT(status.type == abi::FileType::symlink);
          close(fd);
        }
      } else {
        unlink("y");
      }
    }
  });
  unlink("y");
}

}  // namespace

std::span<const testing::Test> race_tests() {
  static constexpr testing::Test tests[] = {
      {"four_writers", four_writers},
      {"create_and_delete", create_and_delete},
      {"concurrent_create", concurrent_create},
      {"link_and_unlink", link_and_unlink},
      {"many_large_writes", many_large_writes},
      {"many_readers", many_readers},
      {"link_into_removed_directory", link_into_removed_directory},
      {"inode_churn", inode_churn},
      {"opposite_lock_orders", opposite_lock_orders},
      {"concurrent_symlinks", concurrent_symlinks},
  };
  return tests;
}

}  // namespace systest
