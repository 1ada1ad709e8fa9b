// SPDX-License-Identifier: MIT
#pragma once
// Open files (xv6: file.c): what a descriptor refers to. Shared by dup and fork, so counted; the offset is shared too
// and guarded by the inode's mutex.

#include <atomic>

#include "abi/types.hpp"
#include "fs/copy.hpp"
#include "fs/device.hpp"
#include "fs/inode.hpp"
#include "fs/pipe.hpp"
#include "fs/volume.hpp"
#include "lib/result.hpp"
#include "sync/spinlock.hpp"

namespace fs {

class FileRef;
class FileTable;

class File {
 public:
  enum class Kind : u8 { unused, inode, device, pipe_read, pipe_write };

  /// xv6: fileread. Up to `count` bytes, 0 at the end. not_permitted: not open for reading.
  [[nodiscard]] lib::Result<usize> read(DataSink& sink, usize count);
  /// xv6: filewrite. not_permitted: not open for writing.
  [[nodiscard]] lib::Result<usize> write(DataSource& source, usize count);
  /// xv6: filestat. not_permitted: a pipe has no inode.
  [[nodiscard]] lib::Result<abi::Stat> stat();

  /// Makes what was written to a file durable; dropping the last handle does it too, but can't tell of failure.
  [[nodiscard]] lib::Result<void> settle();

  [[nodiscard]] Kind kind() const { return kind_; }
  [[nodiscard]] bool is_readable() const { return readable_; }
  [[nodiscard]] bool is_writable() const { return writable_; }
  /// The inode of a file, directory or device (kinds inode and device); an empty handle for a pipe. For mmap, fchdir.
  [[nodiscard]] const InodeRef& inode() const { return inode_; }

 private:
  friend class FileTable;
  friend class FileRef;

  void close();

  FileTable* table_ = nullptr;
  std::atomic<u32> references_{0};
  Kind kind_ = Kind::unused;
  bool readable_ = false;
  bool writable_ = false;
  u64 offset_ = 0;  ///< under the inode's mutex
  InodeRef inode_;
  CharacterDevice* device_ = nullptr;
  Pipe* pipe_ = nullptr;
  File* next_free_ = nullptr;
};

/// A counted handle to an open file (xv6: filedup, fileclose). Move-only; dropping the last one closes the file,
/// which may sleep and write to the disk: never under a spin lock or in a transaction.
class FileRef {
 public:
  FileRef() = default;
  FileRef(FileRef&& other) noexcept : file_(other.file_) { other.file_ = nullptr; }
  FileRef& operator=(FileRef&& other) noexcept {
    if (this != &other) {
      reset();
      file_ = other.file_;
      other.file_ = nullptr;
    }
    return *this;
  }
  ~FileRef() { reset(); }

  /// A second handle, for dup and fork.
  [[nodiscard]] FileRef clone() const {
    if (file_ != nullptr) file_->references_.fetch_add(1, std::memory_order_relaxed);
    return FileRef(file_);
  }
  void reset() {
    if (file_ != nullptr) drop();
  }
  [[nodiscard]] File* get() const { return file_; }
  File* operator->() const { return file_; }
  File& operator*() const { return *file_; }
  explicit operator bool() const { return file_ != nullptr; }

 private:
  friend class FileTable;
  explicit FileRef(File* file) : file_(file) {}
  void drop();
  File* file_ = nullptr;
};

struct PipeEnds {
  FileRef reader;
  FileRef writer;
};

/// All open files of the system (xv6: ftable).
class FileTable {
 public:
  static constexpr usize slot_count = 256;

  FileTable();
  FileTable(const FileTable&) = delete;
  FileTable& operator=(const FileTable&) = delete;

  /// xv6: the rest of sys_open. limit_reached: no slot. Device files without a driver: not_found.
  [[nodiscard]] lib::Result<FileRef> open(Volume& volume, const InodeRef& current, std::string_view path,
                                          abi::OpenMode mode);
  /// A file that stands for this device alone, without an inode, for reading and writing. limit_reached.
  [[nodiscard]] lib::Result<FileRef> open_device(CharacterDevice& device);
  /// xv6: pipealloc.
  [[nodiscard]] lib::Result<PipeEnds> make_pipe();
  /// Slots in use.
  [[nodiscard]] u32 open_count();

 private:
  friend class File;
  [[nodiscard]] lib::Result<FileRef> take_slot();
  void give_back(File& file);

  locks::SpinLock lock_;
  File* first_free_ = nullptr;
  u32 used_ = 0;
  File slots_[slot_count];
};

/// The kernel's one file table.
[[nodiscard]] FileTable& file_table();

}  // namespace fs
