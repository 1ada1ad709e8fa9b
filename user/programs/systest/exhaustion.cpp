// SPDX-License-Identifier: MIT
// R15: everything that can run out does, each thing alone and together with each other. Whatever is tried then fails
// or works, nothing waits for ever, and when it is over all of it is there again.
#include "user/programs/systest/tests.hpp"

namespace systest {
namespace {

char* const no_memory = reinterpret_cast<char*>(-1);

// A pipe that is only closed: who reads waits for everyone to have let go of its other end.
struct Signal {
  Signal() { EXPECT_EQ(pipe(fds), 0); }
  void wait() {
    close(fds[1]);
    char c;
    (void)read(fds[0], &c, 1);
  }
  void give() { close(fds[1]); }
  void ignore() { close(fds[0]); }
  void give_up() {
    give();
    ignore();
  }
  int fds[2];
};

// What a taker knows: it takes, gives `full`, and holds it until `end`.
struct Siege {
  Signal& full;
  Signal& end;

  void hold() {
    full.give();
    end.wait();
  }
};

void take_memory(Siege& siege) {
  for (const int step : {1 << 20, page})
    while (sbrk(step) != no_memory) {
    }
  siege.hold();
}

// Children until there are no more, each of which takes something first.
template <typename Take>
void take_in_children(Siege& siege, int most, Take take) {
  int ready[2];
  if (pipe(ready) < 0) return siege.hold();
  int children = 0;
  for (; children < most; ++children) {
    const int pid = fork();
    if (pid < 0) break;
    if (pid == 0) {
      siege.full.give();
      take();
      close(ready[0]);
      close(ready[1]);
      siege.end.wait();
      exit(0);
    }
  }
  close(ready[1]);
  char c;
  (void)read(ready[0], &c, 1);  // the end: all have taken what they could
  close(ready[0]);
  siege.hold();
  while (wait(nullptr) > 0) {
  }
}

void take_slots(Siege& siege) {
  take_in_children(siege, 100, [] {});
}

void take_files(Siege& siege) {
  take_in_children(siege, 25, [] {
    while (open("/README", Mode::read_only) >= 0) {
    }
  });
}

void take_pipes(Siege& siege) {
  take_in_children(siege, 25, [] {
    int fds[2];
    while (pipe(fds) == 0) {
    }
  });
}

void take_descriptors(Siege& siege) {
  while (dup(0) >= 0) {
  }
  siege.hold();
}

void take_mappings(Siege& siege) {
  const auto rights = abi::Protection::read | abi::Protection::write;
  while (mmap(page, rights, abi::MapFlags::shared | abi::MapFlags::anonymous, -1) != reinterpret_cast<void*>(-1)) {
  }
  siege.hold();
}

void take_blocks(Siege& siege) {
  for (int file = 0; file < 20; ++file) {
    const int fd = open(ShortName('b', file), create_write);
    if (fd < 0) break;
    int n;
    while ((n = write(fd, buffer, buffer_size)) == buffer_size) {
    }
    close(fd);
  }
  siege.hold();
}

void take_inodes(Siege& siege) {
  for (int file = 0; file < 300; ++file) {
    const int fd = open(ShortName('i', file), create_write);
    if (fd < 0) break;
    close(fd);
  }
  siege.hold();
}

// The log is never free: two processes write without a pause.
void take_log(Siege& siege) {
  int pids[2];
  for (int i = 0; i < 2; ++i) {
    pids[i] = fork();
    if (pids[i] != 0) continue;
    siege.full.give();
    siege.end.give_up();
    for (;;) {
      const int fd = open(ShortName('l', i), create_write | Mode::truncate);
      write(fd, buffer, 4 * 1024);
      close(fd);
    }
  }
  siege.hold();
  for (const int pid : pids)
    if (pid > 0) kill(pid);
  while (wait(nullptr) > 0) {
  }
}

using Taker = void (*)(Siege&);
constexpr Taker takers[] = {take_memory,   take_slots,  take_files,  take_pipes, take_descriptors,
                            take_mappings, take_blocks, take_inodes, take_log};
constexpr int taker_count = sizeof(takers) / sizeof(takers[0]);

// Some of everything. All of it may fail; what works is undone.
void try_everything() {
  int fds[2];
  abi::Stat status;
  for (int round = 0; round < 3; ++round) {
    if (pipe(fds) == 0) {
      if (write(fds[1], "x", 1) == 1) (void)read(fds[0], buffer, 1);
      close(fds[0]), close(fds[1]);
    }
    const int fd = open("probe", create_both);
    if (fd >= 0) {
      (void)write(fd, buffer, 3000);
      (void)fstat(fd, &status);
      void* const mapped = mmap(page, abi::Protection::read, abi::MapFlags::shared, fd);
      if (mapped != reinterpret_cast<void*>(-1)) EXPECT_EQ(munmap(mapped, page), 0);
      close(fd);
      EXPECT_EQ(unlink("probe"), 0);
    }
    if (mkdir("probe.d") == 0) EXPECT_EQ(unlink("probe.d"), 0);
    if (link("/README", "probe.l") == 0) EXPECT_EQ(unlink("probe.l"), 0);
    if (sbrk(10 * page) != no_memory) EXPECT(sbrk(-10 * page) != no_memory);
    const int pid = fork();
    if (pid == 0) {
      static char name[] = "/true";
      char* arguments[] = {name, nullptr};
      exec(name, arguments);
      exit(0);
    }
    if (pid > 0) EXPECT_EQ(wait(nullptr), pid);
  }
}

// Two takers one after the other, then a process that tries everything, then the end. All begin before anything is
// short, and this process needs nothing while it is: what it writes to is its own by then.
void besiege(int first, int second) {
  constexpr int prober = 2;
  const int chosen[] = {first, second};
  const int siege_count = first == second ? 1 : 2;
  Signal begin[3], full[2], end;
  int pids[3] = {};
  for (int i = 0; i < 3; ++i) {
    if (i == 1 && siege_count == 1) continue;
    pids[i] = testing::fork_or_fail();
    if (pids[i] != 0) continue;
    for (int other = 0; other < 3; ++other)
      if (other != i) begin[other].give_up();
    for (int other = 0; other < 2; ++other) {
      full[other].ignore();
      if (other != i) full[other].give();
    }
    begin[i].wait();
    if (i == prober) {
      end.give_up();
      try_everything();
    } else {
      Siege siege{full[i], end};
      takers[chosen[i]](siege);
    }
    exit(0);
  }
  for (Signal& signal : begin) signal.ignore();
  volatile int status = 0;  // and with it the page of the stack
  for (int i = 0; i < siege_count; ++i) {
    begin[i].give();
    full[i].wait();
  }
  begin[prober].give();
  if (siege_count == 1) begin[1].give(), full[1].give();
  // The prober ends first, unless want of memory has ended a taker before.
  const bool memory_is_short = first == 0 || second == 0;
  for (int ended = 0; ended != pids[prober];) {
    ended = wait(const_cast<int*>(&status));
    EXPECT(ended > 0);
    if (ended != pids[prober]) EXPECT(memory_is_short);
  }
  EXPECT(status == 0 || (memory_is_short && status == testing::killed));
  end.give_up();
  for (Signal& signal : full) signal.ignore();
  while (wait(nullptr) > 0) {
  }
}

void clean_up() {
  for (int i = 0; i < 300; ++i) unlink(ShortName('i', i));
  for (int i = 0; i < 20; ++i) unlink(ShortName('b', i));
  for (int i = 0; i < 2; ++i) unlink(ShortName('l', i));
  for (const char* name : {"probe", "probe.d", "probe.l"}) unlink(name);
}

void all_pairs_run_out() {
  const std::uint64_t frames = freeframes();
  for (int first = 0; first < taker_count; ++first) {
    for (int second = first; second < taker_count; ++second) {
      besiege(first, second);
      clean_up();
      EXPECT_EQ(testing::settled_free_frames(frames), frames);
    }
  }
}

}  // namespace

std::span<const testing::Test> exhaustion_tests() {
  static constexpr testing::Test tests[] = {
      {"all_pairs_run_out", all_pairs_run_out},
  };
  return tests;
}

}  // namespace systest
