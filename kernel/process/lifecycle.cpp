// SPDX-License-Identifier: MIT
#include "process/lifecycle.hpp"

#include <algorithm>
#include <cstring>

#include "abi/types.hpp"
#include "dev/power.hpp"
#include "fs/volume.hpp"
#include "lib/format.hpp"
#include "mm/frames.hpp"
#include "mm/kernel_space.hpp"
#include "process/network.hpp"
#include "process/personality.hpp"

namespace process {

namespace {

using mm::FrameState;

abi::Usyscall& usyscall_page(const Process& process) {
  return *static_cast<abi::Usyscall*>(mm::frame_bytes(process.owner.usyscall));
}

void bury(Process& zombie);

/// A free slot, if need be that of an orphan which init has not come to reap.
lib::Result<Process*> reserve_slot() {
  const auto slot = table().reserve();
  if (slot || slot.error() != lib::Error::limit_reached) return slot;
  Process* const orphan = table().take_orphaned_zombie();
  if (orphan == nullptr) return slot;
  bury(*orphan);
  return table().reserve();
}

static_assert(mm::KernelSpace::stack_slots == abi::max_processes, "a process has the stack of its slot");

/// A slot with its two frames. Nothing of the caller's is touched when it fails.
lib::Result<Process*> make_embryo() {
  Process* const process = LIB_TRY(reserve_slot());
  const auto trap_frame = mm::frames().allocate(FrameState::kernel);
  if (!trap_frame) {
    table().give_back(*process);
    return lib::fail(trap_frame.error());
  }
  const auto usyscall = mm::frames().allocate(FrameState::kernel, mm::Zero::yes);
  if (!usyscall) {
    mm::frames().free(*trap_frame);
    table().give_back(*process);
    return lib::fail(usyscall.error());
  }
  process->owner = {
      .stack_slot = static_cast<u32>(table().slot_of(*process)), .trapframe = *trap_frame, .usyscall = *usyscall};
  process->trap_frame = static_cast<arch::TrapFrame*>(mm::frame_bytes(*trap_frame));
  usyscall_page(*process).pid = process->pid;
  return process;
}

/// The opposite: frames and slot. The address space is gone, the files are closed.
void discard(Process& process) {
  usyscall_page(process).pid = 0;  // all zero again, so the next owner needs no clearing
  mm::frames().free_zeroed(process.owner.usyscall);
  mm::frames().free(process.owner.trapframe);
  process.trap_frame = nullptr;
  table().give_back(process);
}

void return_to_user(void* process) { arch::enter_user(static_cast<Process*>(process)->frame()); }

/// Copies the registers; the second part of a trap frame belongs to its own process.
void copy_registers(arch::TrapFrame& to, const arch::TrapFrame& from) {
  std::memcpy(&to, &from, offsetof(arch::TrapFrame, kernel_stack_top));
}

void prepare_thread(Process& process, void (*entry)(void*), void* argument) {
  const sv39::VirtRange stack = mm::kernel_space().stack(process.owner.stack_slot);
  sched::prepare(process, stack.begin().value(), stack.end().value(), entry, argument);
  arch::TrapFrame& frame = process.frame();
  frame.kernel_stack_top = stack.end().value();
  frame.thread = &process;
  frame.self = &frame;
}

/// Shared file mappings are written back while the files are still open and the process can still sleep.
void unmap_files(Process& self) {
  for (;;) {
    const mm::Region* mapping = nullptr;
    for (const mm::Region& region : self.memory->regions()) {
      if (region.kind == mm::RegionKind::file) mapping = &region;
    }
    if (mapping == nullptr) return;
    if (!self.memory->unmap(mapping->begin, mapping->bytes())) return;
  }
}

[[noreturn]] void power_off_after_init(i32 status) {
  lib::print("init has exited with status {}; powering off\n", status);
  if (!fs::root_volume().sync()) lib::print("the last writes did not reach the disk\n");
  dev::power_off(static_cast<u32>(status) & 0x7f);
}

}  // namespace

mm::SpaceOwner space_owner(const Process& process) {
  mm::SpaceOwner owner = process.owner;
  if (personality().pid_page == PidPage::absent) owner.usyscall = {};
  return owner;
}

void bind_memory(Process& process, mm::AddressSpace& memory) {
  process.space = &memory;
  memory.pid = process.pid;
  process.frame().user_satp = memory.user_satp();
  process.frame().kernel_satp = memory.kernel_satp();
}

lib::Result<Pid> fork(Process& parent) {
  Process& child = *LIB_TRY(make_embryo());
  const auto memory = parent.memory->fork(space_owner(child));
  if (!memory) {
    discard(child);
    return lib::fail(memory.error());
  }
  // From here on nothing can fail.
  prepare_thread(child, return_to_user, &child);
  child.memory = *memory;
  bind_memory(child, **memory);
  copy_registers(child.frame(), parent.frame());
  child.frame().a0 = 0;
  for (usize i = 0; i < parent.files.size(); ++i) {
    if (parent.files[i]) child.files[i] = parent.files[i].clone();
  }
  child.current_directory = parent.current_directory.clone();
  child.inherit(parent);
  child.watch.alarm.switch_off();
  network().endpoints().share(net::Holder{parent.owner.stack_slot}, net::Holder{child.owner.stack_slot});
  child.pin = parent.pin;

  const Pid pid = child.id();
  table().adopt(child, &parent);
  sched::start(child);  // it may have run and been reaped by the time this returns
  return pid;
}

void exit(Process& self, i32 status) {
  if (self.id() == Pid::init) power_off_after_init(status);
  self.arm_failure(0);
  unmap_files(self);
  for (fs::FileRef& file : self.files) file.reset();
  self.current_directory.reset();
  network().endpoints().leave(net::Holder{self.owner.stack_slot});
  if (self.is_watched()) {
    self.watch.clear();
    self.note_watch_changed();
  }
  self.memory->release_memory();
  table().retire(self, status);
  sched::exit_current();
}

void reap(Process& parent, Process& child) {
  table().take_zombie(parent, child);
  sched::wait_until_off_cpu(child);
  parent.longest_stretch = std::max(parent.longest_stretch, child.longest_stretch);
  bury(child);
}

namespace {

/// Takes apart a zombie that is out of the tree.
void bury(Process& zombie) {
  sched::wait_until_off_cpu(zombie);
  mm::AddressSpace::destroy(zombie.memory);
  zombie.memory = nullptr;
  zombie.space = nullptr;
  discard(zombie);
}

void (*first_body)(Process&) = nullptr;
void (*tick_hook)(Process&) = nullptr;

void run_first(void* process) { first_body(*static_cast<Process*>(process)); }

}  // namespace

void set_tick_hook(void (*hook)(Process&)) { tick_hook = hook; }

void run_tick_hook(Process& self) {
  if (tick_hook != nullptr) tick_hook(self);
}

lib::Result<void> start_first(void (*body)(Process&)) {
  Process& init = *LIB_TRY(make_embryo());
  const auto memory = mm::AddressSpace::create(init.owner);
  if (!memory) {
    discard(init);
    return lib::fail(memory.error());
  }
  first_body = body;
  prepare_thread(init, run_first, &init);
  init.memory = *memory;
  bind_memory(init, **memory);
  init.set_program("init");
  table().adopt(init, nullptr);
  sched::start(init);
  return {};
}

}  // namespace process
