// SPDX-License-Identifier: MIT
// Strategy: trees built by hand, healthy, hostile and changing under the reader; every mode.

#include "tools/foliowalk/tree.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/host/foliowalk/ram_builder.hpp"
#include "tools/foliowalk/diff.hpp"
#include "tools/foliowalk/walk.hpp"

namespace foliowalk {
namespace {

TEST(Tree, lists_leaves_in_order_at_every_level) {
  Healthy system;
  const Tree tree = read_tree(system.ram.ram(), system.user[0], Mode::sv39);
  ASSERT_EQ(tree.leaves.size(), 5U);
  EXPECT_TRUE(std::ranges::is_sorted(tree.leaves, {}, &Leaf::va));
  EXPECT_EQ(tree.leaves[3].level, 1);
  EXPECT_EQ(tree.find(0x4020'1234)->va, 0x4020'0000U);
  EXPECT_EQ(tree.find(0x3000), nullptr);
  EXPECT_FALSE(tree.torn);
}

TEST(Tree, ends_on_cycles_at_every_level) {
  RamBuilder ram;
  const u64 root = ram.frame();
  for (unsigned i = 0; i < 512; ++i) ram.write(root + i * 8, RamBuilder::pte(root, 1));
  const Tree tree = read_tree(ram.ram(), root, Mode::sv39);
  EXPECT_EQ(tree.bad.size(), 512U);
  EXPECT_EQ(tree.nodes.size(), 1U);
}

// 512 entries to one table, whose 512 entries lead to one table: 2^18 leaf tables that do not exist.
TEST(Tree, ends_on_a_tree_that_is_wider_than_ram) {
  RamBuilder ram(1 * mib);
  const u64 tables[3] = {ram.frame(), ram.frame(), ram.frame()};
  for (unsigned i = 0; i < 512; ++i) {
    ram.write(tables[0] + i * 8, RamBuilder::pte(tables[1], 1));
    ram.write(tables[1] + i * 8, RamBuilder::pte(tables[2], 1));
    ram.write(tables[2] + i * 8, RamBuilder::pte(tables[2], flag::ro));
  }
  const Tree tree = read_tree(ram.ram(), tables[0], Mode::sv39);
  EXPECT_LE(tree.nodes.size(), 256U);
  EXPECT_FALSE(tree.bad.empty());
}

TEST(Tree, refuses_roots_that_cannot_be) {
  RamBuilder ram;
  EXPECT_FALSE(read_tree(ram.ram(), 0, Mode::sv39).readable());
  EXPECT_FALSE(read_tree(ram.ram(), default_ram_base + 8, Mode::sv39).readable());
  EXPECT_FALSE(read_tree(ram.ram(), default_ram_base + ram.ram().size(), Mode::sv39).readable());
  EXPECT_FALSE(read_tree(ram.ram(), ~u64{0} << 12, Mode::sv39).readable());
}

/// A process's root that leads to the kernel's tables for the upper addresses and to its own for the lower ones.
struct WithKernelHalf {
  RamBuilder ram{8 * mib};
  u64 kernel_root = ram.frame();
  u64 root = ram.frame();
  u64 page = ram.frame();
  u64 upper = ~u64{0} << 38;

  WithKernelHalf() {
    for (u64 i = 0; i < 3; ++i) ram.map(kernel_root, upper + i * 2 * mib, default_ram_base + i * 2 * mib, flag::rw, 1);
    ram.map(kernel_root, upper + 512 * mib, page, flag::rw);
    ram.write(root + 256 * 8, ram.read(kernel_root + 256 * 8));
    ram.map(root, 0x1000, page, flag::rw | flag::user);
  }
};

TEST(Tree, borrows_the_tables_of_the_kernel) {
  WithKernelHalf system;
  const Tree kernel = read_tree(system.ram.ram(), system.kernel_root, Mode::sv39);
  const Tree alone = read_tree(system.ram.ram(), system.root, Mode::sv39);
  const Tree borrowing = read_tree(system.ram.ram(), system.root, Mode::sv39, &kernel);
  ASSERT_EQ(borrowing.nodes.size(), alone.nodes.size());
  ASSERT_EQ(borrowing.leaves.size(), 5U);
  for (usize i = 0; i < alone.nodes.size(); ++i) {
    EXPECT_EQ(borrowing.nodes[i].pa, alone.nodes[i].pa);
    EXPECT_EQ(borrowing.nodes[i].parent, alone.nodes[i].parent);
    EXPECT_EQ(borrowing.nodes[i].index, alone.nodes[i].index);
    EXPECT_EQ(borrowing.nodes[i].borrowed, borrowing.nodes[i].va >= system.upper);
  }
  EXPECT_TRUE(difference(alone, borrowing).empty());
  EXPECT_EQ(borrowing.find(system.upper + 512 * mib)->node, alone.find(system.upper + 512 * mib)->node);
}

TEST(Tree, what_is_borrowed_is_for_the_lender_to_check) {
  WithKernelHalf system;
  const Tree kernel = read_tree(system.ram.ram(), system.kernel_root, Mode::sv39);
  const Tree borrowing = read_tree(system.ram.ram(), system.root, Mode::sv39, &kernel);
  system.ram.map(system.kernel_root, system.upper + 6 * mib, default_ram_base, flag::rw, 1);
  EXPECT_TRUE(is_unchanged(system.ram.ram(), borrowing));
  EXPECT_FALSE(is_unchanged(system.ram.ram(), kernel));
}

TEST(Tree, borrows_nothing_from_a_broken_tree) {
  WithKernelHalf system;
  system.ram.write(system.kernel_root + 300 * 8, RamBuilder::pte(system.kernel_root, 1));  // a cycle
  const Tree kernel = read_tree(system.ram.ram(), system.kernel_root, Mode::sv39);
  const Tree tree = read_tree(system.ram.ram(), system.root, Mode::sv39, &kernel);
  EXPECT_TRUE(std::ranges::none_of(tree.nodes, &Node::borrowed));
  EXPECT_EQ(tree.leaves.size(), 5U);
}

struct ModeCase {
  Mode mode;
  u64 va;
};
class Modes : public testing::TestWithParam<ModeCase> {};

TEST_P(Modes, walk_and_tree_agree) {
  const auto [mode, va] = GetParam();
  RamBuilder ram;
  const u64 root = ram.frame();
  const u64 page = ram.frame();
  ram.map(root, va, page, flag::rw | flag::user, 0, levels_of(mode) - 1);
  const Tree tree = read_tree(ram.ram(), root, mode);
  ASSERT_EQ(tree.leaves.size(), 1U);
  EXPECT_EQ(tree.leaves[0].va, va);
  const Explanation walk = explain(ram.ram(), root, mode, va + 0x123);
  ASSERT_TRUE(walk.found());
  EXPECT_EQ(walk.physical, page + 0x123);
  EXPECT_EQ(walk.steps.size(), levels_of(mode));
  EXPECT_EQ(walk.verdict(sv39::Access::write, sv39::Privilege::user), sv39::Verdict::allowed);
  EXPECT_EQ(walk.verdict(sv39::Access::execute, sv39::Privilege::user), sv39::Verdict::not_executable);
  EXPECT_EQ(walk.verdict(sv39::Access::read, sv39::Privilege::supervisor), sv39::Verdict::user_page);
}

INSTANTIATE_TEST_SUITE_P(
    Tree, Modes,
    testing::Values(ModeCase{Mode::sv39, 0x12'3456'7000}, ModeCase{Mode::sv39, 0xffff'ffc0'0000'0000},
                    ModeCase{Mode::sv48, 0x1234'5678'9000}, ModeCase{Mode::sv48, 0xffff'8000'0000'1000},
                    ModeCase{Mode::sv48, 0x40'0000'0000}, ModeCase{Mode::sv57, 0x12'3456'789a'b000},
                    ModeCase{Mode::sv57, 0xff00'0000'0000'0000}));

TEST(Walk, upper_levels_of_sv48_can_end_it) {
  RamBuilder ram;
  const u64 root = ram.frame();
  EXPECT_EQ(explain(ram.ram(), root, Mode::sv48, 0x1000).end, sv39::WalkEnd::invalid_entry);
  ram.map(root, 0, u64{1} << 39, flag::rw, 3, 3);
  EXPECT_EQ(explain(ram.ram(), root, Mode::sv48, 0x1234).physical, (u64{1} << 39) + 0x1234);
  ram.write(root, RamBuilder::pte(u64{1} << 38, flag::rw));
  EXPECT_EQ(explain(ram.ram(), root, Mode::sv48, 0x1234).end, sv39::WalkEnd::reserved_encoding);
  ram.write(root, RamBuilder::pte(default_ram_base, flag::valid | flag::user));
  EXPECT_EQ(explain(ram.ram(), root, Mode::sv48, 0x1234).end, sv39::WalkEnd::reserved_encoding);
  EXPECT_EQ(explain(ram.ram(), root, Mode::sv48, u64{1} << 47).end, sv39::WalkEnd::not_canonical);
}

TEST(Walk, says_where_and_why_it_ends) {
  Healthy system;
  const auto& ram = system.ram.ram();
  EXPECT_EQ(describe_end(explain(ram, system.user[0], Mode::sv39, 0x5000)),
            "stops at level 0: the entry is not valid (V = 0)");
  EXPECT_EQ(describe_end(explain(ram, system.user[0], Mode::sv39, u64{1} << 38)),
            "not canonical: bits 63 to 39 must all equal bit 38");
  EXPECT_EQ(describe_end(explain(ram, 0, Mode::sv39, 0)), "the level-2 table at 0x0 is not in RAM");
  EXPECT_EQ(explain(ram, 0, Mode::bare, 0x1234).physical, 0x1234U);
}

/// RAM in which an entry changes with every read: what a guest in full flight looks like at its worst.
class FlickeringRam final : public Ram {
 public:
  FlickeringRam(const Ram& ram, u64 at, unsigned calm_after) : ram_(ram), at_(at), calm_after_(calm_after) {}
  u64 base() const override { return ram_.base(); }
  u64 size() const override { return ram_.size(); }
  bool read(u64 pa, std::span<std::byte> out) const override {
    if (!ram_.read(pa, out)) return false;
    if (pa <= at_ && at_ - pa < out.size() && reads_++ < calm_after_)
      out[at_ - pa] ^= std::byte{static_cast<unsigned char>(2 * (reads_ % 2))};
    return true;
  }

 private:
  const Ram& ram_;
  u64 at_;
  unsigned calm_after_;
  mutable unsigned reads_ = 0;
};

TEST(Torn, a_change_while_reading_is_retried_until_calm) {
  Healthy system;
  const u64 at = system.ram.entry(system.user[0], 0x2000, 0);
  const FlickeringRam ram(system.ram.ram(), at, 5);
  const Tree tree = read_tree(ram, system.user[0], Mode::sv39);
  EXPECT_GT(tree.retries, 0U);
  EXPECT_FALSE(tree.torn);
  EXPECT_TRUE(difference(tree, read_tree(system.ram.ram(), system.user[0], Mode::sv39)).empty());
}

TEST(Torn, what_never_rests_is_said_to_be_torn) {
  Healthy system;
  const u64 at = system.ram.entry(system.user[0], 0x2000, 0);
  const FlickeringRam ram(system.ram.ram(), at, ~0U);
  EXPECT_TRUE(read_tree(ram, system.user[0], Mode::sv39).torn);
  EXPECT_TRUE(explain(ram, system.user[0], Mode::sv39, 0x2000).torn);
}

TEST(Diff, names_each_kind_of_change) {
  Healthy before, after;
  after.ram.map(after.user[0], 0x5000, after.ram.frame(), flag::rw | flag::user);
  after.ram.write(after.ram.entry(after.user[0], 0x2000, 0), 0);
  after.ram.map(after.user[0], 0x1000, after.ram.frame(), flag::rw | flag::user);
  after.ram.map(after.user[0], 0x0, after.text, flag::ro | flag::user);
  after.ram.write(after.ram.entry(after.user[0], 0x4020'0000, 1), 0);
  for (u64 i = 0; i < 512; ++i)
    after.ram.map(after.user[0], 0x4020'0000 + i * 4096, after.mega + i * 4096, flag::rw | flag::user);
  const auto changes = difference(read_tree(before.ram.ram(), before.user[0], Mode::sv39),
                                  read_tree(after.ram.ram(), after.user[0], Mode::sv39));
  ASSERT_EQ(changes.size(), 5U);
  EXPECT_EQ(changes[0].change, Change::rights);
  EXPECT_EQ(changes[1].change, Change::moved);
  EXPECT_EQ(changes[2].change, Change::removed);
  EXPECT_EQ(changes[3].change, Change::added);
  EXPECT_EQ(changes[4].change, Change::split);
  EXPECT_EQ(changes[4].bytes, 2 * mib);
  const auto back = difference(read_tree(after.ram.ram(), after.user[0], Mode::sv39),
                               read_tree(before.ram.ram(), before.user[0], Mode::sv39));
  EXPECT_EQ(back.back().change, Change::promoted);
}

TEST(Diff, of_a_table_with_itself_is_empty) {
  Healthy system;
  const Tree tree = read_tree(system.ram.ram(), system.user[0], Mode::sv39);
  EXPECT_TRUE(difference(tree, tree).empty());
  EXPECT_TRUE(difference(Tree(), Tree()).empty());
}

}  // namespace
}  // namespace foliowalk
