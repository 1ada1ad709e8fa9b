// SPDX-License-Identifier: MIT
#include "tools/foliowalk/tree.hpp"

#include <algorithm>

namespace foliowalk {

std::string_view name_of(Mode mode) {
  switch (mode) {
    case Mode::bare: return "bare";
    case Mode::sv39: return "sv39";
    case Mode::sv48: return "sv48";
    case Mode::sv57: return "sv57";
  }
  return "unknown";
}

std::optional<Mode> mode_from_name(std::string_view name) {
  for (const Mode mode : {Mode::bare, Mode::sv39, Mode::sv48, Mode::sv57}) {
    if (name == name_of(mode)) return mode;
  }
  return std::nullopt;
}

unsigned levels_of(Mode mode) { return mode == Mode::bare ? 0 : static_cast<unsigned>(mode) - 5; }

unsigned address_bits(Mode mode) { return sv39::page_shift + sv39::index_bits * levels_of(mode); }

u64 bytes_at(unsigned level) { return sv39::page_size << (sv39::index_bits * level); }

std::string_view size_name(unsigned level) {
  constexpr std::array<std::string_view, 5> names = {"4 KiB", "2 MiB", "1 GiB", "512 GiB", "256 TiB"};
  return level < names.size() ? names[level] : "?";
}

bool is_canonical(u64 va, Mode mode) {
  if (mode == Mode::bare) return true;
  const u64 upper = va >> (address_bits(mode) - 1);
  return upper == 0 || upper == ~u64{0} >> (address_bits(mode) - 1);
}

u64 sign_extended(u64 va, Mode mode) {
  const unsigned unused = 64 - address_bits(mode);
  return static_cast<u64>(static_cast<i64>(va << unused) >> unused);
}

Mode Satp::mode() const {
  switch (raw >> 60) {
    case 8: return Mode::sv39;
    case 9: return Mode::sv48;
    case 10: return Mode::sv57;
    default: return Mode::bare;
  }
}

const Leaf* Tree::find(u64 va) const {
  auto after = std::ranges::upper_bound(leaves, va, {}, &Leaf::va);
  if (after == leaves.begin()) return nullptr;
  const Leaf& leaf = *std::prev(after);
  return va - leaf.va < leaf.bytes() ? &leaf : nullptr;
}

namespace {

constexpr u64 accessed_and_dirty = sv39::pte_bit::accessed | sv39::pte_bit::dirty;

bool read_entries(const Ram& ram, u64 pa, Entries::Array& entries) {
  return pa % sv39::page_size == 0 && ram.read(pa, std::as_writable_bytes(std::span(entries)));
}

class TreeReader {
 public:
  TreeReader(const Ram& ram, u64 root, Mode mode, const Tree* known)
      : ram_(ram), most_nodes_(std::max<u64>(ram.size() / sv39::page_size, 16)) {
    tree_.root = root;
    tree_.mode = mode;
    // A tree with anything strange in it is no model for others.
    if (known && known->readable() && known->bad.empty() && !known->torn && known->mode == mode) {
      known_ = known;
      tree_.leaves.reserve(known->leaves.size() + 64);
      tree_.nodes.reserve(known->nodes.size() + 16);
    }
  }

  Tree read() {
    const unsigned levels = levels_of(tree_.mode);
    if (levels == 0) return std::move(tree_);
    Node root;
    root.pa = tree_.root;
    root.level = static_cast<u8>(levels - 1);
    if (add(root)) descend(0);
    return std::move(tree_);
  }

 private:
  /// Depth is bounded by the level, breadth by most_nodes_: a tree of real tables has no more nodes than RAM has
  /// frames.
  void descend(u32 at) {
    const Entries entries = tree_.nodes[at].entries;
    const u8 level = tree_.nodes[at].level;
    for (unsigned i = 0; i < sv39::entries_per_table; ++i) {
      const u64 raw = entries[i];
      if (!(raw & sv39::pte_bit::valid)) continue;
      const u64 va = sign_extended(tree_.nodes[at].va + i * bytes_at(level), tree_.mode);
      const auto pte = sv39::Pte::from_raw(raw);
      // W without R is reserved, yet the entry was meant as a leaf; it is listed as one and lint names it.
      if (pte.is_leaf()) {
        const auto base =
            level == 0 ? pte.page_of(sv39::VirtAddr(va), sv39::Level::base, ram_.extensions()) : pte.ppn().address();
        tree_.leaves.push_back({va, base.value(), raw, at, level});
      } else if (const auto why = follow(at, static_cast<u16>(i), va, pte)) {
        tree_.bad.push_back({*why, va, raw, tree_.nodes[at].pa + i * 8, level});
      }
    }
  }

  std::optional<BadEntry::Kind> follow(u32 at, u16 index, u64 va, sv39::Pte pte) {
    Node node;
    node.pa = pte.ppn().address().value();
    node.va = va;
    node.index = index;
    node.parent = at;
    const u8 level = tree_.nodes[at].level;
    if (level == 0) return BadEntry::Kind::table_at_level_0;
    node.level = static_cast<u8>(level - 1);
    for (u32 up = at; up != no_node; up = tree_.nodes[up].parent) {
      if (tree_.nodes[up].pa == node.pa) return BadEntry::Kind::cycle;
    }
    if (!ram_.contains(node.pa, sv39::page_size)) return BadEntry::Kind::table_outside_ram;
    if (tree_.nodes.size() >= most_nodes_) return BadEntry::Kind::too_many_tables;
    if (borrow(node)) return std::nullopt;
    const auto child = static_cast<u32>(tree_.nodes.size());
    if (!add(node)) return BadEntry::Kind::table_outside_ram;
    descend(child);
    return std::nullopt;
  }

  /// Reads the node's table and appends it; false when it can't be read.
  bool add(Node& node) {
    auto entries = std::make_shared_for_overwrite<Entries::Array>();
    if (!read_entries(ram_, node.pa, *entries)) return false;
    node.entries = Entries(std::move(entries));
    tree_.nodes.push_back(std::move(node));
    return true;
  }

  /// Takes over the subtree of `known_` that this node is the top of, if it is one: in both trees a subtree's nodes and
  /// leaves lie in a row.
  bool borrow(const Node& top) {
    if (!known_) return false;
    const auto same = [&](const Node& n) { return n.pa == top.pa && n.va == top.va && n.level == top.level; };
    const auto first = std::ranges::find_if(known_->nodes, same);
    if (first == known_->nodes.end()) return false;
    const auto last = std::find_if(first + 1, known_->nodes.end(), [&](const Node& n) { return n.level >= top.level; });
    if (tree_.nodes.size() + static_cast<usize>(last - first) > most_nodes_) return false;

    const auto begin = static_cast<u32>(first - known_->nodes.begin());
    const auto end = static_cast<u32>(last - known_->nodes.begin());
    const u32 shift = static_cast<u32>(tree_.nodes.size()) - begin;  // may wrap: the sums below wrap back
    for (auto node = first; node != last; ++node) {
      Node& mine = tree_.nodes.emplace_back(*node);
      mine.parent += shift;
      mine.borrowed = true;
    }
    tree_.nodes[begin + shift].parent = top.parent;
    tree_.nodes[begin + shift].index = top.index;
    for (auto leaf = std::ranges::lower_bound(known_->leaves, top.va, {}, &Leaf::va);
         leaf != known_->leaves.end() && leaf->node >= begin && leaf->node < end; ++leaf) {
      tree_.leaves.push_back(*leaf);
      tree_.leaves.back().node += shift;
    }
    return true;
  }

  const Ram& ram_;
  const Tree* known_ = nullptr;
  u64 most_nodes_;
  Tree tree_;
};

}  // namespace

// Parents come before children in `nodes`, so a child is compared only after the entry that leads to it was seen again.
bool is_unchanged(const Ram& ram, const Tree& tree) {
  Entries::Array now;
  for (const Node& node : tree.nodes) {
    if (node.borrowed) continue;
    if (!read_entries(ram, node.pa, now)) return false;
    for (unsigned i = 0; i < now.size(); ++i) {
      if ((now[i] ^ node.entries[i]) & ~accessed_and_dirty) return false;
    }
  }
  return true;
}

Tree read_tree(const Ram& ram, u64 root, Mode mode, const Tree* known, unsigned tries) {
  Tree tree;
  for (unsigned attempt = 0; attempt < std::max(tries, 1U); ++attempt) {
    tree = TreeReader(ram, root, mode, known).read();
    tree.retries = attempt;
    tree.torn = !is_unchanged(ram, tree);
    if (!tree.torn) break;
  }
  return tree;
}

}  // namespace foliowalk
