// SPDX-License-Identifier: MIT
#pragma once
// The terminal that vellum was started from.

#include <termios.h>

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace vellum_tool {

/// Standard input and output as the guest's serial line. A terminal is put into raw mode while this lives, and Ctrl-a
/// has QEMU's meaning there.
class Terminal {
 public:
  Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  ~Terminal();

  [[nodiscard]] bool is_interactive() const { return saved_.has_value(); }
  /// Waits for input at most so long; what was typed. Nothing at the end of input, or when the user wants to leave.
  std::optional<std::string> read(std::chrono::nanoseconds patience);
  [[nodiscard]] bool wants_to_leave() const { return leave_; }
  [[nodiscard]] bool at_end() const { return end_; }
  static void write(std::string_view text);

 private:
  std::string filter(std::string_view typed);

  std::optional<termios> saved_;
  bool after_escape_ = false;
  bool leave_ = false;
  bool end_ = false;
};

}  // namespace vellum_tool
