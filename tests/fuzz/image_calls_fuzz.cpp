// SPDX-License-Identifier: MIT
// Fuzzes the reader of a program's stubs. The input is applied as edits to a good program, or taken as a file itself.
// The reader must stay inside what it was given (ASan), must end after a bounded number of reads, and must not name a
// base call's number otherwise. Run by tests/fuzz/run.
#include <cstdlib>

#include "labs/program_builder.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::vector<std::uint8_t> good =
      labs_test::ProgramBuilder{}.base().function("ugetpid").stub("mmap", 22).stub("hello", 24).build();
  labs_test::MemoryFile file;
  if (size != 0 && data[0] % 4 == 0) {
    file.bytes.assign(data + 1, data + size);
  } else {
    file.bytes = good;
    for (std::size_t i = 1; i + 3 <= size; i += 3) {
      file.bytes[(data[i] << 8 | data[i + 1]) % file.bytes.size()] = data[i + 2];
    }
  }
  const auto calls = lab::read_image_calls(file.view());
  if (file.reads > 100'000) std::abort();
  if (calls) {
    for (std::uint64_t number = 0; number < lab::ImageCalls::first_lab_number; ++number) {
      if (!calls->name_of(number).empty()) std::abort();
    }
  }
  (void)lab::has_symbol(file.view(), "nowrite");
  return 0;
}
