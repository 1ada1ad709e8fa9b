// SPDX-License-Identifier: MIT
// Bad arguments: descriptors, pointers, lengths and strings that no correct program would pass. Each must be
// answered with -1 (a pipe or the console may say 0), and nothing else may change.
#include "abi/vmstat.hpp"
#include "user/programs/systest/tests.hpp"

namespace systest {
namespace {

using abi::Call;
using testing::make_file;

constexpr std::uint64_t bad_addresses[] = {
    0x80000000,          // the kernel, in two of the three views
    0x3fffffd000,        // USYSCALL: readable, yet not the program's memory
    0x3fffffe000,        // TRAPFRAME
    0x3ffffff000,        // TRAMPOLINE
    0x4000000000,        // the first address above
    0x8000000000,        // beyond what Sv39 can say
    0xffffffc000000000,  // the upper half
    0xffffffff80000000, 0x8000000000000000, 0xeaeb0b5b00002f5e, 0xffffffffffffffff,
};

std::uint64_t as_word(const void* p) { return reinterpret_cast<std::uint64_t>(p); }
std::uint64_t as_word(int value) { return static_cast<std::uint64_t>(static_cast<std::int64_t>(value)); }

void bad_descriptors() {
  for (const int fd : {-1, 15, 16, 17, 1000, 0x7fffffff, static_cast<int>(0x80000000)}) {
    EXPECT_EQ(read(fd, buffer, 1), -1);
    EXPECT_EQ(write(fd, buffer, 1), -1);
    EXPECT_EQ(close(fd), -1);
    EXPECT_EQ(dup(fd), -1);
    abi::Stat status;
    EXPECT_EQ(fstat(fd, &status), -1);
  }
}

// copyin
void write_from_bad_addresses() {
  for (const std::uint64_t address : bad_addresses) {
    const int fd = open("w", create_write | Mode::truncate);
    EXPECT_EQ(system_call(Call::write, as_word(fd), address, 8192), -1);
    close(fd);
    EXPECT(system_call(Call::write, 1, address, 8192) <= 0);
    int fds[2];
    EXPECT_EQ(pipe(fds), 0);
    EXPECT(system_call(Call::write, as_word(fds[1]), address, 8192) <= 0);
    close(fds[0]), close(fds[1]);
  }
  EXPECT_EQ(unlink("w"), 0);
}

// copyout; also A4: the program's own text must stay as it is.
void read_into_bad_addresses() {
  make_file("r", "xxxxxxxxxxxxxxxx", 16);
  const auto text = as_word(reinterpret_cast<const void*>(&bad_descriptors));
  const std::uint64_t word = *reinterpret_cast<const std::uint64_t*>(text);
  const auto expect_refused = [](std::uint64_t address) {
    const int fd = open("r", Mode::read_only);
    EXPECT_EQ(system_call(Call::read, as_word(fd), address, 16), -1);
    close(fd);
    int fds[2];
    EXPECT_EQ(pipe(fds), 0);
    EXPECT_EQ(write(fds[1], "x", 1), 1);
    EXPECT(system_call(Call::read, as_word(fds[0]), address, 16) <= 0);
    close(fds[0]), close(fds[1]);
    abi::Stat* status = reinterpret_cast<abi::Stat*>(address);
    const int file = open("r", Mode::read_only);
    EXPECT_EQ(fstat(file, status), -1);
    close(file);
  };
  for (const std::uint64_t address : bad_addresses) expect_refused(address);
  expect_refused(0);
  expect_refused(text & ~std::uint64_t{7});
  EXPECT_EQ(*reinterpret_cast<const volatile std::uint64_t*>(text), word);
  EXPECT_EQ(unlink("r"), 0);
}

// copyinstr1, pgbug: every call that takes a name.
void bad_name_pointers() {
  char* arguments[] = {nullptr};
  for (const std::uint64_t name : bad_addresses) {
    EXPECT_EQ(system_call(Call::open, name, 0), -1);
    EXPECT_EQ(system_call(Call::open, name, 0x201), -1);
    EXPECT_EQ(system_call(Call::unlink, name), -1);
    EXPECT_EQ(system_call(Call::mkdir, name), -1);
    EXPECT_EQ(system_call(Call::mknod, name, 1, 0), -1);
    EXPECT_EQ(system_call(Call::chdir, name), -1);
    EXPECT_EQ(system_call(Call::exec, name, as_word(arguments)), -1);
    EXPECT_EQ(system_call(Call::link, name, as_word("x")), -1);
    EXPECT_EQ(system_call(Call::link, as_word("/echo"), name), -1);
    EXPECT_EQ(system_call(Call::symlink, name, as_word("x")), -1);
    EXPECT_EQ(system_call(Call::symlink, as_word("x"), name), -1);
    EXPECT_EQ(system_call(Call::sysinfo, name), -1);
    EXPECT_EQ(system_call(Call::vmstat, name, sizeof(abi::VmStat), as_word(-1)), -1);
    EXPECT_EQ(system_call(Call::procinfo, name, 4), -1);
  }
  EXPECT(!exists("x"));
}

// copyinstr2: names that are too long by one.
void names_too_long() {
  char* name = buffer;
  memset(name, 'x', abi::max_path);
  name[abi::max_path] = '\0';
  char* arguments[] = {name, nullptr};
  EXPECT_EQ(unlink(name), -1);
  EXPECT_EQ(open(name, create_write), -1);
  EXPECT_EQ(link(name, name), -1);
  EXPECT_EQ(exec(name, arguments), -1);
  EXPECT_EQ(mkdir(name), -1);
  EXPECT_EQ(chdir(name), -1);
  // The longest that fits names a file (its last component is cut at 14 characters).
  name[abi::max_path - 1] = '\0';
  make_file(name);
  EXPECT_EQ(unlink(name), 0);
  memset(name, '/', abi::max_path - 1);
  EXPECT(exists(name));
}

// copyinstr3: a name that ends at the last byte of the break without a NUL.
void name_at_the_break() {
  const auto misaligned = as_word(sbrk(0)) % abi::page_size;
  if (misaligned != 0) sbrk(static_cast<int>(abi::page_size - misaligned));
  char* top = sbrk(static_cast<int>(abi::page_size)) + abi::page_size;
  top[-1] = 'x';
  EXPECT_EQ(open(top - 1, create_write), -1);
  EXPECT_EQ(unlink(top - 1), -1);
  EXPECT_EQ(link(top - 1, top - 1), -1);
  char* arguments[] = {const_cast<char*>("xx"), nullptr};
  EXPECT_EQ(exec(top - 1, arguments), -1);
  top[-1] = '\0', top[-2] = 'y';
  make_file(top - 2);
  EXPECT_EQ(unlink("y"), 0);
}

// sbrklast: name and buffer in the last, partial page.
void name_in_a_partial_page() {
  const auto misaligned = as_word(sbrk(0)) % abi::page_size;
  if (misaligned != 0) sbrk(static_cast<int>(abi::page_size - misaligned));
  sbrk(static_cast<int>(abi::page_size));
  sbrk(10);
  sbrk(-20);
  char* p = sbrk(0) - 64;
  p[0] = 'x', p[1] = '\0';
  const int fd = open(p, create_both);
  EXPECT(fd >= 0);
  EXPECT_EQ(write(fd, p, 1), 1);
  close(fd);
  p[0] = '\0';
  const int again = open("x", Mode::read_write);
  EXPECT_EQ(read(again, p, 1), 1);
  EXPECT_EQ(p[0], 'x');
  close(again);
  EXPECT_EQ(unlink("x"), 0);
}

// validatetest: whatever a page may hold, it is no name of a file that could be linked.
void every_page_as_a_name() {
  for (std::uint64_t p = 0; p <= 1100 * 1024; p += abi::page_size)
    EXPECT_EQ(system_call(Call::link, as_word("nosuchfile"), p), -1);
}

// argptest, A17: lengths that are negative or reach past everything.
void bad_lengths() {
  const int fd = open("/README", Mode::read_only);
  EXPECT(fd >= 0);
  EXPECT_EQ(read(fd, buffer, -1), -1);
  EXPECT_EQ(read(fd, buffer, static_cast<int>(0x80000000)), -1);
  const int harmless = read(fd, sbrk(0) - 1, -1);
  EXPECT_EQ(harmless, -1);
  close(fd);
  make_file("n", "abc", 3);
  const int out = open("n", Mode::write_only);
  EXPECT_EQ(write(out, buffer, -1), -1);
  EXPECT_EQ(write(out, buffer, static_cast<int>(0x80000000)), -1);
  close(out);
  EXPECT_EQ(size_of("n"), 3);
  EXPECT_EQ(unlink("n"), 0);
  EXPECT_EQ(write(1, buffer, -1), -1);
  EXPECT_EQ(read(0, buffer, -1), -1);
  int fds[2];
  EXPECT_EQ(pipe(fds), 0);
  EXPECT_EQ(write(fds[1], buffer, -1), -1);
  EXPECT_EQ(read(fds[0], buffer, -1), -1);
  close(fds[0]), close(fds[1]);
}

// rwsbrk: memory that was given back is no buffer.
void memory_given_back() {
  char* p = sbrk(2 * static_cast<int>(abi::page_size));
  EXPECT(p != reinterpret_cast<char*>(-1));
  sbrk(-2 * static_cast<int>(abi::page_size));
  int fd = open("rw", create_write);
  // A page above the break, whose address is certainly outside: the break may be inside its own page.
  EXPECT_EQ(write(fd, p + abi::page_size, 1024), -1);
  close(fd);
  EXPECT_EQ(unlink("rw"), 0);
  fd = open("/README", Mode::read_only);
  EXPECT_EQ(read(fd, p + abi::page_size, 10), -1);
  close(fd);
}

// A buffer that begins well and ends in nothing.
void buffer_across_the_break() {
  const auto misaligned = as_word(sbrk(0)) % abi::page_size;
  if (misaligned != 0) sbrk(static_cast<int>(abi::page_size - misaligned));
  char* top = sbrk(0);
  const int fd = open("/README", Mode::read_only);
  EXPECT_EQ(read(fd, top - 8, 16), -1);
  close(fd);
  int fds[2];
  EXPECT_EQ(pipe(fds), 0);
  EXPECT(write(fds[1], top - 8, 16) <= 8);
  close(fds[0]), close(fds[1]);
}

void bad_open_modes() {
  make_file("o", "abc", 3);
  for (const int mode : {3, 0x1000, -1, 0x7fffffff}) {
    const int fd = open("o", mode);
    if (fd >= 0) close(fd);
  }
  unlink("o");
}

// What the kernel says about a file or a process has no byte that it did not mean to say: structures have gaps, names
// have tails, and both lie where the kernel has just worked on something else.
void no_byte_of_the_kernel() {
  const int fd = open("/README", Mode::read_only);
  for (int round = 0; round < 4; ++round) {
    // Something for the kernel's stack to remember.
    char long_name[100];
    memset(long_name, 'k', sizeof(long_name));
    long_name[99] = '\0';
    EXPECT_EQ(open(long_name, Mode::read_only), -1);
    if (round % 2 == 1) EXPECT_EQ(read(fd, buffer, 100), 100);
    abi::Stat status;
    memset(&status, 0xff, sizeof(status));
    EXPECT_EQ(fstat(fd, &status), 0);
    const auto* bytes = reinterpret_cast<const unsigned char*>(&status);
    for (int i = 12; i < 16; ++i) EXPECT_EQ(bytes[i], 0);
  }
  close(fd);

  // This program's name is longer than its child's.
  int fds[2];
  EXPECT_EQ(pipe(fds), 0);
  char name[] = "cat";
  char* arguments[] = {name, nullptr};
  const int child = start([&] {
    close(0), dup(fds[0]), close(fds[0]), close(fds[1]);
    exec("/cat", arguments);
  });
  close(fds[0]);
  static abi::ProcInfo slots[abi::max_processes];
  bool seen = false;
  for (int tries = 0; tries < 50 && !seen; ++tries) {
    const int count = procinfo(slots, static_cast<int>(abi::max_processes));
    for (int i = 0; i < count; ++i) {
      if (slots[i].pid != child || strcmp(slots[i].name, name) != 0) continue;
      seen = true;
      for (std::size_t at = 4; at < sizeof(slots[i].name); ++at) EXPECT_EQ(slots[i].name[at], 0);
    }
    if (!seen) sleep(1);
  }
  EXPECT(seen);
  close(fds[1]);
  EXPECT_EQ(wait(nullptr), child);
}

}  // namespace

std::span<const testing::Test> argument_tests() {
  static constexpr testing::Test tests[] = {
      {"bad_descriptors", bad_descriptors},
      {"write_from_bad_addresses", write_from_bad_addresses},
      {"read_into_bad_addresses", read_into_bad_addresses},
      {"bad_name_pointers", bad_name_pointers},
      {"names_too_long", names_too_long},
      {"name_at_the_break", name_at_the_break},
      {"name_in_a_partial_page", name_in_a_partial_page},
      {"every_page_as_a_name", every_page_as_a_name},
      {"bad_lengths", bad_lengths},
      {"memory_given_back", memory_given_back},
      {"buffer_across_the_break", buffer_across_the_break},
      {"bad_open_modes", bad_open_modes},
      {"no_byte_of_the_kernel", no_byte_of_the_kernel},
  };
  return tests;
}

}  // namespace systest
