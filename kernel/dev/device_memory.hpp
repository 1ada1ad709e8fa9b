// SPDX-License-Identifier: MIT
#pragma once
// The memory of this machine where devices read and write too: what split_queue.hpp and e1000_rings.hpp run on in the
// kernel.

#include <type_traits>

#include "arch/port.hpp"
#include "arch/riscv64/csr.hpp"
#include "lib/types.hpp"

namespace dev {

struct DeviceMemory {
  template <class T>
  static void store(T& cell, const std::type_identity_t<T>& value) {
    cell = value;
  }
  template <class T>
  static T load(const T& cell) {
    return const_cast<const volatile T&>(cell);
  }
  template <class Order>
  static void fence(Order) {
    arch::fence_io();
  }
};

/// What a device calls a place in RAM (bus addresses are physical addresses here).
[[nodiscard]] inline u64 device_view(const void* pointer) { return arch::to_phys(pointer).value(); }

}  // namespace dev
