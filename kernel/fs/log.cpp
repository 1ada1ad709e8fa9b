// SPDX-License-Identifier: MIT
#include "fs/log.hpp"

#include "lib/bug.hpp"
#include "lib/format.hpp"

namespace fs {

Log::Log() : lock_("log", locks::Rank::log) {}

void Log::attach(BlockCache& cache, const Geometry& geometry) {
  cache_ = &cache;
  start_ = geometry.log_start;
  capacity_ = geometry.log_capacity;
  committed_ = 0;
  failed_group_ = 0;
  in_demand_.store(0, std::memory_order_relaxed);
  failed_.store(0, std::memory_order_relaxed);
}

void Log::fail(const char* why) {
  if (failed_.exchange(1, std::memory_order_relaxed) == 0) lib::print("file system: {}; read-only from now on\n", why);
}

std::expected<u32, MountError> Log::recover(const Geometry& geometry) {
  const auto refuse = [](const char* field, u64 value) {
    return std::unexpected<MountError>(MountError{field, value});
  };
  dev::BlockDevice& device = cache_->device();
  if (!device.read(start_, std::as_writable_bytes(std::span(&header_, 1)))) {
    return refuse("unreadable log header, block", start_);
  }
  if (header_.count < 0 || static_cast<u32>(header_.count) > capacity_) {
    return refuse("log header.n", static_cast<u32>(header_.count));
  }
  const u32 count = static_cast<u32>(header_.count);
  for (u32 i = 0; i < count; ++i) {
    const u32 home = static_cast<u32>(header_.blocks[i]);
    if (home < geometry.inode_start || home >= geometry.size) return refuse("log header.block", home);
  }
  for (u32 i = 0; i < count; ++i) {
    const u32 home = static_cast<u32>(header_.blocks[i]);
    lib::print("recovering tail {} dst {}\n", i, home);
    const auto slot = cache_->read(start_ + 1 + i);
    if (!slot) return refuse("unreadable log block", start_ + 1 + i);
    if (!device.write(home, {slot->bytes(), abi::block_size})) return refuse("unwritable block", home);
  }
  if (count != 0 && !write_empty_header()) return refuse("unwritable log header, block", start_);
  cache_->drop_all();
  return count;
}

lib::Result<u64> Log::begin(u32 blocks) {
  lock_.lock();
  const u64 ticket = next_ticket_++;
  while (!is_read_only()) {
    if (is_my_turn(ticket)) {
      if (committed_ + logged_ + reserved_ + blocks <= capacity_) {
        reserved_ += blocks;
        ++running_;
        rest_.store(0, std::memory_order_relaxed);
        end_turn();
        const u64 group = group_;
        lock_.unlock();
        return group;
      }
      if (running_ == 0) {
        if (committed_ + logged_ == 0) lib::bug("fs: an operation reserves more than the log holds");
        in_demand_.store(1, std::memory_order_relaxed);
        make_room();
        continue;
      }
    }
    (void)turn_.wait(lock_, sched::Interruptible::no);
  }
  lock_.unlock();
  return lib::fail(lib::Error::read_only);
}

void Log::end_turn() {
  ++serving_;
  if (serving_ != next_ticket_) turn_.wake_all();
}

lib::Result<void> Log::end(u64 group, u32 unused, Outcome outcome) {
  lock_.lock();
  reserved_ -= unused;
  --running_;
  if (outcome == Outcome::changed_and_durable) wanted_ = true;
  if (running_ == 0 && wanted_ && logged_ != 0) {
    commit_group();
  } else {
    if (serving_ != next_ticket_) turn_.wake_all();  // room came back
    begin_rest();
    if (outcome == Outcome::changed_and_durable) {
      while (group_ == group) (void)ended_.wait(lock_, sched::Interruptible::no);
    }
  }
  const bool failed = failed_group_ == group;
  lock_.unlock();
  if (failed && outcome != Outcome::nothing_changed) return lib::fail(lib::Error::io);
  return {};
}

bool Log::add(Buffer& buffer) {
  const locks::Guard guard(lock_);
  ++statistics_.blocks;
  if (buffer.logged.load(std::memory_order_relaxed) != 0) return false;
  buffer.logged.store(1, std::memory_order_relaxed);
  cache_->pin(buffer);
  blocks_[logged_++] = &buffer;
  --reserved_;
  return true;
}

void Transaction::add_first(Buffer& buffer) {
  if (!log_.add(buffer)) return;
  if (room_ == 0) lib::bug("fs: an operation logs more blocks than it reserved");
  --room_;
}

// Called with the lock, while no operation runs; no other can begin until the state is open again, so the logged blocks
// do not change while they are written.
void Log::commit_group() {
  state_ = State::committing;
  rest_.store(0, std::memory_order_relaxed);
  const u32 first = committed_;
  const u32 count = logged_;
  lock_.unlock();

  const bool durable = !is_read_only() && write_group(first, count).has_value();
  const bool home = durable && cache_->device().write_many({writes_, count}).has_value();
  if (!home) fail("the disk failed");

  lock_.lock();
  if (home) {
    for (u32 i = 0; i < count; ++i) {
      blocks_[i]->logged.store(0, std::memory_order_relaxed);
      cache_->unpin(*blocks_[i]);
    }
  }
  if (durable)
    committed_ += count;
  else
    failed_group_ = group_;
  logged_ = 0;
  wanted_ = false;
  ++group_;
  ++statistics_.commits;
  state_ = State::open;
  begin_rest();
  ended_.wake_all();
  turn_.wake_all();
}

// Leaves in `writes_` the same blocks aimed at their homes.
lib::Result<void> Log::write_group(u32 first, u32 count) {
  dev::BlockDevice& device = cache_->device();
  for (u32 i = 0; i < count; ++i) {
    writes_[i] = {start_ + 1 + first + i, {blocks_[i]->bytes, abi::block_size}};
    header_.blocks[first + i] = static_cast<i32>(blocks_[i]->block.load(std::memory_order_relaxed));
  }
  LIB_TRY(device.write_many({writes_, count}));
  LIB_TRY(device.flush());
  LIB_TRY(write_header(first + count));
  LIB_TRY(device.flush());
  for (u32 i = 0; i < count; ++i) writes_[i].block = blocks_[i]->block.load(std::memory_order_relaxed);
  return {};
}

lib::Result<void> Log::write_header(u32 count) {
  header_.count = static_cast<i32>(count);
  return cache_->device().write(start_, std::as_bytes(std::span(&header_, 1)));
}

lib::Result<void> Log::write_empty_header() {
  LIB_TRY(cache_->device().flush());
  LIB_TRY(write_header(0));
  return cache_->device().flush();
}

// Called with the lock, while no operation runs; returns with the lock.
void Log::empty_log() {
  state_ = State::committing;
  rest_.store(0, std::memory_order_relaxed);
  lock_.unlock();
  const bool emptied = write_empty_header().has_value();
  if (!emptied) fail("the disk failed");
  lock_.lock();
  if (emptied) committed_ = 0;
  ++statistics_.checkpoints;
  state_ = State::open;
  turn_.wake_all();
}

// Called with the lock, while no operation runs; returns with the lock.
void Log::make_room() {
  if (logged_ != 0) commit_group();
  if (committed_ != 0 && !is_read_only()) empty_log();
}

// What is to be settled may be in a group that someone else's commit has ended, and lost: so a group that failed is
// remembered.
lib::Result<void> Log::settle() {
  const locks::Guard guard(lock_);
  if (logged_ != 0) {
    const u64 group = group_;
    wanted_ = true;
    if (running_ == 0 && state_ == State::open) commit_group();
    while (group_ == group) (void)ended_.wait(lock_, sched::Interruptible::no);
  }
  if (failed_group_ != 0) return lib::fail(lib::Error::io);
  return {};
}

lib::Result<void> Log::checkpoint() {
  lock_.lock();
  const u64 ticket = next_ticket_++;
  while (!is_read_only()) {
    if (is_my_turn(ticket) && running_ == 0) {
      make_room();
      end_turn();
      break;
    }
    (void)turn_.wait(lock_, sched::Interruptible::no);
  }
  lock_.unlock();
  if (is_read_only()) return lib::fail(lib::Error::read_only);
  return {};
}

// A rest that has a number is one in which the log is open and no operation runs: whoever changes either ends it.
void Log::begin_rest() {
  if (running_ != 0 || state_ != State::open || committed_ + logged_ == 0 || is_read_only()) return;
  rest_.store(group_ * 2 + (logged_ != 0 ? 1 : 0), std::memory_order_relaxed);
}

void Log::work_at_rest(u64 number) {
  lock_.lock();
  if (number == rest() && number != 0) {
    if (logged_ != 0) {
      commit_group();
    } else {
      empty_log();
      in_demand_.store(0, std::memory_order_relaxed);
    }
  } else if (number == group_ * 2 + 1 && state_ == State::open) {
    wanted_ = true;
  }
  lock_.unlock();
}

}  // namespace fs
