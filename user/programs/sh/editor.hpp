// SPDX-License-Identifier: MIT
#pragma once
// Line editing on a terminal: the keys of every Unix shell. What is typed at the end of a line is echoed byte for byte
// as the console itself echoes it, so whoever only types lines sees no difference.
//
// Left, Right, Home, End, Ctrl-A, E, B, F; by words Ctrl-Left, Ctrl-Right, Alt-B, F; Backspace, Delete, Ctrl-D; Ctrl-U
// kills the line, K its rest, W a word; Up, Down, Ctrl-N the history; Ctrl-R searches it; Tab completes; Ctrl-L draws
// anew; Ctrl-C drops the line; Ctrl-D in an empty one is the end. (Ctrl-P and Ctrl-T are the kernel's.)

#include "user/programs/sh/history.hpp"
#include "user/programs/sh/line.hpp"
#include "user/programs/sh/screen.hpp"

namespace sh {

class Editor {
 public:
  enum class Result { line, end, no_console };
  // Prompts for a line and takes the keys of the console meanwhile. no_console: they are not to be had.
  Result read_line();
  // The line entered last; may be cut apart.
  char* text() { return line_.text(); }
  // What was typed was more than a line holds.
  bool too_long() const { return too_long_; }

 private:
  enum class Step { go_on, entered, end };
  enum class Escape { none, begun, sequence, letter };

  Step take(char byte);
  Step take_key(char byte);
  void take_escape(char byte);
  void take_sequence(char last);
  void take_text(char byte);
  Step enter();
  void drop();

  void move(int to);
  void erase(int from, int to);
  void show_history(int back);
  void tab();
  void complete_word();

  void begin_search();
  void search(int back);
  // True: the key belonged to the search.
  bool take_search_key(char byte);
  void draw_search();

  bool is_echoed() const { return echoed_ > 0; }
  void draw();

  Line line_;
  Line draft_;  // what was typed before the history was looked at
  History history_;
  Screen screen_;
  bool too_long_ = false;
  bool must_draw_ = false;
  int rest_ = 0;        // bytes that came together with this one, behind it
  int echoed_ = 0;      // bytes to come that the console has echoed
  int history_at_ = 0;  // lines back, from 1; 0: the line is the draft
  bool completed_nothing_ = false;  // the last key was a Tab that could not help: the next one lists

  Escape escape_ = Escape::none;
  char parameters_[8] = {};
  int parameter_count_ = 0;

  bool searching_ = false;
  char pattern_[64] = {};
  int pattern_size_ = 0;
  int found_ = 0;
};

}  // namespace sh
