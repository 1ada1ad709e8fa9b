// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "tools/foliowalk/kernel_image.hpp"
#include "tools/foliowalk/tree.hpp"

namespace foliowalk {

/// The kernel's own virtual memory: link addresses through the ELF's segments, other addresses through the kernel's
/// page table once that is known, and addresses inside RAM as they are (the direct map that xv6 and its relatives
/// have).
///
/// Pages are read whole and kept until refresh(): a process's record has dozens of members, and they should be of one
/// moment.
class KernelMemory {
 public:
  KernelMemory(const Ram& ram, const KernelImage& image) : ram_(&ram), image_(&image) {}

  void set_kernel_tree(const Tree* tree) { tree_ = tree; }
  [[nodiscard]] std::optional<u64> to_physical(u64 va) const;
  [[nodiscard]] bool read(u64 va, std::span<std::byte> out) const;
  [[nodiscard]] const KernelImage& image() const { return *image_; }
  /// What is read from now on is read anew.
  void refresh() { pages_.clear(); }

 private:
  struct Page {
    u64 pa;
    std::array<std::byte, sv39::page_size> bytes;
  };
  /// The page at `pa`, read if it is not kept; null when it is not RAM. Good until the next call.
  [[nodiscard]] const Page* page(u64 pa) const;

  const Ram* ram_;
  const KernelImage* image_;
  const Tree* tree_ = nullptr;
  mutable std::vector<Page> pages_;
};

/// An object in the guest: an address and the type that the DWARF gives it. A Value may be absent; then everything
/// taken from it is absent too, so that chains need one check at their end.
class Value {
 public:
  Value() = default;
  Value(const KernelMemory& memory, const Type* type, u64 address) : memory_(&memory), type_(type), address_(address) {}
  /// A variable, "process::table", or a member of one, "mm::kernel.root".
  [[nodiscard]] static Value of_variable(const KernelMemory& memory, std::string_view path);

  [[nodiscard]] bool exists() const { return type_ != nullptr; }
  [[nodiscard]] const Type* type() const { return type_; }
  [[nodiscard]] u64 address() const { return address_; }

  /// A member by path, "space.root"; base classes and anonymous parts are looked through, pointers followed.
  [[nodiscard]] Value member(std::string_view path) const;
  /// The object a pointer points to; a null pointer gives an absent value.
  [[nodiscard]] Value pointee() const;
  /// Element of an array, also of one that is wrapped (std::array).
  [[nodiscard]] Value at(u64 index) const;
  [[nodiscard]] u64 length() const;
  /// A number, also one that is wrapped in single-member classes (std::atomic, Pid, PhysAddr), sign-extended if signed.
  [[nodiscard]] std::optional<u64> number() const;
  /// The enumerator's name of an enumeration's value; its number as text when none fits.
  [[nodiscard]] std::string enumerator() const;
  /// The characters of a char array up to the NUL; what cannot be printed becomes '?'.
  [[nodiscard]] std::string text() const;

 private:
  [[nodiscard]] Value direct_member(std::string_view name) const;
  [[nodiscard]] Value unwrapped() const;
  [[nodiscard]] Value array() const;

  const KernelMemory* memory_ = nullptr;
  const Type* type_ = nullptr;
  u64 address_ = 0;
};

}  // namespace foliowalk
