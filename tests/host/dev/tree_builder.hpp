// SPDX-License-Identifier: MIT
#pragma once
// Device trees for tests, written with Debian's libfdt, and what libfdt itself reads out of a tree: the oracle.

#include <libfdt.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "dev/device_tree.hpp"

namespace dev_test {

struct TreeOptions {
  unsigned harts = 3;
  std::uint64_t memory_base = 0x80000000, memory_size = 128 << 20;
  unsigned address_cells = 2, size_cells = 2;
  unsigned virtio = 8;
  std::uint32_t timebase = 10000000;
  bool wide_timebase = false;
  std::string bootargs = "lab=2025-pgtbl";
  std::string isa = "rv64imafdc_sstc";
  bool with_uart = true, with_plic = true, with_memory = true, with_cpus = true, with_timebase = true;
};

class Builder {
 public:
  Builder() : buffer_(64 << 10) {
    check(fdt_create(tree(), static_cast<int>(buffer_.size())));
    check(fdt_finish_reservemap(tree()));
  }
  void* tree() { return buffer_.data(); }
  void begin(const std::string& name) { check(fdt_begin_node(tree(), name.c_str())); }
  void end() { check(fdt_end_node(tree())); }
  void text(const char* name, std::string_view value) {
    const std::string copy(value);
    check(fdt_property(tree(), name, copy.c_str(), static_cast<int>(copy.size() + 1)));
  }
  void bytes(const char* name, const std::vector<std::uint8_t>& value) {
    check(fdt_property(tree(), name, value.data(), static_cast<int>(value.size())));
  }
  void cells(const char* name, const std::vector<std::uint64_t>& values, const std::vector<unsigned>& widths) {
    std::vector<std::uint8_t> raw;
    for (std::size_t i = 0; i < values.size(); ++i) {
      for (unsigned b = widths[i] * 4; b > 0; --b) {
        raw.push_back(b > 8 ? 0 : static_cast<std::uint8_t>(values[i] >> (8 * (b - 1))));
      }
    }
    bytes(name, raw);
  }
  void word(const char* name, std::uint32_t value) { cells(name, {value}, {1}); }
  std::vector<std::uint8_t> finish() {
    check(fdt_finish(tree()));
    return {buffer_.begin(), buffer_.begin() + fdt_totalsize(tree())};
  }

 private:
  static void check(int result) {
    if (result != 0) std::abort();
  }
  std::vector<std::uint8_t> buffer_;
};

inline std::string hex(std::uint64_t value) {
  char text[32];
  std::snprintf(text, sizeof text, "%llx", static_cast<unsigned long long>(value));
  return text;
}

/// A tree as QEMU's virt machine gives it, with what matters here.
inline std::vector<std::uint8_t> machine_tree(const TreeOptions& o) {
  Builder b;
  const auto reg = [&](std::uint64_t base, std::uint64_t size) {
    b.cells("reg", {base, size}, {o.address_cells, o.size_cells});
  };
  b.begin("");
  b.word("#address-cells", o.address_cells);
  b.word("#size-cells", o.size_cells);
  b.text("compatible", "riscv-virtio");
  b.begin("chosen");
  b.text("bootargs", o.bootargs);
  b.end();
  if (o.with_memory) {
    b.begin("memory@" + hex(o.memory_base));
    b.text("device_type", "memory");
    reg(o.memory_base, o.memory_size);
    b.end();
  }
  b.begin("cpus");
  b.word("#address-cells", 1);
  b.word("#size-cells", 0);
  if (o.with_timebase) {
    if (o.wide_timebase)
      b.cells("timebase-frequency", {o.timebase}, {2});
    else
      b.word("timebase-frequency", o.timebase);
  }
  for (unsigned hart = 0; o.with_cpus && hart < o.harts; ++hart) {
    b.begin("cpu@" + std::to_string(hart));
    b.word("phandle", 100 + hart);
    b.text("device_type", "cpu");
    b.word("reg", hart);
    b.text("riscv,isa", o.isa);
    b.begin("interrupt-controller");
    b.text("compatible", "riscv,cpu-intc");
    b.word("phandle", 2 + hart);
    b.end();
    b.end();
  }
  b.end();
  b.begin("soc");
  b.word("#address-cells", o.address_cells);
  b.word("#size-cells", o.size_cells);
  if (o.with_uart) {
    b.begin("serial@10000000");
    b.word("interrupts", 10);
    reg(0x10000000, 0x100);
    b.text("compatible", "ns16550a");
    b.end();
  }
  b.begin("test@100000");
  reg(0x100000, 0x1000);
  b.bytes("compatible",
          {'s', 'i', 'f', 'i', 'v', 'e', ',', 't', 'e', 's', 't', '1', 0, 's', 'y', 's', 'c', 'o', 'n', 0});
  b.end();
  for (unsigned slot = 0; slot < o.virtio; ++slot) {
    b.begin("virtio_mmio@" + hex(0x10001000 + 0x1000 * slot));
    b.word("interrupts", 1 + slot);
    reg(0x10001000 + 0x1000 * slot, 0x1000);
    b.text("compatible", "virtio,mmio");
    b.end();
  }
  if (o.with_plic) {
    b.begin("plic@c000000");
    b.word("riscv,ndev", 53);
    reg(0xc000000, 0x600000);
    std::vector<std::uint64_t> targets;
    for (unsigned hart = 0; hart < o.harts; ++hart) {
      targets.insert(targets.end(), {2 + hart, 11, 2 + hart, 9});
    }
    b.cells("interrupts-extended", targets, std::vector<unsigned>(targets.size(), 1));
    b.bytes("compatible", {'s', 'i', 'f', 'i', 'v', 'e', ',', 'p', 'l', 'i', 'c', '-', '1', '.', '0',
                           '.', '0', 0,   'r', 'i', 's', 'c', 'v', ',', 'p', 'l', 'i', 'c', '0', 0});
    b.end();
  }
  b.begin("clint@2000000");
  reg(0x2000000, 0x10000);
  b.text("compatible", "riscv,clint0");
  std::vector<std::uint64_t> targets;
  for (unsigned hart = 0; hart < o.harts; ++hart) targets.insert(targets.end(), {2 + hart, 3, 2 + hart, 7});
  b.cells("interrupts-extended", targets, std::vector<unsigned>(targets.size(), 1));
  b.end();
  b.end();
  b.end();
  return b.finish();
}

/// What libfdt finds for the same questions.
struct Oracle {
  std::uint64_t memory_base = 0, memory_size = 0;
  std::uint64_t uart = 0, plic = 0, clint = 0, finisher = 0;
  unsigned harts = 0, virtio = 0;
  std::uint64_t timebase = 0;
  std::string bootargs;
  bool readable = false;  // libfdt accepts the whole tree
};

inline std::uint64_t read_cells(const void* property, int length, int at, int count) {
  std::uint64_t value = 0;
  const auto* bytes = static_cast<const std::uint8_t*>(property);
  for (int i = at * 4; i < (at + count) * 4 && i < length; ++i) value = value << 8 | bytes[i];
  return value;
}

inline Oracle ask_libfdt(const std::vector<std::uint8_t>& blob) {
  Oracle oracle;
  const void* tree = blob.data();
  if (blob.size() < sizeof(fdt_header) || fdt_check_full(tree, blob.size()) != 0) return oracle;
  oracle.readable = true;
  const auto region = [&](int node, std::uint64_t& base, std::uint64_t* size) {
    const int parent = fdt_parent_offset(tree, node);
    const int a = fdt_address_cells(tree, parent), s = fdt_size_cells(tree, parent);
    int length = 0;
    const void* reg = fdt_getprop(tree, node, "reg", &length);
    if (reg == nullptr || length < 4 * (a + s)) return;
    base = read_cells(reg, length, 0, a);
    if (size != nullptr) *size = read_cells(reg, length, a, s);
  };
  const auto first = [&](const char* compatible, std::uint64_t& base) {
    const int node = fdt_node_offset_by_compatible(tree, -1, compatible);
    if (node >= 0) region(node, base, nullptr);
  };
  const int memory = fdt_node_offset_by_prop_value(tree, -1, "device_type", "memory", 7);
  if (memory >= 0) region(memory, oracle.memory_base, &oracle.memory_size);
  for (int node = fdt_node_offset_by_prop_value(tree, -1, "device_type", "cpu", 4); node >= 0;
       node = fdt_node_offset_by_prop_value(tree, node, "device_type", "cpu", 4)) {
    ++oracle.harts;
  }
  for (int node = fdt_node_offset_by_compatible(tree, -1, "virtio,mmio"); node >= 0;
       node = fdt_node_offset_by_compatible(tree, node, "virtio,mmio")) {
    ++oracle.virtio;
  }
  first("ns16550a", oracle.uart);
  first("sifive,plic-1.0.0", oracle.plic);
  first("riscv,clint0", oracle.clint);
  first("sifive,test1", oracle.finisher);
  int length = 0;
  if (const int cpus = fdt_path_offset(tree, "/cpus"); cpus >= 0) {
    if (const void* value = fdt_getprop(tree, cpus, "timebase-frequency", &length)) {
      oracle.timebase = read_cells(value, length, 0, length / 4);
    }
  }
  if (const int chosen = fdt_path_offset(tree, "/chosen"); chosen >= 0) {
    if (const void* value = fdt_getprop(tree, chosen, "bootargs", &length)) {
      oracle.bootargs.assign(static_cast<const char*>(value),
                             strnlen(static_cast<const char*>(value), static_cast<std::size_t>(length)));
    }
  }
  return oracle;
}

inline std::span<const std::byte> as_bytes(const std::vector<std::uint8_t>& blob) {
  return {reinterpret_cast<const std::byte*>(blob.data()), blob.size()};
}

}  // namespace dev_test
