// SPDX-License-Identifier: MIT
#include "tools/vellum/terminal.hpp"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace vellum_tool {

namespace {
constexpr char control_a = 1;
constexpr std::string_view escapes =
    "\r\nCtrl-a h  this help\r\nCtrl-a x  leave vellum\r\nCtrl-a Ctrl-a  send Ctrl-a\r\n";
}  // namespace

Terminal::Terminal() {
  termios settings{};
  if (isatty(STDIN_FILENO) == 0 || tcgetattr(STDIN_FILENO, &settings) != 0) return;
  saved_ = settings;
  cfmakeraw(&settings);
  settings.c_oflag |= OPOST;  // what is printed here goes through the same terminal
  tcsetattr(STDIN_FILENO, TCSANOW, &settings);
}

Terminal::~Terminal() {
  if (saved_) tcsetattr(STDIN_FILENO, TCSANOW, &*saved_);
}

std::optional<std::string> Terminal::read(std::chrono::nanoseconds patience, int visitors) {
  has_visitors_ = false;
  if (leave_) return std::nullopt;
  const timespec wait{static_cast<time_t>(patience.count() / 1'000'000'000), patience.count() % 1'000'000'000};
  // A negative descriptor is not looked at.
  std::array<pollfd, 2> sources{pollfd{end_ ? -1 : STDIN_FILENO, POLLIN, 0}, pollfd{visitors, POLLIN, 0}};
  const int ready = ppoll(sources.data(), sources.size(), &wait, nullptr);
  has_visitors_ = ready > 0 && sources[1].revents != 0;
  if (ready <= 0 || sources[0].revents == 0) return end_ ? std::nullopt : std::optional<std::string>("");
  std::array<char, 512> buffer{};
  const ssize_t count = ::read(STDIN_FILENO, buffer.data(), buffer.size());
  if (count <= 0) {
    if (count == 0 || errno != EINTR) end_ = true;
    return end_ ? std::nullopt : std::optional<std::string>("");
  }
  const std::string_view typed(buffer.data(), static_cast<std::size_t>(count));
  return is_interactive() ? filter(typed) : std::string(typed);
}

std::string Terminal::filter(std::string_view typed) {
  std::string kept;
  for (const char c : typed) {
    if (after_escape_) {
      after_escape_ = false;
      if (c == 'x') leave_ = true;
      if (c == 'h' || c == '?') write(escapes);
      if (c == control_a) kept += c;
    } else if (c == control_a) {
      after_escape_ = true;
    } else {
      kept += c;
    }
  }
  return kept;
}

void Terminal::write(std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(STDOUT_FILENO, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return;  // nobody listens any more
    text.remove_prefix(static_cast<std::size_t>(count));
  }
}

}  // namespace vellum_tool
