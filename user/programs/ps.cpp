// SPDX-License-Identifier: MIT
// ps: the processes, and what each one's address space takes.
#include "user/libc/user.hpp"

namespace {

abi::ProcInfo processes[abi::max_processes];

const char* state_name(abi::ProcessState state) {
  switch (state) {
    case abi::ProcessState::starting: return "starting";
    case abi::ProcessState::runnable: return "runnable";
    case abi::ProcessState::running: return "running";
    case abi::ProcessState::sleeping: return "sleeping";
    case abi::ProcessState::zombie: return "zombie";
  }
  return "?";
}

}  // namespace

int main(int, char**) {
  const int count = procinfo(processes, static_cast<int>(abi::max_processes));
  if (count < 0) {
    fprintf(2, "ps: procinfo failed\n");
    return 1;
  }
  printf("  pid parent state    hart       size   pages tables name\n");
  for (int i = 0; i < count; ++i) {
    const abi::ProcInfo& p = processes[i];
    printf("%5d %6d %-8s %4d %10lu %7lu %6lu %s\n", p.pid, p.parent, state_name(p.state), p.hart,
           static_cast<unsigned long>(p.size), static_cast<unsigned long>(p.resident_pages),
           static_cast<unsigned long>(p.table_frames), p.name);
  }
  return 0;
}
