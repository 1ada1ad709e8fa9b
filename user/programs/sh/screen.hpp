// SPDX-License-Identifier: MIT
#pragma once
// What the editor shows: one row, of which a long line shows the part around the cursor. No size can be asked of a
// serial line, so the row is as wide as every terminal is; a longer line that is only typed runs on to the next row.

#include "user/programs/sh/line.hpp"

namespace sh {

inline constexpr const char* prompt = "$ ";

class Screen {
 public:
  // A new line, behind its prompt.
  void begin();
  // The line has got this byte at its end.
  void append(const Line& line, char byte);
  // The last character, so many columns wide, is no longer in the line.
  void erase_last(const Line& line, int columns);
  // Draws the line anew behind `label`.
  void draw(const Line& line, const char* label);
  // Leaves the line: what follows is printed below it.
  void end();

 private:
  enum class Shown {
    whole,    // the row holds prompt and line
    wrapped,  // the line was typed past the end of the row, or holds what moves the cursor in its own way
    part,     // the row holds a part of the line
  };
  Shown shown_ = Shown::whole;
  int columns_ = 0;
};

}  // namespace sh
