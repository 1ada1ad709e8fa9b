// SPDX-License-Identifier: MIT
// The page-table lab's questions, as far as the core has no use for them.
#include <algorithm>
#include <array>

#include "abi/layout.hpp"
#include "labs/handlers.hpp"
#include "mm/kernel_space.hpp"
#include "syscall/arguments.hpp"

using calls::argument;
using calls::failed;
using calls::integer_argument;
using process::Process;

namespace {

constexpr u32 most_pages = 4096;  // xv6 asks for 256 and wants 10,000,000 refused
constexpr u32 bits_in_byte = 8;

bool are_mapped(mm::AddressSpace& memory, sv39::VirtAddr first, u32 pages) {
  for (u32 i = 0; i < pages; ++i) {
    const sv39::Pte pte = memory.logical_pte(first + i * abi::page_size);
    if (!pte.is_leaf() || !pte.is_user()) return false;
  }
  return true;
}

}  // namespace

// (u64* superpages, u64* base_pages): the leaves of the kernel's table above level 0, and at level 0.
u64 sys_ksupernpte(Process& self) {
  const mm::LeafCounts counts = mm::kernel_space().leaf_counts();
  const bool stored = calls::store(self, argument(self, 0), counts.superpages) &&
                      calls::store(self, argument(self, 1), counts.base_pages);
  return stored ? 0 : failed;
}

// (void* base, int pages, void* mask): bit i of the mask says whether page i was used since it was asked last. As many
// bytes are stored as hold the bits; every page must be there.
u64 sys_pgaccess_2026(Process& self) {
  const i32 asked = integer_argument(self, 1);
  const u64 base = argument(self, 0), mask_at = argument(self, 2);
  if (asked < 0 || asked > static_cast<i32>(most_pages) || base >= abi::user_top) return failed;
  const u32 pages = static_cast<u32>(asked);
  const auto first = sv39::VirtAddr(base).align_down(sv39::Level::base);
  if (pages * abi::page_size > abi::user_top - first.value() || !are_mapped(*self.memory, first, pages)) return failed;

  // The whole mask once before anything is forgotten: it may be no memory of the program's.
  const u32 bytes = (pages + bits_in_byte - 1) / bits_in_byte;
  for (u32 i = 0; i < bytes; ++i) {
    if (!calls::store(self, mask_at + i, u8{0})) return failed;
  }
  for (u32 done = 0; done < pages; done += bits_in_byte) {
    const u32 part = std::min(bits_in_byte, pages - done);
    const auto used = static_cast<u8>(self.memory->take_accessed(first + done * abi::page_size, part));
    if (!calls::store(self, mask_at + done / bits_in_byte, used)) return failed;
  }
  return 0;
}
