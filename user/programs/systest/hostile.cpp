// SPDX-License-Identifier: MIT
// Programs that mean harm: none of them may stop the kernel, keep it from others, or learn or change what is not its
// own. What the hart itself forbids is in vmtest (protection), and so is the checker's call as a weapon (checker).
#include "user/programs/systest/tests.hpp"

namespace systest {
namespace {

using testing::is_killed;
using testing::status_of;

// --- The kernel's own calls as weapons ---

// A program that tries out call numbers must not switch the machine off. The right word in a wrong place is no word.
void shutdown_wants_its_word() {
  for (const std::uint64_t word : {std::uint64_t{0}, std::uint64_t{1}, abi::shutdown_word + 1, ~std::uint64_t{0}}) {
    EXPECT_EQ(system_call(abi::Call::shutdown, 0, word), -1);
    EXPECT_EQ(system_call(abi::Call::shutdown, 0, word, word), -1);
    EXPECT_EQ(system_call(abi::Call::shutdown, abi::shutdown_word, word, abi::shutdown_word), -1);
  }
}

// --- Time ---

// Nothing that one process asks for keeps another one on the same hart from running for two seconds.
void large_requests_let_others_run() {
  const int memory = static_cast<int>(freeframes() / 4 * 3) * page;
  const int pid = start([memory] {
    cpupin(0);
    for (;;) {
      char* const begin = sbrk(memory);
      EXPECT(begin != reinterpret_cast<char*>(-1));
      if (fork() == 0) exit(0);
      wait(nullptr);
      EXPECT(sbrk(-memory) != reinterpret_cast<char*>(-1));
      void* const mapped = mmap(static_cast<std::size_t>(memory), abi::Protection::read | abi::Protection::write,
                                abi::MapFlags::shared | abi::MapFlags::anonymous, -1);
      EXPECT(mapped != reinterpret_cast<void*>(-1));
      if (fork() == 0) exit(0);
      wait(nullptr);
      EXPECT_EQ(munmap(mapped, static_cast<std::size_t>(memory)), 0);
    }
  });
  EXPECT_EQ(status_of([] {
              cpupin(0);
              expect_punctual_sleep(30);
            }),
            0);
  kill_and_wait(pid);
}

// Both ends of a pipe busy for long: each can be killed at once.
void busy_pipes_can_be_killed() {
  constexpr int bytes = 16 << 20;
  int fds[2];
  EXPECT_EQ(pipe(fds), 0);
  char* const memory = sbrk(bytes);
  EXPECT(memory != reinterpret_cast<char*>(-1));
  const int writer = start([&] {
    for (;;) write(fds[1], memory, bytes);
  });
  const int reader = start([&] {
    for (;;) read(fds[0], memory, bytes);
  });
  sleep(5);
  const int begin = uptime();
  EXPECT_EQ(kill(writer), 0);
  EXPECT_EQ(kill(reader), 0);
  testing::expect_children(2, testing::killed);
  EXPECT(uptime() - begin <= longest_wait);
}

// --- Registers and instructions ---

// The kernel uses its own stack, whatever the program's stack pointer is.
void stack_pointer_anywhere() {
  for (const std::uint64_t pointer :
       {std::uint64_t{0}, std::uint64_t{1}, ~std::uint64_t{0}, std::uint64_t{1} << 63, std::uint64_t{0x80000000},
        std::uint64_t{0xffffffc080000000}, abi::trapframe + 1, abi::user_top}) {
    const int pid = getpid();
    std::uint64_t got = 0;
    asm volatile(
        "mv s2, sp\n\tmv s3, gp\n\tmv s4, tp\n\tmv sp, %1\n\tmv gp, %1\n\tmv tp, %1\n\tli a7, 11\n\tecall\n\t"
        "li t1, 30000000\n\t1: addi t1, t1, -1\n\tbnez t1, 1b\n\t"  // long enough for a tick
        "xor %0, sp, %1\n\txor t1, gp, %1\n\tor %0, %0, t1\n\txor t1, tp, %1\n\tor %0, %0, t1\n\t"
        "mv sp, s2\n\tmv gp, s3\n\tmv tp, s4\n\tslli %0, %0, 32\n\tadd %0, %0, a0"
        : "=&r"(got)
        : "r"(pointer)
        : "a0", "a7", "t1", "s2", "s3", "s4", "memory");
    EXPECT_EQ(got, pid);
  }
}

// Floating point belongs to no program of xv6's: the first instruction of the kind ends its process, and its process
// only. What is left in the registers is nobody's secret then.
void floating_point_is_off() {
  EXPECT(is_killed([] { asm volatile("fcvt.d.w f0, zero" ::: "memory"); }));
  EXPECT(is_killed([] { asm volatile("fld f0, 0(sp)" ::: "memory"); }));
  EXPECT(is_killed([] { asm volatile("frcsr t0" ::: "t0"); }));
  EXPECT(is_killed([] { asm volatile("fscsr zero" ::: "memory"); }));
}

// --- Many at once ---

// Everyone wants a page and there is none: some are killed, the others go on, and this process is one of them.
void all_fault_without_memory() {
  constexpr int processes = 50;
  int go[2];
  EXPECT_EQ(pipe(go), 0);
  testing::start_children(processes, [&](int) {
    close(go[1]);
    char c;
    read(go[0], &c, 1);
    char* const begin = sbrklazy(1 << 30);
    for (std::int64_t at = 0; at < 1 << 30; at += page) testing::touch(begin + at, 'x');
  });
  close(go[0]), close(go[1]);
  testing::expect_children(processes, testing::killed);
}

// One after the other is ended for a fault. The kernel says so of some and counts the rest: tests/guest/hostile_test.py
// reads what it prints meanwhile.
void faults_do_not_flood() {
  for (int i = 0; i < 300; ++i) EXPECT(is_killed([] { testing::touch(reinterpret_cast<char*>(abi::user_top), 'x'); }));
}

// The program's file changes while it is loaded: the exec fails or runs a whole program, old or new.
void program_replaced_during_exec() {
  static char copy[20000];
  const int fd = open("/true", Mode::read_only);
  EXPECT(fd >= 0);
  const int bytes = read(fd, copy, sizeof(copy));
  EXPECT(bytes > 0 && bytes < static_cast<int>(sizeof(copy)));
  close(fd);
  testing::make_file("changing", copy, bytes);
  const int writer = start([&] {
    for (;;) {
      const int file = open("changing", Mode::create | Mode::truncate | Mode::write_only);
      write(file, copy, bytes / 2);
      write(file, copy + bytes / 2, bytes - bytes / 2);
      close(file);
    }
  });
  const auto run_it = [] {
    static char name[] = "changing";
    char* arguments[] = {name, nullptr};
    exec(name, arguments);
    exit(9);
  };
  for (int i = 0; i < 300; ++i) {
    const int status = status_of(run_it);
    EXPECT(status == 0 || status == 9 || status == testing::killed);
  }
  kill_and_wait(writer);
  // Nothing of it stays: the file whole again, the program runs.
  testing::make_file("changing", copy, bytes);
  EXPECT_EQ(status_of(run_it), 0);
}

// A chain of processes, each of which hands on what the one before wrote; then its head is killed.
void chain_of_pipes() {
  constexpr int length = 20;
  int first[2];
  EXPECT_EQ(pipe(first), 0);
  int input = first[0];
  for (int i = 0; i < length; ++i) {
    int next[2];
    EXPECT_EQ(pipe(next), 0);
    start([&] {
      close(first[1]);
      close(next[0]);
      char c;
      while (read(input, &c, 1) == 1) EXPECT_EQ(write(next[1], &c, 1), 1);
    });
    close(input);
    close(next[1]);
    input = next[0];
  }
  char c = 0;
  for (const char sent : {'a', 'z'}) {
    EXPECT_EQ(write(first[1], &sent, 1), 1);
    EXPECT_EQ(read(input, &c, 1), 1);
    EXPECT_EQ(c, sent);
  }
  close(first[1]);
  EXPECT_EQ(read(input, &c, 1), 0);
  close(input);
  testing::expect_children(length);
}

// Each generation ends while its children still run: init inherits them all.
void storm_of_orphans() {
  for (int i = 0; i < 30; ++i) {
    const int pid = fork();
    if (pid < 0) break;
    if (pid == 0) {
      for (int generation = 0; generation < 4; ++generation) {
        if (fork() == 0) continue;
        if (fork() > 0) exit(0);
      }
      exit(0);
    }
  }
  while (wait(nullptr) > 0) {
  }
}

}  // namespace

std::span<const testing::Test> hostile_tests() {
  static constexpr testing::Test tests[] = {
      {"shutdown_wants_its_word", shutdown_wants_its_word},
      {"large_requests_let_others_run", large_requests_let_others_run},
      {"busy_pipes_can_be_killed", busy_pipes_can_be_killed},
      {"stack_pointer_anywhere", stack_pointer_anywhere},
      {"floating_point_is_off", floating_point_is_off},
      {"all_fault_without_memory", all_fault_without_memory},
      {"faults_do_not_flood", faults_do_not_flood},
      {"program_replaced_during_exec", program_replaced_during_exec},
      {"chain_of_pipes", chain_of_pipes},
      {"storm_of_orphans", storm_of_orphans},
  };
  return tests;
}

}  // namespace systest
