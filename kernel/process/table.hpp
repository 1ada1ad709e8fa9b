// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <optional>

#include "abi/limits.hpp"
#include "mm/look.hpp"
#include "process/process.hpp"

namespace process {

/// All processes: slots, pids, kinship. xv6: proc[], allocproc, freeproc, wait_lock. Every operation is O(1),
/// or O(children) where a parent's children change hands.
class Table {
 public:
  constexpr Table() = default;
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

  /// Takes a free slot and the next pid; the process is an embryo. limit_reached: all slots are taken.
  [[nodiscard]] lib::Result<Process*> reserve();
  /// Gives back an embryo or a reaped process. Its memory, files and frame are gone already.
  void give_back(Process& process);
  /// The embryo becomes a living child of `parent` (null: init) and can be found by its pid.
  void adopt(Process& child, Process* parent);

  /// Ends a living process: its children become init's, its parent is woken. It is a zombie afterwards and
  /// its thread must leave the hart without touching anything of the process's.
  void retire(Process& process, i32 status);

  /// A child that has exited, with its status; it stays a zombie until take_zombie. Waits for one.
  /// not_found: no children at all. interrupted: the caller was killed.
  struct Departed {
    Process* child;
    i32 status;
  };
  [[nodiscard]] lib::Result<Departed> wait_for_zombie(Process& parent);
  /// Takes a zombie found by wait_for_zombie out of the tree and the pid hash. The caller owns it then.
  void take_zombie(Process& parent, Process& child);

  /// Takes a zombie that init has inherited and not looked at yet; null if there is none. For fork when the slots
  /// are used up: how soon init gets a hart must not decide whether a fork succeeds.
  [[nodiscard]] Process* take_orphaned_zombie();

  /// Gives the process another address space and returns the old one. Under the lock, because the reports below read
  /// the tables of other processes: a space that they can reach is not destroyed while they look.
  [[nodiscard]] mm::AddressSpace* exchange_memory(Process& process, mm::AddressSpace& memory);

  /// Marks the process as killed and ends its interruptible wait. not_found; not_permitted: init.
  [[nodiscard]] lib::Result<void> kill(Pid pid);

  /// The process takes the keys of the console: it is the shell there, and what it waits for is the foreground.
  /// not_permitted: it runs in the background itself.
  [[nodiscard]] lib::Result<void> lead_console(Process& process);
  /// The foreground: the descendants of the shell that leads the console and waits. Where none does (xv6's own sh knows
  /// no such call), every descendant of the shells that init has started. Never init, such a shell, or the background:
  /// a job becomes init's when the process that forked it for the shell has ended.
  [[nodiscard]] bool has_foreground();
  /// Ends it, and whatever it is about to fork; the status is abi::interrupted_status.
  void end_foreground();

  /// Slots that are not free (sysinfo's nproc).
  [[nodiscard]] u32 count();
  /// What ps shows of the process in a slot; nothing for a free one. Lets others run where the process has much memory:
  /// no lock may be held.
  [[nodiscard]] std::optional<abi::ProcInfo> describe(usize slot);
  /// The same without the figures of its page table, at once.
  [[nodiscard]] std::optional<abi::ProcInfo> describe_briefly(usize slot);
  /// Writes the page tables of all processes that sleep, and the running one's: nobody else's can be read
  /// safely.
  void print_tables(mm::TableFormat format, mm::TextSink sink);
  /// Index of the process's slot, which is also its kernel stack's.
  [[nodiscard]] usize slot_of(const Process& process) const;

 private:
  static constexpr usize bucket_count = 64;

  [[nodiscard]] Process* find(Pid pid) const SYNC_REQUIRES(lock_);
  [[nodiscard]] std::optional<abi::ProcInfo> describe_locked(usize slot) const SYNC_REQUIRES(lock_);
  void inherit_by_init(Process& child) SYNC_REQUIRES(lock_);
  static void mark_killed(Process& process);
  [[nodiscard]] bool is_background(const Process& process) const SYNC_REQUIRES(lock_);
  /// The leader, if it waits for a child; else null.
  [[nodiscard]] const Process* waiting_leader() const SYNC_REQUIRES(lock_);
  [[nodiscard]] bool is_foreground(const Process& process, const Process* leader) const SYNC_REQUIRES(lock_);
  void remove_zombie(Process& parent, Process& child) SYNC_REQUIRES(lock_);
  [[nodiscard]] Pid take_pid() SYNC_REQUIRES(lock_);
  [[nodiscard]] static usize bucket_of(Pid pid) { return static_cast<usize>(pid) % bucket_count; }

  locks::SpinLock lock_{"process", locks::Rank::process_tree};
  Process* first_free_ SYNC_GUARDED_BY(lock_) = nullptr;
  usize untouched_ SYNC_GUARDED_BY(lock_) = 0;  ///< slots from here on were never used, so are in no list
  u32 used_ SYNC_GUARDED_BY(lock_) = 0;
  PidCounter pids_ SYNC_GUARDED_BY(lock_);
  Process* init_ SYNC_GUARDED_BY(lock_) = nullptr;
  Process* leader_ SYNC_GUARDED_BY(lock_) = nullptr;  ///< the last to take the keys of the console
  std::array<Process*, bucket_count> buckets_ SYNC_GUARDED_BY(lock_){};
  std::array<Process, abi::max_processes> slots_;
};

/// The kernel's one table.
[[nodiscard]] Table& table();

}  // namespace process
