// SPDX-License-Identifier: MIT
#include "user/programs/sh/screen.hpp"

#include "user/libc/user.hpp"

namespace sh {
namespace {

constexpr int row_columns = 79;  // the last column stays free: behind it terminals differ

// Text on its way to the terminal, in few writes.
class Output {
 public:
  Output() = default;
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  ~Output() { flush(); }

  void put(char byte) {
    if (used_ == static_cast<int>(sizeof(text_))) flush();
    text_[used_++] = byte;
  }
  void put(const char* text) {
    while (*text != '\0') put(*text++);
  }
  void put_times(const char* text, int times) {
    while (times-- > 0) put(text);
  }

 private:
  void flush() {
    write(2, text_, used_);
    used_ = 0;
  }
  char text_[256];
  int used_ = 0;
};

// Where to begin so that the cursor is in the row.
int first_shown(const Line& line, int room) {
  int begin = 0;
  while (line.columns(begin, line.cursor()) > room) begin = line.after(begin);
  return begin;
}

}  // namespace

void Screen::begin() {
  Output().put(prompt);
  shown_ = Shown::whole;
  columns_ = static_cast<int>(strlen(prompt));
}

void Screen::append(const Line& line, char byte) {
  if (shown_ == Shown::part) return draw(line, prompt);
  Output().put(byte);
  columns_ = static_cast<int>(strlen(prompt)) + line.columns(0, line.size());
  if (columns_ > row_columns || byte == '\t') shown_ = Shown::wrapped;
}

void Screen::erase_last(const Line& line, int columns) {
  if (shown_ != Shown::whole) return draw(line, prompt);
  Output output;
  output.put_times("\b \b", columns);
  columns_ -= columns;
}

void Screen::draw(const Line& line, const char* label) {
  Output output;
  // The rows that an untouched line has run over stay as they are.
  output.put(shown_ == Shown::wrapped ? '\n' : '\r');
  output.put(label);
  const int label_columns = static_cast<int>(strlen(label));
  const int room = row_columns - label_columns;
  int at = first_shown(line, room);
  shown_ = at == 0 ? Shown::whole : Shown::part;
  columns_ = label_columns;
  int cursor_column = label_columns;
  while (at < line.size()) {
    const int next = line.after(at);
    const int width = line.columns(at, next);
    if (columns_ + width > row_columns) {
      shown_ = Shown::part;
      break;
    }
    columns_ += width;
    for (; at < next; ++at) output.put(line.text()[at] == '\t' ? ' ' : line.text()[at]);
    if (at <= line.cursor()) cursor_column = columns_;
  }
  output.put("\x1b[K");
  if (columns_ > cursor_column) output.put_times("\b", columns_ - cursor_column);
}

void Screen::end() { Output().put('\n'); }

}  // namespace sh
