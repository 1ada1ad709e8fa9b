// SPDX-License-Identifier: MIT
#pragma once
// The ELF file's symbols: name to address and back.

#include "vellum/debug/arena.hpp"
#include "vellum/debug/elf.hpp"

namespace vellum::debug {

enum class SymbolKind : u8 { label, object, function };

struct Symbol {
  std::string_view name;
  u64 address = 0;
  u64 size = 0;  // 0 for labels of the assembler
  SymbolKind kind = SymbolKind::label;
};

/// All defined symbols but sections', files' and the compilers' own labels, in order of address.
class Symbols {
 public:
  /// Errors: a symbol table that lies outside the file, or too little memory. A stripped file has no symbols, which is
  /// no error.
  [[nodiscard]] static Result<Symbols> read(const Elf& elf, Arena& arena);

  [[nodiscard]] std::span<const Symbol> all() const { return symbols_; }
  /// The symbol of that name; null when there is none.
  [[nodiscard]] const Symbol* find(std::string_view name) const;
  /// The symbol that covers `address`, a function or object before a label; else the nearest label below in the same
  /// section. Null when there is neither.
  [[nodiscard]] const Symbol* at(u64 address) const;

 private:
  struct Extent {
    u64 begin = 0, end = 0;
  };

  std::span<Symbol> symbols_;
  std::span<Extent> sections_;  // those that are in memory
};

}  // namespace vellum::debug
