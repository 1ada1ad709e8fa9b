// SPDX-License-Identifier: MIT
// Which call has which number, read from a program's stubs: every shape in which a year's programs come, students'
// numberings, and whatever a file may say that is not so. A reading is believed whole or not at all.
#include "labs/image_calls.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "labs/program_builder.hpp"

namespace {

using lab::ImageCalls;
using lab::StubProblem;
using labs_test::Load;
using labs_test::MemoryFile;
using labs_test::ProgramBuilder;

std::expected<ImageCalls, StubProblem> read(const ProgramBuilder& program) {
  MemoryFile file{program.build()};
  return lab::read_image_calls(file.view());
}

StubProblem problem_of(const ProgramBuilder& program) {
  const auto calls = read(program);
  EXPECT_FALSE(calls.has_value());
  return calls ? StubProblem{} : calls.error();
}

TEST(Stubs, SkeletonsOfEveryYearHaveTheBaseCallsOnly) {
  for (const auto& [sleep, sbrk] : {std::pair{"sleep", "sbrk"}, {"pause", "sys_sbrk"}}) {
    const auto calls = read(ProgramBuilder{}.base(sleep, sbrk));
    ASSERT_TRUE(calls.has_value());
    for (u64 number = 0; number < 200; ++number) EXPECT_EQ(calls->name_of(number), "");
    EXPECT_FALSE(calls->has_ugetpid());
  }
}

TEST(Stubs, OfficialNumbersOf2026) {
  ProgramBuilder program;
  program.base().function("ugetpid");
  const char* const names[] = {"sync",  "trace",   "interpose", "sigalarm", "sigreturn", "symlink",
                               "mmap",  "munmap",  "bind",      "unbind",   "send",      "recv",
                               "pgpte", "vmprint", "rwlktest",  "cpupin",   "pgaccess",  "ksupernpte"};
  u32 number = 22;
  for (const char* name : names) program.stub(name, number++);
  const auto calls = read(program);
  ASSERT_TRUE(calls.has_value());
  number = 22;
  for (const char* name : names) {
    EXPECT_EQ(calls->name_of(number++), name);
    EXPECT_TRUE(calls->has(name));
  }
  EXPECT_TRUE(calls->has_ugetpid());
  EXPECT_FALSE(calls->has("kpgtbl"));
}

TEST(Stubs, StudentsNumbersAndNames) {
  const auto calls = read(ProgramBuilder{}.base().stub("mmap", 22).stub("munmap", 23).stub("hello", 24));
  ASSERT_TRUE(calls.has_value());
  EXPECT_EQ(calls->name_of(22), "mmap");
  EXPECT_EQ(calls->name_of(23), "munmap");
  EXPECT_EQ(calls->name_of(24), ImageCalls::strange);
  EXPECT_EQ(calls->name_of(27), "");
}

TEST(Stubs, BothShapesOfPrograms) {
  ProgramBuilder aligned;
  aligned.code_offset = 0x1000;
  aligned.code_address = 0x1000;
  const auto calls = read(aligned.base().stub("symlink", 22, Load::four_bytes));
  ASSERT_TRUE(calls.has_value());
  EXPECT_EQ(calls->name_of(22), "symlink");
}

TEST(Stubs, AFunctionWithACallsNameIsNoStub) {
  const auto calls = read(ProgramBuilder{}.base().function("mmap").stub("munmap", 22));
  ASSERT_TRUE(calls.has_value());
  EXPECT_FALSE(calls->has("mmap"));
}

TEST(Stubs, OwnNumbersMeanTheSameEverywhere) {
  const auto calls = read(ProgramBuilder{}.base().stub("sync", 106).stub("vmstat", 100));
  ASSERT_TRUE(calls.has_value());
  EXPECT_FALSE(calls->has("sync"));
}

TEST(Refused, WhatIsNoProgram) {
  MemoryFile text{{'#', '!', '/', 'b', 'i', 'n'}};
  EXPECT_EQ(lab::read_image_calls(text.view()).error(), StubProblem::not_elf);
  MemoryFile empty;
  EXPECT_EQ(lab::read_image_calls(empty.view()).error(), StubProblem::not_elf);
}

TEST(Refused, WhatHasNoSymbols) {
  ProgramBuilder program;
  program.base();
  program.stripped = true;
  EXPECT_EQ(problem_of(program), StubProblem::no_symbols);
  EXPECT_EQ(problem_of(ProgramBuilder{}.function("main")), StubProblem::no_stubs);
}

TEST(Refused, SymbolsThatLie) {
  EXPECT_EQ(problem_of(ProgramBuilder{}.base().stub("fork", 3)), StubProblem::contradiction);
  EXPECT_EQ(problem_of(ProgramBuilder{}.base().stub("mmap", 22).stub("munmap", 22)), StubProblem::contradiction);
  EXPECT_EQ(problem_of(ProgramBuilder{}.base().stub("mmap", 22).stub("mmap", 23)), StubProblem::contradiction);
  EXPECT_EQ(problem_of(ProgramBuilder{}.base().stub("mmap", 5)), StubProblem::contradiction);
}

TEST(Refused, NumbersBeyondTheTable) {
  EXPECT_EQ(problem_of(ProgramBuilder{}.base().stub("mmap", 128)), StubProblem::out_of_range);
  EXPECT_EQ(problem_of(ProgramBuilder{}.base().stub("mmap", 0xfff)), StubProblem::out_of_range);
  EXPECT_EQ(problem_of(ProgramBuilder{}.base().stub("mmap", 0)), StubProblem::out_of_range);
}

TEST(Refused, TablesThatLeadOutOfTheFile) {
  const std::vector<std::uint8_t> good = ProgramBuilder{}.base().build();
  abi::ElfHeader header;
  std::memcpy(&header, good.data(), sizeof header);
  const auto with_section = [&](auto change) {
    MemoryFile file{good};
    abi::SectionHeader section;
    const std::size_t at = header.section_header_offset + sizeof section;
    std::memcpy(&section, file.bytes.data() + at, sizeof section);
    change(section);
    std::memcpy(file.bytes.data() + at, &section, sizeof section);
    const auto calls = lab::read_image_calls(file.view());
    EXPECT_LT(file.reads, 1000U);
    return calls ? std::optional<StubProblem>{} : calls.error();
  };
  EXPECT_EQ(with_section([](auto&) {}), std::nullopt);
  EXPECT_EQ(with_section([](auto& s) { s.size = ~u64{0}; }), StubProblem::damaged);
  EXPECT_EQ(with_section([](auto& s) { s.offset = ~u64{0} - 8; }), StubProblem::damaged);
  EXPECT_EQ(with_section([](auto& s) { s.size = 24 * 8000; }), StubProblem::damaged);
  EXPECT_EQ(with_section([](auto& s) { s.link = 77; }), StubProblem::damaged);
  EXPECT_EQ(with_section([](auto& s) { s.link = 1; }), StubProblem::damaged);
}

TEST(Refused, AFileCutAnywhere) {
  const std::vector<std::uint8_t> good = ProgramBuilder{}.base().stub("mmap", 22).build();
  for (std::size_t size = 0; size < good.size(); ++size) {
    MemoryFile file{{good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size)}};
    EXPECT_FALSE(lab::read_image_calls(file.view()).has_value()) << size;
  }
}

RC_GTEST_PROP(Random, DamageIsRefusedOrGivesNamesOfCalls, ()) {
  MemoryFile file{ProgramBuilder{}.base().stub("mmap", 22).stub("munmap", 23).build()};
  for (const auto& [at, value] : *rc::gen::container<std::vector<std::pair<u32, std::uint8_t>>>(
           rc::gen::pair(rc::gen::arbitrary<u32>(), rc::gen::arbitrary<std::uint8_t>()))) {
    file.bytes[at % file.bytes.size()] = value;
  }
  const auto calls = lab::read_image_calls(file.view());
  RC_ASSERT(file.reads < 100'000U);
  if (!calls) return;
  for (u64 number = 0; number < ImageCalls::first_lab_number; ++number) RC_ASSERT(calls->name_of(number).empty());
}

TEST(Symbols, AreFoundByName) {
  MemoryFile file{ProgramBuilder{}.base().function("nowrite").build()};
  EXPECT_TRUE(lab::has_symbol(file.view(), "nowrite"));
  EXPECT_FALSE(lab::has_symbol(file.view(), "textwrite"));
  EXPECT_FALSE(lab::has_symbol(file.view(), "nowrit"));
  MemoryFile text{{1, 2, 3}};
  EXPECT_FALSE(lab::has_symbol(text.view(), "nowrite"));
}

}  // namespace
