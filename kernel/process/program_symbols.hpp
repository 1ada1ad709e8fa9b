// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "abi/elf.hpp"
#include "fs/inode.hpp"
#include "fs/inode_table.hpp"
#include "process/process.hpp"

namespace process {

/// Names for a program's addresses, from the symbol table of its file, which is read when it is asked: a program that
/// never faults pays nothing. Everything in the file may be hostile; what does not fit gives no name.
class ProgramSymbols {
 public:
  /// Looks for the file by the program's name, in its current directory and in the root, and takes it only if the code
  /// at `address` is the same as in the process's memory. May sleep.
  ProgramSymbols(const Process& process, u64 address);

  struct Name {
    std::array<char, 48> text;  ///< cut off where it is longer; unprintable bytes are '?'
    usize length;
    u64 offset;  ///< bytes from the function's start
    [[nodiscard]] std::string_view view() const { return {text.data(), length}; }
  };
  /// The function that covers `address`. May sleep.
  [[nodiscard]] std::optional<Name> find(u64 address) const;
  /// Whether there is a symbol table at all.
  [[nodiscard]] bool available() const { return symbol_count_ != 0; }

 private:
  void open(const Process& process, std::string_view path, u64 address);
  [[nodiscard]] bool holds_code(const Process& process, const abi::ElfHeader& header, u64 address) const;
  void find_tables(const abi::ElfHeader& header);
  [[nodiscard]] Name name_of(const abi::Symbol& symbol, u64 address) const;

  fs::InodeRef file_;
  u64 symbols_ = 0;  ///< offset in the file
  u64 symbol_count_ = 0;
  u64 strings_ = 0;
  u64 strings_size_ = 0;
};

}  // namespace process
