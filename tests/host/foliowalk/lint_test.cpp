// SPDX-License-Identifier: MIT
// Strategy: a healthy system on which no rule may speak, and then one seeded fault at a time, each of which must be
// named by its own rule and by no other fault.

#include "tools/foliowalk/lint.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <set>

#include "tests/host/foliowalk/ram_builder.hpp"

namespace foliowalk {
namespace {

std::set<std::string> faults(const Scene& scene) {
  std::set<std::string> rules;
  for (const Finding& finding : lint(scene)) {
    if (rule_of(finding.rule).severity == Severity::fault) rules.insert(rule_of(finding.rule).name);
  }
  return rules;
}

TEST(Lint, says_nothing_of_a_healthy_system) {
  for (const Family family : {Family::bifolium, Family::xv6, Family::other}) {
    for (const bool with_mirror : {false, true}) {
      Healthy system;
      system.family = family;
      system.with_mirror = with_mirror;
      EXPECT_TRUE(lint(system.scene()).empty())
          << (lint(system.scene()).empty() ? "" : lint(system.scene())[0].message);
    }
  }
}

struct Seed {
  const char* rule;
  std::function<void(Healthy&)> plant;
};

void PrintTo(const Seed& seed, std::ostream* out) { *out << seed.rule; }

u64 entry_of(Healthy& system, u64 va, unsigned level = 0) { return system.ram.entry(system.user[0], va, level); }

void or_into(Healthy& system, u64 at, u64 bits) { system.ram.write(at, system.ram.read(at) | bits); }

const std::vector<Seed> seeds = {
    {"root-unreadable", [](Healthy& s) { s.user[1] = 0x1234'5000; }},
    {"table-outside-ram",
     [](Healthy& s) { s.ram.write(entry_of(s, 0x4000'0000, 2) + 8, RamBuilder::pte(0x9000'0000, 1)); }},
    {"table-cycle", [](Healthy& s) { s.ram.write(s.user[0] + 100 * 8, RamBuilder::pte(s.user[0], 1)); }},
    {"pointer-at-level-0", [](Healthy& s) { s.ram.write(entry_of(s, 0x7000), RamBuilder::pte(s.text, 1)); }},
    {"pointer-with-adu", [](Healthy& s) { or_into(s, s.user[0], flag::accessed); }},
    {"reserved-bits", [](Healthy& s) { or_into(s, entry_of(s, 0x2000), u64{1} << 58); }},
    {"write-without-read",
     [](Healthy& s) {
       s.ram.map(s.user[0], 0x5000, s.ram.frame(),
                 flag::valid | flag::write | flag::user | flag::accessed | flag::dirty);
     }},
    {"misaligned-superpage",
     [](Healthy& s) { s.ram.map(s.user[0], 0x4040'0000, s.mega - 4 * kib * 3, flag::ro | flag::user, 1); }},
    {"leaf-outside-ram", [](Healthy& s) { s.ram.map(s.user[0], 0x5000, 0xf000'0000, flag::ro | flag::user); }},
    {"leaf-over-table",
     [](Healthy& s) {
       // A pointer to a level-0 table that was given rights: a superpage over the frame of another process's table.
       const u64 table = s.mega + 2 * mib - 2 * mib;
       s.ram.write(s.ram.entry(s.user[1], 0x4000'0000, 1), RamBuilder::pte(table, flag::valid));
       s.ram.write(entry_of(s, 0x4020'0000, 1), RamBuilder::pte(table, flag::ro | flag::user));
     }},
    {"table-mapped-by-user", [](Healthy& s) { s.ram.map(s.user[0], 0x6000, s.user[1], flag::rw | flag::user); }},
    {"user-in-kernel-half",
     [](Healthy& s) { s.ram.map(s.kernel_root, 0x2000'0000, s.data[1], flag::ro | flag::user); }},
    {"trap-page-open-to-user", [](Healthy& s) { or_into(s, entry_of(s, 0x3f'ffff'f000), flag::user); }},
    {"global-user-page", [](Healthy& s) { or_into(s, entry_of(s, 0x2000), flag::global); }},
    {"kernel-write-execute",
     [](Healthy& s) { s.ram.map(s.kernel_root, 0x1000'1000, s.data[1], flag::rw | flag::execute); }},
    {"cow-writable", [](Healthy& s) { or_into(s, entry_of(s, 0x2000), flag::copy_on_write); }},
    {"accessed-clear",
     [](Healthy& s) { s.ram.map(s.kernel_root, 0x1000'1000, 0x1000'1000, flag::valid | flag::read); }},
    {"dirty-clear",
     [](Healthy& s) { s.ram.map(s.user[0], 0x5000, s.ram.frame(), flag::ro | flag::write | flag::user); }},
    {"kernel-half-differs",
     [](Healthy& s) {
       s.ram.map(s.kernel_root, ~u64{0} << 38, 0x8000'0000, flag::rw, 2);
       s.ram.map(s.user[0], ~u64{0} << 38, 0x8000'0000, flag::rw, 2);
       s.ram.map(s.user[1], (~u64{0} << 38) + (u64{1} << 30), 0x8000'0000, flag::rw, 2);
     }},
    {"writable-alias", [](Healthy& s) { s.ram.map(s.user[1], 0x2000, s.data[0], flag::rw | flag::user); }},
    {"table-shared",
     [](Healthy& s) {
       const u64 table = s.ram.frame();
       s.ram.write(s.ram.entry(s.user[0], 0x6000'0000, 1), RamBuilder::pte(table, flag::valid));
       s.ram.write(s.ram.entry(s.user[1], 0x7000'0000, 1), RamBuilder::pte(table, flag::valid));
       s.ram.write(table, RamBuilder::pte(s.ram.frame(), flag::rw | flag::user));
     }},
    {"table-used-twice", [](Healthy& s) { s.ram.write(s.user[0] + 50 * 8, s.ram.read(s.user[0])); }},
    {"satp-mode", [](Healthy& s) { s.harts.push_back({1, Satp{u64{5} << 60 | 0x80000}, 0}); }},
    {"satp-on-unknown-table", [](Healthy& s) { s.harts.push_back({1, Satp{u64{8} << 60 | s.data[0] >> 12}, 0}); }},
    {"mirror-missing",
     [](Healthy& s) {
       s.with_mirror = true;
       s.ram.write(s.ram.entry(s.mirror, 0x2000, 0), 0);
     }},
    {"mirror-wrong-frame",
     [](Healthy& s) {
       s.with_mirror = true;
       s.ram.map(s.mirror, 0x2000, s.data[1], flag::rw);
     }},
    {"mirror-wrong-rights",
     [](Healthy& s) {
       s.with_mirror = true;
       s.ram.map(s.mirror, 0x1000, s.shared, flag::rw);
     }},
    {"mirror-stale",
     [](Healthy& s) {
       s.with_mirror = true;
       s.ram.map(s.mirror, 0x9000, s.data[1], flag::rw);
     }},
};

class SeededFault : public testing::TestWithParam<Seed> {};

TEST_P(SeededFault, is_found) {
  Healthy system;
  GetParam().plant(system);
  const auto found = faults(system.scene());
  EXPECT_TRUE(found.contains(GetParam().rule)) << "found " << found.size() << " other faults";
}

INSTANTIATE_TEST_SUITE_P(Lint, SeededFault, testing::ValuesIn(seeds), [](const auto& info) {
  std::string name = info.param.rule;
  std::ranges::replace(name, '-', '_');
  return name;
});

// A rule that nobody seeds may be dead; these three need frame records or an ELF file and are tested below.
TEST(Lint, every_rule_is_seeded) {
  std::set<std::string> seeded = {"too-many-tables",    "kernel-image-writable-by-user", "user-write-execute",
                                  "free-frame-mapped",  "free-frame-is-table",           "too-few-references",
                                  "satp-on-freed-table"};
  for (const Seed& seed : seeds) seeded.insert(seed.rule);
  for (const Rule& rule : lint_rules()) EXPECT_TRUE(seeded.contains(rule.name)) << rule.name;
}

TEST(Lint, knows_the_kernel_image) {
  Healthy system;
  Scene scene = system.scene();
  scene.kernel_image = {system.data[0], system.data[0] + 4 * kib};
  EXPECT_TRUE(faults(scene).contains("kernel-image-writable-by-user"));
}

TEST(Lint, calls_a_writable_executable_user_page_advice) {
  Healthy system;
  system.ram.map(system.user[0], 0x5000, system.ram.frame(), flag::rw | flag::execute | flag::user);
  const auto findings = lint(system.scene());
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].rule, LintRule::user_write_execute);
  EXPECT_EQ(rule_of(findings[0].rule).severity, Severity::advice);
}

Scene with_records(Healthy& system) {
  Scene scene = system.scene();
  scene.records.frames.resize(scene.ram_size / 4096);
  scene.records.words.resize(scene.records.frames.size());
  for (FrameRecord& record : scene.records.frames) record = {FrameState::user, 8};
  return scene;
}

TEST(Lint, compares_with_the_frame_records) {
  Healthy system;
  const auto frame = [](u64 pa) { return (pa - default_ram_base) / 4096; };
  EXPECT_TRUE(faults(with_records(system)).empty());
  Scene scene = with_records(system);
  scene.records.frames[frame(system.data[0])].state = FrameState::free;
  EXPECT_EQ(faults(scene), std::set<std::string>{"free-frame-mapped"});
  scene = with_records(system);
  scene.records.frames[frame(system.user[0])].state = FrameState::free;
  EXPECT_EQ(faults(scene), (std::set<std::string>{"free-frame-is-table", "satp-on-freed-table"}));
  scene = with_records(system);
  scene.records.frames[frame(system.shared)].references = 1;
  EXPECT_EQ(faults(scene), std::set<std::string>{"too-few-references"});
}

TEST(Lint, sees_a_satp_on_a_freed_table) {
  Healthy system;
  const u64 freed = system.ram.frame();
  system.harts.push_back({1, Satp{u64{8} << 60 | freed >> 12}, 0});
  Scene scene = with_records(system);
  scene.records.frames[(freed - default_ram_base) / 4096].state = FrameState::free;
  EXPECT_EQ(faults(scene), std::set<std::string>{"satp-on-freed-table"});
}

// One mapping in the source is one finding.
TEST(Lint, folds_what_is_nowhere_into_ranges) {
  Healthy system;
  for (u64 i = 0; i < 300; ++i)
    system.ram.map(system.user[0], 0x10'0000 + i * 4096, 0xf000'0000 + i * 4096, flag::ro | flag::user);
  const auto findings = lint(system.scene());
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].message, "0xf0000000..0xf012c000 (1.2 MiB) is neither RAM nor a device of this machine");
}

TEST(Lint, a_finding_falls_when_its_evidence_is_gone) {
  Healthy system;
  const u64 at = entry_of(system, 0x2000);
  or_into(system, at, u64{1} << 58);
  const auto findings = lint(system.scene());
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_TRUE(still_holds(system.ram.ram(), findings[0]));
  system.ram.write(at, system.ram.read(at) ^ flag::accessed);
  EXPECT_TRUE(still_holds(system.ram.ram(), findings[0])) << "A may change at any time";
  system.ram.write(at, 0);
  EXPECT_FALSE(still_holds(system.ram.ram(), findings[0]));
}

TEST(Lint, a_finding_about_two_processes_falls_when_one_gave_the_frame_up) {
  Healthy system;
  system.ram.map(system.user[1], 0x2000, system.data[0], flag::rw | flag::user);
  const auto findings = lint(system.scene());
  ASSERT_EQ(findings.size(), 1U);
  system.ram.write(entry_of(system, 0x2000), 0);
  EXPECT_FALSE(still_holds(system.ram.ram(), findings[0]));
}

TEST(Lint, reports_no_more_of_a_rule_than_anyone_reads) {
  Healthy system;
  for (u64 i = 0; i < 400; ++i)
    system.ram.map(system.user[0], 0x10'0000 + i * 4096, 0xf000'0000, flag::ro | flag::user);
  const auto findings = lint(system.scene());
  ASSERT_EQ(findings.size(), 101U);
  EXPECT_EQ(findings.back().message, "and 300 more of this rule, which are not listed");
}

// A zombie whose kernel frees tables at exit: there is nothing to judge and nothing to look into, but it is there.
TEST(Lint, a_process_without_tables_is_no_fault) {
  Healthy system;
  Scene scene = system.scene();
  Space& zombie = scene.spaces.emplace_back();
  zombie.id = "7";
  zombie.role = Role::process;
  zombie.process.emplace();
  zombie.process->pid = 7;
  zombie.process->name = "gone";
  zombie.process->state = "zombie";
  EXPECT_TRUE(lint(scene).empty());
  for (const char* name : {"7", "gone"}) {
    const auto found = find_space(scene, name);
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().message, "process 7 gone has no page tables (zombie)");
  }
}

}  // namespace
}  // namespace foliowalk
