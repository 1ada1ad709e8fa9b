// SPDX-License-Identifier: MIT
// Boot, top to bottom (xv6: main.c). entry.S has brought the first hart here, on its idle thread's stack.

#include "abi/vmstat.hpp"
#include "arch/riscv64/start.hpp"
#include "boot/arguments.hpp"
#include "boot/first_process.hpp"
#include "boot/interrupts.hpp"
#include "boot/machine.hpp"
#include "boot/memory.hpp"
#include "boot/refuse.hpp"
#include "boot/wing.hpp"
#include "dev/machine.hpp"
#include "dev/network_cards.hpp"
#include "dev/virtio_block.hpp"
#include "lib/format.hpp"
#include "mm/view.hpp"
#include "process/network.hpp"
#include "sched/thread.hpp"

namespace {

void start_first_process() {
  const auto disk = dev::start_virtio_block(boot::arguments().root);
  if (!disk && disk.error() == lib::Error::io)
    boot::refuse("the disk does not answer, or its interrupt does not arrive at the hart that boots");
  if (!disk && disk.error() == lib::Error::not_found) {
    boot::refuse(boot::arguments().root.empty() ? "no virtio block device" : "no virtio block device where root= says");
  }
  if (!disk) boot::refuse("the disk cannot be set up");
  if (const auto started = boot::start_first_process(**disk, boot::allocate_cache()); !started) {
    boot::refuse(lib::describe(started.error()));
  }
}

void release_other_harts() {
  const auto& machine = dev::machine();
  u32 mask = 0;
  for (u32 i = 0; i < machine.hart_count; ++i) {
    mask |= 1U << machine.harts[i].id;
  }
  arch::release_harts(mask);
}

}  // namespace

namespace arch {

void kernel_main(u32 hart, u64 device_tree) {
  sched::adopt_idle_thread(hart);
  boot::read_machine(hart, device_tree);
  lib::print("\nBifolium, a kernel for xv6's programs\n");
  lib::print("{} MiB, {} hart{}, view {}, hart {} boots\n\n", dev::machine().memory.size >> 20,
             dev::machine().hart_count, dev::machine().hart_count == 1 ? "" : "s",
             abi::view_names[static_cast<usize>(mm::View::kind)], hart);
  boot::read_arguments();
  boot::try_memory();
  boot::start_frames();
  boot::start_kernel_space();
  boot::start_interrupts(hart);
  process::start_network(dev::start_network_card());
  for (const boot::Wing& wing : boot::wings()) {
    if (wing.boot != nullptr) wing.boot();
  }
  start_first_process();
  arch::start_timer_of_this_hart();
  release_other_harts();
  sched::run_idle();
}

void secondary_main(u32 hart) {
  sched::adopt_idle_thread(hart);
  boot::enter_kernel_space();
  boot::start_device_interrupts(hart);
  arch::start_timer_of_this_hart();
  lib::print("hart {} starting\n", hart);
  sched::run_idle();
}

}  // namespace arch
