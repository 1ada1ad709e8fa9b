// SPDX-License-Identifier: MIT
#include "user/programs/grind/grinder.hpp"

namespace grind {
namespace {

using abi::Call;
using abi::MapFlags;
using abi::Protection;
using Mode = abi::OpenMode;

constexpr int page = static_cast<int>(abi::page_size);
constexpr int max_mappings = 8;
constexpr int max_generations = 3;  // of forks within one process's work
constexpr int no_pid = -1;

struct Mapping {
  char* begin;
  std::uint64_t bytes;
};

constinit testing::Random dice(0);
Progress* shared_progress;
int own_slot, supervisor_pid, generation;
Mapping mappings[max_mappings];
char buffer[3 * page];
char* first_break;
abi::ProcInfo victims[abi::max_processes];

bool one_in(std::uint32_t n) { return dice.below(n) == 0; }

template <typename T, std::size_t n>
T one_of(const T (&choices)[n]) {
  return choices[dice.below(n)];
}

const char* any_name() {
  static char long_name[abi::max_path + 8];
  if (one_in(50)) {
    memset(long_name, 'n', sizeof(long_name) - 1);
    return long_name;
  }
  static const char* const names[] = {"a",
                                      "b",
                                      "c",
                                      "e",
                                      "d",
                                      "d/a",
                                      "d/b",
                                      "d/d",
                                      "d/d/a",
                                      "s",
                                      "t",
                                      "f",
                                      "g",
                                      "h",
                                      "..",
                                      ".",
                                      "/",
                                      "../a",
                                      "/grind.d/b",
                                      "",
                                      "a/b",
                                      "d/..",
                                      "s/a",
                                      "fourteen_chars",
                                      "fifteen_letters",
                                      "/statistics",
                                      "/true",
                                      "/README"};
  return one_of(names);
}

int any_descriptor() { return static_cast<int>(dice.below(20)) - 1; }

// --- Files, directories, pipes ---

void open_something() {
  static const Mode modes[] = {Mode::read_only,
                               Mode::write_only,
                               Mode::read_write,
                               Mode::create | Mode::read_write,
                               Mode::create | Mode::write_only,
                               Mode::create | Mode::truncate | Mode::read_write,
                               Mode::truncate | Mode::write_only,
                               Mode::no_follow | Mode::read_only};
  open(any_name(), one_of(modes));
}

int any_size() {
  static const int sizes[] = {0, 1, 7, 512, 1023, 1024, 1025, page - 1, page, page + 1, 3 * page};
  return one_of(sizes);
}

char* any_buffer(int bytes) {
  const Mapping& mapping = mappings[dice.below(max_mappings)];
  if (one_in(2) || mapping.bytes == 0)
    return buffer + dice.below(static_cast<std::uint32_t>(sizeof(buffer) - bytes + 1));
  return mapping.begin + dice.below(static_cast<std::uint32_t>(mapping.bytes));
}

// Pipes have no status. What they are asked for mostly goes at once: who waits for ever must be killed, and that
// takes its time.
bool may_wait(int fd) {
  abi::Stat status;
  return fstat(fd, &status) < 0;
}

void read_something() {
  const int fd = any_descriptor();
  const int bytes = any_size();
  if (may_wait(fd) && !one_in(20)) return;
  read(fd, any_buffer(bytes), bytes);
}

void write_something() {
  const int fd = any_descriptor();
  const int bytes = may_wait(fd) && !one_in(20) ? static_cast<int>(dice.below(100)) : any_size();
  write(fd, any_buffer(bytes), bytes);
}

void change_directories() {
  switch (dice.below(8)) {
    case 0: mkdir(any_name()); break;
    case 1: chdir(any_name()); break;
    case 2:
    case 3: unlink(any_name()); break;
    case 4: link(any_name(), any_name()); break;
    case 5: symlink(any_name(), any_name()); break;
    case 6: mknod(any_name(), static_cast<short>(2 + dice.below(4)), 0); break;
    default: chdir(directory); break;
  }
}

void handle_descriptors() {
  int fds[2];
  abi::Stat status;
  switch (dice.below(6)) {
    case 0: pipe(fds); break;
    case 1: dup(any_descriptor()); break;
    case 2:
    case 3: close(any_descriptor()); break;
    case 4: fstat(any_descriptor(), &status); break;
    default:
      if (one_in(10)) sync();
      break;
  }
}

// --- Memory ---

void map_something() {
  Mapping& mapping = mappings[dice.below(max_mappings)];
  if (mapping.bytes != 0) return;
  static const Protection protections[] = {Protection::none, Protection::read, Protection::read | Protection::write,
                                           Protection::read | Protection::execute};
  const MapFlags sharing = one_in(2) ? MapFlags::shared : MapFlags::private_copy;
  const std::uint64_t bytes = one_in(20) ? 3u << 20 : (1 + dice.below(12)) * page - dice.below(2) * 5;
  const bool anonymous = one_in(2);
  void* begin = mmap(bytes, one_of(protections), anonymous ? sharing | MapFlags::anonymous : sharing, any_descriptor(),
                     anonymous ? 0 : dice.below(3) * abi::page_size);
  if (begin == reinterpret_cast<void*>(-1)) return;
  mapping = {static_cast<char*>(begin), bytes};
}

void unmap_something() {
  Mapping& mapping = mappings[dice.below(max_mappings)];
  if (mapping.bytes == 0) return;
  const std::uint64_t pages = (mapping.bytes + page - 1) / page;
  if (one_in(3)) {  // a piece; the rest stays in the list, with a hole
    munmap(mapping.begin + dice.below(static_cast<std::uint32_t>(pages)) * page, (1 + dice.below(3)) * page);
    return;
  }
  munmap(mapping.begin, mapping.bytes);
  mapping = {};
}

void touch_something() {
  const Mapping& mapping = mappings[dice.below(max_mappings)];
  // What was mapped without the right, or beyond the end of a file, kills: that is for a child to try.
  if (mapping.bytes == 0 || !one_in(4)) {
    char* const end = sbrk(0);
    if (end >= first_break + page) testing::touch(end - 1 - dice.below(page), 'x');
    return;
  }
  const int pid = generation < max_generations ? fork() : no_pid;
  if (pid < 0) return;
  if (pid > 0) {
    wait(nullptr);
    return;
  }
  for (std::uint64_t at = 0; at < mapping.bytes; at += page) {
    if (one_in(2)) testing::look(mapping.begin + at);
    if (one_in(2)) testing::touch(mapping.begin + at, 'y');
  }
  exit(0);
}

void move_the_break() {
  static const int steps[] = {1, 100, page, 3 * page, 5 * page, 700000, 1 << 21, 5 << 20};
  const int step = one_of(steps);
  if (one_in(3)) {
    sbrklazy(step);
  } else if (one_in(2)) {
    sbrk(step);
  } else if (sbrk(0) >= first_break + step) {
    sbrk(-step);
  }
}

void look_at_memory() {
  unsigned mask;
  const Mapping& mapping = mappings[dice.below(max_mappings)];
  void* const place = mapping.bytes != 0 ? mapping.begin : sbrk(0) - page;
  pgaccess(place, static_cast<int>(dice.below(33)), &mask);
  pgpte(place);
}

// --- Processes ---

void work(int calls);

void start_a_child() {
  if (generation == max_generations) return;
  const int pid = fork();
  if (pid != 0) {
    if (pid > 0 && one_in(2)) wait(nullptr);
    return;
  }
  ++generation;
  dice = testing::Random(dice.next() + static_cast<std::uint32_t>(getpid()));
  static char program[] = "/true", argument[] = "argument";
  char* arguments[] = {program, argument, nullptr};
  if (one_in(3)) exec(one_in(3) ? any_name() : program, arguments);
  work(static_cast<int>(dice.below(60)));
  exit(static_cast<int>(dice.below(5)));
}

// Never the supervisor or what was there before it.
void kill_someone() {
  static const int strange[] = {-1, 0, 1, 0x7fffffff, -0x7fffffff - 1};
  if (one_in(10)) kill(one_of(strange));
  const int count = procinfo(victims, static_cast<int>(abi::max_processes));
  if (count <= 0 || !one_in(4)) return;
  const int victim = victims[dice.below(static_cast<std::uint32_t>(count))].pid;
  if (victim > supervisor_pid && victim != getpid()) kill(victim);
}

void on_alarm() { sigreturn(); }

void use_alarms() {
  switch (dice.below(8)) {
    case 0: sigreturn(); break;
    case 1:
      if (one_in(20)) sigalarm(1, reinterpret_cast<void (*)()>(~std::uint64_t{0} << dice.below(60)));
      break;
    default: sigalarm(static_cast<int>(dice.below(3)), on_alarm); break;
  }
}

void rest() {
  if (one_in(4)) sleep(static_cast<int>(dice.below(2)));
  cpupin(static_cast<int>(dice.below(9)) - 1);
}

// --- Anything with anything ---

std::uint64_t any_value() {
  const auto end = reinterpret_cast<std::uint64_t>(sbrk(0));
  const auto stack = reinterpret_cast<std::uint64_t>(__builtin_frame_address(0)) & ~(abi::page_size - 1);
  const Mapping& mapping = mappings[dice.below(max_mappings)];
  const auto mapped = reinterpret_cast<std::uint64_t>(mapping.begin);
  const std::uint64_t bases[] = {0,
                                 abi::page_size,
                                 end,
                                 stack,
                                 mapped,
                                 mapped + mapping.bytes,
                                 reinterpret_cast<std::uint64_t>(buffer),
                                 0x02000000,
                                 0x0c000000,
                                 0x10000000,
                                 0x7fffffff,
                                 0x80000000,
                                 0xffffffff,
                                 abi::usyscall,
                                 abi::trapframe,
                                 abi::trampoline,
                                 abi::user_top,
                                 std::uint64_t{1} << 39,
                                 std::uint64_t{1} << 63,
                                 0xffffffc080000000};
  static const int offsets[] = {0, 0, 0, 1, -1, 3, -4, 7, -8, 16, page, -page, 2 * page - 1};
  if (one_in(4)) return dice.below(20);
  return one_of(bases) + static_cast<std::uint64_t>(static_cast<std::int64_t>(one_of(offsets)));
}

// Calls that would end what others need, fill the console or wait too long get another argument or are left out.
bool is_fit(std::uint64_t number, std::uint64_t (&a)[6]) {
  switch (static_cast<Call>(number)) {
    case Call::kpgtbl:
    case Call::rwlktest:
    case Call::recv:  // nobody would ever send
    case Call::udp_recv:
    case Call::call29:
    case Call::udp_connect: return false;
    case Call::recvfor: a[5] &= 1; return true;
    case Call::ping: a[3] &= 1; return true;
    case Call::exit:
    case Call::check:
    case Call::call23:
    case Call::interpose: return one_in(200);
    case Call::wait:
    case Call::read: return one_in(20);
    case Call::trace: a[0] = 0; return true;
    case Call::sleep: a[0] &= 1; return true;
    case Call::kill:
      if (const int pid = static_cast<int>(a[0]); pid > 1 && pid <= supervisor_pid) a[0] = 1;
      return true;
    case Call::mknod:
      if (static_cast<short>(a[1]) == 1) a[1] = 2;  // not the console
      return true;
    case Call::sbrk:
    case Call::munmap: return one_in(10);
    default: return true;
  }
}

void call_anything() {
  const std::uint64_t number = one_in(50) ? any_value() : dice.below(128);
  std::uint64_t a[6];
  for (std::uint64_t& argument : a) argument = any_value();
  if (!is_fit(number, a)) return;
  const std::int64_t got = system_call(Call{number}, a[0], a[1], a[2], a[3], a[4], a[5]);
  if (number == static_cast<std::uint64_t>(Call::fork) && got == 0) exit(0);
}

void step() {
  static void (*const operations[])() = {
      open_something,     open_something,     read_something,     write_something, write_something, change_directories,
      change_directories, handle_descriptors, handle_descriptors, map_something,   unmap_something, touch_something,
      move_the_break,     look_at_memory,     start_a_child,      kill_someone,    use_alarms,      rest,
      call_anything,      call_anything,      call_anything};
  const bool fails = one_in(100);
  if (fails) failnth(1 + static_cast<int>(dice.below(20)));
  one_of(operations)();
  if (fails) failnth(0);
}

void work(int calls) {
  for (int i = 0; i < calls; ++i) {
    step();
    shared_progress->calls[own_slot] = shared_progress->calls[own_slot] + 1;
  }
}

}  // namespace

void grind(std::uint32_t seed, int calls, Progress& progress, int slot, int supervisor) {
  dice = testing::Random(seed);
  first_break = sbrk(0);
  shared_progress = &progress;
  own_slot = slot;
  supervisor_pid = supervisor;
  for (int fd = 0; fd < 3; ++fd) close(fd);  // nothing goes to the console, nothing waits for a key
  chdir(directory);
  work(calls);
  exit(0);
}

}  // namespace grind
