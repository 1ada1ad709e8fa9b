// SPDX-License-Identifier: MIT
// Strategy: what comes from outside (QEMU's text, session files, numbers) in its true shape and in broken ones.

#include <gtest/gtest.h>

#include <fstream>

#include "abi/layout.hpp"
#include "tests/host/foliowalk/ram_builder.hpp"
#include "tools/foliowalk/events.hpp"
#include "tools/foliowalk/json.hpp"
#include "tools/foliowalk/qmp.hpp"
#include "tools/foliowalk/session.hpp"
#include "tools/foliowalk/text.hpp"

namespace foliowalk {
namespace {

TEST(Registers, of_two_harts) {
  const auto harts = parse_registers(
      "\r\nCPU#0\r\n V      =   0\r\n pc       000000008000004c\r\n satp     80000000000810ce\r\n"
      "CPU#1\r\n pc       0000000080000968\r\n satp     0000000000000000\r\n");
  ASSERT_EQ(harts.size(), 2U);
  EXPECT_EQ(harts[0].satp.mode(), Mode::sv39);
  EXPECT_EQ(harts[0].satp.root(), 0x810ce000U);
  EXPECT_EQ(harts[0].pc, 0x8000004cU);
  EXPECT_EQ(harts[1].satp.mode(), Mode::bare);
}

TEST(Registers, of_nothing_sensible) {
  EXPECT_TRUE(parse_registers("").empty());
  EXPECT_TRUE(parse_registers(" satp 80000000000810ce\n").empty());
  EXPECT_EQ(parse_registers("CPU#0\n satp zebra\n").size(), 1U);
}

TEST(Satp, fields) {
  const Satp satp{u64{9} << 60 | u64{0x1234} << 44 | 0x80000};
  EXPECT_EQ(satp.mode(), Mode::sv48);
  EXPECT_EQ(satp.asid(), 0x1234U);
  EXPECT_EQ(satp.root(), 0x8000'0000U);
  EXPECT_FALSE(Satp{u64{5} << 60}.is_known_mode());
}

TEST(Trap, with_and_without_a_time) {
  const auto trap = parse_trap(
      "12992@1795230051.524695:riscv_trap hart:1, async:0, cause:15, epc:0x40000008, tval:0x50025000, "
      "desc=store_page_fault");
  ASSERT_TRUE(trap);
  EXPECT_EQ(trap->hart, 1U);
  EXPECT_TRUE(trap->is_page_fault());
  EXPECT_EQ(trap->tval, 0x5002'5000U);
  EXPECT_EQ(trap->what, "store_page_fault");
  EXPECT_NEAR(trap->time, 1795230051.524695, 1e-3);
  EXPECT_TRUE(parse_trap("riscv_trap hart:0, async:1, cause:5, epc:0x0, tval:0x0, desc=s_timer")->interrupt);
  for (const char* broken :
       {"", "riscv_trap", "riscv_trap hart:", "riscv_trap hart:1, async:0, cause:15, epc:zz", "x@riscv_trap hart:1"}) {
    EXPECT_FALSE(parse_trap(broken)) << broken;
  }
}

TEST(Number, decimal_and_hexadecimal_only) {
  EXPECT_EQ(parse_number("0x3ffffff000"), 0x3f'ffff'f000U);
  EXPECT_EQ(parse_number("42"), 42U);
  for (const char* broken : {"", "0x", "-1", "4 2", "12g", "0x1ffffffffffffffff", " 1"})
    EXPECT_FALSE(parse_number(broken)) << broken;
}

TEST(SessionFile, missing_broken_and_wrong) {
  Session session;
  EXPECT_FALSE(complete_from_file(session, "/nonexistent/session.json"));
  const std::string path = testing::TempDir() + "session.json";
  std::ofstream(path) << "not json";
  EXPECT_FALSE(complete_from_file(session, path));
  std::ofstream(path) << R"({"ram": 5, "satps": ["0x1", 7], "kernel": "k"})";
  ASSERT_TRUE(complete_from_file(session, path));
  EXPECT_EQ(session.ram, "");
  EXPECT_EQ(session.kernel, testing::TempDir() + "k");
  EXPECT_EQ(session.satps.size(), 1U);
}

std::string message_of(const Session& session) {
  const auto source = open_source(session);
  return source ? "" : source.error().message;
}

TEST(Source, says_what_is_wrong_with_what_it_was_given) {
  const std::string directory = testing::TempDir();
  Session session;
  EXPECT_NE(message_of(session).find("no guest"), std::string::npos);
  session.ram = directory + "missing";
  EXPECT_NE(message_of(session).find("cannot open the RAM file"), std::string::npos);
  session.ram = directory;
  EXPECT_NE(message_of(session).find("not a regular file"), std::string::npos);
  session.ram = directory + "short";
  std::ofstream(session.ram) << "x";
  EXPECT_NE(message_of(session).find("less than one page"), std::string::npos);
  std::ofstream(session.ram) << std::string(8192, '\0');
  session.kernel = session.ram;
  EXPECT_NE(message_of(session).find("not an ELF file"), std::string::npos);
  session.kernel = "/proc/self/exe";
  EXPECT_NE(message_of(session).find("not for 64-bit RISC-V"), std::string::npos);
  session.kernel = directory + "missing";
  EXPECT_NE(message_of(session).find("cannot open the kernel"), std::string::npos);
  session.kernel.clear();
  session.satps = {"zebra"};
  EXPECT_NE(message_of(session).find("not a number"), std::string::npos);
  session.satps.clear();
  session.mode = "sv32";
  EXPECT_NE(message_of(session).find("which foliowalk does not read"), std::string::npos);
  session.mode = "sv40";
  EXPECT_NE(message_of(session).find("there are bare, sv39"), std::string::npos);
  session.mode.clear();
  session.qmp = directory + "missing";
  EXPECT_NE(message_of(session).find("the guest is gone"), std::string::npos);
}

// Every way to print is tried on a healthy and on a hostile scene: no crash, and something said.
TEST(Output, of_healthy_and_hostile_scenes) {
  for (const bool hostile : {false, true}) {
    Healthy system;
    if (hostile) {
      for (unsigned i = 0; i < 512; ++i)
        system.ram.write(system.user[0] + i * 8, ~u64{0} ^ (u64{i} * 0x1234'5678'9abc));
      system.ram.write(system.user[1], RamBuilder::pte(system.user[1], 1));
    }
    const Scene scene = system.scene();
    EXPECT_FALSE(text_of_spaces(scene).empty());
    EXPECT_FALSE(json_of_summary(scene).dump().empty());
    EXPECT_FALSE(json_of_frames(scene).dump().empty());
    EXPECT_FALSE(text_of_findings(lint(scene)).empty());
    for (const Space& space : scene.spaces) {
      const auto ranges = merged_ranges(space, Namer(scene));
      EXPECT_FALSE(text_of_map(space, ranges).empty());
      EXPECT_FALSE(text_of_tree(space, 5).empty());
      EXPECT_FALSE(json_of_tree(space.tree).dump().empty());
      EXPECT_FALSE(json_of_node(space.tree, "").dump().empty());
      EXPECT_TRUE(json_of_node(space.tree, "511.511.511.511").is_null());
      for (const u64 va : {u64{0}, u64{0x2000}, ~u64{0}, u64{1} << 38}) {
        EXPECT_FALSE(text_of_walk(explain(system.ram.ram(), space.tree.root, Mode::sv39, va), space.id).empty());
      }
    }
    EXPECT_FALSE(text_of_frame(scene, system.text).empty());
  }
}

TEST(Flags, letters) {
  EXPECT_EQ(flag_letters(flag::rw | flag::user), "rw-u-");
  EXPECT_EQ(flag_letters(flag::ro | flag::copy_on_write), "r----c");
  EXPECT_EQ(human_size(4096), "4 KiB");
  EXPECT_EQ(human_size(3 * mib / 2), "1.5 MiB");
}

// In a kernel's table the page that would be USYSCALL in a process's is the first process's kernel stack (xv6,
// mirrored).
TEST(Ranges, the_pages_below_the_trampoline_are_a_stack_in_a_kernel_table) {
  Healthy system;
  system.ram.map(system.kernel_root, abi::usyscall, system.data[0], flag::rw);
  system.ram.map(system.user[0], abi::usyscall, system.data[0], flag::ro | flag::user);
  const Scene scene = system.scene();
  const auto region = [&](const char* id) {
    const Space& space = *scene.find(id);
    return Namer(scene).purpose(space, *space.tree.find(abi::usyscall)).region;
  };
  EXPECT_EQ(region("kernel"), "kernel stack");
  EXPECT_EQ(region("1"), "usyscall");
}

}  // namespace
}  // namespace foliowalk
