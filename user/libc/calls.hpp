// SPDX-License-Identifier: MIT
#pragma once
// System calls as functions, under the names and with the arguments that xv6 programs know (xv6: user/user.h).
// All of them have C linkage, so C programs built by xv6cc link to the same library. -1 means failed.

#include <cstddef>
#include <cstdint>

#include "abi/layout.hpp"
#include "abi/process_info.hpp"
#include "abi/syscall_numbers.hpp"
#include "abi/types.hpp"

namespace abi {
struct NetInfo;  // abi/network.hpp
struct VmStat;   // abi/vmstat.hpp
}  // namespace abi

extern "C" {

// Every program defines it with both parameters. (A freestanding compiler would mangle its name otherwise.)
int main(int argc, char** argv);

int fork();
__attribute__((noreturn)) void exit(int status);
int wait(int* status);
int pipe(int* fds);
int read(int fd, void* buffer, int bytes);
int write(int fd, const void* buffer, int bytes);
int close(int fd);
int kill(int pid);
int exec(const char* path, char** argv);
int open(const char* path, int mode);
int mknod(const char* path, short major, short minor);
int unlink(const char* path);
int fstat(int fd, abi::Stat* result);
int link(const char* existing, const char* path);
int mkdir(const char* path);
int chdir(const char* path);
int dup(int fd);
int getpid();
int sleep(int ticks);
int pause(int ticks);
int uptime();

// The system call itself; sbrk and sbrklazy are what programs use.
char* sys_sbrk(int bytes, int mode);

// Moves the break by `bytes` with memory behind it at once; the old break, or (char*)-1.
char* sbrk(int bytes);
// The same, but memory appears when it is first touched.
char* sbrklazy(int bytes);

// The labs' calls (docs/xv6-contract.md 2.3).
int trace(int mask);
int sysinfo(abi::Sysinfo* result);
int interpose(int mask, const char* path);
int sigalarm(int ticks, void (*handler)());
int sigreturn();
int symlink(const char* target, const char* path);
void* mmap(void* address, std::size_t bytes, int protection, int flags, int fd, std::size_t offset);
int munmap(void* address, std::size_t bytes);
int pgaccess(void* base, int pages, void* mask);
std::uint64_t pgpte(void* address);
int kpgtbl();
void vmprint();
int rwlktest();
int cpupin(int hart);

// Bifolium's own (abi/syscall_numbers.hpp).
int vmstat(abi::VmStat* result, std::size_t bytes, int hart);
int check();
int failnth(int n);
int procinfo(abi::ProcInfo* slots, int count);
int callname(std::uint64_t number, char* name, std::size_t bytes);
std::uint64_t freeframes();
int execerror(char* text, std::size_t bytes);
int shutdown(int status);
int sync();
std::int64_t copyprobe(void* buffer, std::size_t bytes, abi::CopyDirection direction);
int consolemode(abi::ConsoleMode mode);

// The network (abi/network.hpp); all numbers in host byte order. recvfor waits so many ticks at most, for ever if
// negative; ping gives the microseconds until the answer came.
int bind(std::uint16_t port);
int unbind(std::uint16_t port);
int send(std::uint16_t source_port, std::uint32_t address, std::uint16_t port, const void* data, std::uint32_t bytes);
int recv(std::uint16_t port, std::uint32_t* address, std::uint16_t* source_port, void* buffer, std::uint32_t bytes);
int recvfor(std::uint16_t port, std::uint32_t* address, std::uint16_t* source_port, void* buffer, std::uint32_t bytes,
            int ticks);
int connect(std::uint32_t address, std::uint16_t local_port, std::uint16_t port);
std::int64_t ping(std::uint32_t address, std::uint16_t sequence, int bytes, int ticks);
int netinfo(abi::NetInfo* result, std::size_t bytes);

// Why the last exec of this process failed, in words.
const char* exec_error();

// The process's pid, read from the USYSCALL page without a trap.
int ugetpid();

// A device's statistics text, at most `bytes`; how many were read, -1 if there is no such file.
int statistics(void* buffer, int bytes);

// fstat by name.
int stat(const char* path, abi::Stat* result);

}  // extern "C"

inline int open(const char* path, abi::OpenMode mode) { return open(path, static_cast<int>(mode)); }

inline void* mmap(std::size_t bytes, abi::Protection protection, abi::MapFlags flags, int fd, std::size_t offset = 0) {
  return mmap(nullptr, bytes, static_cast<int>(protection), static_cast<int>(flags), fd, offset);
}

// The bare call, for tests that pass what no prototype would let through.
inline std::int64_t system_call(abi::Call number, std::uint64_t a0 = 0, std::uint64_t a1 = 0, std::uint64_t a2 = 0,
                                std::uint64_t a3 = 0, std::uint64_t a4 = 0, std::uint64_t a5 = 0) {
  register std::uint64_t r0 asm("a0") = a0;
  register std::uint64_t r1 asm("a1") = a1;
  register std::uint64_t r2 asm("a2") = a2;
  register std::uint64_t r3 asm("a3") = a3;
  register std::uint64_t r4 asm("a4") = a4;
  register std::uint64_t r5 asm("a5") = a5;
  register std::uint64_t r7 asm("a7") = static_cast<std::uint64_t>(number);
  asm volatile("ecall" : "+r"(r0) : "r"(r1), "r"(r2), "r"(r3), "r"(r4), "r"(r5), "r"(r7) : "memory");
  return static_cast<std::int64_t>(r0);
}
