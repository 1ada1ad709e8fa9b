// SPDX-License-Identifier: MIT
#include "tools/foliowalk/text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace foliowalk {

namespace bit = sv39::pte_bit;

std::string text_of_spaces(const Scene& scene) {
  std::string out = fmt::format("{:<12} {:<16} {:<9} {:>12} {:>9} {:>6} {:>7} {:>12}  {}\n", "SPACE", "NAME", "STATE",
                                "ROOT", "PAGES", "SUPER", "TABLES", "FLAT TABLE", "ON HART");
  for (const Space& space : scene.spaces) {
    const TableCost cost = table_cost(scene, space);
    std::string harts;
    for (const unsigned hart : space.harts) harts += fmt::format("{} ", hart);
    const bool process = space.process.has_value();
    if (!space.has_tables()) {
      out +=
          fmt::format("{:<12} {:<16} {:<9} {:>12}\n", space.id, space.process->name, space.process->state, "no tables");
      continue;
    }
    out += fmt::format("{:<12} {:<16} {:<9} {:>#12x} {:>9} {:>6} {:>7} {:>12}  {}\n", space.id,
                       process ? space.process->name : "-",
                       process && !space.process->state.empty() ? space.process->state : "-", space.tree.root,
                       space.role == Role::process ? cost.user_pages : cost.mapped_pages, cost.superpages,
                       cost.shared_tables == 0 ? fmt::format("{}", cost.tables)
                                               : fmt::format("{}+{}", cost.tables, cost.shared_tables),
                       human_size(cost.flat_bytes), harts.empty() ? "-" : harts);
  }
  for (const Hart& hart : scene.harts) {
    out += fmt::format("hart {}: satp {:#018x} ({}, asid {}, root {:#x})  pc {:#x}\n", hart.index, hart.satp.raw,
                       name_of(hart.satp.mode()), hart.satp.asid(), hart.satp.root(), hart.pc);
  }
  for (const std::string& note : scene.notes) out += fmt::format("note: {}\n", note);
  for (const std::string& warning : scene.warnings) out += fmt::format("warning: {}\n", warning);
  return out;
}

namespace {

/// How many of the ranges after `first` repeat it at equal distances.
usize repetitions(const std::vector<Range>& ranges, usize first) {
  if (first + 1 >= ranges.size()) return 0;
  const Range& pattern = ranges[first];
  const u64 distance = ranges[first + 1].va - pattern.va;
  usize count = 0;
  for (usize i = first + 1; i < ranges.size(); ++i) {
    const Range& range = ranges[i];
    if (range.va != pattern.va + (i - first) * distance || range.bytes != pattern.bytes ||
        range.flags != pattern.flags || range.region != pattern.region) {
      break;
    }
    ++count;
  }
  return count;
}

}  // namespace

std::string text_of_map(const Space& space, const std::vector<Range>& ranges) {
  std::string out = fmt::format("{}  root {:#x}  {}\n{:<18} {:<18} {:>9}  {:<6} {:>5} {:<5} {:<14} {:<14} {}\n",
                                space.title(), space.tree.root, name_of(space.tree.mode), "FROM", "TO", "SIZE", "FLAGS",
                                "PAGE", "LEVEL", "REGION", "BACKED BY", "FRAMES");
  for (usize i = 0; i < ranges.size(); ++i) {
    const Range& range = ranges[i];
    out += fmt::format("{:<#18x} {:<#18x} {:>9}  {:<6} {:>5} {:<5} {:<14} {:<14} {:#x}{}\n", range.va,
                       range.va + range.bytes, human_size(range.bytes), flag_letters(range.flags),
                       size_name(range.level), range.level, range.region, range.backing, range.pa,
                       range.leaves == 1  ? ""
                       : range.repeated   ? " each"
                       : range.contiguous ? " and on"
                                          : " and others");
    // A stack for each of 64 processes is one line and a note.
    const usize alike = repetitions(ranges, i);
    if (alike < 3) continue;
    out += fmt::format("    and {} more like it, one every {}\n", alike, human_size(ranges[i + 1].va - range.va));
    i += alike;
  }
  if (ranges.empty()) out += space.tree.readable() ? "nothing is mapped\n" : "the root table cannot be read\n";
  if (space.tree.torn) out += "warning: the tables changed all the time while they were read\n";
  for (const BadEntry& bad : space.tree.bad)
    out += fmt::format("warning: bad entry {:#x} for {:#x} (see lint)\n", bad.pte, bad.va);
  return out;
}

namespace {

class TreePrinter {
 public:
  TreePrinter(const Tree& tree, unsigned depth) : tree_(tree), depth_(depth) {
    children_.resize(tree.nodes.size());
    for (u32 i = 1; i < tree.nodes.size(); ++i) children_[tree.nodes[i].parent].push_back(i);
  }

  std::string run() {
    if (!tree_.readable()) return "the root table cannot be read\n";
    out_ = fmt::format("root {:#x}: level {}\n", tree_.root, tree_.nodes[0].level);
    node(0, 1);
    return std::move(out_);
  }

 private:
  void node(u32 at, unsigned depth) {
    const Node& node_here = tree_.nodes[at];
    auto child = children_[at].begin();
    for (unsigned i = 0; i < sv39::entries_per_table;) {
      const u64 raw = node_here.entries[i];
      const auto pte = sv39::Pte::from_raw(raw);
      if (!pte.is_valid()) {
        ++i;
      } else if (pte.is_leaf()) {
        i = leaves(node_here, i, depth);
      } else {
        while (child != children_[at].end() && tree_.nodes[*child].index < i) ++child;
        const bool known = child != children_[at].end() && tree_.nodes[*child].index == i;
        line(depth, fmt::format("[{:3}] {:#x}  table {:#x}{}", i,
                                sign_extended(node_here.va + i * bytes_at(node_here.level), tree_.mode),
                                pte.ppn().address().value(), known ? "" : "  (cannot be followed)"));
        if (known && depth < depth_) node(*child, depth + 1);
        ++i;
      }
    }
  }

  /// Equal leaves in a row, whose frames run along too, take one line. Returns the index after them.
  unsigned leaves(const Node& where, unsigned first, unsigned depth) {
    const u64 raw = where.entries[first];
    const u64 step = bytes_at(where.level) / sv39::page_size << bit::ppn_shift;
    unsigned end = first + 1;
    while (end < sv39::entries_per_table && where.entries[end] == raw + (end - first) * step) ++end;
    const u64 va = sign_extended(where.va + first * bytes_at(where.level), tree_.mode);
    const std::string where_text =
        end - first == 1 ? fmt::format("[{:3}]", first) : fmt::format("[{}..{}]", first, end - 1);
    line(depth, fmt::format("{} {:#x}  {} {:#x}{}{}", where_text, va, flag_letters(raw),
                            sv39::Pte::from_raw(raw).ppn().address().value(),
                            where.level == 0 ? "" : fmt::format("  {} superpage", size_name(where.level)),
                            end - first == 1 ? "" : fmt::format("  x{}", end - first)));
    return end;
  }

  void line(unsigned depth, const std::string& text) { out_ += std::string(depth * 3, ' ') + text + "\n"; }

  const Tree& tree_;
  unsigned depth_;
  std::vector<std::vector<u32>> children_;
  std::string out_;
};

}  // namespace

std::string text_of_tree(const Space& space, unsigned depth) {
  return fmt::format("{}  {}\n", space.title(), name_of(space.tree.mode)) + TreePrinter(space.tree, depth).run();
}

std::string text_of_walk(const Explanation& walk, std::string_view title) {
  std::string out =
      fmt::format("{}: {} walk of {:#x} from root {:#x}\n\n", title, name_of(walk.mode), walk.va, walk.root);
  if (walk.mode != Mode::bare) {
    const unsigned levels = levels_of(walk.mode);
    std::string names;
    std::string binary;
    std::string decimal;
    for (unsigned level = levels; level-- > 0;) {
      const u64 index = walk.va >> (sv39::page_shift + sv39::index_bits * level) & 511;
      names += fmt::format("{:<11}", fmt::format("index {}", level));
      binary += fmt::format("{:09b}  ", index);
      decimal += fmt::format("{:<11}", index);
    }
    out +=
        fmt::format("  {}offset\n  {}{:012b}\n  {}{:#x}\n\n", names, binary, walk.va & 0xfff, decimal, walk.va & 0xfff);
  }
  for (const Step& step : walk.steps) {
    out += fmt::format("  level {}: table {:#x} + {} * 8 = {:#x}\n", step.level, step.table, step.index,
                       step.entry_address);
    if (!step.was_read) {
      out += "           not RAM: nothing to read\n";
      continue;
    }
    const auto pte = sv39::Pte::from_raw(step.entry);
    out += fmt::format("           PTE {:#018x}  PPN {:#x}  {}  A={} D={} RSW={:02b} V={}  {}\n", step.entry,
                       pte.ppn().value(), flag_letters(step.entry), step.entry >> 6 & 1, step.entry >> 7 & 1,
                       step.entry >> 8 & 3, step.entry & 1,
                       !pte.is_valid() ? "invalid"
                       : pte.is_leaf() ? "leaf"
                                       : "points to the next table");
  }
  out += fmt::format("\n  {}\n", describe_end(walk));
  if (walk.found()) {
    out += fmt::format("  physical address {:#x} = {:#x} + {:#x}\n", walk.physical,
                       walk.physical - walk.va % bytes_at(walk.leaf_level), walk.va % bytes_at(walk.leaf_level));
    if (!walk.steps.empty()) {
      out += "\n  the last PTE, bit by bit:\n";
      for (const BitMeaning& meaning : pte_bits(walk.last_entry(), walk.steps.back().level)) {
        const std::string bits = meaning.high == meaning.low ? fmt::format("{}", meaning.high)
                                                             : fmt::format("{}:{}", meaning.high, meaning.low);
        out += fmt::format("    {:>5}  {:<8} = {:<#12x} {}\n", bits, meaning.name, meaning.value, meaning.meaning);
      }
    }
  }
  using enum sv39::Access;
  using enum sv39::Privilege;
  out += fmt::format("\n  {:<9} {:<37} {:<37} {}\n", "", "read", "write", "execute");
  const auto row = [&](const char* who, sv39::Privilege privilege, sv39::Sum sum) {
    out += fmt::format("  {:<9} {:<37} {:<37} {}\n", who, sv39::describe(walk.verdict(read, privilege, sum)),
                       sv39::describe(walk.verdict(write, privilege, sum)),
                       sv39::describe(walk.verdict(execute, privilege, sum)));
  };
  row("user", user, sv39::Sum::clear);
  row("kernel", supervisor, sv39::Sum::clear);
  row("with SUM", supervisor, sv39::Sum::set);
  if (walk.torn) out += "\nwarning: the entries changed all the time while they were read\n";
  return out;
}

std::string text_of_frame(const Scene& scene, u64 pa) {
  const auto uses = frame_uses(scene);
  const FrameUse& use = uses[(pa - scene.ram_base) / sv39::page_size];
  std::string out = fmt::format(
      "frame {:#x} (page number {:#x}): {}, {} user mapping{}{}\n", pa - pa % sv39::page_size, pa >> sv39::page_shift,
      name_of(use.kind), use.mappings, use.mappings == 1 ? "" : "s",
      scene.records.frames.empty() ? "" : fmt::format(", {} references by the kernel's count", use.references));
  for (const FrameUser& user : users_of_frame(scene, pa)) {
    out += user.is_table ? fmt::format("  {:<20} level-{} table for {:#x}\n", user.space->title(), user.level, user.va)
                         : fmt::format("  {:<20} {:#x}  {}  {}\n", user.space->title(), user.va, flag_letters(user.pte),
                                       size_name(user.level));
  }
  return out;
}

std::string text_of_differences(const std::vector<Difference>& differences) {
  std::string out;
  for (const Difference& d : differences) {
    const auto side = [](u64 pte, u8 level) {
      if (pte == 0) return std::string("-");
      return fmt::format("{} {:#x} {}", flag_letters(pte), sv39::Pte::from_raw(pte).ppn().address().value(),
                         size_name(level));
    };
    out += fmt::format("{:<9} {:#x}..{:#x} ({})  {}  ->  {}\n", name_of(d.change), d.va, d.va + d.bytes,
                       human_size(d.bytes), side(d.before, d.level_before), side(d.after, d.level_after));
  }
  return out.empty() ? "no difference\n" : out;
}

std::string text_of_findings(const std::vector<Finding>& findings) {
  std::string out;
  usize faults = 0;
  for (const Finding& finding : findings) {
    const Rule& rule = rule_of(finding.rule);
    faults += rule.severity == Severity::fault;
    out += fmt::format("{:<6} {:<28} {:<10} va {:#x}  pte {:#x}\n       {}\n",
                       rule.severity == Severity::fault ? "fault" : "advice", rule.name, finding.space, finding.va,
                       finding.pte, finding.message);
  }
  out += fmt::format("{} fault{}, {} piece{} of advice\n", faults, faults == 1 ? "" : "s", findings.size() - faults,
                     findings.size() - faults == 1 ? "" : "s");
  return out;
}

}  // namespace foliowalk
