// The host's answer to lib::bug: say why and abort, so that a death test can match the text.
#include "lib/bug.hpp"

#include <cstdio>
#include <cstdlib>

namespace lib {

void bug(const char* why) {
  std::fprintf(stderr, "bug: %s\n", why);
  std::abort();
}

}  // namespace lib
