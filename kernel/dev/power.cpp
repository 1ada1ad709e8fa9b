// SPDX-License-Identifier: MIT
#include "dev/power.hpp"

#include "arch/riscv64/probe.hpp"
#include "arch/riscv64/start.hpp"
#include "dev/console.hpp"

namespace dev {

namespace {

u64 finisher = 0;

}  // namespace

void set_finisher(u64 address) { finisher = address; }

void power_off(u32 status) {
  (void)console::flush();
  // SiFive's test device: pass, or fail with a status in the upper half.
  constexpr u32 pass = 0x5555, fail = 0x3333;
  // Probed, since it may be a guess (boot's, about a tree that could not be read): if nothing answers we halt.
  if (finisher != 0) (void)arch::probe_store_word(finisher, status == 0 ? pass : (status & 0x7f) << 16 | fail);
  arch::halt();
}

}  // namespace dev
