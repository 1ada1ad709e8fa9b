// SPDX-License-Identifier: MIT
#include "labs/crash_test.hpp"

#include "abi/layout.hpp"
#include "arch/riscv64/layout.hpp"
#include "lib/bug.hpp"
#include "lib/format.hpp"
#include "lib/types.hpp"

namespace lab {

namespace {

const u64 read_only_word = 1;
u64 writable_code = 0x00008067;  // ret

/// The address is hidden from the compiler, which would take the access out or make a trap of it.
template <class Pointer>
Pointer hidden(Pointer pointer) {
  asm volatile("" : "+r"(pointer));
  return pointer;
}

void store(const void* at) { *hidden(static_cast<volatile u64*>(const_cast<void*>(at))) = 0; }
void load(u64 at) { (void)*hidden(reinterpret_cast<volatile u64*>(at)); }
void jump(const void* to) { hidden(reinterpret_cast<void (*)()>(const_cast<void*>(to)))(); }

/// Fills each frame, so that no step jumps over the guard page.
[[gnu::noinline]] u64 recurse(u64 depth) {  // NOLINT(misc-no-recursion): that it never ends is the point
  volatile u64 frame[32];
  for (volatile u64& word : frame) word = depth;
  return hidden(depth) == ~u64{0} ? 0 : recurse(depth + 1) + frame[depth % 32];
}

struct Crash {
  std::string_view kind;
  void (*happen)();
};

constexpr Crash crashes[] = {
    {"null", [] { load(0); }},
    {"user-page", [] { load(abi::usyscall); }},
    {"trampoline-write", [] { store(reinterpret_cast<const void*>(abi::trampoline)); }},
    {"text-write", [] { store(arch::trampoline_start); }},
    {"rodata-write", [] { store(&read_only_word); }},
    {"data-execute", [] { jump(&writable_code); }},
    {"stack-overflow", [] { (void)recurse(0); }},
    {"illegal-instruction", [] { asm volatile("unimp"); }},
    {"bug", [] { lib::bug("asked for by the boot argument crash=bug"); }},
};

const Crash* chosen = nullptr;

}  // namespace

bool choose_crash(std::string_view kind) {
  for (const Crash& crash : crashes) {
    if (crash.kind == kind) chosen = &crash;
  }
  return chosen != nullptr;
}

[[gnu::noinline]] void crash_on_purpose() {
  if (chosen == nullptr) return;
  lib::print("crash on purpose: {}\n", chosen->kind);
  chosen->happen();
}

}  // namespace lab
