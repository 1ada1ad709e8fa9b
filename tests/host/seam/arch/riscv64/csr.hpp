// SPDX-License-Identifier: MIT
#pragma once
// Host twin of the part of kernel/arch/riscv64/csr.hpp that kernel/mm uses: satp and the SUM window of the simulated
// hart that the calling thread is.

#include "arch/port.hpp"
#include "lib/types.hpp"

namespace arch {

struct Satp {
  u64 bits = 0;

  static constexpr u64 mode_shift = 60, asid_shift = 44, mode_sv39 = 8;
  static constexpr u64 asid_mask = 0xffff, ppn_mask = (u64{1} << 44) - 1;

  [[nodiscard]] static constexpr Satp sv39(u64 root_ppn, u64 asid) {
    return {mode_sv39 << mode_shift | (asid & asid_mask) << asid_shift | (root_ppn & ppn_mask)};
  }
  [[nodiscard]] static constexpr Satp bare() { return {}; }
  [[nodiscard]] constexpr bool translates() const { return bits >> mode_shift == mode_sv39; }
  [[nodiscard]] constexpr u64 root_ppn() const { return bits & ppn_mask; }
  [[nodiscard]] constexpr u64 asid() const { return bits >> asid_shift & asid_mask; }
  constexpr bool operator==(const Satp&) const = default;
};

[[nodiscard]] inline Satp read_satp() { return Satp{host::this_satp}; }

/// ASID bits that the simulated hardware lacks read as zero.
inline void write_satp(Satp satp) {
  host::pass(host::Gap::satp);
  const u64 missing = (Satp::asid_mask & ~host::machine.asid_mask) << Satp::asid_shift;
  host::this_satp = satp.bits & ~missing;
  if (auto* listener = host::machine.listener.load()) {
    const Satp now{host::this_satp};
    listener->on_satp(hart_index(), now.root_ppn() << 12, now.asid());
  }
  host::pass(host::Gap::satp);
}

class UserAccessWindow {
 public:
  UserAccessWindow() { host::this_sum = true; }
  ~UserAccessWindow() { host::this_sum = false; }
  UserAccessWindow(const UserAccessWindow&) = delete;
  UserAccessWindow& operator=(const UserAccessWindow&) = delete;
};

}  // namespace arch
