// SPDX-License-Identifier: MIT
#pragma once
// The control and status registers: who may touch them, what they show, what a write leaves.

#include <optional>

#include "vellum/machine/hart.hpp"

namespace vellum {

/// What CSRs show that is not the hart's own.
struct CsrSurroundings {
  u64 time = 0;            // of the time CSR
  u64 steps_in_flight = 0; // instructions of this hart that are not yet in HartState::steps
  u64 lines = 0;           // bits of mip that devices drive, timers among them
  u32 widest_mode = satp::sv57;
  u32 asid_bits = 16;
};

/// What has to happen after a write.
struct CsrEffect {
  bool regime = false;      // translation or privilege rules changed
  bool protection = false;  // PMP changed
  bool interrupts = false;  // an interrupt may be due now
  bool timer = false;       // a timer was set
};

/// RV64 with I, M, A, C, S and U.
constexpr u64 misa_value = u64{2} << 62 | 1 << 0 | 1 << 2 | 1 << 8 | 1 << 12 | 1 << 18 | 1 << 20;

/// Whether the hart may touch the CSR as it is now, for writing too or not (2.1; TVM; counter enables).
bool csr_is_accessible(const HartState& hart, u32 number, bool for_writing);

/// Its value; nothing when there is no such CSR.
std::optional<u64> read_csr(const HartState& hart, u32 number, const CsrSurroundings& around);

/// Writes it. The CSR exists and is writable.
CsrEffect write_csr(HartState& hart, u32 number, u64 value, const CsrSurroundings& around);

}  // namespace vellum
