// SPDX-License-Identifier: MIT
#pragma once
// A synthetic guest: RAM in a buffer, and tables built in it by hand, healthy or not.

#include <cstring>
#include <memory>
#include <vector>

#include "tools/foliowalk/scene.hpp"

namespace foliowalk {

inline constexpr u64 kib = 1024;
inline constexpr u64 mib = 1024 * kib;

namespace flag {
using namespace sv39::pte_bit;
inline constexpr u64 rx = valid | sv39::pte_bit::read | execute | accessed;
inline constexpr u64 ro = valid | sv39::pte_bit::read | accessed;
inline constexpr u64 rw = valid | sv39::pte_bit::read | sv39::pte_bit::write | accessed | dirty;
}  // namespace flag

/// Hands out frames from the bottom of RAM and writes entries wherever a test wants them.
class RamBuilder {
 public:
  explicit RamBuilder(u64 size = 4 * mib)
      : ram_(default_ram_base, std::vector<std::byte>(size)), next_(default_ram_base) {}

  u64 frame() {
    const u64 pa = next_;
    next_ += 4 * kib;
    return pa;
  }
  /// 2 MiB-aligned memory at the end of RAM.
  u64 megaframe() { return ram_.base() + ram_.size() - ++mega_ * 2 * mib; }

  void write(u64 pa, u64 value) { std::memcpy(ram_.bytes().data() + (pa - ram_.base()), &value, 8); }
  [[nodiscard]] u64 read(u64 pa) const { return ram_.read_u64(pa).value_or(0); }

  static u64 pte(u64 pa, u64 flags) { return pa >> 12 << 10 | flags; }
  static unsigned index(u64 va, unsigned level) { return static_cast<unsigned>(va >> (12 + 9 * level)) % 512; }

  /// The address of the entry for `va` at `level`, with the tables above it made as needed.
  u64 entry(u64 root, u64 va, unsigned level, unsigned top = 2) {
    u64 table = root;
    for (unsigned at = top; at > level; --at) {
      const u64 where = table + index(va, at) * 8;
      if (!(read(where) & 1)) write(where, pte(frame(), flag::valid));
      table = read(where) >> 10 << 12;
    }
    return table + index(va, level) * 8;
  }
  void map(u64 root, u64 va, u64 pa, u64 flags, unsigned level = 0, unsigned top = 2) {
    write(entry(root, va, level, top), pte(pa, flags));
  }

  [[nodiscard]] const BufferRam& ram() const { return ram_; }
  BufferRam take() { return std::move(ram_); }

 private:
  BufferRam ram_;
  u64 next_;
  u64 mega_ = 0;
};

/// A healthy little system: a kernel table with a direct map, and two processes with text, guard, stack and a shared
/// copy-on-write page, in the manner of Bifolium's or of other kernels.
struct Healthy {
  RamBuilder ram{8 * mib};
  u64 kernel_root = ram.frame();
  u64 user[2] = {ram.frame(), ram.frame()};
  u64 mirror = ram.frame();  // a kernel table of process 1 that mirrors its user pages
  u64 text = ram.frame();
  u64 shared = ram.frame();
  u64 data[2] = {ram.frame(), ram.frame()};
  u64 trampoline = ram.frame();
  u64 mega = ram.megaframe();
  Family family = Family::bifolium;
  bool with_mirror = false;
  std::vector<Hart> harts;

  Healthy() {
    ram.map(kernel_root, 0x1000'0000, 0x1000'0000, flag::rw);
    for (u64 pa = default_ram_base; pa < default_ram_base + 8 * mib; pa += 2 * mib)
      ram.map(kernel_root, pa, pa, flag::rw, 1);
    for (int i = 0; i < 2; ++i) {
      ram.map(user[i], 0x0, text, flag::rx | flag::user);
      ram.map(user[i], 0x1000, shared, flag::ro | flag::user | flag::copy_on_write);
      ram.map(user[i], 0x2000, data[i], flag::rw | flag::user);
      ram.map(user[i], 0x3f'ffff'f000, trampoline, flag::rx);
    }
    ram.map(user[0], 0x4020'0000, mega, flag::rw | flag::user, 1);
    ram.map(mirror, 0x0, text, flag::ro);
    ram.map(mirror, 0x1000, shared, flag::ro | flag::copy_on_write);
    ram.map(mirror, 0x2000, data[0], flag::rw);
    ram.map(mirror, 0x8000'0000, 0x8000'0000, flag::rw, 1);
    harts.push_back({0, Satp{u64{8} << 60 | user[0] >> 12}, 0});
  }

  [[nodiscard]] Scene scene() {
    Scene scene;
    scene.ram_base = default_ram_base;
    scene.ram_size = 8 * mib;
    scene.family = family;
    scene.harts = harts;
    add(scene, "kernel", Role::kernel, kernel_root, 0);
    for (int i = 0; i < 2; ++i) add(scene, i == 0 ? "1" : "2", Role::process, user[i], i + 1);
    if (with_mirror) add(scene, "1.kernel", Role::process_kernel, mirror, 1);
    return scene;
  }

  void add(Scene& scene, const char* id, Role role, u64 root, i64 pid) {
    Space& space = scene.spaces.emplace_back();
    space.id = id;
    space.role = role;
    space.tree = read_tree(ram.ram(), root, Mode::sv39);
    if (pid == 0) return;
    space.process.emplace();
    space.process->pid = pid;
    space.process->root = root;
  }
};

}  // namespace foliowalk
