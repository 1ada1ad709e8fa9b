// SPDX-License-Identifier: MIT
#pragma once
// The line being edited: bytes, a cursor between two characters, and how wide characters are on the screen.

namespace sh {

// The longest line, with its NUL.
inline constexpr int max_line = 1024;

class Line {
 public:
  int size() const { return size_; }
  int cursor() const { return cursor_; }
  bool at_end() const { return cursor_ == size_; }
  // NUL-terminated.
  char* text() { return text_; }
  const char* text() const { return text_; }

  void assign(const char* text, int length);
  void clear() { assign("", 0); }
  // Puts a byte at the cursor. False: the line is full.
  bool insert(char byte);
  // The cursor goes to `from`.
  void erase(int from, int to);
  void move(int to) { cursor_ = to; }

  // Where the character before, or behind, the one at `at` begins. UTF-8; a byte that belongs to no character is one.
  int before(int at) const;
  int after(int at) const;
  // Where the word before the cursor begins, and where the one behind it ends.
  int word_begin() const;
  int word_end() const;

  // Columns that the bytes take.
  int columns(int from, int to) const;

 private:
  char text_[max_line] = {};
  int size_ = 0;
  int cursor_ = 0;
};

}  // namespace sh
