// SPDX-License-Identifier: MIT
// Traps from user mode: system calls, page faults, interrupts; and from the kernel itself: a user copy that met a bad
// address, or the end. xv6: usertrap and kerneltrap in trap.c.
//
// The kernel runs with interrupts off, so one that arrives during a system call is taken right after the
// return to user mode and comes here then: the system-call path itself need not look for it.

#include "arch/riscv64/csr.hpp"
#include "arch/riscv64/fixup.hpp"
#include "arch/riscv64/trap_frame.hpp"
#include "dev/interrupts.hpp"
#include "mm/counters.hpp"
#include "mm/view.hpp"
#include "panic.hpp"
#include "process/fault_report.hpp"
#include "process/lifecycle.hpp"
#include "sched/stretch.hpp"
#include "syscall/syscall.hpp"

namespace {

using arch::Cause;
using process::Process;

constexpr u64 ecall_size = 4;  // there is no compressed ecall

void take_interrupt(Process& self, u64 cause) {
  if (dev::handle_interrupt(cause) == dev::Interrupt::timer) {
    mm::count(mm::VmEvent::timer_interrupt);
    process::run_tick_hook(self);
  } else {
    mm::count(mm::VmEvent::device_interrupt);
  }
  if (!self.is_killed()) sched::yield_if_asked();
}

sv39::Access access_of(Cause cause) {
  if (cause == Cause::load_page_fault) return sv39::Access::read;
  return cause == Cause::store_page_fault ? sv39::Access::write : sv39::Access::execute;
}

/// A page fault is resolved by the address space or ends the process.
void take_page_fault(Process& self, Cause cause, sv39::VirtAddr va) {
  mm::count(mm::VmEvent::user_fault);
  const sv39::Access access = access_of(cause);
  const mm::FaultResult result = self.memory->fault(va, access);
  if (result == mm::FaultResult::resolved) [[likely]]
    return;
  if (result == mm::FaultResult::no_memory && self.id() == process::Pid::init) {
    (void)sched::sleep_ticks(1);  // the others' memory is not init's fault: it tries again when some may be free
    return;
  }
  process::report_fault(self, access, va, result);
  process::exit(self, process::status_of_killed);
}

[[gnu::noinline]] void take_other_trap(Process& self, u64 raw_cause, u64 value) {
  if (arch::is_interrupt(raw_cause)) return take_interrupt(self, raw_cause);
  const auto cause = static_cast<Cause>(raw_cause);
  switch (cause) {
    case Cause::instruction_page_fault:
    case Cause::load_page_fault:
    case Cause::store_page_fault: return take_page_fault(self, cause, sv39::VirtAddr(value));
    default: process::report_exception(self, raw_cause, value); process::exit(self, process::status_of_killed);
  }
}

/// The trampoline's way into the kernel's table and back writes satp and fences everything twice; assembly does not
/// count, so that is done here for it.
void count_table_switches() {
  if constexpr (mm::View::kind != abi::ViewKind::unified) {
    mm::count(mm::VmEvent::satp_written, 2);
    mm::count(mm::VmEvent::fence_all, 2);
  }
}

/// The rare ways back to user mode.
[[gnu::noinline]] void see_to_work(Process& self) {
  if (self.is_killed()) process::exit(self, process::status_of_killed);
  if (!self.take_registers_replaced()) return;
  sched::end_stretch();
  arch::enter_user(self.frame());
}

}  // namespace

// A plain return leads back to the program by the quick way: callee-saved registers are as the program left
// them, for every C++ function keeps them, and are not loaded from the frame.
[[gnu::noinline]] void usertrap(arch::TrapFrame& frame, u64 cause, u64 value) {
  Process& self = process::current();
  sched::begin_stretch();
  count_table_switches();
  if (cause == static_cast<u64>(Cause::user_call)) [[likely]] {
    mm::count(mm::VmEvent::system_call);
    frame.epc += ecall_size;
    syscall_dispatch(self);
  } else {
    take_other_trap(self, cause, value);
  }
  if (self.has_work()) [[unlikely]]
    see_to_work(self);
  sched::end_stretch();
}

/// trap.S: a trap while the kernel ran. Returns if the instruction was a user copy's.
extern "C" void kernel_trap(arch::KernelTrapFrame& frame) {
  if (arch::apply_fixup(frame)) return;
  panic_at_trap(arch::describe(static_cast<Cause>(frame.cause)), frame);
}

/// trap.S: the stack pointer had left the thread's stack; we are on the hart's emergency stack.
extern "C" [[noreturn]] void kernel_stack_overflow(arch::KernelTrapFrame& frame) {
  panic_at_trap("kernel stack overflow: sp has reached the guard page below the stack", frame);
}
