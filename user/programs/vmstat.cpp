// SPDX-License-Identifier: MIT
// vmstat: every virtual-memory counter since boot. vmstat HART: of one hart. vmstat run COMMAND [WORD...]: what
// a command adds to each (on an otherwise idle system).
#include "abi/vmstat.hpp"
#include "user/libc/user.hpp"

namespace {

abi::VmStat before, after;

/// The names are literals: a NUL ends them.
const char* text(std::string_view name) {
  return name.data();  // NOLINT(bugprone-suspicious-stringview-data-usage)
}

void print_counters(const abi::VmStat& from, const abi::VmStat& to) {
  for (std::size_t i = 0; i < abi::vm_event_count; ++i)
    printf("%-24s %lu\n", text(abi::vm_event_names[i]), static_cast<unsigned long>(to.counters[i] - from.counters[i]));
}

int show(int hart) {
  if (vmstat(&after, sizeof(after), hart) < 0) {
    fprintf(2, "vmstat: no hart %d\n", hart);
    return 1;
  }
  printf("view %s, %lu harts, %lu of %lu frames free\n",
         text(abi::view_names[static_cast<std::size_t>(after.view) % abi::view_names.size()]),
         static_cast<unsigned long>(after.harts), static_cast<unsigned long>(after.free_frames),
         static_cast<unsigned long>(after.total_frames));
  printf("instructions to init %lu, to the prompt %lu\n", static_cast<unsigned long>(after.boot_instructions),
         static_cast<unsigned long>(after.prompt_instructions));
  print_counters(before, after);
  return 0;
}

int run(char** command) {
  vmstat(&before, sizeof(before), -1);
  const int pid = fork();
  if (pid < 0) {
    fprintf(2, "vmstat: fork failed\n");
    return 1;
  }
  if (pid == 0) {
    exec(command[0], command);
    fprintf(2, "vmstat: exec %s failed: %s\n", command[0], exec_error());
    exit(1);
  }
  int status = 0;
  wait(&status);
  vmstat(&after, sizeof(after), -1);
  print_counters(before, after);
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc >= 3 && strcmp(argv[1], "run") == 0) return run(argv + 2);
  if (argc > 2) {
    fprintf(2, "usage: vmstat [hart | run command [word...]]\n");
    return 1;
  }
  return show(argc == 2 ? atoi(argv[1]) : -1);
}
