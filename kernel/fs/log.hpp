#pragma once
// The write-ahead log (xv6: log.c), on disk as xv6 has it: a header block (count, block numbers) and slots.
//
// Protocol. Operations that overlap in time form one group; the last to end commits it for all:
//   1. the group's blocks go to the slots after those already used, several writes in flight; FLUSH
//   2. the header, with the new count; FLUSH. The group is durable now, and only now do its operations return.
//   3. the same blocks go to their homes. No flush, and the header keeps its count: recovery would only write
//      the same bytes again.
// When the slots are used up: FLUSH (homes), header with count 0, FLUSH (before a slot is written again). So a
// commit costs two flushes, and the count is non-zero between checkpoints, which xv6's own recovery accepts:
// it installs the slots in order, a later copy of a block over an earlier one.
//
// Failure: if 1 or 2 fails, nothing of the group is installed; if 3 fails, the next mount's recovery installs it.
// Either way the volume is read-only from then on and every operation of the group returns an error.

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
  [[nodiscard]] std::expected<u32, MountError> recover();

  /// Empties the log: homes durable, count 0. After it the image is complete for a reader that knows no log.
  [[nodiscard]] lib::Result<void> checkpoint();

  [[nodiscard]] bool is_read_only() const { return failed_.load(std::memory_order_relaxed); }
  /// Sets the volume read-only (found corrupt in a way that writing could make worse).
  void fail() { failed_.store(true, std::memory_order_relaxed); }
  [[nodiscard]] u32 capacity() const { return capacity_; }

  struct Statistics {
    u64 commits, checkpoints, blocks, absorbed;
  };
  [[nodiscard]] Statistics statistics() const { return statistics_; }

 private:
  friend class Transaction;
  enum class State { open, committing };

  [[nodiscard]] lib::Result<u64> begin(u32 blocks);
  [[nodiscard]] lib::Result<void> end(u64 group, u32 unused);
  void add(Buffer& buffer);
  [[nodiscard]] lib::Result<void> commit(u32 first, u32 count);
  [[nodiscard]] lib::Result<void> write_header(u32 count);
  [[nodiscard]] lib::Result<void> empty_log();

  BlockCache* cache_ = nullptr;
  u32 start_ = 0;
  u32 capacity_ = 0;

  sync::SpinLock lock_;
  sched::WaitQueue changed_;       // a group ended, or room came back
  State state_ = State::open;
  u64 group_ = 1;                  // the open (or committing) group
  u64 last_failed_ = 0;            // newest group whose commit failed
  u32 committed_ = 0;              // slots used by committed groups since the last checkpoint
  u32 logged_ = 0;                 // blocks of the open group
  u32 reserved_ = 0;               // promised to running operations, not yet used
  u32 running_ = 0;                // operations
  std::atomic<bool> failed_{false};
  Buffer* blocks_[max_log_capacity] = {};
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
    auto group = log.begin(blocks);
    if (group) group_ = *group; else error_ = group.error();
  }
  ~Transaction() { if (group_ != 0) (void)log_.end(group_, room_); }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  /// read_only if it could not begin; check before anything else.
  [[nodiscard]] lib::Result<void> begun() const {
    if (group_ == 0) return lib::fail(error_);
    return {};
  }
  /// The buffer was (or is about to be) changed and belongs to the operation (xv6: log_write).
  void add(const BufferRef& buffer) {
    if (!buffer.buffer().logged.load(std::memory_order_relaxed)) add_first(buffer.buffer());
  }
  /// Distinct blocks that may still be added.
  [[nodiscard]] u32 room() const { return room_; }
  /// Ends the operation; returns when it is durable. io, read_only: it did not happen.
  [[nodiscard]] lib::Result<void> commit() {
    const u64 group = group_;
    group_ = 0;
    return log_.end(group, room_);
  }

 private:
  void add_first(Buffer& buffer);

  Log& log_;
  u32 room_;
  u64 group_ = 0;
  lib::Error error_ = lib::Error::read_only;
};

}  // namespace fs
