// SPDX-License-Identifier: MIT
// User copies at their edges: the boundary lattice (R3 in small) over all calls, USYSCALL, values that change
// while they are read.
#include "user/programs/vmtest/tests.hpp"

namespace vmtest {
namespace {

using abi::Call;

// The places where something ends or begins. Filled in at run time where they depend on the program.
constexpr int max_values = 40;
std::uint64_t values[max_values];
int value_count;

void add_value(std::uint64_t value) { values[value_count++] = value; }

void collect_values() {
  value_count = 0;
  for (const std::uint64_t fixed : {std::uint64_t{0},
                                    std::uint64_t{1},
                                    std::uint64_t{2},
                                    std::uint64_t{7},
                                    abi::page_size - 1,
                                    abi::page_size,
                                    std::uint64_t{0x7fffffff},
                                    std::uint64_t{0x80000000},
                                    std::uint64_t{0xffffffff},
                                    std::uint64_t{0x0c000000},
                                    abi::usyscall - 1,
                                    abi::usyscall,
                                    abi::usyscall + 4,
                                    abi::trapframe,
                                    abi::trampoline,
                                    abi::user_top - 1,
                                    abi::user_top,
                                    std::uint64_t{1} << 39,
                                    (std::uint64_t{1} << 63) - 1,
                                    std::uint64_t{1} << 63,
                                    ~std::uint64_t{4095},
                                    ~std::uint64_t{7},
                                    ~std::uint64_t{0}})
    add_value(fixed);
  const std::uint64_t end = as_word(sbrk(0));
  const std::uint64_t stack = as_word(__builtin_frame_address(0)) & ~(abi::page_size - 1);
  for (const std::uint64_t own : {end - 1, end, end + 1, end - 4, stack - 1, stack - abi::page_size, stack})
    add_value(own);
}

// A new call is tried with all pairs as soon as it is in the kernel's table, unless it stands here: these would end,
// stop or hold back the caller, or fill the console, and have tests of their own.
constexpr const char* not_at_random[] = {
    "fork",     "exit",   "sbrk",  "sleep",   "pause",    "trace", "interpose", "sigalarm", "sigreturn",
    "rwlktest", "kpgtbl", "check", "failnth", "shutdown", "sync",  "copyprobe", "vmprint",  "recv",
};

// The call of this number, or nothing.
bool find_call(std::uint64_t number, char (&name)[16]) {
  if (callname(number, name, sizeof(name)) < 0) return false;
  name[sizeof(name) - 1] = '\0';
  return true;
}

bool may_be_tried(const char* name) {
  for (const char* other : not_at_random) {
    if (strcmp(name, other) == 0) return false;
  }
  return true;
}

// In a child: descriptors 0 to 2 are files here, so no call waits for a key.
void prepare_descriptors() {
  for (int fd = 0; fd < 16; ++fd) close(fd);
  for (int fd = 0; fd < 3; ++fd) open("lattice", create_both);
}

void all_pairs_of_all_calls() {
  const std::uint64_t frames = freeframes();
  int tried = 0;
  for (std::uint64_t number = 1; number < 128; ++number) {
    char name[16];
    if (!find_call(number, name) || !may_be_tried(name)) continue;
    ++tried;
    const Call call{number};
    const int status = testing::status_of([call] {
      prepare_descriptors();
      collect_values();
      for (int i = 0; i < value_count; ++i) {
        for (int j = 0; j < value_count; ++j) {
          // Killing init is refused; others that live must not be hit by chance.
          if (call == Call::kill && values[i] > 1 && values[i] < 10000) continue;
          const std::int64_t got = system_call(call, values[i], values[j], 1, 0, 0, 0);
          if ((call == Call::open || call == Call::dup) && got > 2) close(static_cast<int>(got));
          if (call == Call::close && got == 0) open("lattice", create_both);
        }
        if (call == Call::mmap || call == Call::munmap)
          for (int j = 0; j < value_count; ++j) system_call(call, values[j], values[i], 3, 0x22, ~std::uint64_t{0}, 0);
      }
    });
    // Dying is allowed where a call may take the caller's own memory away, nothing else is.
    EXPECT(status == 0 || (call == Call::munmap && status == testing::killed));
    // Not one frame may stay behind, whatever was passed.
    EXPECT_EQ(testing::settled_free_frames(frames), frames);
  }
  EXPECT(tried >= 25);
  // What names the lattice made are its own.
  for (int i = 0; i < 4; ++i) unlink("lattice");
}

// Third and later arguments, with good ones before them.
void lengths_with_good_pointers() {
  static char buffer[2 * page];
  collect_values();
  memset(buffer, 'g', sizeof(buffer));
  const int fd = open("lengths", create_both);
  for (int i = 0; i < value_count; ++i) {
    const auto wanted = static_cast<int>(values[i]);
    const std::int64_t written = system_call(Call::write, static_cast<std::uint64_t>(fd), as_word(buffer), values[i]);
    EXPECT(written == -1 || written == wanted);
    const int in = open("lengths", Mode::read_only);
    const std::int64_t got = system_call(Call::read, static_cast<std::uint64_t>(in), as_word(buffer), values[i]);
    EXPECT(got >= -1 && got <= static_cast<std::int64_t>(sizeof(buffer)) * 1000);
    close(in);
    const int cut = open("lengths", Mode::write_only | Mode::truncate);
    close(cut);
    system_call(Call::procinfo, as_word(buffer), values[i] > 64 ? ~std::uint64_t{0} : values[i]);
    system_call(Call::vmstat, as_word(buffer), values[i] > sizeof(abi::VmStat) ? sizeof(abi::VmStat) : values[i], 0);
    EXPECT_EQ(system_call(Call::vmstat, as_word(buffer), sizeof(abi::VmStat), 1000), -1);
  }
  close(fd);
  EXPECT_EQ(unlink("lengths"), 0);
}

// USYSCALL is the program's to read, but no call reads it for the program.
void usyscall_is_no_buffer() {
  int fds[2];
  EXPECT_EQ(pipe(fds), 0);
  EXPECT(system_call(Call::write, static_cast<std::uint64_t>(fds[1]), abi::usyscall, 4) <= 0);
  EXPECT_EQ(write(fds[1], "abcd", 4), 4);
  EXPECT(system_call(Call::read, static_cast<std::uint64_t>(fds[0]), abi::usyscall, 4) <= 0);
  close(fds[0]), close(fds[1]);
  const int fd = open("u", create_both);
  EXPECT_EQ(system_call(Call::write, static_cast<std::uint64_t>(fd), abi::usyscall, 4), -1);
  close(fd);
  const int in = open("/README", Mode::read_only);
  EXPECT_EQ(system_call(Call::read, static_cast<std::uint64_t>(in), abi::usyscall, 4), -1);
  close(in);
  EXPECT_EQ(system_call(Call::open, abi::usyscall, 0), -1);
  EXPECT_EQ(unlink("u"), 0);
  EXPECT_EQ(ugetpid(), getpid());
}

// Copies of every length over every alignment and across pages come out as they went in.
void all_lengths_and_alignments() {
  static char source[2 * page], target[2 * page];
  for (int i = 0; i < 2 * page; ++i) source[i] = static_cast<char>(i * 31 + (i >> 8));
  int fds[2];
  EXPECT_EQ(pipe(fds), 0);
  for (int length = 1; length <= 80; length += 3) {
    for (int from = 0; from < 8; ++from) {
      const char* p = source + page - 40 + from;
      char* q = target + page - 33 + (from * 3 & 7);
      memset(target, 0x55, sizeof(target));
      EXPECT_EQ(write(fds[1], p, length), length);
      EXPECT_EQ(read(fds[0], q, length), length);
      EXPECT(memcmp(p, q, static_cast<std::size_t>(length)) == 0);
      EXPECT(q[-1] == 0x55 && q[length] == 0x55);
    }
  }
  close(fds[0]), close(fds[1]);
}

// V30: a name that another process keeps changing is one of its two values when it is used.
void name_that_changes() {
  char* shared = static_cast<char*>(mmap(page, read_write, MapFlags::shared | MapFlags::anonymous, -1));
  EXPECT(shared != mmap_failed);
  testing::make_file("aaaaaaaa", "", 0);
  testing::make_file("bbbbbbbb", "", 0);
  strcpy(shared, "aaaaaaaa");
  const int racer = testing::fork_or_fail();
  if (racer == 0) {
    auto* word = reinterpret_cast<volatile std::uint64_t*>(shared);
    for (;;) {
      *word = 0x6262626262626262;
      *word = 0x6161616161616161;
    }
  }
  for (int i = 0; i < 2000; ++i) {
    const int fd = open(shared, Mode::read_only);
    if (fd >= 0) close(fd);  // a mixture of both is a name that is not there: refused
  }
  EXPECT_EQ(kill(racer), 0);
  testing::expect_children(1, testing::killed);
  EXPECT_EQ(unlink("aaaaaaaa") | unlink("bbbbbbbb"), 0);
  EXPECT_EQ(munmap(shared, page), 0);
}

}  // namespace

std::span<const testing::Test> copy_tests() {
  static constexpr testing::Test tests[] = {
      {"all_pairs_of_all_calls", all_pairs_of_all_calls}, {"lengths_with_good_pointers", lengths_with_good_pointers},
      {"usyscall_is_no_buffer", usyscall_is_no_buffer},   {"all_lengths_and_alignments", all_lengths_and_alignments},
      {"name_that_changes", name_that_changes},
  };
  return tests;
}

}  // namespace vmtest
