// SPDX-License-Identifier: MIT
// fork, exit, wait, kill, sleep: who is whose child, and how each one ends.
#include "user/programs/systest/tests.hpp"

namespace systest {
namespace {

using testing::fork_or_fail;
using testing::killed;
using testing::status_of;

void exit_status_reaches_wait() {
  for (int i = 0; i < 50; ++i) EXPECT_EQ(status_of([i] { exit(i); }), i);
  EXPECT_EQ(status_of([] { exit(-7); }), -7);
  EXPECT_EQ(wait(nullptr), -1);
}

void wait_takes_no_pointer() {
  const int pid = fork_or_fail();
  if (pid == 0) exit(3);
  EXPECT_EQ(wait(nullptr), pid);
}

// A16: a bad pointer costs the status, or the child is still there; not both.
void wait_with_bad_pointer() {
  const int pid = fork_or_fail();
  if (pid == 0) exit(3);
  const auto got = system_call(abi::Call::wait, 0xffffffffffff0000);
  EXPECT(got == -1 || got == pid);
  const int again = wait(nullptr);
  EXPECT(again == -1 || (again == pid && got == -1));
}

void kill_status() {
  for (int i = 0; i < 30; ++i) {
    kill_and_wait(start([] {
      for (;;) getpid();
    }));
  }
}

// A sleeper, a waiter and a reader are woken by kill and end.
void kill_wakes_the_sleeping() {
  int fds[2];
  EXPECT_EQ(pipe(fds), 0);
  const auto expect_killed = [](int pid) {
    sleep(1);
    kill_and_wait(pid);
  };
  const int begin = uptime();
  expect_killed(start([] { sleep(1000); }));
  expect_killed(start([&] {
    char c;
    read(fds[0], &c, 1);
  }));
  EXPECT(uptime() - begin < 50);
}

// A1: init cannot be killed, nor can anyone who does not exist.
void kill_refused() {
  EXPECT_EQ(kill(1), -1);
  EXPECT_EQ(kill(0), -1);
  EXPECT_EQ(kill(-1), -1);
  EXPECT_EQ(kill(0x7fffffff), -1);
  const int pid = fork_or_fail();
  if (pid == 0) exit(0);
  wait(nullptr);
  EXPECT_EQ(kill(pid), -1);
  // init still takes in orphans: the harness waits for this one to be gone.
  testing::run_children(1, [](int) {
    if (fork_or_fail() == 0) sleep(1), exit(0);
  });
}

void spin_for_ever() {
  for (;;) asm volatile("");
}

// preempt: processes that never call are stopped by the clock, and can be killed.
void preemption() {
  int pids[2];
  for (int& pid : pids) pid = start(spin_for_ever);
  int fds[2];
  EXPECT_EQ(pipe(fds), 0);
  const int talker = start([&] {
    EXPECT_EQ(write(fds[1], "x", 1), 1);
    spin_for_ever();
  });
  char c;
  EXPECT_EQ(read(fds[0], &c, 1), 1);
  for (const int pid : pids) EXPECT_EQ(kill(pid), 0);
  EXPECT_EQ(kill(talker), 0);
  testing::expect_children(3, killed);
}

// A process that spins does not keep the others from running (each hart has one at least).
void spinners_share() {
  int spinners[8];
  for (int& pid : spinners) pid = start(spin_for_ever);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(status_of([] { getpid(); }), 0);
  for (const int pid : spinners) EXPECT_EQ(kill(pid), 0);
  testing::expect_children(8, killed);
}

// exitwait, twochildren, forkfork, reparent, reparent2
void two_children() {
  for (int i = 0; i < 60; ++i) {
    testing::start_children(2, [](int) {});
    testing::expect_children(2);
  }
}

void forking_children() {
  testing::run_children(2, [](int) {
    for (int i = 0; i < 50; ++i) EXPECT_EQ(status_of([] {}), 0);
  });
}

void orphans() {
  for (int i = 0; i < 60; ++i) {
    const int pid = fork_or_fail();
    if (pid == 0) {
      fork();
      exit(0);
    }
    EXPECT_EQ(wait(nullptr), pid);
  }
}

void orphans_by_two() {
  for (int i = 0; i < 60; ++i) {
    const int pid = fork_or_fail();
    if (pid == 0) {
      fork();
      fork();
      exit(0);
    }
    EXPECT_EQ(wait(nullptr), pid);
  }
}

// A parent that ends leaves its dead and its living children to init.
void zombies_are_inherited() {
  const int pid = fork_or_fail();
  if (pid == 0) {
    for (int i = 0; i < 5; ++i)
      if (fork_or_fail() == 0) exit(i);
    if (fork_or_fail() == 0) sleep(1), exit(0);
    exit(0);
  }
  EXPECT_EQ(wait(nullptr), pid);
  EXPECT_EQ(wait(nullptr), -1);
}

// forkforkfork: a storm that fills the table again and again, until a file appears.
void fork_storm() {
  static abi::ProcInfo slots[abi::max_processes];
  const auto processes = [] { return procinfo(slots, static_cast<int>(abi::max_processes)); };
  const int before = processes();
  const int pid = fork_or_fail();
  if (pid == 0) {
    for (;;) {
      if (exists("stop")) exit(0);
      if (fork() < 0) close(open("stop", create_both));
    }
  }
  EXPECT_EQ(wait(nullptr), pid);
  for (int i = 0; i < 100 && processes() != before; ++i) sleep(1);
  EXPECT_EQ(processes(), before);
  EXPECT_EQ(unlink("stop"), 0);
}

void pids_count_up() {
  int last = getpid();
  for (int i = 0; i < 10; ++i) {
    const int pid = fork_or_fail();
    if (pid == 0) exit(getpid() > last ? 0 : 1);
    EXPECT(pid > last);
    last = pid;
    testing::expect_children(1);
  }
}

void ugetpid_is_getpid() {
  EXPECT_EQ(ugetpid(), getpid());
  for (int i = 0; i < 64; ++i) EXPECT_EQ(status_of([] { EXPECT_EQ(ugetpid(), getpid()); }), 0);
}

void sleep_takes_its_time() {
  const int begin = uptime();
  EXPECT_EQ(sleep(3), 0);
  const int taken = uptime() - begin;
  EXPECT(taken >= 3 && taken <= 20);
}

// A8
void sleep_of_nothing() {
  const int begin = uptime();
  EXPECT_EQ(sleep(0), 0);
  const int negative = sleep(-1);
  EXPECT(negative == 0 || negative == -1);
  sleep(static_cast<int>(0x80000000));
  EXPECT(uptime() - begin <= 5);
}

// A9: numbers that are no call fail, quietly, and change nothing.
void unknown_calls() {
  for (const std::uint64_t number : {std::uint64_t{0}, std::uint64_t{37}, std::uint64_t{99}, std::uint64_t{9999},
                                     ~std::uint64_t{0}, std::uint64_t{1} << 63, std::uint64_t{1} << 32})
    for (int i = 0; i < 20; ++i) EXPECT_EQ(system_call(static_cast<abi::Call>(number), 1, 2, 3), -1);
}

// Only a0 changes over a call, and nothing over a fault that is resolved or a tick.
void registers_survive() {
  std::uint64_t wrong = 0;
  // s- and t-registers get marks, getpid is called, the marks are compared.
  asm volatile(
      "li t0, 0x1230\n\tli t1, 0x1231\n\tli t2, 0x1232\n\tli t3, 0x1233\n\tli t4, 0x1234\n\tli t5, 0x1235\n\t"
      "li t6, 0x1236\n\tli a1, 0x2231\n\tli a2, 0x2232\n\tli a3, 0x2233\n\tli a4, 0x2234\n\tli a5, 0x2235\n\t"
      "li a6, 0x2236\n\tli s2, 0x3232\n\tli s11, 0x323b\n\tli a7, 11\n\tecall\n\t"
      "li a0, 0x1230\n\txor %0, t0, a0\n\tli a0, 0x1231\n\txor t1, t1, a0\n\tor %0, %0, t1\n\t"
      "li a0, 0x1232\n\txor t2, t2, a0\n\tor %0, %0, t2\n\tli a0, 0x1233\n\txor t3, t3, a0\n\tor %0, %0, t3\n\t"
      "li a0, 0x1234\n\txor t4, t4, a0\n\tor %0, %0, t4\n\tli a0, 0x1235\n\txor t5, t5, a0\n\tor %0, %0, t5\n\t"
      "li a0, 0x1236\n\txor t6, t6, a0\n\tor %0, %0, t6\n\tli a0, 0x2231\n\txor a1, a1, a0\n\tor %0, %0, a1\n\t"
      "li a0, 0x2232\n\txor a2, a2, a0\n\tor %0, %0, a2\n\tli a0, 0x2233\n\txor a3, a3, a0\n\tor %0, %0, a3\n\t"
      "li a0, 0x2234\n\txor a4, a4, a0\n\tor %0, %0, a4\n\tli a0, 0x2235\n\txor a5, a5, a0\n\tor %0, %0, a5\n\t"
      "li a0, 0x2236\n\txor a6, a6, a0\n\tor %0, %0, a6\n\tli a0, 0x3232\n\txor s2, s2, a0\n\tor %0, %0, s2\n\t"
      "li a0, 0x323b\n\txor s11, s11, a0\n\tor %0, %0, s11\n\txori a7, a7, 11\n\tor %0, %0, a7"
      : "=&r"(wrong)
      :
      : "t0", "t1", "t2", "t3", "t4", "t5", "t6", "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "s2", "s11",
        "memory");
  EXPECT_EQ(wrong, 0);
}

void pin_to_a_hart() {
  EXPECT_EQ(cpupin(-1), -1);
  EXPECT_EQ(cpupin(static_cast<int>(abi::max_harts)), -1);
  for (int hart = 0; hart < hart_count(); ++hart) {
    EXPECT_EQ(status_of([&] {
                EXPECT_EQ(cpupin(hart), 0);
                spin(2);
                static abi::ProcInfo slots[abi::max_processes];
                const int count = procinfo(slots, static_cast<int>(abi::max_processes));
                for (int i = 0; i < count; ++i)
                  if (slots[i].pid == getpid()) EXPECT_EQ(slots[i].hart, hart);
              }),
              0);
  }
}

void processes_are_listed() {
  static abi::ProcInfo slots[abi::max_processes];
  const int count = procinfo(slots, static_cast<int>(abi::max_processes));
  EXPECT(count >= 3);
  bool init = false, self = false;
  for (int i = 0; i < count; ++i) {
    init |= slots[i].pid == 1 && strcmp(slots[i].name, "init") == 0;
    if (slots[i].pid == getpid()) {
      self = true;
      EXPECT(slots[i].state == abi::ProcessState::running);
      EXPECT_EQ(slots[i].size, reinterpret_cast<std::uint64_t>(sbrk(0)));
      EXPECT(slots[i].resident_pages > 0 && slots[i].table_frames >= 3);
    }
  }
  EXPECT(init && self);
  EXPECT_EQ(procinfo(slots, 1), 1);
  EXPECT_EQ(procinfo(slots, 0), 0);
  EXPECT_EQ(procinfo(slots, -1), -1);
}

// A reservation (lr) ends when the hart goes to another thread, or the sc of one program pairs with another's lr.
void reservation_ends_with_a_switch() {
  static int word;
  for (int round = 0; round < 3; ++round) {
    int value = 0, failed_store = 0;
    asm volatile("lr.w %0, (%1)" : "=r"(value) : "r"(&word) : "memory");
    sleep(1);
    asm volatile("sc.w %0, %1, (%2)" : "=&r"(failed_store) : "r"(value + 1), "r"(&word) : "memory");
    EXPECT(failed_store != 0);
    EXPECT_EQ(word, 0);
  }
}

}  // namespace

std::span<const testing::Test> process_tests() {
  static constexpr testing::Test tests[] = {
      {"reservation_ends_with_a_switch", reservation_ends_with_a_switch},
      {"exit_status_reaches_wait", exit_status_reaches_wait},
      {"wait_takes_no_pointer", wait_takes_no_pointer},
      {"wait_with_bad_pointer", wait_with_bad_pointer},
      {"kill_status", kill_status},
      {"kill_wakes_the_sleeping", kill_wakes_the_sleeping},
      {"kill_refused", kill_refused},
      {"preemption", preemption},
      {"spinners_share", spinners_share},
      {"two_children", two_children},
      {"forking_children", forking_children},
      {"orphans", orphans},
      {"orphans_by_two", orphans_by_two},
      {"zombies_are_inherited", zombies_are_inherited},
      {"fork_storm", fork_storm},
      {"pids_count_up", pids_count_up},
      {"ugetpid_is_getpid", ugetpid_is_getpid},
      {"sleep_takes_its_time", sleep_takes_its_time},
      {"sleep_of_nothing", sleep_of_nothing},
      {"unknown_calls", unknown_calls},
      {"registers_survive", registers_survive},
      {"pin_to_a_hart", pin_to_a_hart},
      {"processes_are_listed", processes_are_listed},
  };
  return tests;
}

}  // namespace systest
