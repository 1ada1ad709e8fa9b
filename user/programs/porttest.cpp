// SPDX-License-Identifier: MIT
// porttest MODE PORT: what the network lab of 2024 to 2026 asks of bind, unbind, send and recv (29 to 32; with 2026 as
// a third word 30 to 33), against a host script that answers on PORT. MODE is txone, ping0, ping1, ping2, ping3, dns,
// rx, rx2, rxburst, rxports, misuse, or grade for those of the grader in its order, with free memory counted before and
// after.
#include "user/libc/network.hpp"

namespace {

constexpr std::uint32_t host = 10u << 24 | 2u << 8 | 2;
std::uint64_t first_number = 29;
int server;

__attribute__((noreturn)) void fail(const char* mode, const char* what) {
  fprintf(2, "%s: FAILED: %s\n", mode, what);
  exit(1);
}
void require(bool holds, const char* mode, const char* what) {
  if (!holds) fail(mode, what);
}

std::int64_t lab_call(std::uint64_t which, std::uint64_t a0, std::uint64_t a1 = 0, std::uint64_t a2 = 0,
                      std::uint64_t a3 = 0, std::uint64_t a4 = 0) {
  return system_call(abi::Call{first_number + which}, a0, a1, a2, a3, a4);
}
int bind_port(int port) { return static_cast<int>(lab_call(0, static_cast<std::uint64_t>(port))); }
int unbind_port(int port) { return static_cast<int>(lab_call(1, static_cast<std::uint64_t>(port))); }
int send_from(int port, std::uint32_t to, int to_port, const void* data, int bytes) {
  return static_cast<int>(lab_call(2, static_cast<std::uint64_t>(port), to, static_cast<std::uint64_t>(to_port),
                                   reinterpret_cast<std::uint64_t>(data), static_cast<std::uint64_t>(bytes)));
}
int receive(int port, std::uint32_t* from, std::uint16_t* from_port, void* buffer, int bytes) {
  return static_cast<int>(lab_call(3, static_cast<std::uint64_t>(port), reinterpret_cast<std::uint64_t>(from),
                                   reinterpret_cast<std::uint64_t>(from_port), reinterpret_cast<std::uint64_t>(buffer),
                                   static_cast<std::uint64_t>(bytes)));
}

char text[128], answer[1500];

// A datagram to `port` from the server that reads `wanted`.
void expect(const char* mode, int port, const char* wanted) {
  std::uint32_t from = 0;
  std::uint16_t from_port = 0;
  const int n = receive(port, &from, &from_port, answer, sizeof answer - 1);
  require(n == static_cast<int>(strlen(wanted)), mode, "the length of an answer");
  answer[n] = '\0';
  require(strcmp(answer, wanted) == 0, mode, "an answer");
  require(from == host && from_port == server, mode, "the sender of an answer");
}

void send_text(const char* mode, int port) {
  require(send_from(port, host, server, text, static_cast<int>(strlen(text))) == 0, mode, "send");
}

void txone() {
  printf("txone: sending one packet\n");
  require(send_from(2003, host, server, "txone", 5) == 0, "txone", "send");
}

void ping0() {
  printf("ping0: starting\n");
  require(bind_port(2004) == 0, "ping0", "bind");
  snprintf_to(text, sizeof text, "ping0");
  send_text("ping0", 2004);
  expect("ping0", 2004, text);
  printf("ping0: OK\n");
}

void ping1() {
  printf("ping1: starting\n");
  require(bind_port(2005) == 0, "ping1", "bind");
  for (int i = 0; i < 20; ++i) {
    snprintf_to(text, sizeof text, "p %d", i);
    send_text("ping1", 2005);
    expect("ping1", 2005, text);
  }
  printf("ping1: OK\n");
}

void ping2() {
  printf("ping2: starting\n");
  require(bind_port(2006) == 0 && bind_port(2007) == 0, "ping2", "bind");
  for (int i = 0; i < 5; ++i) {
    for (const int port : {2006, 2007}) {
      snprintf_to(text, sizeof text, "p %d %d", port, i);
      send_text("ping2", port);
    }
  }
  for (const int port : {2006, 2007}) {
    for (int i = 0; i < 5; ++i) {
      snprintf_to(text, sizeof text, "p %d %d", port, i);
      expect("ping2", port, text);
    }
  }
  printf("ping2: OK\n");
}

void ping3() {
  printf("ping3: starting\n");
  require(bind_port(2008) == 0 && bind_port(2009) == 0, "ping3", "bind");
  snprintf_to(text, sizeof text, "p 2009 first");
  send_text("ping3", 2009);
  for (int i = 0; i < 257; ++i) {
    const int port = i % 2 == 0 ? 2008 : 2010;
    snprintf_to(text, sizeof text, "p %d %d", port, i);
    send_text("ping3", port);
  }
  snprintf_to(text, sizeof text, "p 2009 last");
  send_text("ping3", 2009);
  expect("ping3", 2009, "p 2009 first");
  expect("ping3", 2009, "p 2009 last");
  sleep(5);
  int waiting = 0, last = -1;
  while (true) {
    std::uint32_t from;
    std::uint16_t from_port;
    const int n = recvfor(2008, &from, &from_port, answer, sizeof answer - 1, 0);
    if (n < 0) break;
    answer[n] = '\0';
    const int number = n > 7 ? atoi(answer + 7) : -1;
    require(number > last && number % 2 == 0, "ping3", "the order on 2008");
    last = number;
    ++waiting;
  }
  require(waiting > 0 && waiting <= 16, "ping3", "at most 16 wait");
  printf("ping3: OK\n");
}

// A question for pdos.csail.mit.edu with an EDNS record behind it.
constexpr unsigned char dns_question[] = {
    0x18, 0x28, 1,   0, 0,   1,   0,   0, 0, 0, 0, 1, 4, 'p', 'd',  'o',  's',  5, 'c', 's', 'a', 'i', 'l', 3,
    'm',  'i',  't', 3, 'e', 'd', 'u', 0, 0, 1, 0, 1, 0, 0,   0x29, 0x05, 0xc8, 0, 0,   0,   0,   0,   0};

void dns() {
  printf("dns: starting\n");
  constexpr std::uint32_t dns_server = 8u << 24 | 8u << 16 | 8u << 8 | 8;
  require(bind_port(10000) == 0, "dns", "bind");
  require(send_from(10000, dns_server, 53, dns_question, sizeof dns_question) == 0, "dns", "send");
  std::uint32_t from;
  std::uint16_t from_port;
  const int n = receive(10000, &from, &from_port, answer, sizeof answer);
  require(n > 12 && from == dns_server && from_port == 53, "dns", "receive");
  require(answer[0] == 0x18 && answer[1] == 0x28 && answer[7] >= 1, "dns", "the answer");
  require(unbind_port(10000) == 0, "dns", "unbind");
  printf("dns: OK\n");
}

// Datagrams that nobody asked for, each "packet N", to 2000 or by turns to 2000 and 2001.
void rx(const char* mode, int ports, int count) {
  for (int i = 0; i < ports; ++i) require(bind_port(2000 + i) == 0, mode, "bind");
  printf("%s: waiting\n", mode);
  for (int i = 0; i < count; ++i) {
    std::uint32_t from;
    std::uint16_t from_port;
    const int port = 2000 + i % ports;
    const int n = receive(port, &from, &from_port, answer, sizeof answer - 1);
    require(n > 0, mode, "receive");
    answer[n] = '\0';
    snprintf_to(text, sizeof text, "packet %d", i);
    require(strcmp(answer, text) == 0, mode, "the order");
    require(from == host, mode, "the sender");
  }
  printf("%s: OK\n", mode);
}

// Four bursts to `unread` ports that nobody reads, 2000 and those from 2002 on, each with one to 2001 behind it.
void rxburst(const char* mode, int unread) {
  require(bind_port(2000) == 0 && bind_port(2001) == 0, mode, "bind");
  for (int i = 1; i < unread; ++i) require(bind_port(2001 + i) == 0, mode, "bind");
  printf("%s: waiting\n", mode);
  for (int i = 0; i < 4; ++i) {
    std::uint32_t from;
    std::uint16_t from_port;
    const int n = receive(2001, &from, &from_port, answer, sizeof answer - 1);
    require(n > 0, mode, "receive");
    answer[n] = '\0';
    snprintf_to(text, sizeof text, "one %d", i);
    require(strcmp(answer, text) == 0, mode, "the order");
  }
  printf("%s: OK\n", mode);
}

void misuse() {
  const char* const mode = "misuse";
  void* const nowhere = reinterpret_cast<void*>(1ull << 40);
  std::uint32_t from;
  std::uint16_t from_port;
  require(receive(4000, &from, &from_port, answer, 10) == -1, mode, "recv from an unbound port");
  require(unbind_port(4000) == -1, mode, "unbinding what is not bound");
  require(bind_port(4000) == 0 && bind_port(4000) == -1, mode, "binding twice");
  require(send_from(4000, host, server, nowhere, 10) == -1, mode, "a bad buffer");
  require(send_from(4000, host, server, text, 1473) == -1 && send_from(4000, host, server, text, -1) == -1, mode,
          "a bad length");
  require(send_from(4000, 0, server, text, 1) == -1, mode, "no address");
  const auto bad = [&](std::uint32_t* source, std::uint16_t* source_port, void* buffer) {
    snprintf_to(text, sizeof text, "once");
    send_text(mode, 4000);
    require(receive(4000, source, source_port, buffer, 10) == -1, mode, "a bad pointer");
  };
  bad(static_cast<std::uint32_t*>(nowhere), &from_port, answer);
  bad(&from, static_cast<std::uint16_t*>(nowhere), answer);
  bad(&from, &from_port, nowhere);
  require(receive(4000, &from, &from_port, answer, -1) == -1, mode, "a negative length");
  send_text(mode, 4000);
  require(receive(4000, &from, &from_port, answer, 2) == 2 && answer[0] == 'o', mode, "a short buffer");
  const int pid = fork();
  if (pid == 0) {
    receive(4000, &from, &from_port, answer, 10);  // nothing comes
    exit(0);
  }
  sleep(2);
  int status = 0;
  require(kill(pid) == 0 && wait(&status) == pid && status == -1, mode, "killing a receiver");
  const int waiter = fork();
  if (waiter == 0) exit(receive(4000, &from, &from_port, answer, 10) == -1 ? 0 : 1);
  sleep(2);
  require(unbind_port(4000) == 0 && wait(&status) == waiter && status == 0, mode, "unbinding under a receiver");
  printf("misuse: OK\n");
}

void grade() {
  const auto before = static_cast<std::int64_t>(freeframes());
  txone();
  sleep(20);  // the host sends to 2001 meanwhile, which nobody has bound
  ping0();
  ping1();
  ping2();
  ping3();
  dns();
  require(static_cast<std::int64_t>(freeframes()) + 32 >= before, "free", "more than 32 frames are gone");
  printf("free: OK\n");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    fprintf(2, "usage: porttest mode port [2026]\n");
    return 1;
  }
  server = atoi(argv[2]);
  if (argc > 3) first_number = 30;
  const struct {
    const char* name;
    void (*run)();
  } modes[] = {{"txone", txone},
               {"ping0", ping0},
               {"ping1", ping1},
               {"ping2", ping2},
               {"ping3", ping3},
               {"dns", dns},
               {"rx", [] { rx("rx", 1, 12); }},
               {"rx2", [] { rx("rx2", 2, 12); }},
               {"rxburst", [] { rxburst("rxburst", 1); }},
               {"rxports", [] { rxburst("rxports", 16); }},
               {"misuse", misuse},
               {"grade", grade}};
  for (const auto& mode : modes) {
    if (strcmp(argv[1], mode.name) == 0) {
      mode.run();
      return 0;
    }
  }
  fprintf(2, "porttest: no mode %s\n", argv[1]);
  return 1;
}
