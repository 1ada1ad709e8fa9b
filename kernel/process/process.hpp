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
#include "sched/thread.hpp"
#include "sched/wait_queue.hpp"
#include "sync/spinlock.hpp"

// A process: one thread, one address space, open files, a place in the family tree. xv6: struct proc, proc.c.
//
// Nothing here scans the process table: free slots, children and zombies are lists, pids are hashed. Two locks
// order everything: the family lock (tree, pid hash, life states, killed flags) and, below it, the wait queues'.
namespace process {

enum class Life : u8 {
  unused,    // in the free list
  embryo,    // being made by fork: has a pid, is in nobody's tree yet
  alive,
  zombie,    // has exited, its parent has not waited for it
};

/// Reasons to leave the fast path of a system call. One word, so that "nothing" is one load and one branch.
enum Work : u32 {
  work_killed = 1U << 0,     // end the process at the next chance
  work_traced = 1U << 1,     // trace mask is not empty
  work_interposed = 1U << 2, // interpose mask is not empty
};

/// sigalarm's state. The handler runs on the user stack; `saved` is what sigreturn restores.
struct Alarm {
  u64 period = 0;  // ticks of this process's own running time between two calls, 0: off
  u64 elapsed = 0;
  u64 handler = 0;
  bool in_handler = false;
  arch::TrapFrame saved;
};

class Process {
 public:
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  /// The kernel side: saved context, kernel stack, run state. Its `space` is what the scheduler switches in.
  sched::Thread thread;
  /// User registers at the last trap. One frame of its own, mapped at TRAPFRAME in views that switch tables.
  arch::TrapFrame* frame = nullptr;
  /// See Work. Written by others only under the family lock, read anywhere.
  std::atomic<u32> work{0};
  Pid pid = Pid::none;
  mm::AddressSpace* space = nullptr;

  std::array<fs::FileRef, abi::max_open_files> files{};
  fs::InodeRef cwd;

  u32 trace_mask = 0;
  u32 interpose_mask = 0;
  std::array<char, abi::max_path> interpose_path{};
  Alarm alarm;

  // Guarded by the family lock.
  Life life = Life::unused;
  i32 exit_status = 0;
  Process* parent = nullptr;
  lib::ListLink<Process> siblings;  // in the parent's children or zombies, or in the free list
  lib::IntrusiveList<Process, &Process::siblings> children;
  lib::IntrusiveList<Process, &Process::siblings> zombies;
  sched::WaitQueue child_exited;
  Process* next_same_hash = nullptr;

  std::array<char, abi::process_name_size> name{};

  [[nodiscard]] bool killed() const { return (work.load(std::memory_order_relaxed) & work_killed) != 0; }
  [[nodiscard]] std::string_view name_text() const { return {name.data()}; }
  void set_name(std::string_view text);

 private:
  friend class Table;
  Process() = default;
};
