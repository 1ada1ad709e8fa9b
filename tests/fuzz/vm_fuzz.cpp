// SPDX-License-Identifier: MIT
// Fuzzes kernel/mm: the input's bytes choose the operations of a world of processes (tests/host/mm/world.hpp), which
// an oracle, the software MMU, the adversarial TLB and the invariant checker watch. Run by tests/fuzz/run.
#include <cstdio>
#include <cstdlib>

#include "mm/world.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  mm_test::WorldOptions options;
  options.machine.ram_bytes = std::uint64_t{data[0] % 4 == 0 ? 24u : 6u} << 20;
  options.machine.asid_mask = data[0] % 8 < 2 ? 3 : 0xffff;
  options.check_every = 8;
  options.verify_every = 32;
  mm_test::Choices choices(std::span<const std::uint8_t>(data + 1, size - 1));
  mm_test::World world(choices, options);
  while (choices.more()) {
    if (!world.step()) {
      std::fprintf(stderr, "step %llu: %s\n", static_cast<unsigned long long>(world.steps()), world.problem().c_str());
      std::abort();
    }
  }
  if (!world.finish()) {
    std::fprintf(stderr, "at the end: %s\n", world.problem().c_str());
    std::abort();
  }
  return 0;
}
