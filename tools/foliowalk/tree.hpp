// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sv39/pte.hpp"
#include "tools/foliowalk/ram.hpp"

namespace foliowalk {

/// The translation scheme that satp.MODE names. All share one PTE format and one node format; they differ in depth.
enum class Mode : unsigned { bare = 0, sv39 = 8, sv48 = 9, sv57 = 10 };

[[nodiscard]] std::string_view name_of(Mode mode);
[[nodiscard]] std::optional<Mode> mode_from_name(std::string_view name);
/// Levels of the tree: 3, 4 or 5; 0 for bare.
[[nodiscard]] unsigned levels_of(Mode mode);
/// Bits of a virtual address: 39, 48 or 57.
[[nodiscard]] unsigned address_bits(Mode mode);
/// Bytes which one entry at `level` (0 = leaf tables) translates.
[[nodiscard]] u64 bytes_at(unsigned level);
/// "4 KiB", "2 MiB", "1 GiB"...
[[nodiscard]] std::string_view size_name(unsigned level);
/// Whether the unused upper bits repeat the highest used one.
[[nodiscard]] bool is_canonical(u64 va, Mode mode);

/// The address with its unused upper bits set as the highest used one.
[[nodiscard]] u64 sign_extended(u64 va, Mode mode);

/// The supervisor's address-translation register, taken apart.
struct Satp {
  u64 raw = 0;

  [[nodiscard]] Mode mode() const;
  [[nodiscard]] u64 root() const { return (raw & 0xfff'ffff'ffff) << 12; }
  [[nodiscard]] u64 asid() const { return raw >> 44 & 0xffff; }
  [[nodiscard]] bool is_known_mode() const { return raw >> 60 == 0 || (raw >> 60 >= 8 && raw >> 60 <= 10); }
};

inline constexpr u32 no_node = ~u32{0};

/// The 512 entries of a table as they were read. Never changed; copies share them, so a moment that is kept or a kernel
/// table that 64 processes have costs 4 KiB once.
class Entries {
 public:
  using Array = std::array<u64, sv39::entries_per_table>;

  Entries() = default;
  explicit Entries(std::shared_ptr<const Array> array) : array_(std::move(array)) {}

  [[nodiscard]] u64 operator[](usize index) const { return (*array_)[index]; }
  [[nodiscard]] Array::const_iterator begin() const { return array_->begin(); }
  [[nodiscard]] Array::const_iterator end() const { return array_->end(); }

 private:
  std::shared_ptr<const Array> array_;
};

/// One page-table node as it was read.
struct Node {
  u64 pa = 0;
  u64 va = 0;  // first address it translates
  u8 level = 0;
  u16 index = 0;  // its entry in the parent
  u32 parent = no_node;
  bool borrowed = false;  // taken over from another tree (read_tree's `known`)
  Entries entries;
};

/// One mapping: a valid leaf.
struct Leaf {
  u64 va = 0;
  u64 pa = 0;
  u64 pte = 0;
  u32 node = 0;  // which node holds it
  u8 level = 0;

  [[nodiscard]] u64 bytes() const { return bytes_at(level); }
  [[nodiscard]] sv39::Pte entry() const { return sv39::Pte::from_raw(pte); }
};

/// An entry that no walk can follow, with what is wrong about it.
struct BadEntry {
  enum class Kind { table_outside_ram, cycle, table_at_level_0, too_many_tables };
  Kind kind;
  u64 va = 0;
  u64 pte = 0;
  u64 at = 0;  // physical address of the entry
  u8 level = 0;
};

/// All nodes and mappings below one root.
struct Tree {
  u64 root = 0;
  Mode mode = Mode::sv39;
  std::vector<Node> nodes;  // parents before children; nodes[0] is the root if it could be read
  std::vector<Leaf> leaves;  // in order of address
  std::vector<BadEntry> bad;
  /// The tables changed while they were read and did not come to rest within the allowed number of tries.
  bool torn = false;
  /// How often the walk began anew because tables changed under it.
  unsigned retries = 0;

  [[nodiscard]] bool readable() const { return !nodes.empty(); }
  /// The mapping that covers `va`, or null.
  [[nodiscard]] const Leaf* find(u64 va) const;
};

/// Reads every table below `root`, however broken it may be: a table outside RAM, a cycle or a tree too large to be
/// real ends that branch with a BadEntry.
///
/// The guest runs meanwhile. When all is read, each node is read again from the root down; a difference other than in A
/// and D bits means that what we hold may never have existed at one moment, and the walk begins anew, `tries` times.
///
/// Where the root leads to a table of `known` (the kernel's tree, usually), that table and all below it are taken over
/// from there instead of being read again. Whether they are still true is for the caller to ask, of `known`, once.
[[nodiscard]] Tree read_tree(const Ram& ram, u64 root, Mode mode, const Tree* known = nullptr, unsigned tries = 6);

/// Whether RAM still holds every table of the tree that was not borrowed as it was read; A and D bits may differ.
[[nodiscard]] bool is_unchanged(const Ram& ram, const Tree& tree);

}  // namespace foliowalk
