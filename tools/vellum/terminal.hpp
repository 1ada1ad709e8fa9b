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
  /// Comes back at once with nothing typed when the descriptor `visitors` (-1: none) has something to read.
  std::optional<std::string> read(std::chrono::nanoseconds patience, int visitors = -1);
  /// Whether that was why the last read() came back.
  [[nodiscard]] bool has_visitors() const { return has_visitors_; }
  [[nodiscard]] bool wants_to_leave() const { return leave_; }
  [[nodiscard]] bool at_end() const { return end_; }
  static void write(std::string_view text);

 private:
  std::string filter(std::string_view typed);

  std::optional<termios> saved_;
  bool after_escape_ = false;
  bool leave_ = false;
  bool end_ = false;
  bool has_visitors_ = false;
};

}  // namespace vellum_tool
