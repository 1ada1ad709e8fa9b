// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <atomic>
#include <string_view>

#include "abi/limits.hpp"
#include "abi/process_info.hpp"
#include "arch/riscv64/trap_frame.hpp"
#include "fs/file.hpp"
#include "fs/inode.hpp"
#include "lib/intrusive_list.hpp"
#include "lib/result.hpp"
#include "mm/address_space.hpp"
#include "process/pid_counter.hpp"
#include "process/watch.hpp"
#include "sched/thread.hpp"
#include "sched/wait_queue.hpp"
#include "sync/spinlock.hpp"

// A process: one thread, one address space, open files, a place in the family tree. xv6: struct proc.
//
// Nothing here scans the process table: free slots, children and zombies are lists, pids are hashed. One
// lock, the family lock, guards the tree, the pid hash, the life states and the killed mark; everything else
// in a Process is touched by its own thread only, or by its maker before it first runs.
namespace process {

enum class Life : u8 {
  unused,  ///< in the free list
  embryo,  ///< being made by fork: counted, but nobody can find it yet
  alive,
  zombie,  ///< has exited, its parent has not waited for it
  reaped,  ///< its parent is taking it apart
};

class Table;

/// The part of sched::Thread that reports see (`pid`, `name`) is filled too.
class Process final : public sched::Thread {
 public:
  Process() = default;

  /// User registers at the last trap: one frame of its own, mapped at TRAPFRAME too (xv6: trapframe).
  [[nodiscard]] arch::TrapFrame& frame() { return *trap_frame; }
  [[nodiscard]] const arch::TrapFrame& frame() const { return *trap_frame; }
  [[nodiscard]] Pid id() const { return Pid{pid}; }
  /// The last component of the program's path. xv6: p->name.
  [[nodiscard]] std::string_view program() const { return program_.data(); }
  void set_program(std::string_view path);

  /// Anything but the plain way through a system call: one load and one branch for all of the following.
  [[nodiscard]] bool has_work() const { return work_.load(std::memory_order_relaxed) != 0; }
  /// Someone asked for the end of this process; it goes at the next return to user mode.
  [[nodiscard]] bool is_killed() const { return (work_.load(std::memory_order_relaxed) & killed_bit) != 0; }
  /// Its calls are told or barred.
  [[nodiscard]] bool is_watched() const { return (work_.load(std::memory_order_relaxed) & watched_bit) != 0; }
  /// The frame holds other callee-saved registers than the ones the trap came with (exec, an alarm's end), so the
  /// quick way back to user mode, which does not load those, must not be taken.
  void note_registers_replaced() { work_.fetch_or(replaced_bit, std::memory_order_relaxed); }
  [[nodiscard]] bool take_registers_replaced() {
    return (work_.fetch_and(~replaced_bit, std::memory_order_relaxed) & replaced_bit) != 0;
  }
  /// What fork's child takes over besides memory and files: the program's name, and how it is watched.
  void inherit(const Process& parent);
  /// The masks in `watch` are others now.
  void note_watch_changed();

  mm::AddressSpace* memory = nullptr;  ///< also what Thread::space points to
  mm::SpaceOwner owner{};              ///< the frames that every address space of this process maps
  std::array<fs::FileRef, abi::max_open_files> files;
  fs::InodeRef current_directory;
  Watch watch;
  lib::Error exec_error = lib::Error::not_found;  ///< of the last exec that failed

  /// Lets the n-th allocation (frame or slot) that this process makes from now on fail, once; 0 disarms. Returns how
  /// many it made since it was last armed. For reliability tests: counting up n until it is not reached any more
  /// visits every failure path of an operation (call failnth).
  u64 arm_failure(u64 nth);

 private:
  friend class Table;

  static constexpr u32 killed_bit = 1U << 0;
  static constexpr u32 watched_bit = 1U << 1;
  static constexpr u32 replaced_bit = 1U << 2;

  static bool this_allocation_fails();

  std::atomic<u32> work_{0};
  u64 allocations_ = 0;
  u64 failing_allocation_ = 0;  ///< 0: disarmed
  std::array<char, abi::process_name_size> program_{};

  /// Under the family lock.
  Life life_ = Life::unused;
  i32 exit_status_ = 0;
  Process* parent_ = nullptr;
  bool adopted_ = false;  ///< init's only because its own parent went first
  bool ended_at_console_ = false;  ///< by Ctrl-C: so are its children to come
  lib::ListLink<Process> siblings_;  ///< in the parent's children or zombies
  lib::IntrusiveList<Process, &Process::siblings_> children_;
  lib::IntrusiveList<Process, &Process::siblings_> zombies_;
  sched::WaitQueue child_exited_;
  Process* next_ = nullptr;  ///< in its hash bucket, or in the free list
};

/// The process whose thread is running; only on threads that belong to one (system calls, user traps). xv6:
/// myproc.
[[nodiscard]] inline Process& current() { return static_cast<Process&>(sched::current()); }

}  // namespace process
