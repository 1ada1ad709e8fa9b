// SPDX-License-Identifier: MIT
#pragma once
// Bytes and strings in memory: the standard functions that xv6's user library has, and the few more that a
// compiler may call by itself. C linkage.

#include <cstddef>

extern "C" {

void* memcpy(void* to, const void* from, std::size_t bytes);
void* memmove(void* to, const void* from, std::size_t bytes);
void* memset(void* at, int value, std::size_t bytes);
int memcmp(const void* a, const void* b, std::size_t bytes);

std::size_t strlen(const char* text);
int strcmp(const char* a, const char* b);
char* strcpy(char* to, const char* from);
char* strchr(const char* text, int wanted);  // xv6 gives a char*, whatever the text was

// Decimal digits up to the first other character (no sign, as in xv6).
int atoi(const char* text);

}  // extern "C"
