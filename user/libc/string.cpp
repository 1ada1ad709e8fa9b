// SPDX-License-Identifier: MIT
#include "user/libc/string.hpp"

#ifdef __clang__
#define NOT_A_BUILTIN __attribute__((no_builtin))  // strlen's loop must not become a call of strlen
#else
#define NOT_A_BUILTIN __attribute__((optimize("no-tree-loop-distribute-patterns")))
#endif

extern "C" {

NOT_A_BUILTIN std::size_t strlen(const char* text) {
  const char* end = text;
  while (*end != '\0') ++end;
  return static_cast<std::size_t>(end - text);
}

int strcmp(const char* a, const char* b) {
  while (*a != '\0' && *a == *b) ++a, ++b;
  return static_cast<unsigned char>(*a) - static_cast<unsigned char>(*b);
}

NOT_A_BUILTIN char* strcpy(char* to, const char* from) {
  char* out = to;
  while ((*out++ = *from++) != '\0') {
  }
  return to;
}

char* strchr(const char* text, int wanted) {
  for (; *text != '\0'; ++text)
    if (*text == static_cast<char>(wanted)) return const_cast<char*>(text);
  return nullptr;
}

int atoi(const char* text) {
  unsigned value = 0;
  for (; *text >= '0' && *text <= '9'; ++text) value = value * 10 + static_cast<unsigned>(*text - '0');
  return static_cast<int>(value);
}

}  // extern "C"
