// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "lib/format.hpp"
#include "lib/types.hpp"

namespace report {

/// One line, put together before it is printed so that no other hart's text tears it. What does not fit is cut off.
class Line {
 public:
  template <typename... Arguments>
  void add(lib::FormatString<Arguments...> format, const Arguments&... arguments) {
    length_ += lib::format_to<Arguments...>(std::span(text_).subspan(length_), format, arguments...).size();
  }
  void print() const { lib::print("{}\n", std::string_view(text_.data(), length_)); }

 private:
  std::array<char, 400> text_{};
  usize length_ = 0;
};

}  // namespace report
