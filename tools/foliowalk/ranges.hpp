// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tools/foliowalk/scene.hpp"

namespace foliowalk {

/// Neighbouring mappings with the same rights, size and region, as one line of `map`.
struct Range {
  u64 va = 0;
  u64 bytes = 0;
  u64 pa = 0;               // of the first page
  bool contiguous = true;   // physical memory runs along
  bool repeated = true;     // every page shows the same frame
  u64 flags = 0;            // PTE bits V R W X U G and RSW; A and D are counted instead
  u8 level = 0;
  u64 leaves = 0;
  u64 accessed = 0;         // leaves with A
  u64 dirty = 0;            // leaves with D
  std::string region;
  std::string backing;
};

/// What a virtual address is for, and what stands behind it.
struct Purpose {
  std::string region;
  std::string backing;
};

/// The name of a device or memory at a physical address of QEMU's `virt` machine; empty when there is nothing.
[[nodiscard]] std::string_view device_at(u64 pa);

/// One past the highest address of the lower half, which is the user's where the kernel lives above: 256 GiB in Sv39.
[[nodiscard]] u64 user_half_end(Mode mode);

/// How far virtual from physical addresses are in the table's direct map of RAM (0 in xv6): that of its largest
/// supervisor mapping.
[[nodiscard]] u64 direct_map_distance(const Tree& tree);

/// Names mappings: from the kernel's own regions where it has them, else from the layout that xv6 programs have.
class Namer {
 public:
  explicit Namer(const Scene& scene) : scene_(&scene) {}
  [[nodiscard]] Purpose purpose(const Space& space, const Leaf& leaf) const;

 private:
  [[nodiscard]] Purpose in_process(const Space& space, const Leaf& leaf) const;
  [[nodiscard]] Purpose in_kernel(const Space& space, const Leaf& leaf) const;
  [[nodiscard]] u64 distance_in(const Tree& tree) const;

  const Scene* scene_;
  // Of the tree that was asked about last: xv6's kernel has a leaf for each page of RAM, and each of them asks.
  mutable const Tree* known_tree_ = nullptr;
  mutable u64 known_distance_ = 0;
};

[[nodiscard]] std::vector<Range> merged_ranges(const Space& space, const Namer& namer);
/// Without those of the kernel's half that every address space has: what is a process's own.
[[nodiscard]] std::vector<Range> own_ranges(std::vector<Range> ranges, const Space& space);

/// "rwxug" with '-' for what is clear; "c" last for the copy-on-write mark.
[[nodiscard]] std::string flag_letters(u64 pte);
/// "4 KiB", "1.5 MiB".
[[nodiscard]] std::string human_size(u64 bytes);

/// Tables a process uses against the flat table that one level would need.
struct TableCost {
  u64 tables = 0;  // its own
  u64 shared_tables = 0;  // that are also the kernel's
  u64 bytes = 0;  // of its own
  u64 flat_bytes = 0;  // 8 bytes for each base page of the whole address space
  u64 mapped_pages = 0;      // base pages, a megapage counts 512
  u64 user_pages = 0;        // of them with U
  u64 superpages = 0;
};
[[nodiscard]] TableCost table_cost(const Scene& scene, const Space& space);

}  // namespace foliowalk
