// SPDX-License-Identifier: MIT
#pragma once
// RAM for tests of pipes and mapped pages, which take frames from the kernel's allocator. Give every program that uses
// it one FramesArena, made before anything else.

#include <cstdlib>

#include "arch/port.hpp"
#include "mm/frames.hpp"

namespace fs_test {

class FramesArena {
 public:
  static constexpr u64 base = 0x80000000;
  static constexpr u64 bytes = u64{16} << 20;

  /// The one arena, set up by the first call.
  static void ensure() {
    static FramesArena arena;
    (void)arena;
  }

 private:
  FramesArena() {
    memory_ = std::aligned_alloc(u64{2} << 20, bytes);
    arch::host::set_memory(memory_, base, bytes);
    mm::frames().init(*sv39::PhysRange::from(sv39::PhysAddr(base), bytes), {});
  }
  void* memory_;
};

}  // namespace fs_test
