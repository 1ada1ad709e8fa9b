// SPDX-License-Identifier: MIT
#include "arch/riscv64/fixup.hpp"

#include <span>

#include "arch/riscv64/csr.hpp"

namespace arch {

namespace {

/// memory.S's `fixup` macro.
struct Fixup {
  u64 from, to;  // instructions in [from, to)
  u64 target;
};
extern "C" const Fixup fixup_table_start[];
extern "C" const Fixup fixup_table_end[];

}  // namespace

bool apply_fixup(KernelTrapFrame& frame) {
  const auto cause = static_cast<Cause>(frame.cause);
  if (cause != Cause::load_page_fault && cause != Cause::store_page_fault && cause != Cause::load_access &&
      cause != Cause::store_access && cause != Cause::load_misaligned) {
    return false;
  }
  for (const Fixup& fixup : std::span(fixup_table_start, fixup_table_end)) {
    if (frame.epc < fixup.from || frame.epc >= fixup.to) continue;
    frame.epc = fixup.target;
    return true;
  }
  return false;
}

}  // namespace arch
