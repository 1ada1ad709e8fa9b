// SPDX-License-Identifier: MIT
#include "tools/foliowalk/lint.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "abi/layout.hpp"
#include "tools/foliowalk/ranges.hpp"

namespace foliowalk {
namespace {

namespace bit = sv39::pte_bit;
using sv39::page_size;

// Below this address a mirrored kernel table may hold user pages (xv6's PLIC).
constexpr u64 mirror_limit = 0xc00'0000;
// One broken table can break a rule millions of times; nobody reads more than these.
constexpr unsigned most_of_a_rule = 100;

/// A table frame, and where it was first met.
struct TableUse {
  const Space* space;
  const Node* node;
};

class Judge {
 public:
  explicit Judge(const Scene& scene) : scene_(scene) {
    for (const Space& space : scene.spaces) {
      if (space.role == Role::kernel) kernel_ = &space;
      for (const Node& node : space.tree.nodes) tables_.try_emplace(node.pa, TableUse{&space, &node});
    }
  }

  std::vector<Finding> run() {
    for (const Space& space : scene_.spaces) judge(space);
    shared_tables();
    writable_aliases();
    satps();
    mirrors();
    frame_records();
    say_what_is_cut();
    return std::move(findings_);
  }

 private:
  void report(LintRule rule, const Space& space, u64 va, u64 pte, std::string message) {
    enough_ = ++reported_[rule] > most_of_a_rule;
    if (enough_) return;
    findings_.push_back({rule, space.id, va, pte, std::move(message), {}});
    rest_on(space, va);
  }

  /// Of each rule that was broken more often than is listed: how often.
  void say_what_is_cut() {
    for (const Rule& rule : lint_rules()) {
      const unsigned count = reported_[rule.id];
      if (count <= most_of_a_rule) continue;
      findings_.push_back({rule.id,
                           "-",
                           0,
                           0,
                           fmt::format("and {} more of this rule, which are not listed", count - most_of_a_rule),
                           {}});
    }
  }

  /// Adds the entries that lead to `va` to what the last finding rests on.
  void rest_on(const Space& space, u64 va) {
    if (enough_) return;
    const Tree& tree = space.tree;
    for (u32 at = tree.readable() ? 0 : no_node; at != no_node;) {
      const Node& node = tree.nodes[at];
      const unsigned index =
          static_cast<unsigned>(va >> (sv39::page_shift + sv39::index_bits * node.level)) % sv39::entries_per_table;
      findings_.back().evidence.push_back(Evidence{.at = node.pa + index * 8, .entry = node.entries[index]});
      const auto child =
          std::ranges::find_if(tree.nodes, [&](const Node& n) { return n.parent == at && n.index == index; });
      at = child == tree.nodes.end() ? no_node : static_cast<u32>(child - tree.nodes.begin());
    }
  }

  void judge(const Space& space) {
    const Tree& tree = space.tree;
    if (!space.has_tables()) return;
    if (tree.torn) return;  // what we hold may never have existed
    if (!tree.readable()) {
      report(LintRule::root_unreadable, space, 0, 0,
             fmt::format("the root table {:#x} is {}", tree.root,
                         tree.root % page_size ? "not page-aligned" : "not in RAM"));
      return;
    }
    for (const BadEntry& bad : tree.bad) bad_entry(space, bad);
    for (const Node& node : tree.nodes) pointers(space, node);
    outside(space);
    for (const Leaf& leaf : tree.leaves) {
      encoding(space, leaf);
      target(space, leaf);
      protection(space, leaf);
      accessed_and_dirty(space, leaf);
    }
    kernel_half(space);
  }

  void bad_entry(const Space& space, const BadEntry& bad) {
    const u64 pa = sv39::Pte::from_raw(bad.pte).ppn().address().value();
    switch (bad.kind) {
      case BadEntry::Kind::table_outside_ram:
        report(LintRule::table_outside_ram, space, bad.va, bad.pte,
               fmt::format("the level-{} entry at {:#x} points to a table at {:#x}, which is not RAM", bad.level,
                           bad.at, pa));
        break;
      case BadEntry::Kind::cycle:
        report(
            LintRule::table_cycle, space, bad.va, bad.pte,
            fmt::format("the level-{} entry at {:#x} points back to the table {:#x} above it", bad.level, bad.at, pa));
        break;
      case BadEntry::Kind::table_at_level_0:
        report(LintRule::pointer_at_level_0, space, bad.va, bad.pte,
               fmt::format("the level-0 entry at {:#x} has R = W = X = 0, as if a fourth level followed", bad.at));
        break;
      case BadEntry::Kind::too_many_tables:
        report(LintRule::too_many_tables, space, bad.va, bad.pte,
               "more tables than RAM has frames: some are reached again and again");
        break;
    }
  }

  void pointers(const Space& space, const Node& node) {
    for (unsigned i = 0; i < sv39::entries_per_table; ++i) {
      const auto pte = sv39::Pte::from_raw(node.entries[i]);
      if (!pte.is_table() || node.level == 0) continue;
      const u64 va = node.va + i * bytes_at(node.level);
      if (pte.raw() & (bit::accessed | bit::dirty | bit::user)) {
        report(LintRule::pointer_with_adu, space, va, pte.raw(),
               fmt::format("the level-{} pointer at {:#x} has A, D or U set: reserved in a non-leaf", node.level,
                           node.pa + i * 8));
      }
      if (pte.raw() & bit::reserved) {
        report(LintRule::reserved_bits, space, va, pte.raw(),
               fmt::format("the level-{} pointer has bits 63 to 54 set", node.level));
      }
    }
  }

  void encoding(const Space& space, const Leaf& leaf) {
    const auto pte = leaf.entry();
    if (pte.reserved_bits(scene_.extensions) != 0) {
      report(LintRule::reserved_bits, space, leaf.va, leaf.pte,
             fmt::format("bits 63 to 54 are {:#x}: {:#x} means nothing on this machine", leaf.pte >> 54,
                         pte.reserved_bits(scene_.extensions) >> 54));
    } else if (leaf.pte & bit::contiguous &&
               !(leaf.level == 0 && pte.is_contiguous(sv39::Level::base, scene_.extensions))) {
      report(LintRule::reserved_bits, space, leaf.va, leaf.pte,
             "N (Svnapot) is only for level-0 leaves of 64 KiB, whose low 4 PPN bits are 8");
    }
    if (pte.raw() & bit::write && !(pte.raw() & bit::read)) {
      report(LintRule::write_without_read, space, leaf.va, leaf.pte,
             "W without R is a reserved encoding: every access faults");
    }
    if (pte.ppn().value() % (leaf.bytes() / page_size) != 0) {
      report(
          LintRule::misaligned_superpage, space, leaf.va, leaf.pte,
          fmt::format("a {} page must begin at a multiple of its size, not at {:#x}", size_name(leaf.level), leaf.pa));
    }
  }

  /// What is neither RAM nor a device, neighbours together: one mapping in the source is one finding.
  void outside(const Space& space) {
    const auto& leaves = space.tree.leaves;
    const auto is_nothing = [&](const Leaf& leaf) { return !scene_.in_ram(leaf.pa) && device_at(leaf.pa).empty(); };
    for (usize i = 0; i < leaves.size();) {
      const Leaf& first = leaves[i];
      if (!is_nothing(first)) {
        ++i;
        continue;
      }
      u64 bytes = 0;
      for (; i < leaves.size() && is_nothing(leaves[i]) && leaves[i].va == first.va + bytes &&
             leaves[i].pa == first.pa + bytes;
           ++i)
        bytes += leaves[i].bytes();
      report(LintRule::leaf_outside_ram, space, first.va, first.pte,
             fmt::format("{:#x}..{:#x} ({}) is neither RAM nor a device of this machine", first.pa, first.pa + bytes,
                         human_size(bytes)));
    }
  }

  void target(const Space& space, const Leaf& leaf) {
    const bool ram = scene_.in_ram(leaf.pa);
    if (ram && leaf.pte & bit::user) user_target(space, leaf);
    if (leaf.level > 0 && leaf.level <= 3 && !(leaf.pte & bit::user)) return;
    if (leaf.level > 0) leaf_over_table(space, leaf);
  }

  void user_target(const Space& space, const Leaf& leaf) {
    // Only tables in the leaf's range are visited: a hostile leaf may claim 256 TiB.
    for (auto table = tables_.lower_bound(leaf.pa); table != tables_.end() && table->first - leaf.pa < leaf.bytes();
         ++table) {
      const auto& [pa, use] = *table;
      if (leaf.level > 0 && pa == leaf.pa) continue;  // leaf-over-table
      report(LintRule::table_mapped_by_user, space, leaf.va + (pa - leaf.pa), leaf.pte,
             fmt::format("user mode can {} the frame {:#x}, the level-{} table of {}",
                         leaf.pte & bit::write ? "write" : "read", pa, use.node->level, use.space->id));
      rest_on(*use.space, use.node->va);
    }
    if (scene_.kernel_image && leaf.pte & bit::write && leaf.pa < scene_.kernel_image->second &&
        leaf.pa + leaf.bytes() > scene_.kernel_image->first) {
      report(LintRule::kernel_image_writable_by_user, space, leaf.va, leaf.pte,
             fmt::format("user mode can write the kernel's own memory at {:#x}", leaf.pa));
    }
  }

  /// A pointer whose entry was given rights is taken for a superpage: its tables are lost, their frame shows as memory.
  void leaf_over_table(const Space& space, const Leaf& leaf) {
    const auto table = tables_.find(leaf.pa);
    if (table == tables_.end() || table->second.node->level + 1 != leaf.level) return;
    report(LintRule::leaf_over_table, space, leaf.va, leaf.pte,
           fmt::format("a level-{} leaf points at the frame {:#x}, a level-{} table of {}", leaf.level, leaf.pa,
                       table->second.node->level, table->second.space->id));
    rest_on(*table->second.space, table->second.node->va);
  }

  void protection(const Space& space, const Leaf& leaf) {
    const bool user = leaf.pte & bit::user;
    const bool kernel_table = space.role == Role::kernel || space.role == Role::process_kernel;
    if (user && (kernel_table || leaf.va >= user_half_end(space.tree.mode))) {
      report(LintRule::user_in_kernel_half, space, leaf.va, leaf.pte,
             kernel_table ? "a page of a kernel table has U: the supervisor cannot use it, and the user could"
                          : "a page above the user half has U");
    }
    if (user && leaf.va < abi::user_top && (leaf.va == abi::trampoline || leaf.va == abi::trapframe)) {
      report(LintRule::trap_page_open_to_user, space, leaf.va, leaf.pte,
             fmt::format("the {} has U: user code can {} what the kernel trusts",
                         leaf.va == abi::trampoline ? "trampoline" : "trapframe",
                         leaf.pte & bit::write ? "change" : "read"));
    }
    if (user && leaf.pte & bit::global)
      report(LintRule::global_user_page, space, leaf.va, leaf.pte,
             "a user page has G: it would outlive a switch of address space");
    if (leaf.pte & bit::write && leaf.pte & bit::execute && !is_users_without_u(space, leaf)) {
      report(user ? LintRule::user_write_execute : LintRule::kernel_write_execute, space, leaf.va, leaf.pte,
             "both writable and executable");
    }
    if (scene_.family == Family::bifolium && leaf.pte & bit::write && leaf.pte & bit::copy_on_write) {
      report(LintRule::cow_writable, space, leaf.va, leaf.pte,
             "marked copy-on-write and writable at once: sharers would see the write");
    }
  }

  /// A page of the user's that user mode may not touch: the guard below xv6's stack, which is a page of the program
  /// that lost its U, or the image of a user page in a process's kernel table. Its W and X are the program's.
  bool is_users_without_u(const Space& space, const Leaf& leaf) const {
    if (leaf.pte & bit::user || scene_.family == Family::bifolium) return false;
    if (space.role == Role::process) return Namer(scene_).purpose(space, leaf).region == "guard";
    return space.role == Role::process_kernel && leaf.va < mirror_limit && device_at(leaf.pa).empty();
  }

  void accessed_and_dirty(const Space& space, const Leaf& leaf) {
    const bool user = leaf.pte & bit::user;
    const bool no_access = !(leaf.pte & bit::accessed);
    const bool no_dirty = leaf.pte & bit::write && !(leaf.pte & bit::dirty);
    if (scene_.family != Family::bifolium) {
      return;  // others leave both to the hardware
    }
    // Bifolium sets A and D when it maps; only pgaccess clears A, and only of user pages.
    if (no_access && !user)
      report(LintRule::accessed_clear, space, leaf.va, leaf.pte,
             "A is clear: hardware that doesn't set it would fault for ever");
    if (no_dirty)
      report(LintRule::dirty_clear, space, leaf.va, leaf.pte,
             "W is set and D clear: hardware that doesn't set it would fault on every store");
  }

  /// The upper half belongs to the kernel, so each process's root must say the same about it as the kernel's.
  void kernel_half(const Space& space) {
    if (!kernel_ || &space == kernel_ || space.role != Role::process || !kernel_->tree.readable() || kernel_->tree.torn)
      return;
    if (kernel_->tree.mode != space.tree.mode) return;
    const Node& mine = space.tree.nodes[0];
    const Node& theirs = kernel_->tree.nodes[0];
    const bool has_kernel_half =
        std::any_of(mine.entries.begin() + 256, mine.entries.end(), [](u64 e) { return e & bit::valid; });
    if (!has_kernel_half) return;
    for (unsigned i = 256; i < sv39::entries_per_table; ++i) {
      if (((mine.entries[i] ^ theirs.entries[i]) & ~(bit::accessed | bit::dirty)) == 0) continue;
      report(
          LintRule::kernel_half_differs, space,
          ~u64{0} << (address_bits(space.tree.mode) - 1) | (i - 256) * bytes_at(mine.level), mine.entries[i],
          fmt::format("root entry {} is {:#x}, but {:#x} in the kernel's root", i, mine.entries[i], theirs.entries[i]));
      if (!enough_) rest_on(*kernel_, findings_.back().va);
    }
  }

  /// Two processes may share kernel tables, or leaf tables in which nothing is writable; anything else is one frame
  /// that two owners will free.
  void shared_tables() {
    std::unordered_map<u64, TableUse> first;
    for (const Space& space : scene_.spaces) {
      if (space.tree.torn) continue;
      std::unordered_set<u64> within;
      for (const Node& node : space.tree.nodes) {
        if (!within.insert(node.pa).second) {
          report(LintRule::table_used_twice, space, node.va, 0,
                 fmt::format("the table {:#x} is reached on two ways from one root", node.pa));
        }
        const auto [known, is_new] = first.try_emplace(node.pa, TableUse{&space, &node});
        const Space& other = *known->second.space;
        if (is_new || &other == &space || other.tree.root == space.tree.root) continue;
        const bool writable =
            std::ranges::any_of(node.entries, [](u64 e) { return e & bit::valid && e & bit::user && e & bit::write; });
        if (writable) {
          report(LintRule::table_shared, space, node.va, 0,
                 fmt::format("the table {:#x} with writable user pages also belongs to {}", node.pa, other.id));
          rest_on(other, known->second.node->va);
        }
      }
    }
  }

  void writable_aliases() {
    struct First {
      const Space* space;
      u64 va;
    };
    std::unordered_map<u64, First> writers;
    for (const Space& space : scene_.spaces) {
      if (space.tree.torn || space.role == Role::process_kernel || space.role == Role::kernel) continue;
      for (const Leaf& leaf : space.tree.leaves) {
        if (!(leaf.pte & bit::user) || !(leaf.pte & bit::write) || leaf.level > 2) continue;
        if (meant_to_be_shared(space, leaf.va)) continue;
        const auto [known, is_new] = writers.try_emplace(leaf.pa, First{&space, leaf.va});
        if (is_new) continue;
        report(LintRule::writable_alias, space, leaf.va, leaf.pte,
               fmt::format("the frame {:#x} is writable here and in {} at {:#x}: copy-on-write was not broken", leaf.pa,
                           known->second.space->id, known->second.va));
        rest_on(*known->second.space, known->second.va);
      }
    }
  }

  static bool meant_to_be_shared(const Space& space, u64 va) {
    if (!space.process) return false;
    return std::ranges::any_of(space.process->regions,
                               [&](const RegionRecord& r) { return r.shared && va >= r.begin && va < r.end; });
  }

  void satps() {
    const bool has_table = std::ranges::any_of(scene_.spaces, [](const Space& s) { return s.role != Role::other; });
    for (const Hart& hart : scene_.harts) {
      if (!hart.satp.is_known_mode()) {
        Space anyone;
        anyone.id = fmt::format("hart {}", hart.index);
        report(LintRule::satp_mode, anyone, 0, hart.satp.raw,
               fmt::format("satp {:#x} has a reserved MODE", hart.satp.raw));
        continue;
      }
      if (hart.satp.mode() == Mode::bare || !has_table) continue;
      if (on_free_frame(hart)) continue;
      const bool known =
          std::ranges::any_of(scene_.spaces, [&](const Space& s) { return s.tree.root == hart.satp.root(); });
      if (known) continue;
      Space anyone;
      anyone.id = fmt::format("hart {}", hart.index);
      report(LintRule::satp_on_unknown_table, anyone, 0, hart.satp.raw,
             fmt::format("satp of hart {} names the root {:#x}, which belongs to no process: freed, or never entered",
                         hart.index, hart.satp.root()));
    }
  }

  /// Whether the hart translates through a table that its kernel has freed; reports it.
  bool on_free_frame(const Hart& hart) {
    const u64 root = hart.satp.root();
    if (!scene_.in_ram(root) || scene_.records.frames.empty()) return false;
    const u64 frame = (root - scene_.ram_base) / page_size;
    if (scene_.records.frames[frame].state != FrameState::free) return false;
    Space anyone;
    anyone.id = fmt::format("hart {}", hart.index);
    report(LintRule::satp_on_freed_table, anyone, 0, hart.satp.raw,
           fmt::format("satp of hart {} names the root {:#x}, which the kernel has freed", hart.index, root));
    rest_on_record(frame);
    return true;
  }

  void mirrors() {
    for (const Space& mirror : scene_.spaces) {
      if (mirror.role != Role::process_kernel || mirror.tree.torn || !mirror.process) continue;
      const Space* user = scene_.find(fmt::format("{}", mirror.process->pid));
      if (!user || user->tree.torn || !mirrors_anything(mirror)) continue;
      mirror_of(*user, mirror);
      stale_in(*user, mirror);
    }
  }

  /// A kernel table per process need not mirror anything (step two of the lab of 2020 comes before step three).
  static bool mirrors_anything(const Space& mirror) {
    return std::ranges::any_of(mirror.tree.leaves,
                               [](const Leaf& leaf) { return leaf.va < mirror_limit && device_at(leaf.pa).empty(); });
  }

  void mirror_of(const Space& user, const Space& mirror) {
    for (const Leaf& leaf : user.tree.leaves) {
      if (leaf.va >= mirror_limit || !leaf.entry().as_mirror().is_valid()) continue;
      const Leaf* copy = mirror.tree.find(leaf.va);
      if (!copy) {
        report(LintRule::mirror_missing, mirror, leaf.va, leaf.pte,
               "the user's page is not in the process's kernel table");
        rest_on(user, leaf.va);
      } else if (copy->pa + (leaf.va - copy->va) != leaf.pa) {
        report(LintRule::mirror_wrong_frame, mirror, leaf.va, copy->pte,
               fmt::format("the user's page is the frame {:#x}, the mirror shows {:#x}", leaf.pa,
                           copy->pa + (leaf.va - copy->va)));
        rest_on(user, leaf.va);
      } else if (copy->pte & bit::write && !(leaf.pte & bit::write)) {
        report(LintRule::mirror_wrong_rights, mirror, leaf.va, copy->pte,
               "the mirror is writable where the user's page is not");
        rest_on(user, leaf.va);
      }
    }
  }

  void stale_in(const Space& user, const Space& mirror) {
    for (const Leaf& copy : mirror.tree.leaves) {
      if (copy.va >= mirror_limit || !device_at(copy.pa).empty()) continue;
      if (!user.tree.find(copy.va)) {
        report(LintRule::mirror_stale, mirror, copy.va, copy.pte, "the mirror still has a page that the user gave up");
        rest_on(user, copy.va);
      }
    }
  }

  /// Bifolium keeps a record of every frame, xv6 a list of the free ones: what is mapped must not be free, tables must
  /// be known as tables, and a frame must have as many references as it has mappings.
  void frame_records() {
    const auto& records = scene_.records;
    if (records.frames.empty()) return;
    std::unordered_map<u64, std::vector<std::pair<const Space*, const Leaf*>>> mappers;
    for (const Space& space : scene_.spaces) {
      if (space.tree.torn) continue;
      for (const Node& node : space.tree.nodes) table_record(space, node);
      if (space.role != Role::process) continue;
      for (const Leaf& leaf : space.tree.leaves) {
        if (!(leaf.pte & bit::user) || !scene_.in_ram(leaf.pa)) continue;
        const u64 frame = (leaf.pa - scene_.ram_base) / page_size;
        if (records.frames[frame].state == FrameState::free) {
          report(LintRule::free_frame_mapped, space, leaf.va, leaf.pte,
                 fmt::format("the frame {:#x} is free in the kernel's records, yet mapped", leaf.pa));
          rest_on_record(frame);
        }
        mappers[frame].emplace_back(&space, &leaf);
      }
    }
    for (const auto& [frame, users] : mappers) {
      const FrameRecord& record = records.frames[frame];
      if (record.references >= users.size() || record.state != FrameState::user) continue;
      const auto [space, leaf] = users.front();
      report(LintRule::too_few_references, *space, leaf->va, leaf->pte,
             fmt::format("the frame {:#x} has {} mappings and {} references: it will be freed too early", leaf->pa,
                         users.size(), record.references));
      for (const auto& [other, mapping] : users) rest_on(*other, mapping->va);
      rest_on_record(frame);
    }
  }

  /// Adds the frame's record to what the last finding rests on.
  void rest_on_record(u64 frame) {
    if (!enough_)
      findings_.back().evidence.push_back(
          {scene_.records.first_word + frame * scene_.records.stride, scene_.records.words[frame], 0});
  }

  void table_record(const Space& space, const Node& node) {
    if (!scene_.in_ram(node.pa)) return;
    const FrameState state = scene_.records.frames[(node.pa - scene_.ram_base) / page_size].state;
    if (state != FrameState::free) return;
    report(LintRule::free_frame_is_table, space, node.va, 0,
           fmt::format("the level-{} table {:#x} is free in the kernel's records", node.level, node.pa));
    rest_on_record((node.pa - scene_.ram_base) / page_size);
  }

  const Scene& scene_;
  const Space* kernel_ = nullptr;
  std::map<u64, TableUse> tables_;
  std::vector<Finding> findings_;
  std::unordered_map<LintRule, unsigned> reported_;
  bool enough_ = false;
};

constexpr std::array<Rule, lint_rule_count> rules = {{
    {LintRule::root_unreadable, "root-unreadable", Severity::fault,
     "a process's root table is not RAM or not page-aligned"},
    {LintRule::table_outside_ram, "table-outside-ram", Severity::fault, "a pointer leads to a table outside RAM"},
    {LintRule::table_cycle, "table-cycle", Severity::fault, "a pointer leads back to a table above it"},
    {LintRule::too_many_tables, "too-many-tables", Severity::fault, "a tree has more tables than RAM has frames"},
    {LintRule::table_used_twice, "table-used-twice", Severity::fault, "one table is reached on two ways from one root"},
    {LintRule::table_shared, "table-shared", Severity::fault, "two processes share a table with writable user pages"},
    {LintRule::pointer_at_level_0, "pointer-at-level-0", Severity::fault, "a level-0 entry has R = W = X = 0"},
    {LintRule::pointer_with_adu, "pointer-with-adu", Severity::fault, "A, D or U is set in a non-leaf entry"},
    {LintRule::reserved_bits, "reserved-bits", Severity::fault, "bits 63 to 54 of an entry are not zero"},
    {LintRule::write_without_read, "write-without-read", Severity::fault, "a leaf has W without R"},
    {LintRule::misaligned_superpage, "misaligned-superpage", Severity::fault,
     "a superpage's frame is not a multiple of its size"},
    {LintRule::leaf_outside_ram, "leaf-outside-ram", Severity::fault, "a leaf maps what is neither RAM nor a device"},
    {LintRule::leaf_over_table, "leaf-over-table", Severity::fault,
     "a superpage leaf points at the table that should be under it"},
    {LintRule::table_mapped_by_user, "table-mapped-by-user", Severity::fault, "user mode can reach a page table"},
    {LintRule::kernel_image_writable_by_user, "kernel-image-writable-by-user", Severity::fault,
     "user mode can write the kernel's code or data"},
    {LintRule::user_in_kernel_half, "user-in-kernel-half", Severity::fault,
     "U is set in a kernel table or above the user half"},
    {LintRule::trap_page_open_to_user, "trap-page-open-to-user", Severity::fault, "trampoline or trapframe has U"},
    {LintRule::global_user_page, "global-user-page", Severity::fault, "a user page has G"},
    {LintRule::kernel_write_execute, "kernel-write-execute", Severity::fault,
     "a supervisor page is writable and executable"},
    {LintRule::user_write_execute, "user-write-execute", Severity::advice,
     "a user page is writable and executable (xv6 programs of 2020-21 ask for it)"},
    {LintRule::cow_writable, "cow-writable", Severity::fault, "Bifolium: W and the copy-on-write mark together"},
    {LintRule::accessed_clear, "accessed-clear", Severity::fault, "Bifolium: A is clear in a supervisor leaf"},
    {LintRule::dirty_clear, "dirty-clear", Severity::fault, "Bifolium: W is set and D clear"},
    {LintRule::kernel_half_differs, "kernel-half-differs", Severity::fault,
     "a process's root differs from the kernel's in the upper half"},
    {LintRule::writable_alias, "writable-alias", Severity::fault,
     "one frame is writable by user mode in two places, and no region says it is shared"},
    {LintRule::satp_mode, "satp-mode", Severity::fault, "satp has a reserved MODE"},
    {LintRule::satp_on_unknown_table, "satp-on-unknown-table", Severity::fault,
     "a hart's satp names a root that belongs to no one"},
    {LintRule::satp_on_freed_table, "satp-on-freed-table", Severity::fault,
     "a hart's satp names a root that the kernel has freed"},
    {LintRule::mirror_missing, "mirror-missing", Severity::fault, "a user page is not in the process's kernel table"},
    {LintRule::mirror_wrong_frame, "mirror-wrong-frame", Severity::fault,
     "mirror and user table name different frames"},
    {LintRule::mirror_wrong_rights, "mirror-wrong-rights", Severity::fault,
     "the mirror is writable where the user's page is not"},
    {LintRule::free_frame_mapped, "free-frame-mapped", Severity::fault,
     "a mapped frame is free in the kernel's records (Bifolium, xv6's kmem)"},
    {LintRule::free_frame_is_table, "free-frame-is-table", Severity::fault,
     "a table's frame is free in the kernel's records (Bifolium, xv6's kmem)"},
    {LintRule::too_few_references, "too-few-references", Severity::fault,
     "Bifolium: a frame has more mappings than references"},
    {LintRule::mirror_stale, "mirror-stale", Severity::fault, "the mirror has a page which the user table has not"},
}};

constexpr bool in_order() {
  for (std::size_t i = 0; i < rules.size(); ++i) {
    if (rules[i].id != static_cast<LintRule>(i)) return false;
  }
  return true;
}
static_assert(in_order(), "a rule is found by its number");

}  // namespace

std::span<const Rule> lint_rules() { return rules; }

const Rule& rule_of(LintRule id) { return rules[static_cast<std::size_t>(id)]; }

bool Finding::same_as(const Finding& other) const {
  constexpr u64 ignored = bit::accessed | bit::dirty;
  return rule == other.rule && space == other.space && va == other.va && ((pte ^ other.pte) & ~ignored) == 0;
}

std::vector<Finding> lint(const Scene& scene) { return Judge(scene).run(); }

std::vector<Finding> confirmed(std::vector<Finding> first, const std::vector<Finding>& second) {
  std::erase_if(first, [&](const Finding& finding) {
    return std::ranges::none_of(second, [&](const Finding& later) { return finding.same_as(later); });
  });
  return first;
}

bool still_holds(const Ram& ram, const Finding& finding) {
  for (int pass = 0; pass < 3; ++pass) {
    for (const Evidence& evidence : finding.evidence) {
      const auto now = ram.read_u64(evidence.at);
      if (!now || ((*now ^ evidence.entry) & ~evidence.ignored) != 0) return false;
    }
  }
  return true;
}

std::vector<Finding> lint_source(Source& source, Scene& scene) {
  const auto look = [&](const Scene& seen) {
    std::vector<Finding> findings = lint(seen);
    // How many more there were rests on no entry that could be looked at again.
    const auto is_unsure = [&](const Finding& f) { return f.space == "-" || !still_holds(*source.ram, f); };
    if (source.is_live()) std::erase_if(findings, is_unsure);
    return findings;
  };
  const auto capture_all = [&] {
    Scene seen = capture(source);
    add_free_list(source, seen);
    return seen;
  };
  scene = capture_all();
  std::vector<Finding> findings = look(scene);
  for (int again = 0; again < 2 && source.is_live() && !findings.empty(); ++again) {
    const timespec pause{0, 15'000'000};
    ::nanosleep(&pause, nullptr);
    findings = confirmed(std::move(findings), look(capture_all()));
  }
  return findings;
}

}  // namespace foliowalk
