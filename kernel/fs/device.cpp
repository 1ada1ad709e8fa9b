// SPDX-License-Identifier: MIT
#include "fs/device.hpp"

namespace fs {
namespace {
CharacterDevice* devices[abi::max_devices];
bool in_range(i16 major) { return major >= 0 && static_cast<usize>(major) < abi::max_devices; }
}  // namespace

void register_device(i16 major, CharacterDevice& device) {
  if (in_range(major)) devices[major] = &device;
}

CharacterDevice* find_device(i16 major) { return in_range(major) ? devices[major] : nullptr; }

}  // namespace fs
