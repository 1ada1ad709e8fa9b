// SPDX-License-Identifier: MIT
#pragma once
// Names of the privileged architecture: modes, causes, CSR numbers and the bits in them.

#include "vellum/isa/types.hpp"

namespace vellum {

enum class Privilege : u8 { user = 0, supervisor = 1, machine = 3 };

/// What an access wants of memory.
enum class AccessKind : u8 { fetch, load, store };

/// Exception codes of mcause and scause (privileged manual, table of mcause values).
enum class Cause : u8 {
  fetch_misaligned = 0,
  fetch_access = 1,
  illegal_instruction = 2,
  breakpoint = 3,
  load_misaligned = 4,
  load_access = 5,
  store_misaligned = 6,
  store_access = 7,
  user_call = 8,
  supervisor_call = 9,
  machine_call = 11,
  fetch_page = 12,
  load_page = 13,
  store_page = 15,
};

/// Bit numbers of mip and mie, and the interrupts' causes.
namespace interrupt {
constexpr unsigned supervisor_software = 1, machine_software = 3, supervisor_timer = 5, machine_timer = 7,
                   supervisor_external = 9, machine_external = 11;
constexpr u64 bit(unsigned number) { return u64{1} << number; }
constexpr u64 supervisor_all = bit(supervisor_software) | bit(supervisor_timer) | bit(supervisor_external);
constexpr u64 machine_all = bit(machine_software) | bit(machine_timer) | bit(machine_external);
constexpr u64 cause_flag = u64{1} << 63;
}  // namespace interrupt

namespace csr {
constexpr u32 sstatus = 0x100, sie = 0x104, stvec = 0x105, scounteren = 0x106, senvcfg = 0x10a, sscratch = 0x140,
              sepc = 0x141, scause = 0x142, stval = 0x143, sip = 0x144, stimecmp = 0x14d, satp = 0x180;
constexpr u32 mstatus = 0x300, misa = 0x301, medeleg = 0x302, mideleg = 0x303, mie = 0x304, mtvec = 0x305,
              mcounteren = 0x306, menvcfg = 0x30a, mcountinhibit = 0x320, mhpmevent3 = 0x323, mhpmevent31 = 0x33f,
              mscratch = 0x340, mepc = 0x341, mcause = 0x342, mtval = 0x343, mip = 0x344;
constexpr u32 pmpcfg0 = 0x3a0, pmpcfg15 = 0x3af, pmpaddr0 = 0x3b0, pmpaddr15 = 0x3bf, pmpaddr63 = 0x3ef;
constexpr u32 mcycle = 0xb00, minstret = 0xb02, mhpmcounter3 = 0xb03, mhpmcounter31 = 0xb1f;
constexpr u32 cycle = 0xc00, time = 0xc01, instret = 0xc02, hpmcounter3 = 0xc03, hpmcounter31 = 0xc1f;
constexpr u32 mvendorid = 0xf11, marchid = 0xf12, mimpid = 0xf13, mhartid = 0xf14, mconfigptr = 0xf15;
}  // namespace csr

/// Bits of mstatus; sstatus shows some of them.
namespace status {
constexpr u64 sie = 1 << 1, mie = 1 << 3, spie = 1 << 5, mpie = 1 << 7, spp = 1 << 8, mpp = 3 << 11;
constexpr u64 mprv = 1 << 17, sum = 1 << 18, mxr = 1 << 19, tvm = 1 << 20, tw = 1 << 21, tsr = 1 << 22;
constexpr u64 uxl_64 = u64{2} << 32, sxl_64 = u64{2} << 34;
constexpr u64 seen_by_supervisor = sie | spie | spp | sum | mxr | u64{3} << 32;
constexpr u64 writable_by_supervisor = sie | spie | spp | sum | mxr;
constexpr u64 writable = writable_by_supervisor | mie | mpie | mpp | mprv | tvm | tw | tsr;
constexpr unsigned mpp_shift = 11, spp_shift = 8;
}  // namespace status

namespace envcfg {
constexpr u64 fiom = 1, stce = u64{1} << 63;
}

/// Bits of a page-table entry, common to all modes.
namespace entry {
constexpr u64 valid = 1, readable = 2, writable = 4, executable = 8, user = 16, global = 32, accessed = 64, dirty = 128;
constexpr u64 rights = readable | writable | executable;
constexpr u64 reserved = ~u64{0} << 54;
constexpr u64 frame_of(u64 value) { return bits(value, 53, 10) << 12; }
}  // namespace entry

/// The fields of satp.
namespace satp {
constexpr u64 bare = 0, sv39 = 8, sv48 = 9, sv57 = 10;
constexpr u64 mode_of(u64 value) { return value >> 60; }
constexpr u64 asid_of(u64 value) { return bits(value, 59, 44); }
constexpr u64 root_of(u64 value) { return bits(value, 43, 0) << 12; }
}  // namespace satp

}  // namespace vellum
