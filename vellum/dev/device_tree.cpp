// SPDX-License-Identifier: MIT
#include "vellum/dev/device_tree.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>

#include "vellum/dev/map.hpp"

namespace vellum {

namespace {

// Devicetree Specification 0.4, 5: header, reservations, structure, strings; all numbers big-endian.
constexpr u32 magic_number = 0xd00dfeed, version = 17, compatible_version = 16;
constexpr u32 begin_node = 1, end_node = 2, property = 3, end_of_structure = 9;
constexpr usize header_bytes = 40, reservation_bytes = 16;

class Writer {
 public:
  explicit Writer(std::span<u8> to) : to_(to), at_(header_bytes + reservation_bytes) {
    std::fill(to.begin(), to.end(), u8{0});
  }

  void begin(std::string_view name) {
    word(begin_node);
    text(name);
  }
  void begin_at(std::string_view name, u64 address) {
    std::array<char, 40> full{};
    usize length = 0;
    for (const char c : name) full[length++] = c;
    full[length++] = '@';
    bool any = false;
    for (int shift = 60; shift >= 0; shift -= 4) {
      const u64 digit = address >> shift & 15;
      any |= digit != 0 || shift == 0;
      if (any) full[length++] = "0123456789abcdef"[digit];
    }
    begin({full.data(), length});
  }
  void end() { word(end_node); }

  void cells(std::string_view name, std::initializer_list<u32> values) { cells(name, std::span(values)); }
  void cells(std::string_view name, std::span<const u32> values) {
    head(name, 4 * values.size());
    for (const u32 value : values) word(value);
  }
  void reg(map::Window window) {
    cells("reg", {static_cast<u32>(window.base >> 32), static_cast<u32>(window.base),
                  static_cast<u32>(window.size >> 32), static_cast<u32>(window.size)});
  }
  void string(std::string_view name, std::string_view value) {
    head(name, value.size() + 1);
    text(value);
  }
  void empty(std::string_view name) { head(name, 0); }

  /// Puts strings and header; the whole length, or 0 when there was no room.
  usize finish() {
    word(end_of_structure);
    const usize structure_end = at_;
    for (usize i = 0; i < name_count_; ++i) raw_text(names_[i]);
    if (overflow_) return 0;
    const usize total = at_;
    const std::array<u32, 10> header{magic_number,
                                     static_cast<u32>(total),
                                     static_cast<u32>(header_bytes + reservation_bytes),
                                     static_cast<u32>(structure_end),
                                     static_cast<u32>(header_bytes),
                                     version,
                                     compatible_version,
                                     0,
                                     static_cast<u32>(total - structure_end),
                                     static_cast<u32>(structure_end - header_bytes - reservation_bytes)};
    at_ = 0;
    for (const u32 value : header) word(value);
    return total;
  }

 private:
  void byte(u8 value) {
    if (at_ >= to_.size()) {
      overflow_ = true;
      return;
    }
    to_[at_++] = value;
  }
  void word(u32 value) {
    for (int shift = 24; shift >= 0; shift -= 8) byte(static_cast<u8>(value >> shift));
  }
  void raw_text(std::string_view value) {
    for (const char c : value) byte(static_cast<u8>(c));
    byte(0);
  }
  void text(std::string_view value) {
    raw_text(value);
    while (at_ % 4 != 0 && !overflow_) byte(0);
  }
  void head(std::string_view name, usize length) {
    word(property);
    word(static_cast<u32>(length));
    word(offset_of(name));
  }
  /// Where a property's name will stand among the strings.
  u32 offset_of(std::string_view name) {
    u32 offset = 0;
    for (usize i = 0; i < name_count_; ++i) {
      if (names_[i] == name) return offset;
      offset += static_cast<u32>(names_[i].size() + 1);
    }
    if (name_count_ == names_.size()) {
      overflow_ = true;
      return 0;
    }
    names_[name_count_++] = name;
    return offset;
  }

  std::span<u8> to_;
  usize at_;
  bool overflow_ = false;
  std::array<std::string_view, 64> names_{};
  usize name_count_ = 0;
};

constexpr u32 plic_handle = 1, finisher_handle = 2, first_hart_handle = 3;
constexpr u32 intc_of(u32 hart) { return first_hart_handle + 2 * hart + 1; }

void write_harts(Writer& tree, const TreeContents& contents) {
  tree.begin("cpus");
  tree.cells("#address-cells", {1});
  tree.cells("#size-cells", {0});
  tree.cells("timebase-frequency", {static_cast<u32>(map::timebase)});
  for (u32 hart = 0; hart < contents.harts; ++hart) {
    tree.begin_at("cpu", hart);
    tree.cells("phandle", {first_hart_handle + 2 * hart});
    tree.string("device_type", "cpu");
    tree.cells("reg", {hart});
    tree.string("status", "okay");
    tree.string("compatible", "riscv");
    tree.string("riscv,isa", contents.isa);
    tree.string("mmu-type", contents.mmu);
    tree.begin("interrupt-controller");
    tree.cells("#interrupt-cells", {1});
    tree.empty("interrupt-controller");
    tree.string("compatible", "riscv,cpu-intc");
    tree.cells("phandle", {intc_of(hart)});
    tree.end();
    tree.end();
  }
  tree.end();
}

/// Lines from a controller to each hart: two interrupts of each.
void write_targets(Writer& tree, u32 harts, u32 first, u32 second) {
  constexpr u32 most = 8;
  std::array<u32, 4 * most> cells{};
  for (u32 hart = 0; hart < std::min(harts, most); ++hart) {
    cells[4 * hart] = cells[4 * hart + 2] = intc_of(hart);
    cells[4 * hart + 1] = first;
    cells[4 * hart + 3] = second;
  }
  tree.cells("interrupts-extended", std::span<const u32>(cells).first(4 * std::min(harts, most)));
}

void write_device(Writer& tree, std::string_view name, map::Window window, u32 interrupt, std::string_view compatible) {
  tree.begin_at(name, window.base);
  tree.cells("interrupts", {interrupt});
  tree.cells("interrupt-parent", {plic_handle});
  tree.reg(window);
  if (compatible == "ns16550a") tree.cells("clock-frequency", {0x384000});
  tree.string("compatible", compatible);
  tree.end();
}

void write_soc(Writer& tree, u32 harts) {
  tree.begin("soc");
  tree.cells("#address-cells", {2});
  tree.cells("#size-cells", {2});
  tree.string("compatible", "simple-bus");
  tree.empty("ranges");
  write_device(tree, "rtc", map::clock, map::clock_interrupt, "google,goldfish-rtc");
  write_device(tree, "serial", map::uart, map::uart_interrupt, "ns16550a");
  tree.begin_at("test", map::finisher.base);
  tree.cells("phandle", {finisher_handle});
  tree.reg(map::finisher);
  tree.string("compatible", std::string_view("sifive,test1\0sifive,test0\0syscon", 32));
  tree.end();
  for (u32 slot = map::virtio_slots; slot-- > 0;) {
    write_device(tree, "virtio_mmio", {map::virtio.base + slot * map::virtio_stride, map::virtio_stride},
                 map::virtio_interrupt + slot, "virtio,mmio");
  }
  tree.begin_at("plic", map::plic.base);
  tree.cells("phandle", {plic_handle});
  tree.cells("riscv,ndev", {map::interrupt_sources});
  tree.reg(map::plic);
  write_targets(tree, harts, 11, 9);  // machine and supervisor external
  tree.empty("interrupt-controller");
  tree.string("compatible", std::string_view("sifive,plic-1.0.0\0riscv,plic0", 29));
  tree.cells("#address-cells", {0});
  tree.cells("#interrupt-cells", {1});
  tree.end();
  tree.begin_at("clint", map::clint.base);
  write_targets(tree, harts, 3, 7);  // machine software and timer
  tree.reg(map::clint);
  tree.string("compatible", std::string_view("sifive,clint0\0riscv,clint0", 26));
  tree.end();
  tree.end();
}

void write_power(Writer& tree, std::string_view name, u32 value) {
  tree.begin(name);
  tree.cells("value", {value});
  tree.cells("offset", {0});
  tree.cells("regmap", {finisher_handle});
  tree.string("compatible", name == "poweroff" ? "syscon-poweroff" : "syscon-reboot");
  tree.end();
}

void write_chosen(Writer& tree, const TreeContents& contents) {
  tree.begin("chosen");
  if (!contents.bootargs.empty()) tree.string("bootargs", contents.bootargs);
  // Splitmix64: the same seed, the same words.
  std::array<u32, 8> words{};
  u64 state = contents.seed;
  for (u32& word : words) {
    u64 z = state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    word = static_cast<u32>(z >> 32);
  }
  tree.cells("rng-seed", words);
  tree.string("stdout-path", "/soc/serial@10000000");
  tree.end();
}

}  // namespace

usize write_device_tree(std::span<u8> to, const TreeContents& contents) {
  Writer tree(to);
  tree.begin("");
  tree.cells("#address-cells", {2});
  tree.cells("#size-cells", {2});
  tree.string("compatible", "riscv-virtio");
  tree.string("model", "riscv-virtio,qemu");
  write_chosen(tree, contents);
  write_power(tree, "poweroff", 0x5555);
  write_power(tree, "reboot", 0x7777);
  tree.begin_at("memory", map::ram_base);
  tree.string("device_type", "memory");
  tree.reg({map::ram_base, contents.ram_bytes});
  tree.end();
  write_harts(tree, contents);
  write_soc(tree, contents.harts);
  tree.end();
  return tree.finish();
}

}  // namespace vellum
