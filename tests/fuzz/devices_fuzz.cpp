// SPDX-License-Identifier: MIT
// libFuzzer target: a guest of Vellum's that touches devices, CSRs and tables as the input says. The machine must come
// back from everything, and nothing may leave its memory.

#include <cstring>

#include "tests/host/vellum/hostile_guest.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace vellum;
  std::span rest(data, size);
  if (rest.empty()) return 0;
  const bool is_legacy = rest[0] % 2 != 0;
  // Two bytes a decision; now and then eight of them are a number.
  const auto next = [&rest] {
    u64 word = 0;
    const std::size_t bytes = std::min<std::size_t>(rest.size(), rest.empty() || rest[0] < 0xf0 ? 2 : 9);
    std::memcpy(&word, rest.data(), std::min<std::size_t>(bytes, sizeof word));
    rest = rest.subspan(bytes);
    return word;
  };
  using Guest = test::HostileGuest<Unobserved>;
  static Guest legacy([] { return u64{0}; }, VirtioVersion::legacy),
      modern([] { return u64{0}; }, VirtioVersion::modern);
  Guest& guest = is_legacy ? legacy : modern;
  guest.start_anew(next);
  while (!rest.empty()) guest.do_something();
  return 0;
}
