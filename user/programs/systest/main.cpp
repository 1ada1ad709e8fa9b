// SPDX-License-Identifier: MIT
// systest: files, processes, pipes, limits and bad arguments, one named test for each demand of xv6's contract
// (docs/xv6-contract.md 4) and of the catalogue of failures (docs/failures.md A1 to A19). systest NAME...: only these.
// -l: the names.
// systest core: without those that need the labs' wing (BIFOLIUM_LABS).
#include "abi/vmstat.hpp"
#include "user/programs/systest/tests.hpp"

namespace systest {

char buffer[buffer_size];

bool exists(const char* path) {
  const int fd = open(path, Mode::read_only);
  if (fd >= 0) close(fd);
  return fd >= 0;
}

std::int64_t size_of(const char* path) {
  abi::Stat status;
  EXPECT_EQ(stat(path, &status), 0);
  return static_cast<std::int64_t>(status.size);
}

int readable_bytes(const char* path) {
  const int fd = open(path, Mode::read_only);
  EXPECT(fd >= 0);
  int total = 0, n;
  while ((n = read(fd, buffer, buffer_size)) > 0) total += n;
  EXPECT_EQ(n, 0);
  close(fd);
  return total;
}

ShortName::ShortName(char letter, int number)
    : text{letter, static_cast<char>('0' + number / 100 % 10), static_cast<char>('0' + number / 10 % 10),
           static_cast<char>('0' + number % 10), '\0'} {}

int hart_count() {
  static abi::VmStat stat;
  EXPECT_EQ(vmstat(&stat, sizeof(stat), -1), 0);
  return static_cast<int>(stat.harts);
}

void kill_and_wait(int pid) {
  EXPECT_EQ(kill(pid), 0);
  int status = 0;
  EXPECT_EQ(wait(&status), pid);
  EXPECT_EQ(status, testing::killed);
}

void expect_punctual_sleep(int ticks) {
  for (const int end = uptime() + ticks; uptime() < end;) {
    const int begin = uptime();
    sleep(1);
    EXPECT(uptime() - begin <= longest_wait);
  }
}

void spin(int ticks) {
  for (const int begin = uptime(); uptime() - begin < ticks;) {
  }
}

volatile int alarms;

void count_alarm() {
  alarms = alarms + 1;
  sigreturn();
}

}  // namespace systest

int main(int argc, char** argv) {
  using namespace systest;
  const std::span<const testing::Test> groups[] = {
      file_tests(),       directory_tests(), race_tests(),     disk_tests(),      process_tests(),
      exec_tests(),       pipe_tests(),      argument_tests(), limit_tests(),     hostile_tests(),
      exhaustion_tests(), network_tests(),   lab_tests(),      lab_misuse_tests()};
  constexpr std::size_t core_groups = std::size(groups) - 2;
  return testing::run_suite(groups, core_groups, testing::Invariants::unchecked, argc, argv);
}
