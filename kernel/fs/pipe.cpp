// SPDX-License-Identifier: MIT
#include "fs/pipe.hpp"

#include <algorithm>

#include "lib/immortal.hpp"
#include "mm/frames.hpp"

namespace fs {

using lib::Error;
using lib::fail;
using lib::Result;

// All pipes there can be: a pipe has two open files, of which there are 256.
class PipePool {
 public:
  PipePool() : lock_("pipes", locks::Rank::file) {
    for (Pipe& pipe : pipes_) {
      pipe.next_free_ = first_free_;
      first_free_ = &pipe;
    }
  }
  Pipe* take() {
    const locks::Guard guard(lock_);
    Pipe* pipe = first_free_;
    if (pipe == nullptr) return nullptr;
    first_free_ = pipe->next_free_;
    ++used_;
    return pipe;
  }
  void give_back(Pipe& pipe) {
    const locks::Guard guard(lock_);
    pipe.next_free_ = first_free_;
    first_free_ = &pipe;
    --used_;
  }
  u32 used() {
    const locks::Guard guard(lock_);
    return used_;
  }

 private:
  locks::SpinLock lock_;
  Pipe* first_free_ = nullptr;
  u32 used_ = 0;
  Pipe pipes_[128];
};

namespace {

PipePool& pool() {
  static lib::Immortal<PipePool> pool;
  return pool.get();
}

}  // namespace

Pipe::Pipe() : lock_("pipe", locks::Rank::pipe) {}

Result<Pipe*> Pipe::make() {
  static_assert(capacity == sv39::page_size);
  Pipe* pipe = pool().take();
  if (pipe == nullptr) return fail(Error::limit_reached);
  const auto frame = mm::frames().allocate(mm::FrameState::kernel, mm::Zero::no);
  if (!frame) {
    pool().give_back(*pipe);
    return fail(frame.error());
  }
  pipe->ring_ = static_cast<std::byte*>(mm::frame_bytes(*frame));
  pipe->read_position_ = pipe->write_position_ = 0;
  pipe->read_open_ = pipe->write_open_ = true;
  return pipe;
}

u32 Pipe::count() { return pool().used(); }

// Moves up to `count` bytes out of the ring, which is not empty; a second piece if the ring wraps inside them.
CopyResult Pipe::copy_out(DataSink& sink, usize count) {
  CopyResult total;
  count = std::min<usize>(count, write_position_ - read_position_);
  for (;;) {
    const u32 begin = read_position_ % capacity;
    const CopyResult copy = sink.put({ring_ + begin, std::min<usize>(count - total.copied, capacity - begin)});
    read_position_ += static_cast<u32>(copy.copied);
    total = {total.copied + copy.copied, copy.end};
    if (total.copied == count || !total.ok()) [[likely]]
      return total;
  }
}

// The same into the ring, which is not full.
CopyResult Pipe::copy_in(DataSource& source, usize count) {
  CopyResult total;
  count = std::min<usize>(count, capacity - (write_position_ - read_position_));
  for (;;) {
    const u32 begin = write_position_ % capacity;
    const CopyResult copy = source.take({ring_ + begin, std::min<usize>(count - total.copied, capacity - begin)});
    write_position_ += static_cast<u32>(copy.copied);
    total = {total.copied + copy.copied, copy.end};
    if (total.copied == count || !total.ok()) [[likely]]
      return total;
  }
}

// Under the lock: waits while the ring is empty and may still be written.
sched::Woken Pipe::wait_for_data() {
  sched::Woken woken = sched::Woken::event;
  while (read_position_ == write_position_ && write_open_ && woken == sched::Woken::event) {
    ++waiting_readers_;
    woken = readable_.wait(lock_, sched::Interruptible::yes);
    --waiting_readers_;
  }
  return woken;
}

// Under the lock: waits while the ring is full and may still be read.
sched::Woken Pipe::wait_for_room() {
  sched::Woken woken = sched::Woken::event;
  while (write_position_ - read_position_ == capacity && read_open_ && woken == sched::Woken::event) {
    ++waiting_writers_;
    woken = writable_.wait(lock_, sched::Interruptible::yes);
    --waiting_writers_;
  }
  return woken;
}

[[gnu::always_inline]] inline CopyResult Pipe::read_once(DataSink& sink, usize count, bool has_begun) {
  const locks::Guard guard(lock_);
  if (read_position_ == write_position_) [[unlikely]] {
    if (has_begun) return {};
    if (wait_for_data() == sched::Woken::killed) return fail(Error::interrupted);
    if (read_position_ == write_position_) return {};
  }
  const CopyResult copy = copy_out(sink, count);
  // Empty, it begins at the ring's first byte again: fewer pieces, and aligned as the program's buffers are.
  if (read_position_ == write_position_) read_position_ = write_position_ = 0;
  if (waiting_writers_ != 0) writable_.wake_all();
  return copy;
}

// What is there when the reader comes is read whole, also when one of its pages must be brought in on the way.
Result<usize> Pipe::read(DataSink& sink, usize count) {
  if (count == 0) return 0;
  return lib::copy_to_end([&](usize done) { return read_once(sink, count - done, done != 0); },
                          [&](usize) { return sink.page_in(); })
      .partial();
}

// As much as there is room for, which there is some of in the end.
[[gnu::always_inline]] inline CopyResult Pipe::write_once(DataSource& source, usize count) {
  const locks::Guard guard(lock_);
  if (write_position_ - read_position_ == capacity) [[unlikely]] {
    if (wait_for_room() == sched::Woken::killed) return fail(Error::interrupted);
  }
  if (!read_open_) [[unlikely]]
    return fail(Error::broken_pipe);
  const CopyResult copy = copy_in(source, count);
  if (waiting_readers_ != 0 && copy.copied != 0) readable_.wake_all();
  return copy;
}

Result<usize> Pipe::write(DataSource& source, usize count) {
  CopyResult total;
  while (total.copied < count && total.ok()) {
    const usize left = count - total.copied;
    const CopyResult part = lib::copy_to_end([&](usize done) { return write_once(source, left - done); },
                                             [&](usize) { return source.page_in(); });
    total = {total.copied + part.copied, part.end};
  }
  return total.partial();
}

void Pipe::close_read_end() { close(read_open_); }
void Pipe::close_write_end() { close(write_open_); }

void Pipe::close(bool& end_open) {
  {
    const locks::Guard guard(lock_);
    end_open = false;
    readable_.wake_all();
    writable_.wake_all();
    if (read_open_ || write_open_) return;
  }
  // The last end is closed: nobody can come any more.
  mm::frames().free(arch::to_phys(ring_).floor());
  ring_ = nullptr;
  pool().give_back(*this);
}

}  // namespace fs
