// SPDX-License-Identifier: MIT
#pragma once
// What the kernel's ELF file calls its addresses, as text. For programs: this folder allocates.

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "vellum/debug/debug_info.hpp"
#include "vellum/isa/types.hpp"
#include "vellum/judge/frames.hpp"

namespace vellum {

class Names {
 public:
  /// The file stays where it is. Without debug information symbols are shown, without these addresses.
  explicit Names(std::span<const u8> file);
  Names(const Names&) = delete;
  Names& operator=(const Names&) = delete;

  /// "sys_fork+0x12", or the address.
  [[nodiscard]] std::string function(u64 address) const;
  /// "kernel/sysproc.c:42", or nothing. The folder that it was built in is left out.
  [[nodiscard]] std::string line(u64 address) const;
  /// "sys_fork+0x12 (kernel/sysproc.c:42)", with as much of it as is known.
  [[nodiscard]] std::string place(u64 address) const;
  /// The functions that this place was expanded into by the compiler, from inside to outside, each with its line.
  [[nodiscard]] std::vector<std::string> around(u64 address) const;
  /// The code of the function of this name, with or without a namespace; all zero if there is none.
  [[nodiscard]] CodeRange range_of(std::string_view name) const;
  /// All that the file says; null if it is no ELF file.
  [[nodiscard]] const debug::DebugInfo* info() const { return info_; }

 private:
  [[nodiscard]] u64 where_linked(u64 address) const;
  using Places = std::array<debug::Place, 12>;
  /// The place and what it was expanded into, without what is the C++ library's.
  [[nodiscard]] usize find_all(u64 address, Places& places) const;
  [[nodiscard]] std::optional<debug::Place> find(u64 address) const;
  static std::string line_of(const debug::Place& place);
  static std::span<std::byte> more(void* owner, usize bytes);

  std::vector<std::unique_ptr<std::byte[]>> pieces_;
  debug::Arena arena_;
  const debug::DebugInfo* info_ = nullptr;
};

}  // namespace vellum
