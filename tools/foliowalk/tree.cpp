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

bool read_entries(const Ram& ram, u64 pa, std::array<u64, sv39::entries_per_table>& entries) {
  return pa % sv39::page_size == 0 && ram.read(pa, std::as_writable_bytes(std::span(entries)));
}

class TreeReader {
 public:
  TreeReader(const Ram& ram, u64 root, Mode mode)
      : ram_(ram), most_nodes_(std::max<u64>(ram.size() / sv39::page_size, 16)) {
    tree_.root = root;
    tree_.mode = mode;
  }

  Tree read() {
    const unsigned levels = levels_of(tree_.mode);
    if (levels == 0) return std::move(tree_);
    Node& root = tree_.nodes.emplace_back();
    root.pa = tree_.root;
    root.level = static_cast<u8>(levels - 1);
    if (!read_entries(ram_, root.pa, root.entries)) {
      tree_.nodes.clear();
      return std::move(tree_);
    }
    descend(0);
    return std::move(tree_);
  }

 private:
  /// Depth is bounded by the level, breadth by most_nodes_: a tree of real tables has no more nodes than RAM has frames.
  void descend(u32 at) {
    for (unsigned i = 0; i < sv39::entries_per_table; ++i) {
      const u64 raw = tree_.nodes[at].entries[i];
      if (!(raw & sv39::pte_bit::valid)) continue;
      const u8 level = tree_.nodes[at].level;
      const u64 va = sign_extended(tree_.nodes[at].va + i * bytes_at(level), tree_.mode);
      const auto pte = sv39::Pte::from_raw(raw);
      // W without R is reserved, yet the entry was meant as a leaf; it is listed as one and lint names it.
      if (pte.is_leaf()) {
        tree_.leaves.push_back({va, pte.ppn().address().value(), raw, at, level});
      } else if (const auto why = follow(at, static_cast<u16>(i), va, pte)) {
        tree_.bad.push_back({*why, va, raw, tree_.nodes[at].pa + i * 8, level});
      }
    }
  }

  std::optional<BadEntry::Kind> follow(u32 at, u16 index, u64 va, sv39::Pte pte) {
    const u8 level = tree_.nodes[at].level;
    const u64 pa = pte.ppn().address().value();
    if (level == 0) return BadEntry::Kind::table_at_level_0;
    for (u32 up = at; up != no_node; up = tree_.nodes[up].parent) {
      if (tree_.nodes[up].pa == pa) return BadEntry::Kind::cycle;
    }
    if (!ram_.contains(pa, sv39::page_size)) return BadEntry::Kind::table_outside_ram;
    if (tree_.nodes.size() >= most_nodes_) return BadEntry::Kind::too_many_tables;
    const auto child = static_cast<u32>(tree_.nodes.size());
    Node& node = tree_.nodes.emplace_back();
    node.pa = pa;
    node.va = va;
    node.level = static_cast<u8>(level - 1);
    node.index = index;
    node.parent = at;
    if (!read_entries(ram_, pa, node.entries)) {
      tree_.nodes.pop_back();
      return BadEntry::Kind::table_outside_ram;
    }
    descend(child);
    return std::nullopt;
  }

  const Ram& ram_;
  u64 most_nodes_;
  Tree tree_;
};

/// Parents come before children in `nodes`, so a child is compared only after the entry that leads to it was seen again.
bool still_the_same(const Ram& ram, const Tree& tree) {
  std::array<u64, sv39::entries_per_table> now;
  for (const Node& node : tree.nodes) {
    if (!read_entries(ram, node.pa, now)) return false;
    if (now == node.entries) continue;
    for (unsigned i = 0; i < now.size(); ++i) {
      if ((now[i] ^ node.entries[i]) & ~accessed_and_dirty) return false;
    }
  }
  return true;
}

}  // namespace

Tree read_tree(const Ram& ram, u64 root, Mode mode, unsigned tries) {
  Tree tree;
  for (unsigned attempt = 0; attempt < std::max(tries, 1U); ++attempt) {
    tree = TreeReader(ram, root, mode).read();
    tree.retries = attempt;
    tree.torn = !still_the_same(ram, tree);
    if (!tree.torn) break;
  }
  return tree;
}

}  // namespace foliowalk
