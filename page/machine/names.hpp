// SPDX-License-Identifier: MIT
#pragma once
// What the kernel's ELF file calls its addresses.

#include <memory>
#include <string>
#include <vector>

#include "vellum/debug/debug_info.hpp"
#include "vellum/isa/types.hpp"

namespace page {

class Names {
 public:
  /// The file stays where it is. Without debug information symbols are shown, without these addresses.
  explicit Names(std::span<const vellum::u8> file);

  /// "sys_fork+0x12", or the address.
  [[nodiscard]] std::string function(vellum::u64 address) const;
  /// "kernel/sysproc.c:42", or nothing.
  [[nodiscard]] std::string line(vellum::u64 address) const;
  /// The address of a function that is called so, with or without its namespace; 0 if there is none.
  [[nodiscard]] vellum::u64 address_of(std::string_view name) const;

 private:
  [[nodiscard]] std::optional<vellum::debug::Place> place(vellum::u64 address) const;
  static std::span<std::byte> more(void* owner, vellum::usize bytes);

  std::vector<std::unique_ptr<std::byte[]>> pieces_;
  std::unique_ptr<vellum::debug::Arena> arena_;
  const vellum::debug::DebugInfo* info_ = nullptr;
};

}  // namespace page
