// SPDX-License-Identifier: MIT
#include "boot/refuse.hpp"

#include "dev/power.hpp"
#include "lib/format.hpp"

namespace boot {

void refuse(std::string_view why) {
  lib::print("cannot boot: {}\n", why);
  dev::power_off(1);
}

void refuse(std::string_view why, u64 value) {
  lib::print("cannot boot: {} {} ({:p})\n", why, value, value);
  dev::power_off(1);
}

}  // namespace boot
