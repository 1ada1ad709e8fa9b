// SPDX-License-Identifier: MIT
// Memory routines, eight bytes at a time, 64 to a round. Compilers recognise such loops and would replace them by
// calls of the very functions they implement: that is switched off for this file.
#include <cstddef>
#include <cstdint>

#include "user/libc/string.hpp"

#ifdef __clang__
#define NOT_A_BUILTIN __attribute__((no_builtin))
#else
#define NOT_A_BUILTIN __attribute__((optimize("no-tree-loop-distribute-patterns")))
#endif

namespace {

using Word = std::uint64_t __attribute__((may_alias));
constexpr std::size_t word_size = sizeof(std::uint64_t);
constexpr std::size_t round_size = 8 * word_size;

std::uintptr_t misalignment(const void* p) { return reinterpret_cast<std::uintptr_t>(p) % word_size; }

// Ascending copy; right for overlapping ranges when `to` is below `from`.
NOT_A_BUILTIN void copy_up(unsigned char* to, const unsigned char* from, std::size_t bytes) {
  if (misalignment(to) == misalignment(from)) {
    while (bytes > 0 && misalignment(to) != 0) *to++ = *from++, --bytes;
    auto* t = reinterpret_cast<Word*>(to);
    auto* f = reinterpret_cast<const Word*>(from);
    for (; bytes >= round_size; bytes -= round_size, t += 8, f += 8) {
      const Word a = f[0], b = f[1], c = f[2], d = f[3], e = f[4], g = f[5], h = f[6], i = f[7];
      t[0] = a, t[1] = b, t[2] = c, t[3] = d, t[4] = e, t[5] = g, t[6] = h, t[7] = i;
    }
    for (; bytes >= word_size; bytes -= word_size) *t++ = *f++;
    to = reinterpret_cast<unsigned char*>(t);
    from = reinterpret_cast<const unsigned char*>(f);
  }
  while (bytes-- > 0) *to++ = *from++;
}

// Descending copy; right for overlapping ranges when `to` is above `from`.
NOT_A_BUILTIN void copy_down(unsigned char* to, const unsigned char* from, std::size_t bytes) {
  to += bytes;
  from += bytes;
  if (misalignment(to) == misalignment(from)) {
    while (bytes > 0 && misalignment(to) != 0) *--to = *--from, --bytes;
    auto* t = reinterpret_cast<Word*>(to);
    auto* f = reinterpret_cast<const Word*>(from);
    for (; bytes >= word_size; bytes -= word_size) *--t = *--f;
    to = reinterpret_cast<unsigned char*>(t);
    from = reinterpret_cast<const unsigned char*>(f);
  }
  while (bytes-- > 0) *--to = *--from;
}

}  // namespace

extern "C" {

NOT_A_BUILTIN void* memcpy(void* to, const void* from, std::size_t bytes) {
  copy_up(static_cast<unsigned char*>(to), static_cast<const unsigned char*>(from), bytes);
  return to;
}

NOT_A_BUILTIN void* memmove(void* to, const void* from, std::size_t bytes) {
  auto* t = static_cast<unsigned char*>(to);
  auto* f = static_cast<const unsigned char*>(from);
  if (t <= f || t >= f + bytes)
    copy_up(t, f, bytes);
  else
    copy_down(t, f, bytes);
  return to;
}

NOT_A_BUILTIN void* memset(void* at, int value, std::size_t bytes) {
  auto* p = static_cast<unsigned char*>(at);
  const auto byte = static_cast<unsigned char>(value);
  while (bytes > 0 && misalignment(p) != 0) *p++ = byte, --bytes;
  const std::uint64_t word = byte * 0x0101010101010101u;
  auto* w = reinterpret_cast<Word*>(p);
  for (; bytes >= round_size; bytes -= round_size, w += 8)
    w[0] = word, w[1] = word, w[2] = word, w[3] = word, w[4] = word, w[5] = word, w[6] = word, w[7] = word;
  for (; bytes >= word_size; bytes -= word_size) *w++ = word;
  p = reinterpret_cast<unsigned char*>(w);
  while (bytes-- > 0) *p++ = byte;
  return at;
}

NOT_A_BUILTIN int memcmp(const void* a, const void* b, std::size_t bytes) {
  auto* p = static_cast<const unsigned char*>(a);
  auto* q = static_cast<const unsigned char*>(b);
  for (; bytes > 0; --bytes, ++p, ++q)
    if (*p != *q) return *p - *q;
  return 0;
}

}  // extern "C"
