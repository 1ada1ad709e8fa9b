// SPDX-License-Identifier: MIT
#pragma once
// The write-ahead log (xv6: log.c), on disk as xv6 has it: a header block (count, block numbers) and slots.
//
// Protocol. Operations that overlap in time form one group; the last to end commits it for all. A write to a file may
// leave its group open for those that follow (Transaction::commit_soon): one block at a time, a large file would else
// wait for the disk tens of thousands of times. Such a group is committed with the next operation that must be durable,
// when its blocks fill the log, by settle() (a file that was written is closed), and when the log is at rest. A commit:
//   1. the group's blocks go to the slots after those already used, several writes in flight; FLUSH
//   2. the header, with the new count; FLUSH. The group is durable now, and only now do its operations return.
//   3. the same blocks go to their homes. No flush, and the header keeps its count: recovery would only write
//      the same bytes again.
// When the slots are used up, or when nobody has used the log for a moment (rest(), LogWatch): FLUSH (homes), header
// with count 0, FLUSH (before a slot is written again). So a commit costs two flushes, and the count is non-zero only
// while programs write, which xv6's own recovery accepts: it installs the slots in order, a later copy of a block
// over an earlier one. An image whose machine was quiet when it was switched off needs no recovery. After much writing,
// which filled the log, the moment is longer (is_in_demand()): more may come.
//
// Failure: if 1 or 2 fails, nothing of the group is installed; if 3 fails, the next mount's recovery installs it.
// Either way the volume is read-only from then on. The blocks of a group that failed stay in memory, so that the
// programs that run go on seeing one consistent state; only in the first case do its operations return an error.

#include <span>

#include "fs/block_cache.hpp"
#include "fs/geometry.hpp"
#include "lib/result.hpp"
#include "sched/wait_queue.hpp"
#include "sync/spinlock.hpp"

namespace fs {

class Log {
 public:
  Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  /// Takes over the log of a volume with this geometry. Before recover().
  void attach(BlockCache& cache, const Geometry& geometry);
  /// Installs what a crash left in the log (xv6: recover_from_log), printing `recovering tail N dst N` for each
  /// block. A header that names impossible blocks refuses the mount (D1), and nothing is written.
  [[nodiscard]] std::expected<u32, MountError> recover(const Geometry& geometry);

  /// Makes every operation that has returned durable. io: one of them is lost, perhaps one that ended long ago.
  [[nodiscard]] lib::Result<void> settle();
  /// Empties the log: homes durable, count 0. After it the image is complete for a reader that knows no log.
  [[nodiscard]] lib::Result<void> checkpoint();

  /// 0 while operations run or when there is nothing to do; otherwise a number that every commit changes.
  [[nodiscard]] u64 rest() const { return rest_.load(std::memory_order_relaxed); }
  /// Whether, in the rest of this number, something is done and not yet durable.
  [[nodiscard]] static bool is_uncommitted(u64 number) { return (number & 1) != 0; }
  /// Whether the log was full since it was last emptied at rest.
  [[nodiscard]] bool is_in_demand() const { return in_demand_.load(std::memory_order_relaxed) != 0; }
  /// Commits the open group, or else empties the log, if nothing was committed since rest() gave this number. If
  /// operations run just now, their last commits. Failure makes the volume read-only.
  void work_at_rest(u64 number);

  [[nodiscard]] bool is_read_only() const { return failed_.load(std::memory_order_relaxed) != 0; }
  /// Sets the volume read-only (found corrupt in a way that writing could make worse).
  /// Says why, the first time.
  void fail(const char* why);
  [[nodiscard]] u32 capacity() const { return capacity_; }

  struct Statistics {
    u64 commits, checkpoints, blocks;
  };
  [[nodiscard]] Statistics statistics() const { return statistics_; }

 private:
  friend class Transaction;
  enum class State { open, committing };
  /// What an operation did with its reservation, and whether it wants to be durable when end() returns.
  enum class Outcome { nothing_changed, changed, changed_and_durable };

  [[nodiscard]] lib::Result<u64> begin(u32 blocks);
  [[nodiscard]] lib::Result<void> end(u64 group, u32 unused, Outcome outcome);
  [[nodiscard]] bool add(Buffer& buffer);
  void commit_group() SYNC_REQUIRES(lock_);
  [[nodiscard]] lib::Result<void> write_group(u32 first, u32 count);
  [[nodiscard]] lib::Result<void> write_header(u32 count);
  void empty_log() SYNC_REQUIRES(lock_);
  void make_room() SYNC_REQUIRES(lock_);
  [[nodiscard]] lib::Result<void> write_empty_header();
  [[nodiscard]] bool is_my_turn(u64 ticket) const { return ticket == serving_ && state_ == State::open; }
  void end_turn() SYNC_REQUIRES(lock_);
  void begin_rest() SYNC_REQUIRES(lock_);

  BlockCache* cache_ = nullptr;
  u32 start_ = 0;
  u32 capacity_ = 0;

  locks::SpinLock lock_;
  sched::WaitQueue turn_;  ///< waiting to begin, in order of their tickets
  sched::WaitQueue ended_;  ///< waiting for their group to be durable
  State state_ = State::open;
  u64 next_ticket_ = 0;  ///< tickets make a large reservation wait no longer than those before it
  u64 serving_ = 0;
  u64 group_ = 1;  ///< the open or committing group
  u64 failed_group_ = 0;  ///< the group whose commit failed; there is at most one
  u32 committed_ = 0;  ///< slots used by committed groups since the last checkpoint
  u32 logged_ = 0;  ///< blocks of the open group
  u32 reserved_ = 0;  ///< promised to running operations, not yet used
  u32 running_ = 0;  ///< operations
  bool wanted_ = false;  ///< someone waits for the open group to be durable
  std::atomic<u64> rest_{0};  ///< twice the group, and 1 if it is open; written under lock_; see rest()
  std::atomic<u32> in_demand_{0};  ///< a flag
  std::atomic<u32> failed_{0};  ///< a flag; exchange of a byte is no instruction
  Buffer* blocks_[max_log_capacity] = {};
  dev::BlockWrite writes_[max_log_capacity] = {};  ///< too big for a kernel stack; used by the one that commits
  alignas(8) abi::LogHeader header_ = {};
  Statistics statistics_ = {};
};

/// One operation's part in a group (xv6: begin_op ... end_op). Declare it after the handles and before the inode
/// locks that the operation uses: a transaction begins before any inode is locked (it may wait for others to
/// end theirs), and ends after every lock is released.
class Transaction {
 public:
  /// Reserves `blocks` distinct blocks; sleeps until there is room.
  Transaction(Log& log, u32 blocks) : log_(log), room_(blocks) {
    if (const auto group = log.begin(blocks)) group_ = *group;
  }
  /// Without commit() the operation is abandoned. If it had changed something already (the disk failed half-way),
  /// what it left cannot be taken back alone: the group is not committed and the volume becomes read-only.
  ~Transaction() {
    if (group_ == 0) return;
    if (outcome_ != Log::Outcome::nothing_changed) log_.fail("an operation failed half-way");
    (void)commit();
  }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  /// read_only if it could not begin; check before anything else.
  [[nodiscard]] lib::Result<void> begun() const {
    if (group_ == 0) return lib::fail(lib::Error::read_only);
    return {};
  }
  /// The buffer was (or is about to be) changed and belongs to the operation (xv6: log_write).
  void add(const BufferRef& buffer) {
    outcome_ = Log::Outcome::changed_and_durable;
    if (buffer.buffer().logged.load(std::memory_order_relaxed) == 0) add_first(buffer.buffer());
  }
  /// Distinct blocks that may still be added.
  [[nodiscard]] u32 room() const { return room_; }
  /// Whether another block may be changed: it is in the log already, or there is room for it beside `spare` more.
  [[nodiscard]] bool can_add(const BufferRef& buffer, u32 spare) const {
    return room_ > spare || buffer.buffer().logged.load(std::memory_order_relaxed) != 0;
  }
  /// Ends the operation; returns when it is durable. io, read_only: it did not happen.
  [[nodiscard]] lib::Result<void> commit() {
    const u64 group = group_;
    group_ = 0;
    return log_.end(group, room_, outcome_);
  }
  /// Ends the operation; it becomes durable together with later ones (see above), never after any of them.
  [[nodiscard]] lib::Result<void> commit_soon() {
    if (outcome_ == Log::Outcome::changed_and_durable) outcome_ = Log::Outcome::changed;
    return commit();
  }

 private:
  void add_first(Buffer& buffer);

  Log& log_;
  u32 room_;
  u64 group_ = 0;  ///< 0: did not begin, or has ended
  Log::Outcome outcome_ = Log::Outcome::nothing_changed;
};

}  // namespace fs
