// SPDX-License-Identifier: MIT
// The host's answer to lib::bug: say why and abort, so that a death test can match the text.
#include "lib/bug.hpp"

#include <cstdio>
#include <cstdlib>

// Present in coverage builds: without it the way into a death test would count as never gone.
extern "C" __attribute__((weak)) int __llvm_profile_write_file();

namespace lib {

void bug(const char* why) {
  std::fprintf(stderr, "bug: %s\n", why);
  if (__llvm_profile_write_file != nullptr) (void)__llvm_profile_write_file();
  std::abort();
}

}  // namespace lib
