// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sv39/pte.hpp"
#include "tools/foliowalk/failure.hpp"

namespace foliowalk {

/// Where RAM begins on every RISC-V `virt` machine.
inline constexpr u64 default_ram_base = 0x8000'0000;

/// The guest's physical memory, read-only. Every read is checked against its bounds, so a hostile page table can name
/// any address without harm.
class Ram {
 public:
  virtual ~Ram() = default;

  /// First physical address, and the size in bytes.
  [[nodiscard]] virtual u64 base() const = 0;
  [[nodiscard]] virtual u64 size() const = 0;

  /// Fills `out` from physical address `pa`; false when any byte of it is outside RAM or can't be read any more.
  [[nodiscard]] virtual bool read(u64 pa, std::span<std::byte> out) const = 0;

  [[nodiscard]] bool contains(u64 pa, u64 length) const {
    return pa >= base() && length <= size() && pa - base() <= size() - length;
  }
  [[nodiscard]] std::optional<u64> read_u64(u64 pa) const;

  /// What this machine's page-table walker knows beyond the base format; nothing until it was found out.
  [[nodiscard]] sv39::Extensions extensions() const { return extensions_; }
  void set_extensions(sv39::Extensions extensions) { extensions_ = extensions; }

 private:
  sv39::Extensions extensions_;
};

/// RAM in a file: QEMU's shared memory of a running guest, or a raw dump.
///
/// Reads go through pread, not through a mapping: a page is copied in one call (so it is seldom torn), and a file that
/// is cut short while we look gives an error where a mapping would give SIGBUS.
class FileRam final : public Ram {
 public:
  [[nodiscard]] static Outcome<std::unique_ptr<FileRam>> open(const std::string& path, u64 base);
  ~FileRam() override;
  FileRam(const FileRam&) = delete;
  FileRam& operator=(const FileRam&) = delete;

  [[nodiscard]] u64 base() const override { return base_; }
  [[nodiscard]] u64 size() const override { return size_; }
  [[nodiscard]] bool read(u64 pa, std::span<std::byte> out) const override;

 private:
  FileRam(int descriptor, u64 base, u64 size) : descriptor_(descriptor), base_(base), size_(size) {}

  int descriptor_;
  u64 base_;
  u64 size_;
};

/// RAM in a buffer: for tests and for moments that were saved.
class BufferRam final : public Ram {
 public:
  BufferRam(u64 base, std::vector<std::byte> bytes) : base_(base), bytes_(std::move(bytes)) {}

  [[nodiscard]] u64 base() const override { return base_; }
  [[nodiscard]] u64 size() const override { return bytes_.size(); }
  [[nodiscard]] bool read(u64 pa, std::span<std::byte> out) const override;

  [[nodiscard]] std::span<std::byte> bytes() { return bytes_; }

 private:
  u64 base_;
  std::vector<std::byte> bytes_;
};

/// RAM behind a pair of pipes: gdb reads guest memory for us (tools/gdb/bifolium.py), so that the debugger's `pt` runs
/// the same walk as everything else. We write `read PA LENGTH`, the peer answers with a line of hex digits or `error`.
class PipeRam final : public Ram {
 public:
  PipeRam(int in, int out, u64 base, u64 size) : in_(in), out_(out), base_(base), size_(size) {}

  [[nodiscard]] u64 base() const override { return base_; }
  [[nodiscard]] u64 size() const override { return size_; }
  [[nodiscard]] bool read(u64 pa, std::span<std::byte> out) const override;

 private:
  [[nodiscard]] std::optional<std::string> answer_to(const std::string& request) const;

  int in_;
  int out_;
  u64 base_;
  u64 size_;
};

}  // namespace foliowalk
