// SPDX-License-Identifier: MIT
// R1 in small: each operation is repeated with its first, second, third... allocation failing, until it needs no
// more than that. It may fail or its process may be killed; nothing may be lost, and the kernel must go on.
#include "user/programs/vmtest/tests.hpp"

namespace vmtest {
namespace {

using testing::look;
using testing::status_of;
using testing::touch;

constexpr int most_allocations = 2000;
constexpr int injected = 64, not_reached = 65;

// Prepares in a child, then arms, runs and looks whether the n-th allocation came to pass.
template <typename Prepare, typename Operate>
void fail_each_allocation(Prepare prepare, Operate operate) {
  const std::uint64_t frames = freeframes();
  int n = 1;
  for (; n <= most_allocations; ++n) {
    const int status = status_of([&] {
      prepare();
      failnth(n);
      operate();
      exit(failnth(0) >= n ? injected : not_reached);
    });
    EXPECT(status == injected || status == not_reached || status == testing::killed);
    EXPECT_EQ(testing::settled_free_frames(frames), frames);
    if (status == not_reached) break;
  }
  EXPECT(n <= most_allocations);
}

void nothing() {}

// Whatever call there is, by the kernel's own table: with arguments that may do for a call of its kind, each of its
// allocations fails once. Those that end, stop or tell on the caller are left out.
void in_each_call() {
  constexpr const char* left_out[] = {"exit",    "exec",     "wait",     "read",      "sleep",     "pause", "check",
                                      "failnth", "shutdown", "rwlktest", "sigreturn", "interpose", "trace", "kpgtbl",
                                      "vmprint", "sigalarm", "recv",     "fork",      "kill"};
  for (std::uint64_t number = 1; number < 128; ++number) {
    char name[16];
    if (callname(number, name, sizeof(name)) < 0) continue;
    bool skip = false;
    for (const char* other : left_out) skip |= strcmp(name, other) == 0;
    if (skip) continue;
    const abi::Call call{number};
    fail_each_allocation(nothing, [call] {
      static char name_or_buffer[64] = "each-call";
      const auto memory = reinterpret_cast<std::uint64_t>(name_or_buffer);
      system_call(call, memory, memory, sizeof(name_or_buffer), 0, 0, 0);
      system_call(call, 0, memory, sizeof(name_or_buffer), 0, 0, 0);
    });
    unlink("each-call");
  }
}

void in_fork() {
  char* p = grow(4 * mebibyte);
  mark_pages(p, 1024, 1);
  fail_each_allocation(nothing, [] {
    const int pid = fork();
    if (pid == 0) exit(0);
    if (pid > 0) wait(nullptr);
  });
  EXPECT(has_marks(p, 1024, 1));
}

char* memory;

void in_sbrk() {
  fail_each_allocation(nothing, [] { sbrk(10 * page); });
  fail_each_allocation([] { memory = sbrk(0); },
                       [] {
                         if (sbrk(3 * megapage) == sbrk_failed) {
                           // All or nothing.
                           EXPECT_EQ(as_word(sbrk(0)), as_word(memory));
                         }
                       });
}

void in_lazy_faults() {
  fail_each_allocation([] { memory = grow_lazily(8 * megapage); },
                       [] {
                         for (int i = 0; i < 4; ++i) touch(memory + i * (2 * megapage) + page, 1);
                       });
}

void in_copies_on_write() {
  memory = grow(8 * page);
  mark_pages(memory, 8, 1);
  fail_each_allocation(nothing, [] { mark_pages(memory, 8, 2); });
  EXPECT(has_marks(memory, 8, 1));
}

void in_split_of_a_megapage() {
  fail_each_allocation(
      [] {
        align_break(abi::megapage_size);
        memory = grow(megapage);
        mark_pages(memory, 512, 1);
      },
      [] {
        // Needs nothing: the table was put aside when the megapage was made.
        EXPECT(sbrk(-page) != sbrk_failed);
        EXPECT(has_marks(memory, 511, 1));
      });
}

void in_write_to_a_shared_megapage() {
  align_break(abi::megapage_size);
  memory = grow(megapage);
  mark_pages(memory, 512, 1);
  fail_each_allocation(nothing, [] { mark_pages(memory, 20, 2); });
  EXPECT(has_marks(memory, 512, 1));
}

void in_copy_to_lazy_memory() {
  fail_each_allocation([] { memory = grow_lazily(8 * page); },
                       [] {
                         const int fd = open("/README", Mode::read_only);
                         if (fd < 0) return;
                         read(fd, memory + page - 50, 100);
                         close(fd);
                       });
}

void in_pipe() {
  fail_each_allocation(nothing, [] {
    int fds[2];
    if (pipe(fds) < 0) return;
    static char buffer[700];
    write(fds[1], buffer, 500);
    read(fds[0], buffer, 500);
    close(fds[0]), close(fds[1]);
  });
}

void in_files() {
  fail_each_allocation(nothing, [] {
    static char buffer[3000];
    const int fd = open("f", create_both);
    if (fd >= 0) {
      write(fd, buffer, sizeof(buffer));
      close(fd);
    }
    mkdir("d");
    link("f", "d/g");
    symlink("f", "s");
    chdir("d");
    chdir("..");
    unlink("s");
    unlink("d/g");
    unlink("d");
    unlink("f");
  });
  unlink("s"), unlink("d/g"), unlink("d"), unlink("f");
}

void in_exec() {
  const std::uint64_t frames = freeframes();
  static char name[] = "/echo";
  static char* arguments[] = {name, nullptr};
  int n = 1;
  for (; n <= most_allocations; ++n) {
    const int status = status_of([n] {
      close(1);
      open("out", create_both);
      failnth(n);
      exec("/echo", arguments);
      failnth(0);
      exit(injected);
    });
    EXPECT(status == injected || status == 0 || status == testing::killed);
    EXPECT_EQ(testing::settled_free_frames(frames), frames);
    if (status == 0) break;
  }
  EXPECT(n > 3 && n <= most_allocations);
  EXPECT_EQ(unlink("out"), 0);
}

void in_file_mappings() {
  memory = static_cast<char*>(malloc(2 * page));
  memset(memory, 'm', 2 * page);
  testing::make_file("f", memory, 2 * page);
  fail_each_allocation(nothing, [] {
    const int fd = open("f", Mode::read_write);
    if (fd < 0) return;
    void* p = mmap(2 * page, read_write, MapFlags::shared, fd);
    if (p != mmap_failed) {
      touch(static_cast<char*>(p), 'n');
      look(static_cast<char*>(p) + page);
      munmap(p, 2 * page);
    }
    close(fd);
  });
  EXPECT_EQ(unlink("f"), 0);
}

void in_anonymous_mappings() {
  fail_each_allocation(nothing, [] {
    for (const MapFlags sharing : {MapFlags::private_copy, MapFlags::shared}) {
      void* p = mmap(2 * megapage, read_write, sharing | MapFlags::anonymous, -1);
      if (p == mmap_failed) continue;
      touch(static_cast<char*>(p), 'n');
      touch(static_cast<char*>(p) + megapage, 'n');
      munmap(p, page);
      munmap(static_cast<char*>(p) + page, 2 * megapage - page);
    }
  });
}

// A compound program: the shell makes a pipeline, its own allocations failing one after the other.
void in_a_shell_pipeline() {
  const std::uint64_t frames = freeframes();
  static char sh[] = "/sh", flag[] = "-c", words[] = "echo one two | wc > out ; cat < out > out2";
  static char* arguments[] = {sh, flag, words, nullptr};
  for (int n = 1; n <= 60; n += 1) {
    status_of([n] {
      const int fd = open("said", create_both);
      close(1), dup(fd), close(2), dup(fd);
      failnth(n);
      exec("/sh", arguments);
      exit(1);
    });
    EXPECT_EQ(testing::settled_free_frames(frames), frames);
  }
  EXPECT_EQ(status_of([] {
              exec("/sh", arguments);
              exit(1);
            }),
            0);
  abi::Stat status;
  EXPECT_EQ(stat("out2", &status), 0);
  EXPECT(status.size > 0);
  unlink("out"), unlink("out2"), unlink("said");
}

}  // namespace

std::span<const testing::Test> failure_tests() {
  static constexpr testing::Test tests[] = {
      {"failures_in_fork", in_fork},
      {"failures_in_each_call", in_each_call},
      {"failures_in_sbrk", in_sbrk},
      {"failures_in_lazy_faults", in_lazy_faults},
      {"failures_in_copies_on_write", in_copies_on_write},
      {"failures_in_split_of_a_megapage", in_split_of_a_megapage},
      {"failures_in_write_to_a_shared_megapage", in_write_to_a_shared_megapage},
      {"failures_in_copy_to_lazy_memory", in_copy_to_lazy_memory},
      {"failures_in_pipe", in_pipe},
      {"failures_in_files", in_files},
      {"failures_in_exec", in_exec},
      {"failures_in_file_mappings", in_file_mappings},
      {"failures_in_anonymous_mappings", in_anonymous_mappings},
      {"failures_in_a_shell_pipeline", in_a_shell_pipeline},
  };
  return tests;
}

}  // namespace vmtest
