// SPDX-License-Identifier: MIT
// flowtest PORT [udp|dns]: what the network lab of 2020 to 2023 asks of connect(29), read, write and close, against a
// server on the host's PORT that answers each datagram with a fixed text. One exchange, a hundred one after the other,
// ten processes at once, and a DNS question. Then what that lab does not ask: the same flow twice, a short read, dup
// and fork, descriptors that run out.
#include "user/libc/network.hpp"

namespace {

constexpr auto connect_call = abi::Call{29};
constexpr std::uint32_t host = 10u << 24 | 2u << 8 | 2;
constexpr char question[] = "a message from xv6!";
constexpr char expected[] = "this is the host!";

__attribute__((noreturn)) void fail(const char* what) {
  fprintf(2, "flowtest: %s failed\n", what);
  exit(1);
}
void require(bool holds, const char* what) {
  if (!holds) fail(what);
}

int flow_to(std::uint32_t address, int local_port, int port) {
  return static_cast<int>(
      system_call(connect_call, address, static_cast<std::uint64_t>(local_port), static_cast<std::uint64_t>(port)));
}

void exchange(int fd) {
  char answer[128];
  require(write(fd, question, sizeof question - 1) == static_cast<int>(sizeof question - 1), "write");
  require(read(fd, answer, sizeof answer) == static_cast<int>(sizeof expected - 1), "read");
  require(memcmp(answer, expected, sizeof expected - 1) == 0, "the answer");
}

void ping(int local_port, int port, int times) {
  for (int i = 0; i < times; ++i) {
    const int fd = flow_to(host, local_port, port);
    require(fd >= 0, "connect");
    exchange(fd);
    require(close(fd) == 0, "close");
  }
}

void ping_by_many(int port) {
  constexpr int processes = 10;
  for (int i = 0; i < processes; ++i) {
    const int pid = fork();
    require(pid >= 0, "fork");
    if (pid == 0) {
      ping(2001 + i, port, 1);
      exit(0);
    }
  }
  for (int i = 0; i < processes; ++i) {
    int status = 1;
    require(wait(&status) > 0 && status == 0, "a child");
  }
}

// The bytes of a question for pdos.csail.mit.edu, an address wanted.
constexpr unsigned char dns_question[] = {0x18, 0x28, 1,   0,   0,   1,   0,   0,   0,   0,   0,   0,
                                          4,    'p',  'd', 'o', 's', 5,   'c', 's', 'a', 'i', 'l', 3,
                                          'm',  'i',  't', 3,   'e', 'd', 'u', 0,   0,   1,   0,   1};

void ask_dns() {
  static unsigned char answer[1000];
  const int fd = flow_to(8u << 24 | 8u << 16 | 8u << 8 | 8, 10000, 53);
  require(fd >= 0, "connect to DNS");
  require(write(fd, dns_question, sizeof dns_question) == static_cast<int>(sizeof dns_question), "write to DNS");
  const int n = read(fd, answer, sizeof answer);
  require(n > static_cast<int>(sizeof dns_question) + 12, "read from DNS");
  require(answer[0] == 0x18 && answer[1] == 0x28 && (answer[2] & 0x80) != 0 && answer[7] >= 1, "the answer of DNS");
  close(fd);
}

void beyond_the_lab(int port) {
  const int fd = flow_to(host, 2020, port);
  require(fd >= 0, "connect");
  require(flow_to(host, 2020, port) == -1, "refusing the same flow again");
  const int other = flow_to(host, 2020, port + 1);
  require(other >= 0 && close(other) == 0, "another flow from the same port");
  char few[4];
  require(write(fd, question, 3) == 3 && read(fd, few, 4) == 4 && memcmp(few, expected, 4) == 0, "a short read");
  exchange(fd);  // the rest of the short one is gone
  require(write(fd, question, 1473) == -1 && write(fd, question, -1) == -1, "refusing what no frame holds");
  require(write(fd, reinterpret_cast<void*>(1ull << 40), 10) == -1, "refusing a bad buffer");
  require(write(fd, question, 0) == 0, "an empty datagram");
  require(read(fd, few, sizeof few) == 4, "its answer");
  require(write(fd, question, 3) == 3 && read(fd, reinterpret_cast<void*>(1ull << 40), 10) == -1, "a bad buffer");
  abi::Stat stat;
  require(fstat(fd, &stat) == -1, "refusing fstat");
  const int copy = dup(fd);
  require(copy >= 0 && close(fd) == 0, "dup");
  const int pid = fork();
  require(pid >= 0, "fork");
  if (pid == 0) {
    exchange(copy);
    exit(0);
  }
  int status = 1;
  require(wait(&status) == pid && status == 0, "the child's exchange");
  exchange(copy);
  const int reader = fork();
  require(reader >= 0, "fork");
  if (reader == 0) {
    read(copy, few, sizeof few);  // nothing comes
    exit(0);
  }
  sleep(2);
  require(kill(reader) == 0 && wait(&status) == reader && status == -1, "killing a reader");
  close(copy);
  require(flow_to(host, 2020, port) >= 0, "the flow once more");
  int count = 0;
  while (flow_to(host, 3000 + count, port) >= 0) ++count;
  require(count == 12, "descriptors run out");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    fprintf(2, "usage: flowtest port [udp|dns]\n");
    return 1;
  }
  const int port = atoi(argv[1]);
  const bool only_dns = argc > 2 && strcmp(argv[2], "dns") == 0, only_udp = argc > 2 && !only_dns;
  if (!only_dns) {
    printf("nettests running on port %d\n", port);
    ping(2000, port, 1);
    printf("testing ping: OK\n");
    ping(2000, port, 100);
    printf("testing single-process pings: OK\n");
    ping_by_many(port);
    printf("testing multi-process pings: OK\n");
    // In a child, whose descriptors may run out.
    const int pid = fork();
    require(pid >= 0, "fork");
    if (pid == 0) {
      beyond_the_lab(port);
      exit(0);
    }
    int status = 1;
    require(wait(&status) == pid && status == 0, "what the lab does not ask");
  }
  if (!only_udp) {
    ask_dns();
    printf("DNS OK\n");
  }
  printf("all tests passed.\n");
  return 0;
}
