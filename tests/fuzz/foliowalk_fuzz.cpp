// SPDX-License-Identifier: MIT
// libFuzzer target: arbitrary RAM. Whatever the tables say, foliowalk must end, stay inside RAM and not crash.
//
// The input is: mode (1 byte), root page (1), an address to walk (8), then RAM, of which a part of the words is bent so
// that it looks like entries which lead somewhere: pure noise would seldom get past the first level.

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "tools/foliowalk/diff.hpp"
#include "tools/foliowalk/events.hpp"
#include "tools/foliowalk/json.hpp"
#include "tools/foliowalk/lint.hpp"
#include "tools/foliowalk/qmp.hpp"
#include "tools/foliowalk/session.hpp"
#include "tools/foliowalk/text.hpp"

namespace {

using namespace foliowalk;

constexpr usize ram_pages = 24;

BufferRam ram_from(const std::uint8_t* data, usize size) {
  std::vector<std::byte> bytes(ram_pages * 4096);
  if (size != 0) {
    for (usize i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(data[i % size] + i / size);
  }
  for (usize at = 0; at + 8 <= bytes.size(); at += 8) {
    u64 word;
    std::memcpy(&word, &bytes[at], 8);
    if (word % 3 == 0) word = (default_ram_base / 4096 + word / 3 % (ram_pages + 1)) << 10 | (word & 0x3ff);
    if (word % 16 == 1) word = 0;
    std::memcpy(&bytes[at], &word, 8);
  }
  return BufferRam(default_ram_base, std::move(bytes));
}

/// Trees that borrow from another must be what they are without it.
void compare(const Tree& a, const Tree& b) {
  const auto same_leaf = [](const Leaf& x, const Leaf& y) {
    return x.va == y.va && x.pte == y.pte && x.node == y.node;
  };
  const auto same_node = [](const Node& x, const Node& y) {
    return x.pa == y.pa && x.va == y.va && x.level == y.level && x.index == y.index && x.parent == y.parent;
  };
  if (!std::ranges::equal(a.leaves, b.leaves, same_leaf) || !std::ranges::equal(a.nodes, b.nodes, same_node) ||
      a.bad.size() != b.bad.size()) {
    std::abort();
  }
}

Space space_of(const Ram& ram, const char* id, Role role, u64 root, Mode mode, const Tree* known) {
  Space space;
  space.id = id;
  space.role = role;
  space.tree = read_tree(ram, root, mode, known, 2);
  if (known) compare(space.tree, read_tree(ram, root, mode, nullptr, 2));
  space.process.emplace();
  space.process->pid = 1;
  return space;
}

void look_at_everything(const Ram& ram, u64 root, Mode mode, u64 va) {
  Scene scene;
  scene.ram_base = ram.base();
  scene.ram_size = ram.size();
  scene.family = root % 8192 ? Family::bifolium : Family::xv6;
  scene.kernel_image = {ram.base(), ram.base() + 4096};
  scene.harts = {{0, Satp{va}, 0}};
  scene.spaces.push_back(space_of(ram, "kernel", Role::kernel, ram.base() + 4096, mode, nullptr));
  const Tree kernel = scene.spaces[0].tree;
  scene.spaces.push_back(space_of(ram, "1", Role::process, root, mode, &kernel));
  scene.spaces.push_back(space_of(ram, "1.kernel", Role::process_kernel, ram.base() + 8192, mode, &kernel));
  for (const Finding& finding : lint(scene)) (void)still_holds(ram, finding);
  const Explanation walk = explain(ram, root, mode, va);
  (void)json_of(walk).dump();
  (void)text_of_walk(walk, "fuzz");
  (void)json_of_frames(scene).dump();
  (void)users_of_frame(scene, ram.base());
  for (const Space& space : scene.spaces) {
    const auto ranges = merged_ranges(space, Namer(scene));
    // Text of a tree with millions of leaves is only long; the first pages' worth shows what there is to show.
    if (space.tree.leaves.size() > 20000) continue;
    (void)text_of_map(space, ranges);
    (void)text_of_tree(space, 5);
    (void)json_of_node(space.tree, "0.0");
  }
  (void)difference(scene.spaces[0].tree, scene.spaces[1].tree);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 10) return 0;
  constexpr Mode modes[] = {Mode::bare, Mode::sv39, Mode::sv39, Mode::sv48, Mode::sv57};
  u64 va;
  std::memcpy(&va, data + 2, 8);
  const BufferRam ram = ram_from(data + 10, size - 10);
  look_at_everything(ram, ram.base() + data[1] % (ram_pages + 2) * u64{4096}, modes[data[0] % 5], va);
  const std::string text(reinterpret_cast<const char*>(data), size);
  (void)parse_registers("CPU#0\n" + text);
  (void)parse_trap("riscv_trap hart:" + text);
  (void)parse_number(text);
  return 0;
}
