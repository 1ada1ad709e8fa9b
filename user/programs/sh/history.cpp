// SPDX-License-Identifier: MIT
#include "user/programs/sh/history.hpp"

#include "user/libc/user.hpp"

namespace sh {
namespace {

bool holds(const char* line, const char* part) {
  const std::size_t length = strlen(part);
  for (std::size_t left = strlen(line); left >= length; --left, ++line)
    if (memcmp(line, part, length) == 0) return true;
  return false;
}

}  // namespace

void History::add(const char* line) {
  const int bytes = static_cast<int>(strlen(line)) + 1;
  const char* newest = get(0);
  if (bytes == 1 || bytes > capacity || (newest != nullptr && strcmp(newest, line) == 0)) return;
  int dropped = 0;
  while (used_ - dropped + bytes > capacity) dropped += static_cast<int>(strlen(text_ + dropped)) + 1;
  memmove(text_, text_ + dropped, static_cast<std::size_t>(used_ - dropped));
  used_ -= dropped;
  memcpy(text_ + used_, line, static_cast<std::size_t>(bytes));
  used_ += bytes;
}

const char* History::get(int back) const {
  int begin = used_;
  for (; back >= 0; --back) {
    if (begin == 0) return nullptr;
    --begin;  // the NUL of the line before
    while (begin > 0 && text_[begin - 1] != '\0') --begin;
  }
  return text_ + begin;
}

int History::find(const char* part, int back) const {
  for (const char* line; (line = get(back)) != nullptr; ++back)
    if (holds(line, part)) return back;
  return -1;
}

}  // namespace sh
