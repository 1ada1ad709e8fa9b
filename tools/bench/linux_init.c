// SPDX-License-Identifier: MIT
// The first process of a Linux guest that tools/bench/linux_udp.py boots: what vmbench's cases udp_send and
// udp_round_trip do, through Linux's own calls. Its argument names the case. Each rdinstret begins or ends what
// tools/bench/hart_profile.c counts.
#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

enum { echo_port = 7, discard_port = 9, own_port = 5000, datagram = 64, rounds = 1000, warm_up = 3 };

static char buffer[datagram];

static void must(long result, const char* what) {
  if (result >= 0) return;
  perror(what);
  reboot(RB_POWER_OFF);
  exit(1);
}

static inline void mark(void) {
  uint64_t ignored;
  __asm__ volatile("rdinstret %0" : "=r"(ignored)::"memory");
}

static struct sockaddr_in address_of(const char* host, int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  inet_pton(AF_INET, host, &address.sin_addr);
  return address;
}

// Programs may read instret themselves.
static void allow_counter(void) {
  must(mkdir("/proc", 0755), "mkdir /proc");
  must(mount("proc", "/proc", "proc", 0, NULL), "mount /proc");
  const int fd = open("/proc/sys/kernel/perf_user_access", O_WRONLY);
  must(fd, "perf_user_access");
  must(write(fd, "2", 1), "perf_user_access");
  close(fd);
}

static void load_driver(void) {
  const int fd = open("/e1000.ko", O_RDONLY);
  must(fd, "e1000.ko");
  must(syscall(SYS_finit_module, fd, "", 0), "finit_module");
  close(fd);
}

static void bring_up(int socket, const char* interface) {
  struct ifreq request;
  memset(&request, 0, sizeof request);
  strncpy(request.ifr_name, interface, IFNAMSIZ - 1);
  struct sockaddr_in address = address_of("10.0.2.15", 0);
  memcpy(&request.ifr_addr, &address, sizeof address);
  must(ioctl(socket, SIOCSIFADDR, &request), "SIOCSIFADDR");
  address = address_of("255.255.255.0", 0);
  memcpy(&request.ifr_netmask, &address, sizeof address);
  must(ioctl(socket, SIOCSIFNETMASK, &request), "SIOCSIFNETMASK");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  must(ioctl(socket, SIOCSIFFLAGS, &request), "SIOCSIFFLAGS");
}

static int open_socket(void) {
  const int fd = socket(AF_INET, SOCK_DGRAM, 0);
  must(fd, "socket");
  bring_up(fd, "eth0");
  const struct sockaddr_in own = address_of("0.0.0.0", own_port);
  must(bind(fd, (const struct sockaddr*)&own, sizeof own), "bind");
  return fd;
}

static long send_datagram(int fd, int port) {
  const struct sockaddr_in to = address_of("10.0.2.2", port);
  return sendto(fd, buffer, datagram, 0, (const struct sockaddr*)&to, sizeof to);
}

static long receive_datagram(int fd) {
  struct sockaddr_in from;
  socklen_t size = sizeof from;
  return recvfrom(fd, buffer, datagram, 0, (struct sockaddr*)&from, &size);
}

static void only_send(int fd) { must(send_datagram(fd, discard_port), "send"); }

static void exchange(int fd) {
  must(send_datagram(fd, echo_port), "send");
  must(receive_datagram(fd), "recv");
}

// Until the link is up and ARP has answered nothing comes back: it is tried again each second.
static void wait_for_network(int fd) {
  struct timeval patience = {.tv_sec = 1};
  must(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), "SO_RCVTIMEO");
  int tries = 0;
  do {
    if (++tries == 1000) must(-1, "no answer from 10.0.2.2");
    (void)send_datagram(fd, echo_port);
  } while (receive_datagram(fd) != datagram);
  while (recv(fd, buffer, datagram, 0) == datagram) {
  }
  patience.tv_sec = 0;
  must(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), "SO_RCVTIMEO");
}

int main(int argc, char** argv) {
  allow_counter();
  load_driver();
  const int fd = open_socket();
  wait_for_network(fd);
  const char* name = argc > 1 ? argv[argc - 1] : "";
  void (*operation)(int) = strcmp(name, "udp_send") == 0 ? only_send : exchange;
  for (int i = 0; i < warm_up; ++i) operation(fd);
  mark();
  for (int i = 0; i < rounds; ++i) operation(fd);
  mark();
  printf("case %s of %d\n", name, rounds);
  fflush(stdout);
  reboot(RB_POWER_OFF);
  return 0;
}
