// SPDX-License-Identifier: MIT
#include "fs/file.hpp"

#include "lib/immortal.hpp"

namespace fs {

using lib::Error;
using lib::fail;
using lib::Result;

FileTable::FileTable() : lock_("ftable", locks::Rank::file) {
  for (File& file : slots_) {
    file.next_free_ = first_free_;
    first_free_ = &file;
  }
}

FileTable& file_table() {
  static lib::Immortal<FileTable> table;
  return table.get();
}

Result<FileRef> FileTable::take_slot() {
  const locks::Guard guard(lock_);
  File* file = first_free_;
  if (file == nullptr) return fail(Error::limit_reached);
  first_free_ = file->next_free_;
  ++used_;
  file->table_ = this;
  file->references_.store(1, std::memory_order_relaxed);
  return FileRef(file);
}

void FileTable::give_back(File& file) {
  const locks::Guard guard(lock_);
  file.next_free_ = first_free_;
  first_free_ = &file;
  --used_;
}

u32 FileTable::open_count() {
  const locks::Guard guard(lock_);
  return used_;
}

Result<FileRef> FileTable::open(Volume& volume, const InodeRef& current, std::string_view path, abi::OpenMode mode) {
  FileRef file = LIB_TRY(take_slot());  // first, so that a full table creates and truncates nothing
  file->inode_ = LIB_TRY(volume.open(current, path, mode));
  file->kind_ = File::Kind::inode;
  i16 major;
  bool is_device;
  {
    const InodeLock lock(*file->inode_);
    LIB_TRY(lock.status());
    is_device = file->inode_->type() == abi::FileType::device;
    major = file->inode_->major();
  }
  if (is_device) {
    file->device_ = find_device(major);
    if (file->device_ == nullptr) return fail(Error::not_found);
    file->kind_ = File::Kind::device;
    file->device_->opened();
  }
  file->offset_ = 0;
  file->readable_ = abi::readable(mode);
  file->writable_ = abi::writable(mode);
  return file;
}

Result<FileRef> FileTable::open_device(CharacterDevice& device) {
  FileRef file = LIB_TRY(take_slot());
  file->kind_ = File::Kind::device;
  file->device_ = &device;
  file->readable_ = file->writable_ = true;
  return file;
}

Result<PipeEnds> FileTable::make_pipe() {
  PipeEnds ends;
  ends.reader = LIB_TRY(take_slot());
  ends.writer = LIB_TRY(take_slot());
  Pipe* pipe = LIB_TRY(Pipe::make());
  ends.reader->kind_ = File::Kind::pipe_read;
  ends.reader->pipe_ = pipe;
  ends.reader->readable_ = true;
  ends.writer->kind_ = File::Kind::pipe_write;
  ends.writer->pipe_ = pipe;
  ends.writer->writable_ = true;
  return ends;
}

Result<usize> File::read(DataSink& sink, usize count) {
  if (!readable_) return fail(Error::not_permitted);
  switch (kind_) {
    case Kind::inode: return inode_->read(sink, offset_, count);
    case Kind::device: return device_->read(sink, count);
    case Kind::pipe_read: return pipe_->read(sink, count);
    default: return fail(Error::bad_descriptor);
  }
}

Result<usize> File::write(DataSource& source, usize count) {
  if (!writable_) return fail(Error::not_permitted);
  switch (kind_) {
    case Kind::inode: return inode_->write(source, offset_, count);
    case Kind::device: return device_->write(source, count);
    case Kind::pipe_write: return pipe_->write(source, count);
    default: return fail(Error::bad_descriptor);
  }
}

Result<abi::Stat> File::stat() {
  if (!inode_) return fail(Error::not_permitted);
  return inode_->stat();
}

Result<void> File::settle() {
  if (kind_ != Kind::inode || !writable_) return {};
  return inode_->settle();
}

void FileRef::drop() {
  File* file = file_;
  file_ = nullptr;
  if (file->references_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  file->close();
}

// The last handle is gone; only the slot's next user may see the file again.
void File::close() {
  (void)settle();
  const Kind kind = kind_;
  kind_ = Kind::unused;
  readable_ = writable_ = false;
  if (kind == Kind::device && !inode_) device_->closed();
  device_ = nullptr;
  if (kind == Kind::pipe_read) pipe_->close_read_end();
  if (kind == Kind::pipe_write) pipe_->close_write_end();
  pipe_ = nullptr;
  inode_.reset();
  table_->give_back(*this);
}

}  // namespace fs
