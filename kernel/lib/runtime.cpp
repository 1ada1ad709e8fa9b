// SPDX-License-Identifier: MIT
// What the compilers may call without being asked. The bulk operations are in arch/riscv64/memory.S.

#include "lib/bug.hpp"
#include "lib/types.hpp"

#if defined(__riscv) && __STDC_HOSTED__ == 0

// The loop of such a function must not be turned into a call of the function.
#if defined(__clang__)
#define NOT_A_BUILTIN __attribute__((no_builtin))
#else
#define NOT_A_BUILTIN __attribute__((optimize("no-tree-loop-distribute-patterns")))
#endif

extern "C" {

NOT_A_BUILTIN int memcmp(const void* left, const void* right, usize count) {
  const auto* a = static_cast<const unsigned char*>(left);
  const auto* b = static_cast<const unsigned char*>(right);
  for (; count > 0; --count, ++a, ++b) {
    if (*a != *b) return *a < *b ? -1 : 1;
  }
  return 0;
}

NOT_A_BUILTIN int bcmp(const void* left, const void* right, usize count) { return memcmp(left, right, count); }

NOT_A_BUILTIN usize strlen(const char* text) {
  usize length = 0;
  while (text[length] != '\0') ++length;
  return length;
}

NOT_A_BUILTIN usize strnlen(const char* text, usize limit) {
  usize length = 0;
  while (length < limit && text[length] != '\0') ++length;
  return length;
}

NOT_A_BUILTIN void* memchr(const void* bytes, int wanted, usize count) {
  const auto* at = static_cast<const unsigned char*>(bytes);
  for (; count > 0; --count, ++at) {
    if (*at == static_cast<unsigned char>(wanted)) return const_cast<unsigned char*>(at);
  }
  return nullptr;
}

// A class with a virtual function that nobody overrides would need it; none is ever called.
[[noreturn]] void __cxa_pure_virtual() { lib::bug("pure virtual function called"); }

// Objects of static storage live until power-off: their destructors are never wanted.
int __cxa_atexit(void (*)(void*), void*, void*) { return 0; }
void* __dso_handle = nullptr;

}  // extern "C"

// A virtual destructor makes the compiler name it; the kernel has no heap to return anything to.
void operator delete(void*) noexcept { lib::bug("operator delete called"); }
void operator delete(void*, usize) noexcept { lib::bug("operator delete called"); }

// libstdc++'s checks end here.
namespace std {
__attribute__((noreturn)) void __throw_bad_expected_access() { lib::bug("value of a failed Result taken"); }
__attribute__((noreturn)) void __throw_out_of_range_fmt(const char*, ...) {
  lib::bug("position outside a string_view");
}
__attribute__((noreturn)) void __throw_logic_error(const char*) { lib::bug("logic error in a standard container"); }
__attribute__((noreturn)) void __throw_length_error(const char*) { lib::bug("length error in a standard container"); }
__attribute__((noreturn)) void __throw_bad_optional_access() { lib::bug("value of an empty optional taken"); }
__attribute__((noreturn)) void __throw_bad_variant_access(const char*) {
  lib::bug("wrong alternative of a variant taken");
}
__attribute__((noreturn)) void __glibcxx_assert_fail(const char*, int, const char*, const char* condition) noexcept {
  lib::bug(condition);
}
}  // namespace std

#endif
