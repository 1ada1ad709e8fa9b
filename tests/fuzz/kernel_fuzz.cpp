// SPDX-License-Identifier: MIT
// libFuzzer target: an arbitrary file given to Vellum as its kernel. Whatever its headers say, it is refused or put
// inside the memory; nothing beside the memory changes, and what is said of it has an end: names, the table of frames,
// locks and sleepers. The seeds are those of debug_info.

#include <algorithm>
#include <cstdint>
#include <vector>

#include "vellum/dev/map.hpp"
#include "vellum/machine/elf.hpp"
#include "vellum/words/allocator.hpp"
#include "vellum/words/locks.hpp"
#include "vellum/words/sleepers.hpp"

namespace {

using namespace vellum;

constexpr usize ram_bytes = usize{1} << 20, margin = 4096;
constexpr u8 untouched = 0xa5;

void check_beside(std::span<const u8> beside) {
  if (!std::ranges::all_of(beside, [](u8 byte) { return byte == untouched; })) __builtin_trap();
}

void load(std::span<const u8> file) {
  static std::vector<u8> memory(margin + ram_bytes + margin);
  const auto image = read_elf(file);
  if (!image) {
    if (describe(image.error()).empty()) __builtin_trap();
    return;
  }
  std::ranges::fill(memory, untouched);
  const auto loaded = load_elf(file, *image, map::ram_base, std::span(memory).subspan(margin, ram_bytes));
  if (!loaded && describe(loaded.error()).empty()) __builtin_trap();
  check_beside(std::span(memory).first(margin));
  check_beside(std::span(memory).last(margin));
}

void ask(std::span<const u8> file) {
  const Names names(file);
  (void)names.range_of("kalloc");
  (void)names.place(0x80000000);
  (void)names.around(0x3f'ffff'f010);
  const KnownFrameTable frames(names);
  (void)frames.table();
  const Locks locks(names);
  const Sleepers sleepers(names);
  // A memory in which everything points to the file's own addresses.
  const WordAt word_at = [](u64 address) {
    return std::optional(address % 64 == 0 ? u64{2} : 0x80000000 + address % 4096);
  };
  (void)describe(sleepers.all(word_at));
  HartState hart{};
  hart.privilege = Privilege::supervisor;
  hart.pc = names.range_of("acquire").begin;
  (void)locks.awaited_by(hart, word_at);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span file(data, size);
  load(file);
  ask(file);
  return 0;
}
