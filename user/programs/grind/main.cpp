// SPDX-License-Identifier: MIT
// grind [SEED [ROUNDS [CALLS]]]: R4. In each round eight processes make random system calls, CALLS in all, on files,
// pipes and mappings that they share, kill each other, and have one call in a hundred run into a failing allocation.
// Whoever gets stuck is killed, whoever dies is replaced. After a round everything must be as it was before (P0): free
// frames, processes, descriptors, and the invariant checker must find nothing.
#include "user/programs/grind/grinder.hpp"

namespace grind {
namespace {

constexpr int stuck_after = 3;   // ticks
constexpr int patience = 50;     // ticks, for the dead to be gone
constexpr int failed_map = -1;

abi::ProcInfo processes[abi::max_processes];

struct Worker {
  int pid;
  std::uint64_t calls_seen;
  int seen_at;
};

class Round {
 public:
  Round(Progress& progress, std::uint32_t seed, std::uint64_t calls)
      : progress_(progress), dice_(seed), calls_(calls), supervisor_(getpid()) {}

  void run() {
    for (int slot = 0; slot < Progress::slots; ++slot) start(slot);
    while (total() < calls_) {
      sleep(1);
      replace_the_dead();
      kill_the_stuck();
    }
    kill_all();
  }

 private:
  std::uint64_t total() const {
    std::uint64_t sum = 0;
    for (const volatile std::uint64_t& calls : progress_.calls) sum = sum + calls;
    return sum;
  }

  void start(int slot) {
    const std::uint32_t seed = dice_.next();
    const int pid = fork();
    if (pid == 0) grind(seed, static_cast<int>(calls_), progress_, slot, supervisor_);
    workers_[slot] = {pid, progress_.calls[slot], uptime()};
  }

  bool is_worker(int pid) const {
    for (const Worker& worker : workers_)
      if (worker.pid == pid) return true;
    return false;
  }

  int list() const { return procinfo(processes, static_cast<int>(abi::max_processes)); }

  void replace_the_dead() {
    const int count = list();
    for (int i = 0; i < count; ++i) {
      if (processes[i].parent != supervisor_ || processes[i].state != abi::ProcessState::zombie) continue;
      const int pid = wait(nullptr);
      for (int slot = 0; slot < Progress::slots; ++slot)
        if (workers_[slot].pid == pid) start(slot);
    }
    for (int slot = 0; slot < Progress::slots; ++slot)
      if (workers_[slot].pid < 0) start(slot);  // there was no memory or slot for it
  }

  // Workers that make no more calls, and descendants of theirs that have had their time.
  void kill_the_stuck() {
    const int count = list();
    for (int i = 0; i < count; ++i)
      if (processes[i].pid > supervisor_ && processes[i].pid <= newest_[0] && !is_worker(processes[i].pid))
        kill(processes[i].pid);
    for (int i = 0; i < stuck_after; ++i) newest_[i] = newest_[i + 1];
    for (int i = 0; i < count; ++i)
      if (processes[i].pid > newest_[stuck_after]) newest_[stuck_after] = processes[i].pid;
    for (int slot = 0; slot < Progress::slots; ++slot) {
      Worker& worker = workers_[slot];
      if (worker.pid < 0) continue;
      const std::uint64_t calls = progress_.calls[slot];
      if (calls != worker.calls_seen) {
        worker.calls_seen = calls;
        worker.seen_at = uptime();
      } else if (uptime() - worker.seen_at > stuck_after) {
        kill(worker.pid);
      }
    }
  }

  // Everyone younger than the supervisor is a descendant of its: nobody else starts processes meanwhile.
  void kill_all() const {
    for (bool any = true; any;) {
      any = false;
      const int count = list();
      for (int i = 0; i < count; ++i) {
        if (processes[i].pid <= supervisor_) continue;
        any = true;
        if (processes[i].state == abi::ProcessState::zombie && processes[i].parent == supervisor_)
          wait(nullptr);
        else
          kill(processes[i].pid);
      }
      if (any) sleep(1);
    }
  }

  Progress& progress_;
  testing::Random dice_;
  std::uint64_t calls_;
  int supervisor_;
  Worker workers_[Progress::slots] = {};
  int newest_[stuck_after + 1] = {};  // the youngest process of each of the last ticks
};

// True if the machine is as it was.
bool is_even(std::uint64_t frames, int process_count) {
  for (int i = 0; i < patience && freeframes() != frames; ++i) sleep(1);
  const std::uint64_t frames_now = freeframes();
  const int processes_now = procinfo(processes, static_cast<int>(abi::max_processes));
  const int violations = check();
  if (frames_now == frames && processes_now == process_count && violations == 0) return true;
  printf("grind: free frames %lu, were %lu; processes %d, were %d; %d violations\n",
         static_cast<unsigned long>(frames_now), static_cast<unsigned long>(frames), processes_now, process_count,
         violations);
  return false;
}

int run(std::uint32_t seed, int rounds, std::uint64_t calls) {
  mkdir(directory);
  void* const memory = mmap(sizeof(Progress), abi::Protection::read | abi::Protection::write,
                            abi::MapFlags::shared | abi::MapFlags::anonymous, -1);
  if (memory == reinterpret_cast<void*>(failed_map)) return 1;
  auto& progress = *static_cast<Progress*>(memory);
  int passed = 0;
  const int process_count = procinfo(processes, static_cast<int>(abi::max_processes));
  // The first check takes what supervising costs, so that it is not counted as lost.
  sbrk(0);
  (void)check();
  const std::uint64_t frames = freeframes();
  for (int round = 0; round < rounds; ++round) {
    const std::uint32_t round_seed = seed + static_cast<std::uint32_t>(round);
    for (volatile std::uint64_t& count : progress.calls) count = 0;
    const int began = uptime();
    Round(progress, round_seed, calls).run();
    const bool even = is_even(frames, process_count);
    if (even) ++passed;
    printf("grind: seed %u: %lu calls in %d ticks: %s\n", round_seed, static_cast<unsigned long>(calls),
           uptime() - began, even ? "OK" : "FAILED");
  }
  printf("%d passed, %d failed\n", passed, rounds - passed);
  return passed == rounds ? 0 : 1;
}

}  // namespace
}  // namespace grind

int main(int argc, char** argv) {
  const auto number = [&](int index, int otherwise) { return argc > index ? atoi(argv[index]) : otherwise; };
  return grind::run(static_cast<std::uint32_t>(number(1, 1)), number(2, 5),
                    static_cast<std::uint64_t>(number(3, 20000)));
}
