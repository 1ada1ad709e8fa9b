// SPDX-License-Identifier: MIT
#pragma once

namespace lib {

/// Storage of the kernel's only T: made once, never destroyed, for the kernel has no exit.
template <class T>
union Immortal {
 public:
  template <class... Arguments>
  constexpr explicit Immortal(Arguments... arguments) : value_(arguments...) {}
  Immortal(const Immortal&) = delete;
  Immortal& operator=(const Immortal&) = delete;
  constexpr ~Immortal() {}

  [[nodiscard]] constexpr T& get() { return value_; }

 private:
  T value_;
};

}  // namespace lib
