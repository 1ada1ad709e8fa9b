// SPDX-License-Identifier: MIT
#include "user/libc/calls.hpp"

#include "user/libc/string.hpp"

// A stub is three instructions and no frame: arguments are where the kernel wants them already. Weak, because a C
// program for xv6 may use most of these names for functions of its own. A signature cannot stand in parentheses:
// NOLINTBEGIN(bugprone-macro-parentheses)
#define SYSTEM_CALL(signature, number)                                                      \
  extern "C" __attribute__((naked, weak)) signature {                                       \
    asm volatile("li a7, %0\n\tecall\n\tret" : : "i"(static_cast<int>(abi::Call::number))); \
  }
// NOLINTEND(bugprone-macro-parentheses)

#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wreturn-type"
#ifdef __clang__
#pragma clang diagnostic ignored "-Winvalid-noreturn"
#endif

SYSTEM_CALL(int fork(), fork)
SYSTEM_CALL(void exit(int), exit)
SYSTEM_CALL(int wait(int*), wait)
SYSTEM_CALL(int pipe(int*), pipe)
SYSTEM_CALL(int read(int, void*, int), read)
SYSTEM_CALL(int write(int, const void*, int), write)
SYSTEM_CALL(int close(int), close)
SYSTEM_CALL(int kill(int), kill)
SYSTEM_CALL(int exec(const char*, char**), exec)
SYSTEM_CALL(int execerror(char*, std::size_t), execerror)
SYSTEM_CALL(int open(const char*, int), open)
SYSTEM_CALL(int mknod(const char*, short, short), mknod)
SYSTEM_CALL(int unlink(const char*), unlink)
SYSTEM_CALL(int fstat(int, abi::Stat*), fstat)
SYSTEM_CALL(int link(const char*, const char*), link)
SYSTEM_CALL(int mkdir(const char*), mkdir)
SYSTEM_CALL(int chdir(const char*), chdir)
SYSTEM_CALL(int dup(int), dup)
SYSTEM_CALL(int getpid(), getpid)
SYSTEM_CALL(int sleep(int), sleep)
SYSTEM_CALL(int pause(int), sleep)
SYSTEM_CALL(int uptime(), uptime)
SYSTEM_CALL(char* sys_sbrk(int, int), sbrk)
SYSTEM_CALL(int trace(int), trace)
SYSTEM_CALL(int sysinfo(abi::Sysinfo*), sysinfo)
SYSTEM_CALL(int interpose(int, const char*), interpose)
SYSTEM_CALL(int sigalarm(int, void (*)()), sigalarm)
SYSTEM_CALL(int sigreturn(), sigreturn)
SYSTEM_CALL(int symlink(const char*, const char*), symlink)
SYSTEM_CALL(void* mmap(void*, std::size_t, int, int, int, std::size_t), mmap)
SYSTEM_CALL(int munmap(void*, std::size_t), munmap)
SYSTEM_CALL(int pgaccess(void*, int, void*), pgaccess)
SYSTEM_CALL(std::uint64_t pgpte(void*), pgpte)
SYSTEM_CALL(int kpgtbl(), kpgtbl)
SYSTEM_CALL(void vmprint(), kpgtbl)
SYSTEM_CALL(int rwlktest(), rwlktest)
SYSTEM_CALL(int cpupin(int), cpupin)
SYSTEM_CALL(int vmstat(abi::VmStat*, std::size_t, int), vmstat)
SYSTEM_CALL(int check(), check)
SYSTEM_CALL(int failnth(int), failnth)
SYSTEM_CALL(int callname(std::uint64_t, char*, std::size_t), callname)
SYSTEM_CALL(int procinfo(abi::ProcInfo*, int), procinfo)
SYSTEM_CALL(std::uint64_t freeframes(), freeframes)
SYSTEM_CALL(int sys_shutdown(int, std::uint64_t), shutdown)
SYSTEM_CALL(int sync(), sync)
SYSTEM_CALL(std::int64_t copyprobe(void*, std::size_t, abi::CopyDirection), copyprobe)
SYSTEM_CALL(int consolemode(abi::ConsoleMode), consolemode)
SYSTEM_CALL(int bind(std::uint16_t), udp_bind)
SYSTEM_CALL(int unbind(std::uint16_t), udp_unbind)
SYSTEM_CALL(int send(std::uint16_t, std::uint32_t, std::uint16_t, const void*, std::uint32_t), udp_send)
SYSTEM_CALL(int recv(std::uint16_t, std::uint32_t*, std::uint16_t*, void*, std::uint32_t), udp_recv)
SYSTEM_CALL(int recvfor(std::uint16_t, std::uint32_t*, std::uint16_t*, void*, std::uint32_t, int), recvfor)
SYSTEM_CALL(int connect(std::uint32_t, std::uint16_t, std::uint16_t), udp_connect)
SYSTEM_CALL(std::int64_t ping(std::uint32_t, std::uint16_t, int, int), ping)
SYSTEM_CALL(int netinfo(abi::NetInfo*, std::size_t), netinfo)

extern "C" {

// Until 2024 sbrk had one argument, and a large request succeeded whatever memory there was: xv6cc --year builds the
// library so for programs of then. 0 is no mode; the kernel takes it as it takes what their register happens to hold.
#ifdef XV6_SBRK_OF_2024
char* sbrk(int bytes) { return sys_sbrk(bytes, 0); }
#else
char* sbrk(int bytes) { return sys_sbrk(bytes, static_cast<int>(abi::SbrkMode::eager)); }
#endif

char* sbrklazy(int bytes) { return sys_sbrk(bytes, static_cast<int>(abi::SbrkMode::lazy)); }

const char* exec_error() {
  static char text[64];
  return execerror(text, sizeof(text)) < 0 ? "unknown reason" : text;
}

int shutdown(int status) { return sys_shutdown(status, abi::shutdown_word); }

int ugetpid() { return reinterpret_cast<const volatile abi::Usyscall*>(abi::usyscall)->pid; }

int statistics(void* buffer, int bytes) {
  const int fd = open("statistics", abi::OpenMode::read_only);
  if (fd < 0) return -1;
  int total = 0;
  while (total < bytes) {
    const int n = read(fd, static_cast<char*>(buffer) + total, bytes - total);
    if (n <= 0) break;  // the device ends its text with -1 once, then begins anew
    total += n;
  }
  close(fd);
  return total;
}

int stat(const char* path, abi::Stat* result) {
  const int fd = open(path, abi::OpenMode::read_only);
  if (fd < 0) return -1;
  const int status = fstat(fd, result);
  close(fd);
  return status;
}

}  // extern "C"
