// SPDX-License-Identifier: MIT
// The calls of the labs' wing: sysinfo, interpose, sigalarm, rwlktest; and the statistics device.
#include "user/programs/systest/tests.hpp"

namespace systest {
namespace {

using abi::Call;
using testing::make_file;
using testing::status_of;

abi::Sysinfo read_sysinfo() {
  abi::Sysinfo info;
  EXPECT_EQ(system_call(Call::sysinfo, reinterpret_cast<std::uint64_t>(&info)), 0);
  return info;
}

void sysinfo_counts() {
  const abi::Sysinfo before = read_sysinfo();
  EXPECT_EQ(before.free_bytes % abi::page_size, 0);
  EXPECT(before.process_count >= 3);
  EXPECT_EQ(status_of([&] { EXPECT_EQ(read_sysinfo().process_count, before.process_count + 1); }), 0);
  EXPECT_EQ(read_sysinfo().process_count, before.process_count);
  // One page more is one page less; its table is there already.
  sbrk(static_cast<int>(abi::page_size));
  EXPECT_EQ(read_sysinfo().free_bytes, before.free_bytes - abi::page_size);
  sbrk(-static_cast<int>(abi::page_size));
  EXPECT_EQ(read_sysinfo().free_bytes, before.free_bytes);
}

constexpr int bit(Call call) { return 1 << static_cast<int>(call); }

int interpose_by_own_number(int mask, const char* path) {
  return static_cast<int>(
      system_call(Call::interpose, static_cast<std::uint64_t>(mask), reinterpret_cast<std::uint64_t>(path)));
}

void interpose_masks_calls() {
  EXPECT_EQ(status_of([] {
              EXPECT_EQ(interpose_by_own_number(bit(Call::mkdir) | bit(Call::open), "allowed"), 0);
              EXPECT_EQ(mkdir("d"), -1);
              EXPECT_EQ(open("other", create_both), -1);
              const int fd = open("allowed", create_both);
              EXPECT(fd >= 0);
              close(fd);
              // The child of one that is held back is held back as well.
              EXPECT_EQ(status_of([] { EXPECT_EQ(open("other", create_both), -1); }), 0);
              EXPECT_EQ(unlink("allowed"), 0);
            }),
            0);
  EXPECT_EQ(mkdir("d"), 0);
  EXPECT_EQ(unlink("d"), 0);
}

// No number is beyond the mask, and no second number of a call is a way around it.
void interpose_reaches_every_number() {
  EXPECT_EQ(status_of([] {
              // All but exit and write; the sign goes up to the last bit, which stands for our own numbers.
              EXPECT_EQ(interpose_by_own_number(~(bit(Call::exit) | bit(Call::write)), "-"), 0);
              EXPECT_EQ(interpose_by_own_number(0, "README"), -1);
              EXPECT_EQ(freeframes(), ~std::uint64_t{0});
              EXPECT_EQ(sync(), -1);
              EXPECT_EQ(open("README", Mode::read_only), -1);
            }),
            0);
  // A second call may bar more, and takes nothing back.
  EXPECT_EQ(status_of([] {
              EXPECT_EQ(interpose_by_own_number(bit(Call::open), "-"), 0);
              EXPECT_EQ(interpose_by_own_number(0, "README"), 0);
              EXPECT_EQ(open("README", Mode::read_only), -1);
              EXPECT_EQ(interpose_by_own_number(bit(Call::mkdir), "README"), 0);
              EXPECT_EQ(open("README", Mode::read_only), -1);
              EXPECT_EQ(mkdir("d"), -1);
            }),
            0);
}

// The name that is judged is the name that is used: a second process writes the forbidden one over it all the time, in
// a page that both share.
void interpose_judges_once() {
  make_file("allowed", "a", 1);
  make_file("forbids", "f", 1);
  constexpr int shared_anonymous = 0x21, read_write = 3;
  auto* name = static_cast<volatile char*>(mmap(nullptr, abi::page_size, read_write, shared_anonymous, -1, 0));
  const auto put = [name](const char* text) {
    for (int i = 0; i < 8; ++i) name[i] = text[i];
  };
  put("allowed");
  const int writer = start([&] {
    for (;;) put("allowed"), put("forbids");
  });
  EXPECT_EQ(status_of([&] {
              EXPECT_EQ(interpose_by_own_number(bit(Call::open), "allowed"), 0);
              const int begin = uptime();
              while (uptime() - begin < 15) {
                const int fd = open(const_cast<const char*>(name), Mode::read_only);
                if (fd < 0) continue;
                char byte = 0;
                EXPECT_EQ(read(fd, &byte, 1), 1);
                EXPECT_EQ(byte, 'a');
                close(fd);
              }
            }),
            0);
  kill_and_wait(writer);
  munmap(const_cast<char*>(name), abi::page_size);
  EXPECT_EQ(unlink("allowed"), 0);
  EXPECT_EQ(unlink("forbids"), 0);
}

volatile int nested;
volatile int depth;

void slow_alarm() {
  depth = depth + 1;
  if (depth > 1) nested = 1;
  alarms = alarms + 1;
  spin(4);
  depth = depth - 1;
  sigreturn();
}

// Spins until `count` alarms came or five seconds went by.
void spin_for_alarms(int count) {
  const int begin = uptime();
  while (alarms < count && uptime() - begin < 50) asm volatile("");
}

void alarm_comes_again() {
  alarms = 0;
  EXPECT_EQ(sigalarm(1, count_alarm), 0);
  spin_for_alarms(3);
  EXPECT_EQ(sigalarm(0, nullptr), 0);
  EXPECT(alarms >= 3);
  const int last = alarms;
  sleep(3);
  spin(3);
  EXPECT_EQ(alarms, last);
}

void alarm_is_not_reentered() {
  alarms = 0;
  nested = 0;
  depth = 0;
  EXPECT_EQ(sigalarm(1, slow_alarm), 0);
  spin_for_alarms(2);
  EXPECT_EQ(sigalarm(0, nullptr), 0);
  EXPECT_EQ(nested, 0);
  EXPECT(alarms >= 2);
}

// Every register the interrupted loop uses is the same afterwards, a0 included.
void alarm_restores_registers() {
  alarms = 0;
  EXPECT_EQ(sigalarm(1, count_alarm), 0);
  std::uint64_t wrong = 0;
  const int begin = uptime();
  while (alarms < 5 && wrong == 0 && uptime() - begin < 50) {
    asm volatile(
        "li a0, 0x5a0\n\tli t0, 0x5a1\n\tli s11, 0x5a2\n\tli a7, 0x5a3\n\tli t6, 0x5a4\n\tli t1, 100000\n\t"
        "1: addi t1, t1, -1\n\tbnez t1, 1b\n\t"
        "li t1, 0x5a0\n\txor %0, a0, t1\n\tli t1, 0x5a1\n\txor t0, t0, t1\n\tor %0, %0, t0\n\t"
        "li t1, 0x5a2\n\txor t0, s11, t1\n\tor %0, %0, t0\n\tli t1, 0x5a3\n\txor t0, a7, t1\n\tor %0, %0, t0\n\t"
        "li t1, 0x5a4\n\txor t0, t6, t1\n\tor %0, %0, t0"
        : "=&r"(wrong)
        :
        : "a0", "a7", "t0", "t1", "t6", "s11");
  }
  EXPECT_EQ(sigalarm(0, nullptr), 0);
  EXPECT_EQ(wrong, 0);
  EXPECT(alarms >= 5);
}

void lock_test_on_four_harts() {
  if (hart_count() < lock_test_harts) {
    EXPECT_EQ(rwlktest(), -1);
    return;
  }
  for (int round = 0; round < 3; ++round) {
    testing::run_children(lock_test_harts, [](int hart) {
      EXPECT_EQ(cpupin(hart), 0);
      EXPECT_EQ(rwlktest(), 0);
    });
  }
}

// The lab's program pins nobody: its four callers are forked one after the other and run where they happen to be.
void lock_test_finds_its_harts() {
  if (hart_count() < lock_test_harts) return;
  for (int round = 0; round < 10; ++round)
    testing::run_children(lock_test_harts, [](int) { EXPECT_EQ(rwlktest(), 0); });
}

// Several on one hart, and more than the test has room for: some are refused, nobody is held up for ever. What one does
// to others that waits in vain is in hostile.
void lock_test_misused() {
  if (hart_count() < lock_test_harts) return;
  testing::run_children(3 * lock_test_harts, [](int caller) {
    if (caller < lock_test_harts) cpupin(0);
    rwlktest();
  });
}

void statistics_begin_anew() {
  const int fd = open("/statistics", Mode::read_only);
  EXPECT(fd >= 0);
  for (int round = 0; round < 2; ++round) {
    int total = 0, n;
    while ((n = read(fd, buffer, 100)) > 0) total += n;
    EXPECT(total > 0);
    EXPECT_EQ(n, -1);
  }
  close(fd);
}

// Flows by descriptor: one datagram for each read and write, from exactly the other end; shared by dup and fork, ended
// by the last close.
void flows_are_descriptors() {
  constexpr std::uint32_t self = 127u << 24 | 1;
  const int one = connect(self, 7000, 7001), two = connect(self, 7001, 7000);
  EXPECT(one >= 0 && two >= 0);
  EXPECT_EQ(connect(self, 7000, 7001), -1);
  EXPECT_EQ(write(one, "hello", 5), 5);
  EXPECT_EQ(write(one, "again", 5), 5);
  char text[8] = {};
  EXPECT_EQ(read(two, text, 3), 3);
  EXPECT_EQ(memcmp(text, "hel", 3), 0);
  EXPECT_EQ(read(two, text, sizeof text), 5);  // what did not fit is gone
  EXPECT_EQ(memcmp(text, "again", 5), 0);
  EXPECT_EQ(write(one, text, 1473), -1);
  EXPECT_EQ(write(one, reinterpret_cast<void*>(1ull << 40), 1), -1);
  EXPECT_EQ(send(7002, self, 7001, "stranger", 8), 0);  // nobody's
  const int copy = dup(two);
  EXPECT_EQ(close(two), 0);
  EXPECT_EQ(status_of([&] {
              EXPECT_EQ(write(one, "x", 1), 1);
              EXPECT_EQ(read(copy, buffer, 8), 1);
            }),
            0);
  const int reader = start([&] { read(copy, buffer, 8); });
  sleep(1);
  kill_and_wait(reader);
  EXPECT_EQ(mmap(abi::page_size, abi::Protection::read, abi::MapFlags::private_copy, copy),
            reinterpret_cast<void*>(-1));
  abi::Stat stat;
  EXPECT_EQ(fstat(copy, &stat), -1);
  EXPECT_EQ(close(copy), 0);
  EXPECT_EQ(write(one, "x", 1), 1);  // nobody is there any more
  EXPECT(connect(self, 7001, 7000) >= 0);
}

}  // namespace

std::span<const testing::Test> lab_tests() {
  static constexpr testing::Test tests[] = {
      {"flows_are_descriptors", flows_are_descriptors},
      {"sysinfo_counts", sysinfo_counts},
      {"interpose_masks_calls", interpose_masks_calls},
      {"interpose_reaches_every_number", interpose_reaches_every_number},
      {"interpose_judges_once", interpose_judges_once},
      {"alarm_comes_again", alarm_comes_again},
      {"alarm_is_not_reentered", alarm_is_not_reentered},
      {"alarm_restores_registers", alarm_restores_registers},
      {"lock_test_on_four_harts", lock_test_on_four_harts},
      {"lock_test_finds_its_harts", lock_test_finds_its_harts},
      {"lock_test_misused", lock_test_misused},
      {"statistics_begin_anew", statistics_begin_anew},
  };
  return tests;
}

}  // namespace systest
