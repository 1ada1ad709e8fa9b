// SPDX-License-Identifier: MIT
#pragma once
// What can go wrong with a mapping, as a value. Nothing in sv39/ panics.

#include <cstdint>

namespace sv39 {

enum class ErrorKind : unsigned {
  out_of_memory,     ///< no frame for a table
  misaligned,        ///< an address or length is not a multiple of the page (xv6: "mappages: not aligned")
  not_canonical,     ///< bits 63 to 38 differ
  overflow,          ///< the range leaves its half of the address space, or wraps
  already_mapped,    ///< a leaf is there (xv6: "panic: remap"); `old_entry` is its PTE
  not_mapped,        ///< no leaf is there (xv6: "uvmunmap: not mapped")
  inside_superpage,  ///< the leaf there is larger than the operation can handle
};

/// The kind, where it happened, and the entry that was in the way (0 if none).
struct Error {
  ErrorKind kind;
  std::uint64_t where;
  std::uint64_t old_entry;
  friend constexpr bool operator==(const Error&, const Error&) = default;
};

constexpr const char* describe(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::out_of_memory: return "no frame left for a page table";
    case ErrorKind::misaligned: return "address or length is not a multiple of the page size";
    case ErrorKind::not_canonical: return "address is not canonical";
    case ErrorKind::overflow: return "range leaves its half of the address space";
    case ErrorKind::already_mapped: return "page is already mapped";
    case ErrorKind::not_mapped: return "page is not mapped";
    case ErrorKind::inside_superpage: return "a superpage that cannot be split covers the page";
  }
  return "unknown error";
}

}  // namespace sv39
