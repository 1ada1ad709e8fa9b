// SPDX-License-Identifier: MIT
#include "tools/vellum/gdb_registers.hpp"

#include <array>
#include <string_view>

namespace vellum_tool {

namespace {

using vellum::u64;

constexpr std::array<std::string_view, 32> names{"zero", "ra", "sp", "gp", "tp",  "t0",  "t1", "t2", "fp", "s1", "a0",
                                                 "a1",   "a2", "a3", "a4", "a5",  "a6",  "a7", "s2", "s3", "s4", "s5",
                                                 "s6",   "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6"};
constexpr unsigned pc_number = 32, first_float = 33, first_csr = 65, privilege_number = first_csr + 4096;

struct NamedCsr {
  std::string_view name;
  vellum::u32 number;
};
constexpr std::array csrs{
    NamedCsr{"sstatus", vellum::csr::sstatus},   NamedCsr{"sie", vellum::csr::sie},
    NamedCsr{"stvec", vellum::csr::stvec},       NamedCsr{"scounteren", vellum::csr::scounteren},
    NamedCsr{"sscratch", vellum::csr::sscratch}, NamedCsr{"sepc", vellum::csr::sepc},
    NamedCsr{"scause", vellum::csr::scause},     NamedCsr{"stval", vellum::csr::stval},
    NamedCsr{"sip", vellum::csr::sip},           NamedCsr{"stimecmp", vellum::csr::stimecmp},
    NamedCsr{"satp", vellum::csr::satp},         NamedCsr{"mstatus", vellum::csr::mstatus},
    NamedCsr{"misa", vellum::csr::misa},         NamedCsr{"medeleg", vellum::csr::medeleg},
    NamedCsr{"mideleg", vellum::csr::mideleg},   NamedCsr{"mie", vellum::csr::mie},
    NamedCsr{"mtvec", vellum::csr::mtvec},       NamedCsr{"mcounteren", vellum::csr::mcounteren},
    NamedCsr{"menvcfg", vellum::csr::menvcfg},   NamedCsr{"mscratch", vellum::csr::mscratch},
    NamedCsr{"mepc", vellum::csr::mepc},         NamedCsr{"mcause", vellum::csr::mcause},
    NamedCsr{"mtval", vellum::csr::mtval},       NamedCsr{"mip", vellum::csr::mip},
    NamedCsr{"pmpcfg0", vellum::csr::pmpcfg0},   NamedCsr{"pmpaddr0", vellum::csr::pmpaddr0},
    NamedCsr{"mcycle", vellum::csr::mcycle},     NamedCsr{"minstret", vellum::csr::minstret},
    NamedCsr{"cycle", vellum::csr::cycle},       NamedCsr{"time", vellum::csr::time},
    NamedCsr{"instret", vellum::csr::instret},   NamedCsr{"mhartid", vellum::csr::mhartid},
};

std::string float_name(unsigned index) {
  if (index < 8) return "ft" + std::to_string(index);
  if (index < 10) return "fs" + std::to_string(index - 8);
  if (index < 18) return "fa" + std::to_string(index - 10);
  if (index < 28) return "fs" + std::to_string(index - 16);
  return "ft" + std::to_string(index - 20);
}

}  // namespace

std::string target_description() {
  std::string text = R"(<?xml version="1.0"?><!DOCTYPE target SYSTEM "gdb-target.dtd"><target version="1.0">)"
                     R"(<architecture>riscv:rv64</architecture><feature name="org.gnu.gdb.riscv.cpu">)";
  const auto reg = [&text](std::string_view name, unsigned number, std::string_view type) {
    text += "<reg name=\"" + std::string(name) + "\" bitsize=\"64\" type=\"" + std::string(type) + "\" regnum=\"" +
            std::to_string(number) + "\"/>";
  };
  for (unsigned i = 0; i < names.size(); ++i) reg(names[i], i, i == 2 || i == 8 ? "data_ptr" : "int");
  reg("pc", pc_number, "code_ptr");
  // Kernels are compiled for rv64gc, and gdb refuses a target without the registers of that ABI. This machine has no
  // floating point; they read as zero.
  text += "</feature><feature name=\"org.gnu.gdb.riscv.fpu\">";
  for (unsigned i = 0; i < names.size(); ++i) reg(float_name(i), first_float + i, "ieee_double");
  text += "</feature><feature name=\"org.gnu.gdb.riscv.csr\">";
  for (const NamedCsr& csr : csrs) reg(csr.name, first_csr + csr.number, "int");
  text += "</feature><feature name=\"org.gnu.gdb.riscv.virtual\">";
  reg("priv", privilege_number, "int");
  return text + "</feature></target>";
}

std::optional<u64> read_register(vellum::Machine<Watcher>& machine, unsigned hart, unsigned number) {
  const vellum::Hart& state = machine.hart(hart);
  if (number < pc_number) return state.x[number];
  if (number == pc_number) return state.pc;
  if (number >= first_float && number < first_csr) return 0;
  if (number == privilege_number) return static_cast<u64>(state.privilege);
  if (number >= first_csr && number < first_csr + 4096) return machine.read_csr(hart, number - first_csr);
  return std::nullopt;
}

bool write_register(vellum::Machine<Watcher>& machine, unsigned hart, unsigned number, u64 value) {
  vellum::Hart& state = machine.hart(hart);
  if (number < pc_number) {
    if (number != 0) state.x[number] = value;
  } else if (number == pc_number) {
    state.pc = value & ~u64{1};
  } else if (number == privilege_number) {
    if (value > 3 || value == 2) return false;
    state.privilege = static_cast<vellum::Privilege>(value);
  } else if (number >= first_csr && number < first_csr + 4096) {
    if (!machine.read_csr(hart, number - first_csr)) return false;
    machine.write_csr(hart, number - first_csr, value);
  } else {
    return false;
  }
  machine.note_registers_changed(hart);
  return true;
}

std::string describe_hart(const vellum::Hart& hart) {
  const std::string_view mode = hart.privilege == vellum::Privilege::machine      ? "machine mode"
                                : hart.privilege == vellum::Privilege::supervisor ? "supervisor mode"
                                                                                  : "user mode";
  return "hart " + std::to_string(hart.id) + ", " + std::string(mode) +
         (hart.is_waiting ? ", waits for an interrupt" : "");
}

}  // namespace vellum_tool
