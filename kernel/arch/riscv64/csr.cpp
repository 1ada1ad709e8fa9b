// SPDX-License-Identifier: MIT
#include "arch/riscv64/csr.hpp"

namespace arch {

const char* describe(Cause cause) {
  switch (cause) {
    case Cause::instruction_misaligned: return "misaligned instruction address";
    case Cause::instruction_access: return "instruction access fault (no memory there)";
    case Cause::illegal_instruction: return "illegal instruction";
    case Cause::breakpoint: return "breakpoint";
    case Cause::load_misaligned: return "misaligned load";
    case Cause::load_access: return "load access fault (no memory there)";
    case Cause::store_misaligned: return "misaligned store";
    case Cause::store_access: return "store access fault (no memory there)";
    case Cause::user_call: return "system call";
    case Cause::supervisor_call: return "environment call from the kernel";
    case Cause::instruction_page_fault: return "instruction page fault";
    case Cause::load_page_fault: return "load page fault";
    case Cause::store_page_fault: return "store page fault";
    case Cause::software_interrupt: return "software interrupt";
    case Cause::timer_interrupt: return "timer interrupt";
    case Cause::external_interrupt: return "external interrupt";
  }
  return "unknown trap";
}

}  // namespace arch
