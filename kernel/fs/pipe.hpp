// SPDX-License-Identifier: MIT
#pragma once
// Pipes (xv6: pipe.c): one frame as a ring, two ends.

#include "fs/copy.hpp"
#include "lib/intrusive_list.hpp"
#include "lib/result.hpp"
#include "sched/wait_queue.hpp"
#include "sync/spinlock.hpp"

namespace fs {

class Pipe {
 public:
  static constexpr u32 capacity = 4096;  ///< one frame; xv6 has 512, which a program sees only as a lower bound

  Pipe();
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  /// Takes a free pipe and a frame for its ring. no_memory, limit_reached.
  [[nodiscard]] static lib::Result<Pipe*> make();
  /// Pipes in use.
  [[nodiscard]] static u32 count();

  /// Up to `count` bytes, at least one unless `count` is 0 or every writer is gone (then 0). Sleeps while empty.
  /// interrupted: the reader was killed. bad_address: the first byte could not be delivered (bytes that were
  /// delivered before a bad page count as a short read, like xv6's piperead).
  [[nodiscard]] lib::Result<usize> read(DataSink& sink, usize count);
  /// All `count` bytes, sleeping while the ring is full. broken_pipe: no reader is left. interrupted: killed.
  /// A source that stops early ends the write with the count so far, as xv6's pipewrite does.
  [[nodiscard]] lib::Result<usize> write(DataSource& source, usize count);
  /// xv6: pipeclose. The frame goes back when both ends are closed.
  void close_read_end();
  void close_write_end();

 private:
  friend class PipePool;

  /// Not inlined: the way that need not wait shall stay short.
  [[gnu::noinline]] sched::Woken wait_for_data() SYNC_REQUIRES(lock_);
  [[gnu::noinline]] sched::Woken wait_for_room() SYNC_REQUIRES(lock_);
  [[nodiscard]] inline CopyResult read_once(DataSink& sink, usize count, bool has_begun);
  [[nodiscard]] inline CopyResult write_once(DataSource& source, usize count);
  [[nodiscard]] CopyResult copy_out(DataSink& sink, usize count);
  [[nodiscard]] CopyResult copy_in(DataSource& source, usize count);
  void close(bool& end_open);

  locks::SpinLock lock_;
  std::byte* ring_ = nullptr;
  u32 read_position_ = 0;   ///< both count bytes since the pipe was last empty, modulo 2^32
  u32 write_position_ = 0;
  bool read_open_ = false;
  bool write_open_ = false;
  u32 waiting_readers_ = 0;
  u32 waiting_writers_ = 0;
  sched::WaitQueue readable_;
  sched::WaitQueue writable_;
  Pipe* next_free_ = nullptr;
};

}  // namespace fs
