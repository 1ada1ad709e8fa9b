#include "fs/pipe.hpp"

#include <algorithm>
#include <new>

#include "mm/frames.hpp"

namespace fs {

using lib::Error;
using lib::fail;
using lib::Result;

// All pipes there can be: a pipe has two open files, of which there are 256.
class PipePool {
 public:
  PipePool() : lock_("pipes", sync::Rank::file) {
    for (Pipe& pipe : pipes_) {
      pipe.next_free_ = first_free_;
      first_free_ = &pipe;
    }
  }
  Pipe* take() {
    const sync::Guard guard(lock_);
    Pipe* pipe = first_free_;
    if (pipe == nullptr) return nullptr;
    first_free_ = pipe->next_free_;
    ++used_;
    return pipe;
  }
  void give_back(Pipe& pipe) {
    const sync::Guard guard(lock_);
    pipe.next_free_ = first_free_;
    first_free_ = &pipe;
    --used_;
  }
  u32 used() {
    const sync::Guard guard(lock_);
    return used_;
  }

 private:
  sync::SpinLock lock_;
  Pipe* first_free_ = nullptr;
  u32 used_ = 0;
  Pipe pipes_[128];
};

namespace {

PipePool& pool() {
  alignas(PipePool) static std::byte storage[sizeof(PipePool)];
  static PipePool* const pool = ::new (storage) PipePool;
  return *pool;
}

}  // namespace

Pipe::Pipe() : lock_("pipe", sync::Rank::pipe) {}

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

// Moves up to `count` bytes out of the ring; at most two pieces, as the ring wraps.
CopyResult Pipe::copy_out(DataSink& sink, usize count) {
  CopyResult total{0, CopyStatus::done};
  while (total.copied < count && read_position_ != write_position_ && total.status == CopyStatus::done) {
    const u32 begin = read_position_ % capacity;
    const usize piece = std::min<usize>({count - total.copied, write_position_ - read_position_, capacity - begin});
    const CopyResult copy = sink.put({ring_ + begin, piece});
    read_position_ += static_cast<u32>(copy.copied);
    total = {total.copied + copy.copied, copy.status};
  }
  return total;
}

CopyResult Pipe::copy_in(DataSource& source, usize count) {
  CopyResult total{0, CopyStatus::done};
  while (total.copied < count && write_position_ - read_position_ < capacity && total.status == CopyStatus::done) {
    const u32 begin = write_position_ % capacity;
    const usize room = capacity - (write_position_ - read_position_);
    const usize piece = std::min<usize>({count - total.copied, room, capacity - begin});
    const CopyResult copy = source.take({ring_ + begin, piece});
    write_position_ += static_cast<u32>(copy.copied);
    total = {total.copied + copy.copied, copy.status};
  }
  return total;
}

// What is there when the reader comes is read whole, also when one of its pages must be brought in on the way.
Result<usize> Pipe::read(DataSink& sink, usize count) {
  usize total = 0;
  while (total < count) {
    CopyResult copy;
    {
      const sync::Guard guard(lock_);
      while (read_position_ == write_position_) {
        if (!write_open_ || total != 0) return total;
        ++waiting_readers_;
        const sched::Woken woken = readable_.wait(lock_, sched::Interruptible::yes);
        --waiting_readers_;
        if (woken == sched::Woken::killed) return fail(Error::interrupted);
      }
      copy = copy_out(sink, count - total);
      if (waiting_writers_ != 0 && copy.copied != 0) writable_.wake_all();
    }
    total += copy.copied;
    if (copy.status == CopyStatus::done) return total;
    if (copy.status == CopyStatus::fault || !sink.page_in()) {
      if (total != 0) return total;
      return fail(Error::bad_address);
    }
  }
  return total;
}

Result<usize> Pipe::write(DataSource& source, usize count) {
  usize total = 0;
  while (total < count) {
    CopyResult copy;
    {
      const sync::Guard guard(lock_);
      while (read_open_ && write_position_ - read_position_ == capacity) {
        ++waiting_writers_;
        const sched::Woken woken = writable_.wait(lock_, sched::Interruptible::yes);
        --waiting_writers_;
        if (woken == sched::Woken::killed) return fail(Error::interrupted);
      }
      if (!read_open_) return fail(Error::broken_pipe);
      copy = copy_in(source, count - total);
      if (waiting_readers_ != 0 && copy.copied != 0) readable_.wake_all();
    }
    total += copy.copied;
    if (copy.status == CopyStatus::fault) return total;
    if (copy.status == CopyStatus::needs_page_in) LIB_TRY(source.page_in());
  }
  return total;
}

void Pipe::close_read_end() { close(read_open_); }
void Pipe::close_write_end() { close(write_open_); }

void Pipe::close(bool& end_open) {
  {
    const sync::Guard guard(lock_);
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
