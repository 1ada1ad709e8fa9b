// SPDX-License-Identifier: MIT
// Changing the table under the running code: exec's commit. The scheduler does it itself at a switch.
#include "arch/riscv64/csr.hpp"
#include "mm/address_space.hpp"

namespace mm {

void AddressSpace::activate() {
  const u64 satp = switch_in();
  if (satp == 0) return;
  // As arch_switch_context does it. (`mirrored`: both tables show this process's stack at the same address.)
  arch::write_satp(arch::Satp{satp});
  arch::fence_all();
  count(VmEvent::fence_all);
}

}  // namespace mm
