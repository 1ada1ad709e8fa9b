// SPDX-License-Identifier: MIT
#pragma once
// Threads of the kernel and the hart-to-thread switch. (xv6: struct proc's kernel half, sched, scheduler, yield.)
//
// There is no scheduler thread: a thread that stops switches directly to the next one, or to its hart's idle thread.
// The kernel is not preempted; a thread gives up its hart only in the functions below and in WaitQueue and Mutex.

#include <atomic>

#include "arch/riscv64/context.hpp"
#include "arch/riscv64/hart.hpp"
#include "lib/intrusive_list.hpp"
#include "lib/types.hpp"

namespace sched {

class WaitQueue;

/// What a thread needs of its address space; mm::AddressSpace implements it.
class Space {
 public:
  /// Called on the hart that is about to run a thread of this space: puts the hart on the space's table and does the
  /// fences that the hart owes. Where the kernel's stacks move with the table (view `mirrored`) that is left to
  /// arch_switch_context: then the satp that it shall write; else 0.
  [[nodiscard]] virtual u64 switch_in() = 0;

 protected:
  ~Space() = default;
};

enum class State : u32 {
  created,   ///< never run
  runnable,  ///< in a run queue, or about to be put there by its waker
  running,
  sleeping,  ///< in a wait queue
  dead,      ///< has left for ever; see wait_until_off_cpu
};

enum class Woken { event, killed };

/// No pin: any hart may run the thread.
inline constexpr i32 any_hart = -1;

struct Thread : arch::CurrentThread {
  constexpr Thread() = default;
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;

  arch::Context context;
  std::atomic<u32> on_cpu{0};            ///< its stack is in use: no other hart may run it yet
  std::atomic<State> state{State::created};
  Space* space = nullptr;                ///< null: the kernel's own
  const char* name = "";                 ///< for reports
  i32 pid = 0;                           ///< for reports; 0 for the kernel's own threads
  i32 pin = any_hart;                    ///< the only hart that may run it (cpupin)
  std::atomic<u32> interrupted{0};       ///< killed: interruptible waits end at once
  lib::ListLink<Thread> run_link;        ///< run queue
  lib::ListLink<Thread> wait_link;       ///< wait queue, guarded by its lock
  std::atomic<WaitQueue*> waiting_in{nullptr};
  bool wait_interruptible = false;
  Woken woken = Woken::event;
  lib::ListLink<Thread> sleep_link;      ///< timed sleep, guarded by its hart's sleep lock
  u64 wake_tick = 0;
  u64 stretch_began = 0;                 ///< see stretch.hpp; time CSR
  u64 longest_stretch = 0;               ///< ticks of the time CSR
};

static_assert(offsetof(arch::CurrentThread, hart) == 0);

/// The running thread (xv6: myproc's kernel half).
[[nodiscard]] inline Thread& current() { return static_cast<Thread&>(*arch::current_thread()); }

/// Prepares a thread that will begin in `entry(argument)` on the given stack. Does not run it.
/// `entry` must not return: it ends in exit_current() or arch::enter_user(). The thread may be an old, dead one
/// whose stack is off the cpu: every scheduling field is set anew except `pin`, `space`, `trap_frame`, `name`, `pid`.
void prepare(Thread& thread, u64 stack_bottom, u64 stack_top, void (*entry)(void*), void* argument);

/// Makes a prepared thread runnable, on this hart's queue or, if pinned, on that hart's.
/// Idle harts are told when there is more work than this hart can begin at once.
void start(Thread& thread);

/// Lets other runnable threads of this hart run first; returns at once if there is none (xv6: yield).
void yield();

/// yield(), if something has asked this hart to reschedule since it last did: the tick, another hart, or an interrupt
/// that woke someone. usertrap() calls it after an interrupt.
void yield_if_asked();

/// For a long loop in the kernel that holds no lock: sees to this hart's pending interrupts, as idling would, and lets
/// others run if something asks for it. Without it nothing else happens on the hart until the loop ends.
void give_way();

/// Ends the current thread: it never runs again. Its owner may reuse stack and Thread after wait_until_off_cpu().
[[noreturn]] void exit_current();

/// Spins until a dead thread's stack is no longer in use (a few instructions of the other hart at most).
void wait_until_off_cpu(const Thread& thread);

/// Marks the thread as killed and ends its interruptible wait, if it is in one (xv6: kill's wakeup).
void interrupt(Thread& thread);

/// Restricts the current thread to one hart, moving there before it returns; any_hart lifts it (the call cpupin).
/// The hart must have been started.
void pin_current(i32 hart);

/// Ticks since boot: 10 per second, from the time CSR (xv6: ticks).
[[nodiscard]] u64 uptime_ticks();

/// Sleeps for so many ticks; `killed` if interrupted first (xv6: sys_sleep's loop).
[[nodiscard]] Woken sleep_ticks(u64 ticks);

/// The space of threads that have none of their own. Before the first thread is run.
void set_kernel_space(Space& space);

/// Makes the boot stack's thread of this hart its idle thread; the first thing on every hart.
void adopt_idle_thread(u32 hart);

/// Runs threads, and waits for interrupts when there are none. The end of booting, on every hart.
[[noreturn]] void run_idle();

/// What the idle loop calls to see to pending interrupts, which the kernel never takes as traps.
void set_interrupt_poll(void (*poll)());

/// What the kernel itself has to do now and then: called at every tick and when a hart has nothing to run, under no
/// lock, on any hart. It must be short and not sleep; returns the time (of the CSR) at which an idle hart is to call it
/// again, ~0 if at no certain time. At boot, for each that has such work.
void add_housekeeping(u64 (*look)());

/// The tick, on the hart that it is for: wakes its sleepers, asks for preemption, sets the next.
void handle_timer();
/// Another hart's request to look at the queues.
void handle_software_interrupt();

/// After an interrupt out of a program: what it made runnable need not wait for the tick, since the program goes on.
/// A sleeping hart is told, or if there is none this one asked to reschedule.
void make_room_for_woken();

/// How a hart without work waits for its next interrupt, in the place of arch::wait_for_interrupt. Once, at boot.
void set_idle_wait(void (*wait)());

/// Switches from one thread to another on this hart, since boot.
[[nodiscard]] u64 context_switches(u32 hart);

}  // namespace sched
