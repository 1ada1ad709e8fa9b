// SPDX-License-Identifier: MIT
// nc -u HOST PORT: sends each line of its input as a datagram and prints what comes back, until the end of the input
// and one quiet second. nc -u -l PORT [COUNT]: prints COUNT datagrams (or for ever) and sends each one back.
#include "user/libc/network.hpp"

namespace {

constexpr int largest = 1472;
constexpr int quiet = 10;
char buffer[largest];

int usage() {
  fprintf(2, "usage: nc -u host port | nc -u -l port [count]\n");
  return 1;
}

// A port as a number; -1 if it is none.
int parse_port(const char* text) {
  const int port = atoi(text);
  return port > 0 && port < 65536 ? port : -1;
}

int listen(std::uint16_t port, int count) {
  if (bind(port) < 0) {
    fprintf(2, "nc: port %d is in use\n", port);
    return 1;
  }
  for (int i = 0; count == 0 || i < count; ++i) {
    std::uint32_t from;
    std::uint16_t from_port;
    const int n = recv(port, &from, &from_port, buffer, largest);
    if (n < 0) return 1;
    write(1, buffer, n);
    if (send(port, from, from_port, buffer, static_cast<std::uint32_t>(n)) < 0) fprintf(2, "nc: the answer is lost\n");
  }
  return 0;
}

// Prints what comes to our port until a quiet second has passed.
void print_answers(std::uint16_t port) {
  std::uint32_t from;
  std::uint16_t from_port;
  int n;
  while ((n = recvfor(port, &from, &from_port, buffer, largest, quiet)) >= 0) write(1, buffer, n);
}

int talk(std::uint32_t address, std::uint16_t port) {
  std::uint16_t own = static_cast<std::uint16_t>(50000 + getpid());
  while (bind(own) < 0) {
    if (++own == 0) {
      fprintf(2, "nc: no port is free\n");
      return 1;
    }
  }
  const int reader = fork();
  if (reader < 0) {
    fprintf(2, "nc: fork failed\n");
    return 1;
  }
  if (reader == 0) {
    for (;;) print_answers(own);
  }
  static char line[largest];
  while (*gets(line, largest) != '\0') {
    if (send(own, address, port, line, static_cast<std::uint32_t>(strlen(line))) < 0) {
      fprintf(2, "nc: sending failed\n");
      kill(reader);
      wait(nullptr);
      return 1;
    }
  }
  sleep(quiet);
  kill(reader);
  wait(nullptr);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4 || argc > 5 || strcmp(argv[1], "-u") != 0) return usage();
  if (strcmp(argv[2], "-l") == 0) {
    const int port = parse_port(argv[3]);
    return port < 0 ? usage() : listen(static_cast<std::uint16_t>(port), argc == 5 ? atoi(argv[4]) : 0);
  }
  const int port = parse_port(argv[3]);
  std::uint32_t address;
  if (argc != 4 || port < 0) return usage();
  if (!resolve("nc", argv[2], &address)) return 1;
  return talk(address, static_cast<std::uint16_t>(port));
}
