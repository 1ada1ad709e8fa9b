// SPDX-License-Identifier: MIT
// The counters count: every event that a program can cause is caused, and its counter is looked at.
#include "user/programs/vmtest/tests.hpp"

namespace vmtest {
namespace {

using abi::VmEvent;
using testing::status_of;
using testing::touch;

void system_calls_cost_no_fence() {
  // Another hart may do something in between; the quietest of several measurements is the call's own cost.
  std::uint64_t satp = ~std::uint64_t{0}, fences = ~std::uint64_t{0};
  for (int round = 0; round < 5; ++round) {
    const abi::VmStat before = counters();
    for (int i = 0; i < 1000; ++i) getpid();
    const abi::VmStat after = counters();
    EXPECT(after[VmEvent::system_call] - before[VmEvent::system_call] >= 1000);
    const std::uint64_t wrote = after[VmEvent::satp_written] - before[VmEvent::satp_written];
    const std::uint64_t fenced = after[VmEvent::fence_all] - before[VmEvent::fence_all];
    if (wrote < satp) satp = wrote;
    if (fenced < fences) fences = fenced;
  }
  const abi::VmStat stat = counters();
  if (stat.view == abi::ViewKind::unified) {
    EXPECT_EQ(satp, 0);
    EXPECT_EQ(fences, 0);
  } else {
    // The trampoline's way: to the kernel's table and back.
    EXPECT(satp >= 2000);
  }
}

void demand_zero_is_counted() {
  char* p = align_break(page);
  grow_lazily(20 * page);
  touch(p, 1);  // tables
  const abi::VmStat before = counters();
  for (int i = 1; i < 20; ++i) touch(p + i * page, 1);
  const std::uint64_t faults = gained(before, VmEvent::fault_demand_zero);
  EXPECT(faults >= 19 && faults <= 25);
}

// Memory that someone has used is cleared before another gets it, and each clearing counts. (Frames known to be zero,
// such as new ones, need none: so all of them are used first. The tables that lie by for megapages stay unused.)
void clearing_is_counted() {
  const std::uint64_t tables = freeframes() * page / megapage;
  const int pages = 600 + static_cast<int>(tables);
  EXPECT_EQ(status_of([] { take_all_memory(); }), 0);
  char* p = align_break(page);
  grow_lazily(pages * page);
  const abi::VmStat before = counters();
  for (int i = 0; i < pages; ++i) touch(p + i * page, 1);
  EXPECT(gained(before, VmEvent::frame_zeroed) + tables + 50 >= static_cast<std::uint64_t>(pages));
}

void copies_and_reuses_are_counted() {
  char* p = align_break(page);
  grow(20 * page);
  mark_pages(p, 20, 1);
  Gate wrote, go;
  testing::start_children(1, [&](int) {
    wrote.pass();
    go.open();
  });
  abi::VmStat before = counters();
  mark_pages(p, 20, 2);
  const std::uint64_t copies = gained(before, VmEvent::fault_cow_copy);
  EXPECT(copies >= 20 && copies <= 30);
  wrote.open();
  go.pass();
  testing::expect_children(1);
  EXPECT_EQ(status_of([] {}), 0);
  before = counters();
  mark_pages(p, 20, 3);
  const std::uint64_t reuses = gained(before, VmEvent::fault_cow_reuse);
  EXPECT(reuses >= 20 && reuses <= 30);
}

void refusals_are_counted() {
  const abi::VmStat before = counters();
  EXPECT(testing::is_killed([] { touch(reinterpret_cast<char*>(0x80000000), 1); }));
  EXPECT(gained(before, VmEvent::fault_refused) >= 1);
}

void frames_are_counted() {
  const abi::VmStat before = counters();
  char* p = grow(100 * page);
  touch(p, 1);
  EXPECT(gained(before, VmEvent::frame_allocated) >= 100);
  sbrk(-100 * page);
  EXPECT(gained(before, VmEvent::frame_freed) >= 100);
}

void copies_are_counted() {
  static char buffer[64];
  const abi::VmStat before = counters();
  int fds[2];
  EXPECT_EQ(pipe(fds), 0);
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(write(fds[1], buffer, 64), 64);
    EXPECT_EQ(read(fds[0], buffer, 64), 64);
    open("nothing-here", Mode::read_only);
  }
  close(fds[0]), close(fds[1]);
  EXPECT(gained(before, VmEvent::copy_in_call) >= 10);
  EXPECT(gained(before, VmEvent::copy_out_call) >= 10);
  EXPECT(gained(before, VmEvent::copy_string_call) >= 10);
}

void harts_add_up() {
  const abi::VmStat all = counters();
  std::uint64_t calls = 0;
  static abi::VmStat one;
  for (std::uint64_t hart = 0; hart < all.harts; ++hart) {
    EXPECT_EQ(vmstat(&one, sizeof(one), static_cast<int>(hart)), 0);
    calls += one[VmEvent::system_call];
  }
  EXPECT(calls >= all[VmEvent::system_call]);
  EXPECT_EQ(vmstat(&one, sizeof(one), static_cast<int>(all.harts)), -1);
}

// A caller built for an older list gets the beginning of the newer one, and not one byte more.
void shorter_buffers() {
  static char buffer[128];
  memset(buffer, 0x66, sizeof(buffer));
  EXPECT_EQ(vmstat(reinterpret_cast<abi::VmStat*>(buffer), 16, -1), 0);
  EXPECT(reinterpret_cast<abi::VmStat*>(buffer)->harts >= 1);
  for (int i = 16; i < 128; ++i) EXPECT_EQ(buffer[i], 0x66);
}

void figures_of_the_start() {
  const abi::VmStat stat = counters();
  EXPECT(stat.harts >= 1 && stat.harts <= abi::max_harts);
  EXPECT(stat.total_frames > stat.free_frames && stat.free_frames > 0);
}

}  // namespace

std::span<const testing::Test> counter_tests() {
  static constexpr testing::Test tests[] = {
      {"system_calls_cost_no_fence", system_calls_cost_no_fence},
      {"demand_zero_is_counted", demand_zero_is_counted},
      {"clearing_is_counted", clearing_is_counted},
      {"copies_and_reuses_are_counted", copies_and_reuses_are_counted},
      {"refusals_are_counted", refusals_are_counted},
      {"frames_are_counted", frames_are_counted},
      {"copies_are_counted", copies_are_counted},
      {"harts_add_up", harts_add_up},
      {"shorter_buffers", shorter_buffers},
      {"figures_of_the_start", figures_of_the_start},
  };
  return tests;
}

}  // namespace vmtest
