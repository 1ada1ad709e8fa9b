// SPDX-License-Identifier: MIT
// The calls of the labs' wing as weapons: rwlktest, alarms.
#include "user/programs/systest/tests.hpp"

namespace systest {
namespace {

using testing::is_killed;
using testing::status_of;

// rwlktest wants four harts at the same time. Alone it waits: it leaves its hart to others meanwhile, and can be
// killed.
void lonely_rwlktest() {
  if (hart_count() < lock_test_harts) return;
  for (int hart = 0; hart < hart_count(); ++hart) {
    const int pid = start([hart] {
      cpupin(hart);
      for (;;) rwlktest();
    });
    const int begin = uptime();
    EXPECT_EQ(status_of([hart] {
                EXPECT_EQ(cpupin(hart), 0);
                expect_punctual_sleep(5);
              }),
              0);
    kill_and_wait(pid);
    EXPECT(uptime() - begin < 30);
  }
}

// Four of them that can never be on four harts; then four that can: the failed attempts left nothing behind.
void rwlktest_on_one_hart() {
  if (hart_count() < lock_test_harts) return;
  int pids[lock_test_harts];
  for (int& pid : pids)
    pid = start([] {
      cpupin(0);
      for (;;) rwlktest();
    });
  expect_punctual_sleep(10);
  for (const int pid : pids) EXPECT_EQ(kill(pid), 0);
  testing::expect_children(lock_test_harts, testing::killed);
  testing::run_children(lock_test_harts, [](int hart) {
    EXPECT_EQ(cpupin(hart), 0);
    EXPECT_EQ(rwlktest(), 0);
  });
}

// Harts that are wanted for the test and by many others: those that are there first must not spin for the last.
void rwlktest_among_hogs() {
  if (hart_count() < lock_test_harts) return;
  constexpr int callers = lock_test_harts, hogs = 6;
  int pids[callers + hogs];
  for (int i = 0; i < callers + hogs; ++i)
    pids[i] = start([i] {
      cpupin(i < callers ? i : callers - 1);
      for (;;)
        if (i < callers) rwlktest();
    });
  EXPECT_EQ(status_of([] {
              cpupin(0);
              expect_punctual_sleep(60);
            }),
            0);
  for (const int pid : pids) EXPECT_EQ(kill(pid), 0);
  testing::expect_children(callers + hogs, testing::killed);
}

void never_return() {
  alarms = alarms + 1;
  for (;;) {
  }
}

void wild_handlers() {
  static unsigned data_code[2] = {0x00008067, 0x00008067};
  for (const std::uint64_t handler : {std::uint64_t{1}, std::uint64_t{0x80000000}, std::uint64_t{0xffffffc080000000},
                                      std::uint64_t{1} << 63, abi::usyscall, abi::trapframe, abi::trampoline,
                                      ~std::uint64_t{0}, reinterpret_cast<std::uint64_t>(data_code)}) {
    EXPECT(is_killed([handler] {
      sigalarm(1, reinterpret_cast<void (*)()>(handler));
      spin(longest_wait);
    }));
  }
}

// sigreturn brings back what was there when the alarm came, and nothing beyond: a second one fails.
void returns_without_alarm() {
  EXPECT_EQ(sigreturn(), -1);
  alarms = 0;
  EXPECT_EQ(sigalarm(1, count_alarm), 0);
  while (alarms == 0) asm volatile("");
  EXPECT_EQ(sigalarm(0, nullptr), 0);
  EXPECT_EQ(sigreturn(), -1);
}

// Neither a child nor a new program has the alarm, and a handler that goes on for ever can be killed.
void alarms_end_with_their_program() {
  EXPECT_EQ(sigalarm(1, count_alarm), 0);
  EXPECT_EQ(status_of([] {
              alarms = 0;
              spin(4);
              EXPECT_EQ(alarms, 0);
              EXPECT_EQ(sigreturn(), -1);
            }),
            0);
  EXPECT_EQ(sigalarm(0, nullptr), 0);
  const int pid = start([] {
    sigalarm(1, never_return);
    for (;;) asm volatile("");
  });
  sleep(3);
  kill_and_wait(pid);
  EXPECT_EQ(status_of([] {
              sigalarm(1, count_alarm);
              static char name[] = "/sleep", ticks[] = "3";
              char* arguments[] = {name, ticks, nullptr};
              exec(name, arguments);
              exit(1);
            }),
            0);
}

}  // namespace

std::span<const testing::Test> lab_misuse_tests() {
  static constexpr testing::Test tests[] = {
      {"lonely_rwlktest", lonely_rwlktest},
      {"rwlktest_on_one_hart", rwlktest_on_one_hart},
      {"rwlktest_among_hogs", rwlktest_among_hogs},
      {"wild_handlers", wild_handlers},
      {"returns_without_alarm", returns_without_alarm},
      {"alarms_end_with_their_program", alarms_end_with_their_program},
  };
  return tests;
}

}  // namespace systest
