// SPDX-License-Identifier: MIT
#include "user/programs/sh/editor.hpp"

#include "user/libc/user.hpp"
#include "user/programs/sh/complete.hpp"

namespace sh {
namespace {

constexpr char control(char letter) { return static_cast<char>(letter - '@'); }
constexpr char escape = '\x1b', del = '\x7f';

}  // namespace

Editor::Result Editor::read_line() {
  echoed_ = consolemode(abi::ConsoleMode::raw);
  if (echoed_ < 0) return Result::no_console;
  line_.clear();
  too_long_ = searching_ = must_draw_ = completed_nothing_ = false;
  escape_ = Escape::none;
  history_at_ = 0;
  screen_.begin();
  Step step = Step::go_on;
  char keys[64];
  int count;
  // One read never goes beyond the end of a line: the rest is for whom the line runs.
  while (step == Step::go_on && (count = read(0, keys, sizeof(keys))) > 0) {
    for (int i = 0; i < count && step == Step::go_on; ++i) {
      rest_ = count - i - 1;
      step = take(keys[i]);
      if (!is_echoed()) continue;
      --echoed_;
      if (!is_echoed() && step == Step::go_on && line_.size() > 0) must_draw_ = true;
    }
    if (must_draw_ && step == Step::go_on) draw();
  }
  consolemode(abi::ConsoleMode::edited);
  return step == Step::entered ? Result::line : Result::end;
}

void Editor::draw() {
  must_draw_ = false;
  if (searching_) return draw_search();
  screen_.draw(line_, prompt);
}

Editor::Step Editor::take(char byte) {
  if (escape_ != Escape::none && byte >= ' ' && byte != del) {
    take_escape(byte);
    return Step::go_on;
  }
  const bool alt = escape_ == Escape::begun;
  escape_ = Escape::none;
  if (searching_ && take_search_key(byte)) return Step::go_on;
  if (alt && byte == del) byte = control('W');
  if (byte != '\t') completed_nothing_ = false;
  return take_key(byte);
}

Editor::Step Editor::take_key(char byte) {
  const int at = line_.cursor();
  switch (byte) {
    case '\n': return enter();
    case escape: escape_ = Escape::begun; break;
    case '\t': tab(); break;
    case control('A'): move(0); break;
    case control('B'): move(line_.before(at)); break;
    case control('C'): drop(); break;
    case control('D'):
      if (line_.size() == 0) return Step::end;
      erase(at, line_.after(at));
      break;
    case control('E'): move(line_.size()); break;
    case control('F'): move(line_.after(at)); break;
    case control('H'):
    case del: erase(line_.before(at), at); break;
    case control('K'): erase(at, line_.size()); break;
    case control('L'): must_draw_ = true; break;
    case control('N'): show_history(history_at_ - 1); break;
    case control('R'): begin_search(); break;
    case control('U'):
      too_long_ = false;
      erase(0, line_.size());
      break;
    case control('W'): erase(line_.word_begin(), at); break;
    default:
      if (static_cast<unsigned char>(byte) >= ' ') take_text(byte);
  }
  return Step::go_on;
}

// The bytes behind an escape: `[`, parameters and a last byte, `O` and a letter, or one letter (Alt).
void Editor::take_escape(char byte) {
  if (escape_ == Escape::begun && (byte == '[' || byte == 'O')) {
    escape_ = byte == '[' ? Escape::sequence : Escape::letter;
    parameter_count_ = 0;
    return;
  }
  if (escape_ == Escape::sequence && byte < '@') {
    if (parameter_count_ < static_cast<int>(sizeof(parameters_))) parameters_[parameter_count_++] = byte;
    return;
  }
  const bool alt = escape_ == Escape::begun;
  escape_ = Escape::none;
  if (searching_) searching_ = false, must_draw_ = true;
  if (!alt) return take_sequence(byte);
  if (byte == 'b') move(line_.word_begin());
  if (byte == 'f') move(line_.word_end());
  if (byte == 'd') erase(line_.cursor(), line_.word_end());
}

void Editor::take_sequence(char last) {
  const int at = line_.cursor();
  // "1;5C": the number behind the semicolon says that Ctrl, Alt or Shift was held.
  const bool by_word = parameter_count_ >= 3 && parameters_[parameter_count_ - 2] == ';';
  if (last == '~') last = parameter_count_ == 1 ? parameters_[0] : '\0';
  switch (last) {
    case 'A': return show_history(history_at_ + 1);
    case 'B': return show_history(history_at_ - 1);
    case 'C': return move(by_word ? line_.word_end() : line_.after(at));
    case 'D': return move(by_word ? line_.word_begin() : line_.before(at));
    case 'H':
    case '1':
    case '7': return move(0);
    case 'F':
    case '4':
    case '8': return move(line_.size());
    case '3': return erase(at, line_.after(at));
    default: break;
  }
}

void Editor::take_text(char byte) {
  const bool at_end = line_.at_end();
  if (!line_.insert(byte)) {
    too_long_ = true;
    return;
  }
  if (is_echoed()) return;
  if (at_end && !must_draw_) return screen_.append(line_, byte);
  must_draw_ = true;
}

Editor::Step Editor::enter() {
  if (must_draw_ && !is_echoed()) draw();
  if (!is_echoed()) screen_.end();
  if (!too_long_) history_.add(line_.text());
  return Step::entered;
}

void Editor::drop() {
  if (!is_echoed()) {
    fprintf(2, "^C");
    screen_.end();
    screen_.begin();
  }
  line_.clear();
  too_long_ = must_draw_ = false;
  history_at_ = 0;
}

void Editor::move(int to) {
  if (to == line_.cursor()) return;
  line_.move(to);
  must_draw_ = true;
}

void Editor::erase(int from, int to) {
  if (from == to) return;
  const bool is_last = to == line_.size() && line_.at_end() && !must_draw_ && !is_echoed();
  const int columns = line_.columns(from, to);
  line_.erase(from, to);
  if (is_last) return screen_.erase_last(line_, columns);
  must_draw_ = true;
}

void Editor::show_history(int back) {
  const char* line = back > 0 ? history_.get(back - 1) : nullptr;
  if (back < 0 || (back > 0 && line == nullptr)) return;
  if (history_at_ == 0) draft_ = line_;
  history_at_ = back;
  if (line == nullptr)
    line_ = draft_;
  else
    line_.assign(line, static_cast<int>(strlen(line)));
  must_draw_ = true;
}

// A Tab that more follows at once was not typed by a hand: it is a blank of what was pasted.
void Editor::tab() {
  constexpr int ticks_between_keys = 1;
  if (rest_ > 0 || consolemode(abi::ConsoleMode::raw) > 0) return take_text('\t');
  if (must_draw_) draw();
  sleep(ticks_between_keys);
  if (consolemode(abi::ConsoleMode::raw) > 0) return take_text('\t');
  complete_word();
}

void Editor::complete_word() {
  const Completion found = complete(line_);
  const int typed = line_.cursor() - found.name_begin;
  const int more = static_cast<int>(strlen(found.common)) - typed;
  if (found.matches == 0) return;
  if (found.matches > 1 && more == 0) {
    if (completed_nothing_) {
      screen_.end();
      print_matches(line_);
      must_draw_ = true;
    }
    completed_nothing_ = true;
    return;
  }
  for (int i = 0; i < more; ++i) take_text(found.common[typed + i]);
  if (found.matches == 1) take_text(found.is_directory ? '/' : ' ');
}

void Editor::begin_search() {
  searching_ = true;
  pattern_size_ = 0;
  pattern_[0] = '\0';
  found_ = -1;
  draft_ = line_;
  must_draw_ = true;
}

// Shows the newest line with the pattern, from `back` on; without one the line stays.
void Editor::search(int back) {
  must_draw_ = true;
  const int found = history_.find(pattern_, back);
  if (found < 0 || pattern_size_ == 0) return;
  found_ = found;
  const char* line = history_.get(found);
  line_.assign(line, static_cast<int>(strlen(line)));
}

bool Editor::take_search_key(char byte) {
  const bool is_text = static_cast<unsigned char>(byte) >= ' ' && byte != del;
  if (is_text) {
    if (pattern_size_ + 1 < static_cast<int>(sizeof(pattern_))) {
      pattern_[pattern_size_++] = byte;
      pattern_[pattern_size_] = '\0';
      search(found_ < 0 ? 0 : found_);
    }
    return true;
  }
  if (byte == control('R')) {
    search(found_ + 1);
    return true;
  }
  if (byte == del || byte == control('H')) {
    if (pattern_size_ > 0) pattern_[--pattern_size_] = '\0';
    found_ = -1;
    search(0);
    return true;
  }
  searching_ = false;
  must_draw_ = true;
  if (byte != control('G') && byte != control('C')) return false;
  line_ = draft_;
  return true;
}

void Editor::draw_search() {
  char label[sizeof(pattern_) + 24];
  snprintf_to(label, sizeof(label), "(search)`%s': ", pattern_);
  screen_.draw(line_, label);
}

}  // namespace sh
