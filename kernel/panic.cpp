// SPDX-License-Identifier: MIT
#include "panic.hpp"

#include "arch/riscv64/csr.hpp"
#include "arch/riscv64/spin.hpp"
#include "arch/riscv64/start.hpp"
#include "boot/arguments.hpp"
#include "dev/power.hpp"
#include "lib/bug.hpp"
#include "lib/format.hpp"
#include "mm/kernel_space.hpp"
#include "report/backtrace.hpp"
#include "report/walk.hpp"
#include "sched/thread.hpp"

extern "C" char emergency_stacks[];

namespace {

using arch::Cause;
using arch::KernelTrapFrame;

constexpr u32 panic_exit_status = 101;

/// Only one hart reports. Another that panics too, or this one a second time, just stops.
void become_the_last_hart() {
  u32 nobody = 0;
  if (!arch::machine_stopped.compare_exchange_strong(nobody, sched::current().hart + 1)) arch::halt();
  const u32 others = arch::started_harts() & ~(1U << sched::current().hart);
  for (u32 hart = 0; hart < arch::max_hart_count; ++hart) {
    if ((others >> hart & 1) != 0) arch::send_interrupt(hart);
  }
}

void print_origin() {
  const sched::Thread& thread = sched::current();
  lib::print("hart {}, thread \"{}\", pid {}, kernel stack {:p} to {:p}\n", thread.hart, thread.name, thread.pid,
             thread.stack_bottom, thread.stack_top);
}

void print_registers(const KernelTrapFrame& frame) {
  static constexpr const char* names[31] = {"ra", "sp", "gp", "tp",  "t0",  "t1", "t2", "s0", "s1", "a0", "a1",
                                            "a2", "a3", "a4", "a5",  "a6",  "a7", "s2", "s3", "s4", "s5", "s6",
                                            "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6"};
  lib::print("pc  {:p}  cause {:p}  stval {:p}  sstatus {:p}\n", frame.epc, frame.cause, frame.value, frame.status);
  for (usize i = 0; i < 31; ++i) {
    lib::print("{:3} {:p}{}", names[i], frame.x[i], i % 4 == 3 || i == 30 ? "\n" : "  ");
  }
}

void print_translation(const KernelTrapFrame& frame) {
  const auto cause = static_cast<Cause>(frame.cause);
  const bool loads = cause == Cause::load_page_fault || cause == Cause::load_access;
  const bool stores = cause == Cause::store_page_fault || cause == Cause::store_access;
  const bool jumps = cause == Cause::instruction_page_fault || cause == Cause::instruction_access;
  if (!loads && !stores && !jumps) return;
  const sv39::PhysAddr root = sv39::Ppn(arch::read_satp().root_ppn()).address();
  const sched::Thread& thread = sched::current();
  if (root == mm::kernel_space().root().address()) {
    lib::print("table {:p}: the kernel's own\n", root.value());
  } else {
    lib::print("table {:p}: of \"{}\", pid {}\n", root.value(), thread.name, thread.pid);
  }
  const sv39::Access access = loads ? sv39::Access::read : stores ? sv39::Access::write : sv39::Access::execute;
  report::print_walk(report::walk_of(root, sv39::VirtAddr(frame.value)), access, sv39::Privilege::supervisor);
}

[[noreturn]] void stop_machine() {
  if (boot::arguments().after_panic == boot::AfterPanic::power_off) dev::power_off(panic_exit_status);
  lib::print("all harts stopped\n");
  arch::halt();
}

/// The stack that the interrupted code was on, as far as it may be read.
void print_trap_backtrace(const KernelTrapFrame& frame) {
  const sched::Thread& thread = sched::current();
  report::print_backtrace(frame.epc, frame.x[7], thread.stack_bottom, thread.stack_top);
}

}  // namespace

void panic_at_trap(const char* cause, const KernelTrapFrame& frame) {
  become_the_last_hart();
  lib::print("\nkernel panic: {}\n", cause);
  print_origin();
  print_registers(frame);
  print_translation(frame);
  print_trap_backtrace(frame);
  stop_machine();
}

namespace lib {

void bug(const char* why) {
  become_the_last_hart();
  lib::print("\nkernel panic: {}\n", why);
  print_origin();
  const sched::Thread& thread = sched::current();
  report::print_backtrace(reinterpret_cast<u64>(__builtin_return_address(0)),
                          reinterpret_cast<u64>(__builtin_frame_address(0)), thread.stack_bottom, thread.stack_top);
  stop_machine();
}

}  // namespace lib
