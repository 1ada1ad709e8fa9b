// SPDX-License-Identifier: MIT
// stretch [-p] [NAME...]: makes each call that can be long, as long as memory lets it be, and prints how long it kept
// a hart without a chance for anything else, in microseconds (debug kernels measure that, in the machine's own time:
// exact under -icount). The last line is `longest: N us`.
// -p: all pairs of them instead, with less memory, both at the same time. Nothing is measured; both must end.
// -f: prints without end.
#include "abi/vmstat.hpp"
#include "user/libc/user.hpp"

namespace {

constexpr std::size_t page = abi::page_size;
constexpr char scratch[] = "stretch.tmp";

std::size_t share = 1;  // of the memory that is free, for each of so many programs

[[noreturn]] void give_up(const char* what) {
  fprintf(2, "stretch: %s\n", what);
  exit(1);
}

/// Bytes that this program may fill: what is free, but for tables and the kernel's own needs.
std::size_t room() { return freeframes() / share / 10 * 9 * page; }

/// sbrk() takes an int.
int heap_room() {
  constexpr std::size_t most = std::size_t{1} << 30;
  return static_cast<int>(room() < most ? room() : most);
}

int grown_bytes = 0;

char* grow() {
  grown_bytes = heap_room();
  char* heap = sbrk(grown_bytes);
  if (heap == reinterpret_cast<char*>(-1)) give_up("sbrk failed");
  return heap;
}

std::size_t mapped_bytes = 0;

/// As much shared memory as there is, in 4 KiB pages.
char* map_shared() {
  mapped_bytes = room();
  void* memory = mmap(mapped_bytes, abi::Protection::read | abi::Protection::write,
                      abi::MapFlags::shared | abi::MapFlags::anonymous, -1);
  if (memory == reinterpret_cast<void*>(-1)) give_up("mmap failed");
  return static_cast<char*>(memory);
}

void run_child(void (*body)()) {
  const int pid = fork();
  if (pid < 0) give_up("fork failed");
  if (pid == 0) {
    body();
    exit(0);
  }
  wait(nullptr);
}

void sbrk_up() { grow(); }
void sbrk_down() {
  grow();
  sbrk(-grown_bytes);
}
void sbrk_too_much() {
  for (int i = 0; i < 4; ++i) sbrk(0x7fff0000);
}
void sbrk_lazily() {
  const std::size_t bytes = room();
  char* heap = sbrklazy(static_cast<int>(bytes < 0x40000000 ? bytes : 0x40000000));
  for (std::size_t i = 0; i < bytes && i < 0x40000000; i += page) heap[i] = 1;
}
void mmap_shared() { map_shared(); }
void munmap_shared() {
  char* memory = map_shared();
  munmap(memory, mapped_bytes);
}
void munmap_holes() {
  char* memory = map_shared();
  munmap(memory + 16 * page, mapped_bytes - 32 * page);
}
void fork_shared() {
  map_shared();
  run_child([] {});
}
void fork_heap() {
  grow();
  run_child([] {});
}
void fork_and_store() {
  share *= 2;
  static char* heap;
  heap = grow();
  run_child([] {
    for (int i = 0; i < grown_bytes; i += page) heap[i] = 2;
  });
}
void exec_from_much() {
  map_shared();
  char name[] = "true";
  char* arguments[] = {name, nullptr};
  exec(name, arguments);
  give_up("exec failed");
}
void exit_with_much() { grow(); }
void files() {
  constexpr int bytes = 256 * 1024;
  char* buffer = sbrk(bytes);
  const int fd = open(scratch, abi::OpenMode::create | abi::OpenMode::read_write);
  if (fd < 0) give_up("no file");
  write(fd, buffer, bytes);
  close(fd);
  const int again = open(scratch, abi::OpenMode::read_write);
  read(again, buffer, bytes);
  void* memory = mmap(bytes, abi::Protection::read | abi::Protection::write, abi::MapFlags::shared, again);
  if (memory != reinterpret_cast<void*>(-1)) {
    for (int i = 0; i < bytes; i += page) static_cast<char*>(memory)[i] = 1;
    munmap(memory, bytes);
  }
  close(again);
  sync();
  unlink(scratch);
}
void pipes() {
  constexpr int bytes = 16 << 20;
  char* buffer = sbrk(bytes);
  int ends[2];
  if (pipe(ends) < 0) give_up("no pipe");
  if (fork() == 0) {
    close(ends[1]);
    while (read(ends[0], buffer, bytes) > 0) {
    }
    exit(0);
  }
  close(ends[0]);
  write(ends[1], buffer, bytes);
  close(ends[1]);
  wait(nullptr);
}
void reports() {
  // Many processes with all of the memory each.
  constexpr int count = 24;
  share *= 2;
  map_shared();
  int children = 0;
  for (; children < count; ++children) {
    const int pid = fork();
    if (pid < 0) break;
    if (pid == 0) {
      sleep(1000);
      exit(0);
    }
  }
  static abi::ProcInfo slots[abi::max_processes];
  const int found = procinfo(slots, abi::max_processes);
  const int self = getpid();
  for (int i = 0; i < found; ++i) {
    if (slots[i].parent == self) kill(slots[i].pid);
  }
  while (wait(nullptr) > 0) {
  }
}
void print_tables() {
  sbrk(200 * page);
  kpgtbl();
}
void print_text() {
  static char line[] = "stretch: a line of text that a program prints on the console again and again ......\n";
  for (int i = 0; i < 40; ++i) write(1, line, sizeof(line) - 1);
}
void check_all() {
  map_shared();
  check();
}
void copies() {
  char* heap = grow();
  copyprobe(heap, static_cast<std::size_t>(grown_bytes), abi::CopyDirection::out);
}
void locks() { rwlktest(); }

struct Try {
  const char* name;
  void (*body)();
};
constexpr Try tries[] = {
    {"sbrk_up", sbrk_up},
    {"sbrk_down", sbrk_down},
    {"sbrk_too_much", sbrk_too_much},
    {"sbrk_lazily", sbrk_lazily},
    {"mmap_shared", mmap_shared},
    {"munmap_shared", munmap_shared},
    {"munmap_holes", munmap_holes},
    {"fork_shared", fork_shared},
    {"fork_heap", fork_heap},
    {"fork_and_store", fork_and_store},
    {"exec_from_much", exec_from_much},
    {"exit_with_much", exit_with_much},
    {"files", files},
    {"pipes", pipes},
    {"reports", reports},
    {"print_tables", print_tables},
    {"print_text", print_text},
    {"check_all", check_all},
    {"copies", copies},
    {"locks", locks},
};

/// -f: a flood of text.
[[noreturn]] void print_for_ever() {
  for (;;) print_text();
}

/// What the processes that this one waited for, and itself, kept a hart for at most.
std::uint64_t longest_microseconds() {
  abi::VmStat stat{};
  if (vmstat(&stat, sizeof(stat), -1) < 0) give_up("no vmstat");
  return stat.longest_stretch / 1000;
}

/// In a process of its own, so that its longest is its own.
std::uint64_t measure(const Try& each) {
  int ends[2];
  if (pipe(ends) < 0) give_up("no pipe");
  const int pid = fork();
  if (pid < 0) give_up("fork failed");
  if (pid == 0) {
    run_child(each.body);
    const std::uint64_t longest = longest_microseconds();
    write(ends[1], &longest, sizeof(longest));
    exit(0);
  }
  close(ends[1]);
  std::uint64_t longest = 0;
  if (read(ends[0], &longest, sizeof(longest)) != sizeof(longest)) give_up("the measuring process died");
  close(ends[0]);
  wait(nullptr);
  return longest;
}

bool is_wanted(const Try& each, int argc, char** argv, int first) {
  for (int i = first; i < argc; ++i) {
    if (strcmp(argv[i], each.name) == 0) return true;
  }
  return first >= argc;
}

int measure_all(int argc, char** argv) {
  std::uint64_t longest = 0;
  for (const Try& each : tries) {
    if (!is_wanted(each, argc, argv, 1)) continue;
    const std::uint64_t here = measure(each);
    printf("%s: %lu us\n", each.name, static_cast<unsigned long>(here));
    if (here > longest) longest = here;
  }
  printf("longest: %lu us\n", static_cast<unsigned long>(longest));
  return 0;
}

/// Two at once; four of the first where it is a call that wants four.
void run_pair(const Try& a, const Try& b) {
  const bool wants_four = a.body == locks;
  int started = 0;
  for (int i = 0; i < (wants_four ? 4 : 1) + 1; ++i) {
    const int pid = fork();
    if (pid < 0) give_up("fork failed");
    if (pid == 0) {
      (i == 0 ? b : a).body();
      exit(0);
    }
    ++started;
  }
  while (started-- > 0) wait(nullptr);
}

int try_pairs(int argc, char** argv) {
  share = 3;
  int pairs = 0;
  for (const Try& a : tries) {
    if (!is_wanted(a, argc, argv, 2)) continue;
    for (const Try& b : tries) {
      if (&b > &a) continue;
      const int began = uptime();
      run_pair(a, b);
      printf("%s and %s: %d ticks\n", a.name, b.name, uptime() - began);
      ++pairs;
    }
  }
  printf("%d pairs ended\n", pairs);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && strcmp(argv[1], "-f") == 0) print_for_ever();
  return argc > 1 && strcmp(argv[1], "-p") == 0 ? try_pairs(argc, argv) : measure_all(argc, argv);
}
