// SPDX-License-Identifier: MIT
// The ELF validator against headers that a hostile file may hold: every field at and around its limits, then
// random bytes. Whatever it accepts must satisfy the promises that exec relies on.
#include "process/elf.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "abi/layout.hpp"

namespace {

using process::ImagePlan;

constexpr u64 file_size = 100'000;

abi::ElfHeader good_header() {
  abi::ElfHeader header{};
  header.magic = abi::elf_magic;
  header.elf_class = 2;
  header.data_encoding = 1;
  header.type = 2;
  header.machine = abi::elf_machine_riscv;
  header.entry = 0x10;
  header.program_header_offset = 64;
  header.program_header_size = 56;
  header.program_header_count = 2;
  return header;
}

abi::ProgramHeader segment(u64 va, u64 memory_size, u64 size_in_file, u32 flags, u64 offset = 0x1000) {
  abi::ProgramHeader header{};
  header.type = abi::SegmentType::load;
  header.flags = flags;
  header.offset = offset;
  header.virtual_address = va;
  header.file_size = size_in_file;
  header.memory_size = memory_size;
  return header;
}

constexpr u32 rx = abi::segment_read | abi::segment_execute;
constexpr u32 rw = abi::segment_read | abi::segment_write;
constexpr u32 rwx = rx | rw;

void expect_promises(const ImagePlan& plan, u64 size) {
  u64 previous_end = 0;
  for (const process::Segment& piece : plan.loaded()) {
    EXPECT_EQ(piece.va % abi::page_size, 0U);
    EXPECT_GE(piece.va, previous_end);
    EXPECT_GT(piece.memory_size, 0U);
    EXPECT_LE(piece.file_size, piece.memory_size);
    EXPECT_LE(piece.memory_size, process::max_image_end);
    EXPECT_LE(piece.va, process::max_image_end - piece.memory_size);
    EXPECT_LE(piece.file_size, size);
    EXPECT_LE(piece.file_offset, size - piece.file_size);
    previous_end = piece.va + piece.memory_size;
  }
  EXPECT_LE(plan.end, process::max_image_end);
}

TEST(ElfHeader, AcceptsAGoodOne) {
  const auto table = process::parse_elf_header(good_header(), file_size);
  ASSERT_TRUE(table);
  EXPECT_EQ(table->file_offset, 64U);
  EXPECT_EQ(table->count, 2U);
  EXPECT_EQ(table->entry, 0x10U);
}

TEST(ElfHeader, RefusesEachWrongField) {
  const auto refused = [](auto&& change, u64 size = file_size) {
    abi::ElfHeader header = good_header();
    change(header);
    return !process::parse_elf_header(header, size);
  };
  EXPECT_TRUE(refused([](auto& h) { h.magic ^= 1; }));
  EXPECT_TRUE(refused([](auto& h) { h.elf_class = 1; }));
  EXPECT_TRUE(refused([](auto& h) { h.data_encoding = 2; }));
  for (const int type : {0, 1, 4, 0xffff}) EXPECT_TRUE(refused([&](auto& h) { h.type = static_cast<u16>(type); }));
  EXPECT_TRUE(refused([](auto& h) { h.machine = 62; }));
  // What xv6 runs: position-independent files, and those whose assembler names no machine.
  EXPECT_FALSE(refused([](auto& h) { h.type = 3; }));
  EXPECT_FALSE(refused([](auto& h) { h.machine = 0; }));
  EXPECT_TRUE(refused([](auto& h) { h.program_header_size = 32; }));
  EXPECT_TRUE(refused([](auto& h) { h.program_header_count = 0; }));
  EXPECT_TRUE(refused([](auto& h) { h.program_header_count = 65535; }));
  EXPECT_TRUE(refused([](auto& h) { h.program_header_offset = ~u64{0}; }));
  EXPECT_TRUE(refused([](auto& h) { h.program_header_offset = ~u64{0} - 100; }));
  EXPECT_TRUE(refused([](auto& h) { h.program_header_offset = file_size - 111; }));
  EXPECT_FALSE(refused([](auto& h) { h.program_header_offset = file_size - 112; }));
  EXPECT_TRUE(refused([](auto&) {}, 64));
}

TEST(ProgramHeader, BothShapesOfXv6Programs) {
  ImagePlan one;  // 2020-21: one segment, not page aligned in the file
  ASSERT_TRUE(process::add_program_header(one, segment(0, 0x2345, 0x2000, rwx, 0xb0), file_size));
  ASSERT_TRUE(process::finish_plan(one, 0));
  EXPECT_EQ(one.end, 0x3000U);
  EXPECT_EQ(one.entry, 0U);

  ImagePlan two;  // 2022 on: attributes first, then text and data
  abi::ProgramHeader attributes = segment(0, 0, 0x4a, 4);
  attributes.type = abi::SegmentType{0x70000003};
  ASSERT_TRUE(process::add_program_header(two, attributes, file_size));
  ASSERT_TRUE(process::add_program_header(two, segment(0, 0x1000, 0x1000, rx), file_size));
  ASSERT_TRUE(process::add_program_header(two, segment(0x1000, 0x20, 0, rw), file_size));
  ASSERT_TRUE(process::finish_plan(two, 0x8a));
  EXPECT_EQ(two.segment_count, 2U);
  EXPECT_EQ(two.end, 0x2000U);
  expect_promises(two, file_size);
}

TEST(ProgramHeader, RefusesHostileSegments) {
  const auto refused = [](const abi::ProgramHeader& header) {
    ImagePlan plan;
    return !process::add_program_header(plan, header, file_size);
  };
  EXPECT_TRUE(refused(segment(0, ~u64{0}, 0, rw)));
  EXPECT_TRUE(refused(segment(0x1000, ~u64{0} - 0x7ff, 0, rw)));
  EXPECT_TRUE(refused(segment(u64{1} << 40, 0x1000, 0, rw)));
  EXPECT_TRUE(refused(segment(0, u64{4} << 30, 0, rw)));
  EXPECT_TRUE(refused(segment(abi::trapframe - abi::page_size, 0x1000, 0, rw)));
  EXPECT_TRUE(refused(segment(0x123, 0x1000, 0, rw)));
  EXPECT_TRUE(refused(segment(0, 0x1000, 0x1001, rw)));
  EXPECT_TRUE(refused(segment(0, 0x1000, 0x1000, rw, file_size - 0xfff)));
  EXPECT_TRUE(refused(segment(0, 0x1000, 0x1000, rw, ~u64{0})));
  EXPECT_FALSE(refused(segment(0, 0x1000, 0x1000, rw, file_size - 0x1000)));
  EXPECT_FALSE(refused(segment(process::max_image_end - 0x1000, 0x1000, 0, rw)));
  EXPECT_TRUE(refused(segment(process::max_image_end - 0x1000, 0x1001, 0, rw)));
}

TEST(ProgramHeader, RefusesOverlapAndDescent) {
  ImagePlan plan;
  ASSERT_TRUE(process::add_program_header(plan, segment(0x1000, 0x1001, 0, rx), file_size));
  EXPECT_FALSE(process::add_program_header(plan, segment(0x2000, 0x10, 0, rw), file_size)) << "shares a page";
  EXPECT_FALSE(process::add_program_header(plan, segment(0, 0x10, 0, rw), file_size)) << "lies below";
  EXPECT_TRUE(process::add_program_header(plan, segment(0x3000, 0x10, 0, rw), file_size));
}

TEST(ProgramHeader, BoundsTheNumberOfSegments) {
  ImagePlan plan;
  for (u64 i = 0; i < process::max_segments; ++i) {
    ASSERT_TRUE(process::add_program_header(plan, segment(i * 0x1000, 0x1000, 0, rx), file_size));
  }
  EXPECT_FALSE(process::add_program_header(plan, segment(0x100000, 0x1000, 0, rx), file_size));
}

TEST(Entry, MustBeExecutable) {
  ImagePlan plan;
  EXPECT_FALSE(process::finish_plan(plan, 0)) << "nothing loaded";
  ASSERT_TRUE(process::add_program_header(plan, segment(0x1000, 0x100, 0, rx), file_size));
  ASSERT_TRUE(process::add_program_header(plan, segment(0x2000, 0x100, 0, rw), file_size));
  EXPECT_FALSE(process::finish_plan(plan, 0xfff));
  EXPECT_FALSE(process::finish_plan(plan, 0x1100));
  EXPECT_FALSE(process::finish_plan(plan, 0x2000));
  EXPECT_FALSE(process::finish_plan(plan, ~u64{0}));
  EXPECT_TRUE(process::finish_plan(plan, 0x10ff));
}

TEST(Random, WhateverIsAcceptedKeepsThePromises) {
  std::mt19937_64 random(20201105);
  const u64 interesting[] = {
      0, 1, 0xfff, 0x1000, 0x1001, 0x2000, file_size, process::max_image_end, ~u64{0}, abi::trapframe};
  const auto pick = [&] { return random() % 4 == 0 ? random() : interesting[random() % std::size(interesting)]; };
  u64 accepted = 0;
  for (int round = 0; round < 300'000; ++round) {
    ImagePlan plan;
    for (int i = 0; i < 3; ++i) {
      auto header = segment(pick(), pick(), pick(), static_cast<u32>(random() % 8), pick());
      if (process::add_program_header(plan, header, file_size)) ++accepted;
    }
    expect_promises(plan, file_size);
  }
  EXPECT_GT(accepted, 1000U);
}

}  // namespace
