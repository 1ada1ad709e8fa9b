// SPDX-License-Identifier: MIT
#pragma once
// Typed access to the control and status registers that S-mode uses (privileged manual 1.12, chapter 4).

#include "lib/types.hpp"

namespace arch {

/// satp (4.1.11): which table translates. Mode 8 is Sv39, 0 none.
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

[[nodiscard]] inline Satp read_satp() {
  u64 bits;
  asm volatile("csrr %0, satp" : "=r"(bits));
  return {bits};
}
/// Changes the translation; not ordered with anything but by the fences around it.
inline void write_satp(Satp satp) { asm volatile("csrw satp, %0" : : "r"(satp.bits) : "memory"); }

/// scause (4.1.8): bit 63 says interrupt, the rest says which.
enum class Cause : u64 {
  instruction_misaligned = 0,
  instruction_access = 1,
  illegal_instruction = 2,
  breakpoint = 3,
  load_misaligned = 4,
  load_access = 5,
  store_misaligned = 6,
  store_access = 7,
  user_call = 8,
  supervisor_call = 9,
  instruction_page_fault = 12,
  load_page_fault = 13,
  store_page_fault = 15,
  software_interrupt = u64{1} << 63 | 1,
  timer_interrupt = u64{1} << 63 | 5,
  external_interrupt = u64{1} << 63 | 9,
};

[[nodiscard]] constexpr bool is_interrupt(u64 cause) { return cause >> 63 != 0; }

/// The cause in words.
[[nodiscard]] const char* describe(Cause cause);

/// sstatus (4.1.1).
namespace sstatus {
inline constexpr u64 sie = 1 << 1;    ///< interrupts in S-mode: always off here
inline constexpr u64 spie = 1 << 5;   ///< interrupts after sret
inline constexpr u64 spp = 1 << 8;    ///< trap came from S-mode
inline constexpr u64 fs_mask = 3 << 13;
inline constexpr u64 fs_off = 0, fs_initial = 1 << 13, fs_clean = 2 << 13, fs_dirty = 3 << 13;
inline constexpr u64 sum = 1 << 18;   ///< S-mode may touch U pages
inline constexpr u64 mxr = 1 << 19;
}  // namespace sstatus

inline void set_sstatus(u64 bits) { asm volatile("csrs sstatus, %0" : : "r"(bits) : "memory"); }

/// sie, sip (4.1.3): software, timer, external.
namespace interrupt_bit {
inline constexpr u64 software = 1 << 1, timer = 1 << 5, external = 1 << 9;
}
[[nodiscard]] inline u64 read_sip() {
  u64 bits;
  asm volatile("csrr %0, sip" : "=r"(bits));
  return bits;
}
/// The interrupts that would be taken were they not held off: pending and enabled.
[[nodiscard]] inline u64 read_awaited_interrupts() {
  u64 enabled;
  asm volatile("csrr %0, sie" : "=r"(enabled));
  return read_sip() & enabled;
}
inline void clear_sip(u64 bits) { asm volatile("csrc sip, %0" : : "r"(bits) : "memory"); }
inline void write_sie(u64 bits) { asm volatile("csrw sie, %0" : : "r"(bits) : "memory"); }
inline void set_sie(u64 bits) { asm volatile("csrs sie, %0" : : "r"(bits) : "memory"); }
inline void clear_sie(u64 bits) { asm volatile("csrc sie, %0" : : "r"(bits) : "memory"); }
inline void write_stvec(u64 address) { asm volatile("csrw stvec, %0" : : "r"(address) : "memory"); }
inline void write_sscratch(u64 value) { asm volatile("csrw sscratch, %0" : : "r"(value) : "memory"); }
inline void write_scounteren(u64 bits) { asm volatile("csrw scounteren, %0" : : "r"(bits)); }

/// The time CSR, in ticks of the device tree's timebase-frequency.
[[nodiscard]] inline u64 read_time() {
  u64 now;
  asm volatile("rdtime %0" : "=r"(now));
  return now;
}
[[nodiscard]] inline u64 read_instret() {
  u64 count;
  asm volatile("rdinstret %0" : "=r"(count));
  return count;
}
/// stimecmp (Sstc): the timer interrupt is pending while time >= this. By number: GCC 12 does not know the name.
inline void write_stimecmp(u64 when) { asm volatile("csrw 0x14d, %0" : : "r"(when)); }

/// Opens user pages to S-mode accesses for a scope (view `unified`).
class UserAccessWindow {
 public:
  UserAccessWindow() { set_sstatus(sstatus::sum); }
  ~UserAccessWindow() {
    // Makes its operand anew: kept since the constructor it would cost a callee-saved register, two instructions.
    u64 mask;
    asm volatile("lui %0, %1\n\tcsrc sstatus, %0" : "=r"(mask) : "i"(sstatus::sum >> 12) : "memory");
  }
  UserAccessWindow(const UserAccessWindow&) = delete;
  UserAccessWindow& operator=(const UserAccessWindow&) = delete;
};

inline void wait_for_interrupt() { asm volatile("wfi" : : : "memory"); }
/// Orders memory before device accesses and the other way round (docs/failures.md V35).
inline void fence_io() { asm volatile("fence iorw, iorw" : : : "memory"); }

}  // namespace arch
