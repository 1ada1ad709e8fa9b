// SPDX-License-Identifier: MIT
#include "tools/foliowalk/ranges.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <unordered_set>

#include "abi/layout.hpp"

namespace foliowalk {
namespace {

namespace bit = sv39::pte_bit;

struct Device {
  u64 begin, size;
  std::string_view name;
};

// QEMU's `virt` machine (hw/riscv/virt.c); the eight virtio slots are a page each.
constexpr std::array devices = {
    Device{0x0, 0x100, "debug ROM"},
    Device{0x1000, 0xf000, "boot ROM"},
    Device{0x10'0000, 0x1000, "test finisher"},
    Device{0x10'1000, 0x1000, "RTC"},
    Device{0x200'0000, 0x1'0000, "CLINT"},
    Device{0x300'0000, 0x1'0000, "PCI I/O"},
    Device{0xc00'0000, 0x400'0000, "PLIC"},  // what its specification takes; xv6 up to 2021 maps all of it
    Device{0x1000'0000, 0x1000, "UART0"},
    Device{0x1000'1000, 0x8000, "virtio"},
    Device{0x1010'0000, 0x1000, "fw_cfg"},
    Device{0x2000'0000, 0x400'0000, "flash"},
    Device{0x3000'0000, 0x1000'0000, "PCI ECAM"},
    Device{0x4000'0000, 0x4000'0000, "PCI memory"},
};

constexpr u64 compared_flags =
    bit::valid | bit::read | bit::write | bit::execute | bit::user | bit::global | bit::copy_on_write | bit::software_1;

bool joins(const Range& range, const Leaf& leaf, const Purpose& purpose) {
  return leaf.va == range.va + range.bytes && leaf.level == range.level && (leaf.pte & compared_flags) == range.flags &&
         purpose.region == range.region && purpose.backing == range.backing;
}

}  // namespace

u64 user_half_end(Mode mode) { return u64{1} << (address_bits(mode) - 1); }

std::string_view device_at(u64 pa) {
  for (const Device& device : devices) {
    if (pa >= device.begin && pa - device.begin < device.size) return device.name;
  }
  return {};
}

u64 direct_map_distance(const Tree& tree) {
  const Leaf* largest = nullptr;
  for (const Leaf& leaf : tree.leaves) {
    if (leaf.pte & bit::user || !device_at(leaf.pa).empty()) continue;
    if (!largest || leaf.level > largest->level) largest = &leaf;
  }
  return largest ? largest->va - largest->pa : 0;
}

Purpose Namer::purpose(const Space& space, const Leaf& leaf) const {
  const bool user_half = leaf.va < user_half_end(space.tree.mode);
  if (user_half && leaf.va == abi::trampoline) return {"trampoline", "kernel text"};
  // In a kernel's table the pages below the trampoline are a kernel stack.
  if (user_half && space.role != Role::kernel && space.role != Role::process_kernel) {
    if (leaf.va == abi::trapframe) return {"trapframe", "kernel memory"};
    if (leaf.va == abi::usyscall) return {"usyscall", "kernel memory"};
  }
  if (space.role == Role::process && user_half && (leaf.pte & bit::user || !scene_->in_ram(leaf.va))) {
    return in_process(space, leaf);
  }
  return in_kernel(space, leaf);
}

Purpose Namer::in_process(const Space& space, const Leaf& leaf) const {
  const auto device = device_at(leaf.pa);
  if (!device.empty()) return {std::string(device), "device"};
  if (space.process) {
    for (const RegionRecord& region : space.process->regions) {
      if (leaf.va >= region.begin && leaf.va < region.end) return {region.name, region.backing};
    }
  }
  if (!(leaf.pte & bit::user)) return {"guard", "anonymous"};
  if (leaf.pte & bit::execute) return {leaf.pte & bit::write ? "program" : "text", "anonymous"};
  // The page above a guard is the stack: xv6 programs have one or two.
  for (u64 below = 1; below <= 2; ++below) {
    const Leaf* guard =
        leaf.va >= below * sv39::page_size ? space.tree.find(leaf.va - below * sv39::page_size) : nullptr;
    if (guard && !(guard->pte & bit::user) && leaf.level == 0) return {"stack", "anonymous"};
  }
  return {"data", "anonymous"};
}

u64 Namer::distance_in(const Tree& tree) const {
  if (known_tree_ != &tree) {
    known_tree_ = &tree;
    known_distance_ = direct_map_distance(tree);
  }
  return known_distance_;
}

Purpose Namer::in_kernel(const Space& space, const Leaf& leaf) const {
  if (leaf.pte & bit::user) return {"user page", "anonymous"};
  const auto device = device_at(leaf.pa);
  if (!device.empty()) return {std::string(device), "device"};
  if (!scene_->in_ram(leaf.pa)) return {"unknown", "outside RAM"};
  const bool in_image =
      scene_->kernel_image && leaf.pa >= scene_->kernel_image->first && leaf.pa < scene_->kernel_image->second;
  if (in_image) {
    if (leaf.pte & bit::execute) return {"kernel text", "kernel image"};
    if (leaf.level == 0) return {leaf.pte & bit::write ? "kernel data" : "kernel rodata", "kernel image"};
  }
  if (leaf.va - leaf.pa == distance_in(space.tree)) return {"direct map", "RAM"};
  if (space.role == Role::process_kernel && leaf.va < 0xc00'0000) return {"mirror", "user memory"};
  // What is mapped in small pages just below the top of a half is a stack for each process, in xv6 and its relatives.
  const u64 half = user_half_end(space.tree.mode);
  const u64 top = leaf.va < abi::user_top ? abi::user_top : leaf.va < half ? half : 0;
  if (leaf.level == 0 && top - leaf.va <= u64{64} << 20) return {"kernel stack", "kernel memory"};
  return {"kernel", "RAM"};
}

std::vector<Range> merged_ranges(const Space& space, const Namer& namer) {
  std::vector<Range> ranges;
  for (const Leaf& leaf : space.tree.leaves) {
    Purpose purpose = namer.purpose(space, leaf);
    if (ranges.empty() || !joins(ranges.back(), leaf, purpose)) {
      Range& range = ranges.emplace_back();
      range.va = leaf.va;
      range.pa = leaf.pa;
      range.flags = leaf.pte & compared_flags;
      range.level = leaf.level;
      range.region = std::move(purpose.region);
      range.backing = std::move(purpose.backing);
    }
    Range& range = ranges.back();
    range.repeated = range.repeated && leaf.pa == range.pa;
    range.contiguous = range.contiguous && leaf.pa == range.pa + range.bytes;
    range.bytes += leaf.bytes();
    ++range.leaves;
    range.accessed += (leaf.pte & bit::accessed) != 0;
    range.dirty += (leaf.pte & bit::dirty) != 0;
  }
  return ranges;
}

std::string flag_letters(u64 pte) {
  std::string letters;
  letters += pte & bit::read ? 'r' : '-';
  letters += pte & bit::write ? 'w' : '-';
  letters += pte & bit::execute ? 'x' : '-';
  letters += pte & bit::user ? 'u' : '-';
  letters += pte & bit::global ? 'g' : '-';
  if (pte & bit::copy_on_write) letters += 'c';
  return letters;
}

std::string human_size(u64 bytes) {
  constexpr std::array<std::string_view, 6> units = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  usize unit = 0;
  auto amount = static_cast<double>(bytes);
  while (amount >= 1024 && unit + 1 < units.size()) amount /= 1024, ++unit;
  if (amount == static_cast<double>(static_cast<u64>(amount)))
    return fmt::format("{} {}", static_cast<u64>(amount), units[unit]);
  return fmt::format("{:.1f} {}", amount, units[unit]);
}

std::vector<Range> own_ranges(std::vector<Range> ranges, const Space& space) {
  const u64 end = user_half_end(space.tree.mode);
  if (space.role == Role::process) std::erase_if(ranges, [end](const Range& range) { return range.va >= end; });
  return ranges;
}

TableCost table_cost(const Scene& scene, const Space& space) {
  const Tree& tree = space.tree;
  const Space* kernel = scene.find("kernel");
  std::unordered_set<u64> shared;
  if (kernel && kernel != &space) {
    for (const Node& node : kernel->tree.nodes) shared.insert(node.pa);
  }
  TableCost cost;
  for (const Node& node : tree.nodes) ++(shared.contains(node.pa) ? cost.shared_tables : cost.tables);
  cost.bytes = cost.tables * sv39::page_size;
  if (space.has_tables() && levels_of(tree.mode) != 0)
    cost.flat_bytes = u64{8} << (address_bits(tree.mode) - sv39::page_shift);
  for (const Leaf& leaf : tree.leaves) {
    const u64 pages = leaf.bytes() / sv39::page_size;
    cost.mapped_pages += pages;
    if (leaf.pte & bit::user) cost.user_pages += pages;
    // The kernel's superpages in a process's table are the kernel's merit.
    cost.superpages += leaf.level != 0 && (space.role != Role::process || leaf.pte & bit::user);
  }
  return cost;
}

}  // namespace foliowalk
