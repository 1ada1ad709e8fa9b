// SPDX-License-Identifier: MIT
#pragma once
// Device registers: every access happens, in order, with the width that is written.

#include "lib/types.hpp"

namespace dev {

template <class Word>
[[nodiscard]] inline Word mmio_read(u64 address) {
  return *reinterpret_cast<volatile Word*>(address);
}

template <class Word>
inline void mmio_write(u64 address, Word value) {
  *reinterpret_cast<volatile Word*>(address) = value;
}

}  // namespace dev
