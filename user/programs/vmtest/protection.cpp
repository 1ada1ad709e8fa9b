// SPDX-License-Identifier: MIT
// What a program may not touch, shown by being killed for it: each access in a child of its own.
#include "user/programs/vmtest/tests.hpp"

namespace vmtest {
namespace {

using testing::is_killed;
using testing::look;
using testing::touch;

char* at(std::uint64_t address) { return reinterpret_cast<char*>(address); }

// Runs what lies there; the compiler must not know what that is.
void jump_to(std::uint64_t address) {
  asm volatile("" : "+r"(address));
  reinterpret_cast<void (*)()>(address)();
}

void expect_no_access(std::uint64_t address) {
  EXPECT(is_killed([=] { look(at(address)); }));
  EXPECT(is_killed([=] { touch(at(address), 10); }));
}

// kernmem
void kernel_memory() {
  for (std::uint64_t address = 0x80000000; address < 0x80000000 + 2000000; address += 100000)
    EXPECT(is_killed([=] { look(at(address)); }));
  expect_no_access(0xffffffc080000000);  // RAM in the upper half, where one view maps it
  expect_no_access(0xffffffc010000000);  // the UART there
  expect_no_access(0x10000000);
  expect_no_access(0x0c000000);
  expect_no_access(0x02000000);
}

// MAXVAplus
void above_user_memory() {
  for (std::uint64_t address = std::uint64_t{1} << 38; address != 0; address <<= 1)
    EXPECT(is_killed([=] { touch(at(address), 99); }));
}

// nowrite, textwrite
void not_writable() {
  for (const std::uint64_t address :
       {std::uint64_t{0}, std::uint64_t{0x80000000}, std::uint64_t{0x3fffffd000}, std::uint64_t{0x3fffffe000},
        std::uint64_t{0x3ffffff000}, std::uint64_t{0x4000000000}, ~std::uint64_t{0}})
    EXPECT(is_killed([=] { touch(at(address), 10); }));
  // USYSCALL may be read.
  EXPECT_EQ(ugetpid(), getpid());
}

void trapframe_and_trampoline() {
  expect_no_access(abi::trapframe);
  expect_no_access(abi::trampoline);
  EXPECT(is_killed([] { jump_to(abi::trampoline); }));
}

constexpr unsigned return_instruction = 0x00008067;
volatile unsigned data_code[2] = {return_instruction, return_instruction};
// Not volatile: GCC would put it into the writable data.
const unsigned constant_code[2] = {return_instruction, return_instruction};

// Neither data, heap nor stack is code.
void data_is_not_code() {
  EXPECT(is_killed([] { jump_to(as_word(data_code)); }));
  EXPECT(is_killed([] {
    volatile unsigned stack_code[2] = {return_instruction, return_instruction};
    jump_to(as_word(stack_code));
  }));
  EXPECT(is_killed([] {
    auto* heap_code = reinterpret_cast<volatile unsigned*>(grow(page));
    *heap_code = return_instruction;
    jump_to(as_word(heap_code));
  }));
  EXPECT(is_killed([] { jump_to(as_word(grow_lazily(page) + 16)); }));
  // Read-only data stands in the text segment: that this works shows that the others failed for the right reason.
  EXPECT_EQ(testing::status_of([] { jump_to(as_word(constant_code)); }), 0);
}

std::uint64_t stack_pointer() {
  std::uint64_t sp;
  asm volatile("mv %0, sp" : "=r"(sp));
  return sp;
}

// stacktest, V24: the pages below the stack are guards, for programs and for calls.
void guard_below_the_stack() {
  const std::uint64_t guard = (stack_pointer() & ~(abi::page_size - 1)) - abi::page_size;
  expect_no_access(guard);
  expect_no_access(guard + abi::page_size - 1);
  expect_no_access(guard - abi::page_size);
  EXPECT(is_killed([] { look(at(stack_pointer() - abi::page_size)); }));
  EXPECT(is_killed([] { look(at(stack_pointer() - 2 * abi::page_size)); }));
  const int fd = open("/README", Mode::read_only);
  EXPECT_EQ(system_call(abi::Call::read, static_cast<std::uint64_t>(fd), guard + 8, 16), -1);
  close(fd);
  EXPECT_EQ(system_call(abi::Call::open, guard + 8, 0), -1);
  const std::uint64_t pte = pgpte(at(guard));
  EXPECT((pte & 1) != 0 && (pte & 16) == 0);  // valid, not the user's
}

__attribute__((noinline)) int recurse(int depth) {
  volatile char frame[128];
  frame[0] = static_cast<char>(depth);
  return depth == 0 ? frame[0] : recurse(depth - 1) + frame[0];
}

void runaway_recursion() {
  EXPECT(is_killed([] { recurse(1 << 20); }));
}

// An access that crosses into a page that is not there, or is misaligned, hurts its process only.
void crossing_and_misaligned() {
  char* end = align_break(page);
  grow(page);
  end = sbrk(0);
  EXPECT(is_killed([=] { (void)*reinterpret_cast<volatile std::uint64_t*>(end - 4); }));
  EXPECT(is_killed([=] { *reinterpret_cast<volatile std::uint64_t*>(end - 4) = 1; }));
  *reinterpret_cast<volatile std::uint64_t*>(end - 13) = 0x1122334455667788;
  EXPECT(*reinterpret_cast<volatile std::uint64_t*>(end - 13) == 0x1122334455667788);
}

// Instructions that are none, or not the user's, and registers of the machine.
void privileged_instructions() {
  EXPECT(is_killed([] { asm volatile(".word 0"); }));
  EXPECT(is_killed([] { asm volatile("csrr t0, satp" ::: "t0"); }));
  EXPECT(is_killed([] { asm volatile("csrw satp, zero"); }));
  EXPECT(is_killed([] { asm volatile("csrw sstatus, zero"); }));
  EXPECT(is_killed([] { asm volatile("csrw sscratch, zero"); }));
  EXPECT(is_killed([] { asm volatile("csrw stvec, zero"); }));
  EXPECT(is_killed([] { asm volatile("csrw sepc, zero"); }));
  EXPECT(is_killed([] { asm volatile("csrw sie, zero"); }));
  EXPECT(is_killed([] { asm volatile("csrw mstatus, zero"); }));
  EXPECT(is_killed([] { asm volatile("csrw pmpcfg0, zero"); }));
  EXPECT(is_killed([] { asm volatile("csrw 0x14d, zero"); }));  // stimecmp
  EXPECT(is_killed([] { asm volatile("sfence.vma"); }));
  EXPECT(is_killed([] { asm volatile("sret"); }));
  EXPECT(is_killed([] { asm volatile("mret"); }));
  EXPECT(is_killed([] { asm volatile("wfi"); }));
  EXPECT(is_killed([] { asm volatile("ebreak"); }));
  EXPECT(is_killed([] { jump_to(0x123456780); }));
}

// Programs may read the three counters.
void counters_are_readable() {
  std::uint64_t cycle, time, instructions;
  asm volatile("rdcycle %0\n\trdtime %1\n\trdinstret %2" : "=r"(cycle), "=r"(time), "=r"(instructions));
  EXPECT(time > 0);
  std::uint64_t later;
  asm volatile("rdinstret %0" : "=r"(later));
  EXPECT(later >= instructions);
}

}  // namespace

std::span<const testing::Test> protection_tests() {
  static constexpr testing::Test tests[] = {
      {"kernel_memory", kernel_memory},
      {"above_user_memory", above_user_memory},
      {"not_writable", not_writable},
      {"trapframe_and_trampoline", trapframe_and_trampoline},
      {"data_is_not_code", data_is_not_code},
      {"guard_below_the_stack", guard_below_the_stack},
      {"runaway_recursion", runaway_recursion},
      {"crossing_and_misaligned", crossing_and_misaligned},
      {"privileged_instructions", privileged_instructions},
      {"counters_are_readable", counters_are_readable},
  };
  return tests;
}

}  // namespace vmtest
