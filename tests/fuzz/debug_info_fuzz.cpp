// SPDX-License-Identifier: MIT
// libFuzzer target: an arbitrary ELF file. Whatever its sections and its DWARF say, the reader must end, stay inside
// the file and crash nothing. tests/fuzz/debug_info_seeds makes the files to begin with.

#include <cstdint>

#include "tests/host/vellum/debug_exercise.hpp"

namespace {

using namespace vellum::debug;

/// 16 MiB, all of it given at once.
std::span<std::byte> memory() {
  static std::byte bytes[16 << 20];
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Arena arena(memory());
  (void)test::exercise(std::as_bytes(std::span(data, size)), arena);
  return 0;
}
