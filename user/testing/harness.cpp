// SPDX-License-Identifier: MIT
#include "user/testing/harness.hpp"

#include "user/libc/path.hpp"

namespace testing {
namespace {

constexpr const char* work_directory = "/test.d";
constexpr int patience = 30;  // ticks that orphans may take to end

int report_fd = -1;  // failing processes say why into this pipe
char reason[160];
abi::ProcInfo processes[abi::max_processes];

__attribute__((noreturn)) void report(const char* text) {
  if (report_fd >= 0)
    write(report_fd, text, static_cast<int>(strlen(text)));
  else
    printf("%s\n", text);
  exit(1);
}

// Unlinks whatever a failed test left behind, three levels deep at most.
void remove_tree(const char* path, int depth) {
  const int fd = open(path, abi::OpenMode::read_only | abi::OpenMode::no_follow);
  if (fd < 0) return;
  abi::Dirent entry;
  abi::Stat status;
  const bool directory = fstat(fd, &status) == 0 && status.type == abi::FileType::directory;
  while (directory && depth > 0 && read(fd, &entry, sizeof(entry)) == sizeof(entry)) {
    char name[abi::name_size + 1] = {};
    memcpy(name, entry.name, abi::name_size);
    if (entry.inode == 0 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) continue;
    char inner[abi::max_path];
    if (join_path(inner, path, name) && unlink(inner) < 0) remove_tree(inner, depth - 1);
  }
  close(fd);
  unlink(path);
}

int process_count() { return procinfo(processes, static_cast<int>(abi::max_processes)); }

// The number that the next open() would return: a leaked descriptor changes it.
int next_descriptor() {
  const int fd = dup(0);
  if (fd >= 0) close(fd);
  return fd;
}

struct Balance {
  std::uint64_t frames;
  int processes;
  int descriptor;
};

Balance take_balance() { return {freeframes(), process_count(), next_descriptor()}; }

// Orphans need a moment to be reaped by init, so the comparison is repeated for a while. Empty when all is even.
const char* compare_balance(const Balance& before) {
  Balance now = take_balance();
  for (int i = 0; i < patience && (now.frames != before.frames || now.processes != before.processes); ++i) {
    sleep(1);
    now = take_balance();
  }
  if (now.frames != before.frames)
    snprintf_to(reason, sizeof(reason), "free frames were %lu, are %lu", static_cast<unsigned long>(before.frames),
                static_cast<unsigned long>(now.frames));
  else if (now.processes != before.processes)
    snprintf_to(reason, sizeof(reason), "processes were %d, are %d", before.processes, now.processes);
  else if (now.descriptor != before.descriptor)
    snprintf_to(reason, sizeof(reason), "a descriptor leaked");
  else
    return "";
  return reason;
}

__attribute__((noreturn)) void run_body(const Test& test) {
  if (mkdir(work_directory) < 0 || chdir(work_directory) < 0) report("cannot make the work directory");
  test.body();
  exit(0);
}

// Reads what failing processes said until the last descendant of the test is gone.
int read_reason(int fd) {
  int used = 0;
  char rest[64];
  for (;;) {
    const int room = static_cast<int>(sizeof(reason)) - 1 - used;
    const int n = room > 0 ? read(fd, reason + used, room) : read(fd, rest, sizeof(rest));
    if (n <= 0) break;
    if (room > 0) used += n;
  }
  reason[used] = '\0';
  return used;
}

// Empty when the test passed, else why not.
const char* run_one(const Test& test, Invariants invariants) {
  remove_tree(work_directory, 3);
  const Balance before = take_balance();
  int fds[2];
  if (pipe(fds) < 0) return "no pipe to report through";
  const int pid = fork();
  if (pid < 0) return "fork failed";
  if (pid == 0) {
    close(fds[0]);
    report_fd = fds[1];
    run_body(test);
  }
  close(fds[1]);
  const int said = read_reason(fds[0]);
  close(fds[0]);
  int status = 0;
  if (wait(&status) != pid) return "wait lost the test";
  remove_tree(work_directory, 3);
  if (said > 0) return reason;
  if (status != 0) {
    snprintf_to(reason, sizeof(reason), "exit status %d%s", status, status == killed ? " (killed)" : "");
    return reason;
  }
  if (const char* uneven = compare_balance(before); *uneven != '\0') return uneven;
  if (invariants == Invariants::checked) {
    if (const int violations = check(); violations != 0) {
      if (violations < 0) return "the invariant checker may not run: boot with check=call";
      snprintf_to(reason, sizeof(reason), "the invariant checker found %d violations", violations);
      return reason;
    }
  }
  return "";
}

bool is_wanted(const char* name, int argc, char** argv) {
  if (argc <= 1) return true;
  for (int i = 1; i < argc; ++i)
    if (strcmp(argv[i], name) == 0) return true;
  return false;
}

}  // namespace

void fail(const char* file, int line, const char* condition) {
  snprintf_to(reason, sizeof(reason), "%s:%d: %s", file, line, condition);
  report(reason);
}

void fail_equal(const char* file, int line, const char* what, long is, long wanted) {
  snprintf_to(reason, sizeof(reason), "%s:%d: %s is %ld, wanted %ld", file, line, what, is, wanted);
  report(reason);
}

int fork_or_fail() {
  const int pid = fork();
  EXPECT(pid >= 0);
  return pid;
}

void expect_children(int count, int wanted) {
  for (int i = 0; i < count; ++i) {
    int status = 0;
    EXPECT(wait(&status) > 0);
    EXPECT_EQ(status, wanted);
  }
}

std::uint64_t settled_free_frames(std::uint64_t wanted) {
  std::uint64_t now = freeframes();
  for (int i = 0; i < patience && now != wanted; ++i) {
    sleep(1);
    now = freeframes();
  }
  return now;
}

void make_file(const char* path, const void* contents, int bytes) {
  const int fd = open(path, abi::OpenMode::create | abi::OpenMode::truncate | abi::OpenMode::write_only);
  EXPECT(fd >= 0);
  EXPECT_EQ(write(fd, contents, bytes), bytes);
  EXPECT_EQ(close(fd), 0);
}

int run_suite(std::span<const std::span<const Test>> groups, std::size_t core_groups, Invariants invariants, int argc,
              char** argv) {
  const bool only_list = argc == 2 && strcmp(argv[1], "-l") == 0;
  if (argc == 2 && strcmp(argv[1], "core") == 0) {
    groups = groups.first(core_groups);
    argc = 1;
  }
  int passed = 0, failed = 0;
  for (const std::span<const Test> group : groups) {
    for (const Test& test : group) {
      if (only_list) printf("%s\n", test.name);
      if (only_list || !is_wanted(test.name, argc, argv)) continue;
      const char* why = run_one(test, invariants);
      if (*why == '\0') {
        ++passed;
        printf("test %s: OK\n", test.name);
      } else {
        ++failed;
        printf("test %s: FAILED: %s\n", test.name, why);
      }
    }
  }
  if (only_list) return 0;
  if (passed + failed == 0) printf("no test of that name; -l lists them\n");
  printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 && passed > 0 ? 0 : 1;
}

}  // namespace testing
