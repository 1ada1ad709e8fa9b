// SPDX-License-Identifier: MIT
#include "fs/file_pages.hpp"

#include <algorithm>

#include "fs/volume.hpp"
#include "lib/bug.hpp"
#include "lib/format.hpp"

namespace fs {

using lib::Error;
using lib::fail;
using lib::Result;
using sv39::Ppn;

FilePages::FilePages() : lock_("filepages", locks::Rank::mapping) { heads_.fill(mm::no_frame); }

std::optional<mm::Frame::FilePage> FilePages::locate(u32 inode, u64 index, Ppn& frame) {
  mm::FrameAllocator& frames = mm::frames();
  for (u32 number = heads_[bucket_of(inode, index)]; number != mm::no_frame;) {
    frame = frames.ppn_of(number);
    const mm::Frame::FilePage record = frames.record(frame).file_page();
    if (record.inode == inode && (record.page & ~dirty_mark) == index) return record;
    number = record.next;
  }
  return std::nullopt;
}

std::optional<Ppn> FilePages::find(u32 inode, u64 index) {
  const locks::Guard guard(lock_);
  Ppn frame;
  if (!locate(inode, index, frame)) return std::nullopt;
  return frame;
}

std::optional<Ppn> FilePages::find_and_count(u32 inode, u64 index) {
  const locks::Guard guard(lock_);
  Ppn frame;
  if (!locate(inode, index, frame)) return std::nullopt;
  mm::frames().ref(frame);
  return frame;
}

void FilePages::add(u32 inode, u64 index, Ppn frame) {
  const locks::Guard guard(lock_);
  mm::FrameAllocator& frames = mm::frames();
  const mm::Frame::FilePage record = frames.record(frame).file_page();
  u32& head = heads_[bucket_of(inode, index)];
  record.next = head;
  record.page = static_cast<u32>(index);
  record.inode = static_cast<u16>(inode);
  head = frames.number_of(frame);
  frames.ref(frame);
  count_.fetch_add(1, std::memory_order_relaxed);
}

void FilePages::mark_dirty(u32 inode, u64 index) {
  const locks::Guard guard(lock_);
  Ppn frame;
  if (const auto record = locate(inode, index, frame)) record->page |= dirty_mark;
}

bool FilePages::take_dirty(u32 inode, u64 index) {
  const locks::Guard guard(lock_);
  Ppn frame;
  const auto record = locate(inode, index, frame);
  if (!record || (record->page & dirty_mark) == 0) return false;
  record->page &= ~dirty_mark;
  return true;
}

bool FilePages::take_dirty_of_sole_owner(u32 inode, u64 index) {
  const locks::Guard guard(lock_);
  Ppn frame;
  const auto record = locate(inode, index, frame);
  if (!record || (record->page & dirty_mark) == 0 || mm::frames().refs(frame) > 2) return false;
  record->page &= ~dirty_mark;
  return true;
}

FilePages::Released FilePages::release_shared(u32 inode, u64 index) {
  const locks::Guard guard(lock_);
  Ppn frame;
  const auto record = locate(inode, index, frame);
  if (!record) lib::bug("fs: a mapping is released of a file page that has none");
  if (mm::frames().refs(frame) == 2) return (record->page & dirty_mark) != 0 ? Released::dirty : Released::last;
  mm::frames().unref(frame);
  return Released::done;
}

FilePages::Released FilePages::release(u32 inode, u64 index) {
  Ppn frame;
  {
    const locks::Guard guard(lock_);
    const auto record = locate(inode, index, frame);
    if (!record) lib::bug("fs: a mapping is released of a file page that has none");
    const bool last = mm::frames().refs(frame) == 2;
    if (last && (record->page & dirty_mark) != 0) return Released::dirty;
    mm::frames().unref(frame);
    if (!last) return Released::done;
    unchain(inode, index);
  }
  mm::frames().unref(frame);
  return Released::done;
}

void FilePages::unchain(u32 inode, u64 index) {
  mm::FrameAllocator& frames = mm::frames();
  u32* link = &heads_[bucket_of(inode, index)];
  for (;;) {
    const mm::Frame::FilePage record = frames.record(frames.ppn_of(*link)).file_page();
    if (record.inode == inode && (record.page & ~dirty_mark) == index) {
      *link = record.next;
      count_.fetch_sub(1, std::memory_order_relaxed);
      return;
    }
    link = &record.next;
  }
}

FilePages& InodeBacking::pages() const { return inode_.volume().pages(); }

void InodeBacking::hold() { inode_.volume().inodes().acquire(inode_); }

void InodeBacking::drop() { inode_.volume().inodes().release(inode_); }

Result<Ppn> InodeBacking::acquire_page(u64 index) {
  const InodeLock lock(inode_);
  LIB_TRY(lock.status());
  const u64 begin = index * FilePages::page_bytes;
  if (begin >= inode_.size()) return fail(Error::bad_address);
  if (const auto present = pages().find_and_count(inode_.number(), index)) return *present;

  const Ppn frame = LIB_TRY(mm::frames().allocate(mm::FrameState::file, mm::Zero::no));
  const std::span<std::byte> bytes(static_cast<std::byte*>(mm::frame_bytes(frame)), FilePages::page_bytes);
  const auto read = inode_.read_locked(begin, bytes);
  if (!read) {
    mm::frames().unref(frame);
    return fail(read.error());
  }
  std::ranges::fill(bytes.subspan(*read), std::byte{0});
  pages().add(inode_.number(), index, frame);
  return frame;
}

Result<Ppn> InodeBacking::try_acquire_page(u64 index) {
  if (index * FilePages::page_bytes >= inode_.size()) return fail(Error::not_found);
  if (const auto present = pages().find_and_count(inode_.number(), index)) return *present;
  return fail(Error::not_found);
}

void InodeBacking::mark_dirty(u64 index) { pages().mark_dirty(inode_.number(), index); }

void InodeBacking::release_page(u64 index) {
  for (;;) {
    switch (pages().release_shared(inode_.number(), index)) {
      case FilePages::Released::done: return;
      case FilePages::Released::dirty: write_last(index); break;
      case FilePages::Released::last: break;
    }
    // Another mapping may come and go at any time before the mutex is ours; then the answer is `dirty` again.
    const sched::MutexGuard guard(inode_.mutex());
    if (pages().release(inode_.number(), index) == FilePages::Released::done) return;
  }
}

Result<void> InodeBacking::write_back(u64 index) {
  if (!pages().take_dirty_of_sole_owner(inode_.number(), index)) return {};
  auto written = inode_.write_page(index);
  if (!written) mark_dirty(index);
  return written;
}

// Called with the last mapping, whose program has no one to tell: the frame must go back in any case.
void InodeBacking::write_last(u64 index) {
  if (!pages().take_dirty(inode_.number(), index)) return;
  if (!inode_.write_page(index)) lose(index);
}

// The disk failed, or no block is left for a hole. Nothing that is acknowledged from here on may stand beside a file
// that silently lacks bytes.
void InodeBacking::lose(u64 index) {
  Volume& volume = inode_.volume();
  const auto name = volume.names().name_of(inode_.number());
  lib::print("file system: page {} of {}{}inode {} could not be written and is lost\n", index,
             name ? name->text() : std::string_view(), name ? ", " : "", inode_.number());
  volume.log().fail("stores to a mapped file are lost");
}

}  // namespace fs
