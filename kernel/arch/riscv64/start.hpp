// SPDX-License-Identifier: MIT
#pragma once
// From the reset code to kernel_main(), and what a hart needs before its first thread.

#include "arch/riscv64/hart.hpp"
#include "lib/types.hpp"

namespace arch {

/// Boot sees physical addresses below this (`unified`: what its first table maps).
inline constexpr u64 boot_reach = u64{16} << 30;

/// Called on the boot hart, in S-mode on its boot stack; `device_tree` is a physical address. In main.cpp.
[[noreturn]] void kernel_main(u32 hart, u64 device_tree);

/// Called on every other hart after release_harts(). In main.cpp.
[[noreturn]] void secondary_main(u32 hart);

/// Makes `thread` (the hart's idle thread, on its boot stack) the running one and prepares for traps.
/// Until the trampoline is mapped, traps go to the vector where it was loaded.
void adopt_boot_thread(CurrentThread& thread, u32 hart);

/// Lets traps enter through the trampoline's own address, once it is mapped (views that switch tables).
void use_trampoline();

/// Lets the waiting harts of the mask go on to secondary_main(). Each has got its set_interruptor().
void release_harts(u32 hart_mask);

/// Bit i set: hart i runs (release_harts() and the boot hart).
[[nodiscard]] u32 started_harts();
void note_started(u32 hart);

/// Whether stimecmp exists, ticks per second. Once, on the boot hart.
void configure_timer(bool has_sstc, u64 frequency);

/// Where this hart's msip and mtimecmp registers are (physical; mtimecmp may be 0 where stimecmp exists). Before the
/// hart is released, or sent an interrupt.
void set_interruptor(u32 hart, u64 software_interrupt, u64 timer_compare);

/// Lets the CLINT's timer through to this hart if that is the one to use; once on each hart.
void start_timer_of_this_hart();

/// Asks for a timer interrupt of this hart when the time CSR reaches `when`; ~0 for none.
/// Without Sstc it arrives as a software interrupt.
void set_timer(u64 when);
[[nodiscard]] bool has_sstc();
/// Without Sstc a software interrupt may be the timer's: says whether it has rung since it was set, once.
[[nodiscard]] bool take_expired_timer();
[[nodiscard]] u64 timer_frequency();

/// Makes another hart take a software interrupt.
void send_interrupt(u32 hart);

/// Waits for ever, without burning the host's time.
[[noreturn]] void halt();

}  // namespace arch
