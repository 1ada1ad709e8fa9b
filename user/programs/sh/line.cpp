// SPDX-License-Identifier: MIT
#include "user/programs/sh/line.hpp"

#include <cstdint>

#include "user/libc/user.hpp"

namespace sh {
namespace {

bool is_continuation(char byte) { return (static_cast<unsigned char>(byte) & 0xc0) == 0x80; }

// How many bytes the character that begins with this byte has; 1 where none does.
int promised(char byte) {
  const auto first = static_cast<unsigned char>(byte);
  if (first >= 0xf0 && first < 0xf8) return 4;
  if (first >= 0xe0 && first < 0xf0) return 3;
  if (first >= 0xc0 && first < 0xe0) return 2;
  return 1;
}

struct Span {
  std::uint32_t first;
  std::uint32_t last;
};

// East Asian wide characters and emoji, in blocks.
constexpr Span wide[] = {{0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0xa4cf},  {0xac00, 0xd7a3},
                         {0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff00, 0xff60},  {0xffe0, 0xffe6},
                         {0x1f300, 0x1f64f}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd}};
// Marks that sit on the character before.
constexpr Span zero[] = {{0x0300, 0x036f}, {0x200b, 0x200f}, {0xfe00, 0xfe0f}};

template <int count>
bool is_in(const Span (&spans)[count], std::uint32_t code) {
  for (const Span& span : spans)
    if (code >= span.first && code <= span.last) return true;
  return false;
}

int width_of(const char* bytes, int length) {
  if (length == 1) return 1;
  constexpr unsigned payload_of_first[] = {0x7f, 0x1f, 0x0f, 0x07};
  std::uint32_t code = static_cast<unsigned char>(bytes[0]) & payload_of_first[length - 1];
  for (int i = 1; i < length; ++i) code = code << 6 | (static_cast<unsigned char>(bytes[i]) & 0x3f);
  if (is_in(zero, code)) return 0;
  return is_in(wide, code) ? 2 : 1;
}

}  // namespace

void Line::assign(const char* text, int length) {
  size_ = length < max_line ? length : max_line - 1;
  memmove(text_, text, static_cast<std::size_t>(size_));
  text_[size_] = '\0';
  cursor_ = size_;
}

bool Line::insert(char byte) {
  if (size_ + 1 == max_line) return false;
  memmove(text_ + cursor_ + 1, text_ + cursor_, static_cast<std::size_t>(size_ - cursor_) + 1);
  text_[cursor_++] = byte;
  ++size_;
  return true;
}

void Line::erase(int from, int to) {
  memmove(text_ + from, text_ + to, static_cast<std::size_t>(size_ - to) + 1);
  size_ -= to - from;
  cursor_ = from;
}

int Line::after(int at) const {
  if (at >= size_) return size_;
  const int length = promised(text_[at]);
  for (int i = 1; i < length; ++i)
    if (at + i >= size_ || !is_continuation(text_[at + i])) return at + 1;
  return at + length;
}

int Line::before(int at) const {
  constexpr int longest = 4;
  for (int i = 2; i <= longest && i <= at; ++i)
    if (after(at - i) == at) return at - i;
  return at > 0 ? at - 1 : 0;
}

int Line::word_begin() const {
  int at = cursor_;
  while (at > 0 && text_[at - 1] == ' ') --at;
  while (at > 0 && text_[at - 1] != ' ') --at;
  return at;
}

int Line::word_end() const {
  int at = cursor_;
  while (at < size_ && text_[at] == ' ') ++at;
  while (at < size_ && text_[at] != ' ') ++at;
  return at;
}

int Line::columns(int from, int to) const {
  int sum = 0;
  while (from < to) {
    const int next = after(from);
    sum += width_of(text_ + from, next - from);
    from = next;
  }
  return sum;
}

}  // namespace sh
