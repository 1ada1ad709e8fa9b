// SPDX-License-Identifier: MIT
#include <atomic>

#include "arch/riscv64/csr.hpp"
#include "arch/riscv64/spin.hpp"
#include "arch/riscv64/start.hpp"
#include "lib/bug.hpp"
#include "sched/hart_state.hpp"
#include "sched/stretch.hpp"
#include "sched/thread.hpp"
#include "sched/wait_queue.hpp"

extern "C" void arch_thread_begin();

namespace sched {

HartState hart_states[arch::max_hart_count];

namespace {

Thread idle_threads[arch::max_hart_count];

/// Bit i set: hart i sleeps in wfi, or is about to, and a software interrupt will make it look again.
std::atomic<u32> idle_harts{0};

void (*idle_wait)() = arch::wait_for_interrupt;

Space* kernel_space = nullptr;
void (*interrupt_poll)() = nullptr;

HartState& here() { return hart_states[current().hart]; }

void push(HartState& hart, Thread& thread) {
  locks::Guard guard(hart.lock);
  hart.queue.push_back(thread);
  hart.length.store(hart.length.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

/// Whether this hart may run the thread now. One that is still leaving another hart's cpu must not be waited for:
/// that hart may be waiting for ours in the same way. It stays in the queue, and the idle loop comes back to it.
bool is_ready(const Thread& thread, const Thread& self) {
  return &thread == &self || thread.on_cpu.load(std::memory_order_acquire) == 0;
}

Thread* take_own(Thread& self) {
  HartState& hart = hart_states[self.hart];
  if (hart.length.load(std::memory_order_relaxed) == 0) return nullptr;
  locks::Guard guard(hart.lock);
  for (Thread& thread : hart.queue) {
    if (!is_ready(thread, self)) continue;
    hart.queue.erase(thread);
    hart.length.store(hart.length.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
    return &thread;
  }
  return nullptr;
}

Thread* steal(Thread& self) {
  for (u32 step = 1; step < arch::max_hart_count; ++step) {
    HartState& victim = hart_states[(self.hart + step) % arch::max_hart_count];
    if (victim.length.load(std::memory_order_relaxed) == 0) continue;
    locks::Guard guard(victim.lock);
    for (Thread& thread : victim.queue) {
      if (thread.pin != any_hart || !is_ready(thread, self)) continue;
      victim.queue.erase(thread);
      victim.length.store(victim.length.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
      return &thread;
    }
  }
  return nullptr;
}

// Out of line, so that the common case of enqueue() saves no registers for it.
[[gnu::noinline]] void wake_hart(u32 hart) {
  // Who clears the bit sends the interrupt, so that a second waker picks another hart.
  if ((idle_harts.fetch_and(~(1U << hart), std::memory_order_seq_cst) >> hart & 1) != 0) arch::send_interrupt(hart);
}

[[gnu::noinline]] void wake_any_idle_hart() {
  const u32 idle = idle_harts.load(std::memory_order_seq_cst);
  if (idle != 0) wake_hart(static_cast<u32>(__builtin_ctz(idle)));
}

/// Puts a runnable thread where it will be run, and tells a sleeping hart if this one can't begin it soon.
///
/// No wake-up is lost between a push and a wfi: the idle hart sets its bit in idle_harts and then looks at the
/// queues; we push and then look at idle_harts; with a full fence between the two steps on both sides one of us
/// sees the other. If it is we, the interrupt stays pending until its wfi, which then does not wait.
void enqueue(Thread& thread) {
  const u32 self = current().hart;
  const u32 home = thread.pin == any_hart ? self : static_cast<u32>(thread.pin);
  HartState& hart = hart_states[home];
  push(hart, thread);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (home != self) return wake_hart(home);
  if (hart.length.load(std::memory_order_relaxed) > 1) wake_any_idle_hart();
}

void run(Thread& self, Thread& next) {
  next.hart = self.hart;
  next.counters = self.counters;
  next.on_cpu.store(1, std::memory_order_relaxed);
  next.state.store(State::running, std::memory_order_relaxed);
  std::atomic<u64>& switches = hart_states[self.hart].switches;
  switches.store(switches.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  Space& space = next.space != nullptr ? *next.space : *kernel_space;
  const u64 satp = space.switch_in();
  end_stretch();
  begin_stretch_of(next);
  static_assert(sizeof(std::atomic<u32>) == sizeof(u32));
  arch_switch_context(&self.context, &next.context, satp, &next, reinterpret_cast<u32*>(&self.on_cpu));
}

/// Leaves the hart to the next thread. The caller has put the current one where it will be found, or nowhere.
void switch_away() {
  Thread& self = current();
  Thread* next = take_own(self);
  if (next == &self) {  // woken before it was gone
    self.state.store(State::running, std::memory_order_relaxed);
    return;
  }
  run(self, next != nullptr ? *next : idle_threads[self.hart]);
}

}  // namespace

void make_runnable(Thread& thread) { enqueue(thread); }
void leave_hart() { switch_away(); }

void prepare(Thread& thread, u64 stack_bottom, u64 stack_top, void (*entry)(void*), void* argument) {
  thread.stack_bottom = stack_bottom;
  thread.stack_top = stack_top;
  thread.context = {};
  thread.context.ra = reinterpret_cast<u64>(&arch_thread_begin);
  thread.context.sp = stack_top;
  thread.context.s[1] = reinterpret_cast<u64>(entry);
  thread.context.s[2] = reinterpret_cast<u64>(argument);
  thread.waiting_in.store(nullptr, std::memory_order_relaxed);
  thread.interrupted.store(0, std::memory_order_relaxed);
  thread.longest_stretch = 0;
  thread.state.store(State::created, std::memory_order_relaxed);
}

void start(Thread& thread) {
  thread.state.store(State::runnable, std::memory_order_relaxed);
  enqueue(thread);
}

void yield() {
  Thread& self = current();
  HartState& hart = hart_states[self.hart];
  hart.reschedule = false;
  const bool stays = self.pin == any_hart || static_cast<u32>(self.pin) == self.hart;
  if (stays && hart.length.load(std::memory_order_relaxed) == 0) return;
  self.state.store(State::runnable, std::memory_order_relaxed);
  enqueue(self);
  switch_away();
}

void yield_if_asked() {
  if (here().reschedule) yield();
}

void give_way() {
  end_stretch();
  begin_stretch();
  if (interrupt_poll != nullptr) interrupt_poll();
  yield_if_asked();
}

void exit_current() {
  current().state.store(State::dead, std::memory_order_relaxed);
  switch_away();
  lib::bug("a dead thread was run again");
}

void wait_until_off_cpu(const Thread& thread) {
  while (thread.on_cpu.load(std::memory_order_acquire) != 0) arch::spin_pause();
}

void pin_current(i32 hart) {
  current().pin = hart;
  if (hart != any_hart && static_cast<u32>(hart) != current().hart) yield();
}

void set_kernel_space(Space& space) { kernel_space = &space; }
void set_interrupt_poll(void (*poll)()) { interrupt_poll = poll; }

void adopt_idle_thread(u32 hart) {
  Thread& idle = idle_threads[hart];
  idle.name = "idle";
  idle.pin = static_cast<i32>(hart);
  idle.on_cpu.store(1, std::memory_order_relaxed);
  idle.state.store(State::running, std::memory_order_relaxed);
  arch::adopt_boot_thread(idle, hart);
  arch::note_started(hart);
}

u64 context_switches(u32 hart) { return hart_states[hart].switches.load(std::memory_order_relaxed); }

void set_idle_wait(void (*wait)()) { idle_wait = wait; }

void run_idle() {
  Thread& self = current();
  const u32 bit = 1U << self.hart;
  while (true) {
    begin_stretch();
    wait_while_stopped();  // also of a stop that came before this hart could be interrupted
    if (interrupt_poll != nullptr) interrupt_poll();
    Thread* next = take_own(self);
    if (next == nullptr) next = steal(self);
    if (next != nullptr) {
      arm_tick();
      run(self, *next);
      self.state.store(State::running, std::memory_order_relaxed);
      continue;
    }
    arm_for_sleepers();
    idle_harts.fetch_or(bit, std::memory_order_seq_cst);
    std::atomic_thread_fence(std::memory_order_seq_cst);
    // Our own queue only: what lies in another hart's is begun by that hart, or by whom it wakes.
    if (hart_states[self.hart].length.load(std::memory_order_relaxed) == 0) idle_wait();
    idle_harts.fetch_and(~bit, std::memory_order_seq_cst);
    if (arch::machine_stopped.load(std::memory_order_relaxed) != 0) arch::halt();
  }
}

void handle_software_interrupt() {
  if (arch::machine_stopped.load(std::memory_order_relaxed) != 0) arch::halt();
  wait_while_stopped();
  here().reschedule = true;
}

void make_room_for_woken() {
  HartState& hart = here();
  if (hart.length.load(std::memory_order_relaxed) == 0) return;
  if (idle_harts.load(std::memory_order_seq_cst) != 0) {
    wake_any_idle_hart();  // it takes a thread from our queue
  } else {
    hart.reschedule = true;
  }
}

void request_reschedule() {
  here().reschedule = true;
  // A thread that waits here while another hart sleeps: let that one take it.
  if (here().length.load(std::memory_order_relaxed) > 0) wake_any_idle_hart();
}

}  // namespace sched
