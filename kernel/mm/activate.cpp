// Changing the table under the running code: exec's commit and exit. The scheduler does it itself at a switch.
#include "arch/riscv64/csr.hpp"
#include "mm/address_space.hpp"
#include "mm/kernel_space.hpp"

namespace mm {

namespace {

/// The kernel's own mappings are the same before and after, the stack included: in `mirrored` both tables show this
/// process's stack at the same address.
void use_table(u64 satp) {
  if (arch::read_satp().bits == satp) return;
  arch::write_satp(arch::Satp{satp});
  // With ASIDs the old translations cannot be taken for the new ones; without, they can.
  if (View::kind != abi::ViewKind::unified) {
    arch::fence_all();
    count(VmEvent::fence_all);
  }
}

}  // namespace

void AddressSpace::activate() {
  if (const u64 satp = switch_in(); satp != 0) use_table(satp);
}

void AddressSpace::activate_kernel() {
  // In `mirrored` the kernel's own table has no stack for the running thread; the process's table goes when another
  // thread runs.
  if (View::kind != abi::ViewKind::unified) return;
  count(VmEvent::satp_written);
  use_table(kernel_space().satp());
}

}  // namespace mm
