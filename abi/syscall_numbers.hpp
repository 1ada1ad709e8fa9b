// SPDX-License-Identifier: MIT
#pragma once
// System-call numbers: a7 of an `ecall`, arguments in a0..a5, result in a0 (-1: failed).
//
// 1 to 21 are xv6's. 22 to 36 are what courses add, by the one official numbering; some of these numbers have had
// several meanings, and the kernel's numbering decides (kernel/syscall/call_table.hpp). From 100 on they are Bifolium's
// own and always mean the same.

#include <cstdint>

namespace abi {

enum class Call : std::uint64_t {
  fork = 1,  ///< () -> child's pid, 0 in the child
  exit = 2,  ///< (int status)
  wait = 3,  ///< (int* status or 0) -> pid
  pipe = 4,  ///< (int fds[2])
  read = 5,  ///< (int fd, void* buffer, int bytes) -> bytes
  kill = 6,  ///< (int pid)
  exec = 7,  ///< (const char* path, char** argv) -> argc, argv in a1
  fstat = 8,  ///< (int fd, Stat*)
  chdir = 9,  ///< (const char* path)
  dup = 10,  ///< (int fd) -> fd
  getpid = 11,
  sbrk = 12,  ///< (int bytes, SbrkMode) -> old break
  sleep = 13,  ///< (int ticks); newer programs call it pause
  uptime = 14,  ///< () -> ticks
  open = 15,  ///< (const char* path, OpenMode) -> fd
  write = 16,  ///< (int fd, const void* buffer, int bytes) -> bytes
  mknod = 17,  ///< (const char* path, short major, short minor)
  unlink = 18,  ///< (const char* path)
  link = 19,  ///< (const char* old, const char* new)
  mkdir = 20,  ///< (const char* path)
  close = 21,  ///< (int fd)

  trace = 22,  ///< (int mask)
  call23 = 23,  ///< sysinfo(Sysinfo*), or interpose(int mask, const char* path)
  sigalarm = 24,  ///< (int ticks, void (*handler)())
  sigreturn = 25,
  symlink = 26,  ///< (const char* target, const char* path)
  mmap = 27,  ///< (0, bytes, Protection, MapFlags, fd, offset) -> address
  munmap = 28,  ///< (address, bytes)
  call29 = 29,  ///< connect(raddr, lport, rport), or bind(port)
  pgaccess = 30,  ///< (void* base, int pages, unsigned* mask), or unbind(port)
  send = 31,
  recv = 32,
  pgpte = 33,  ///< (void* address) -> the logical leaf PTE, 0 if none
  kpgtbl = 34,  ///< () prints the caller's page table
  rwlktest = 35,
  cpupin = 36,  ///< (int hart)

  vmstat = 100,  ///< (VmStat* out, u64 bytes, int hart or -1 for the sum of all) -> 0
  check = 101,  ///< () runs the invariant checker, prints what it finds -> number of violations
  failnth = 102,  ///< (int n) -> allocations counted since the last failnth; arms the n-th from now, 0: disarms
  procinfo = 103,  ///< (ProcInfo* array, int slots) -> processes written
  freeframes = 104,  ///< () -> frames free now, exact
  shutdown = 105,  ///< (int status, u64 shutdown_word) powers the machine off; QEMU exits with that status
  sync = 106,  ///< () everything acknowledged so far is on the disk when it returns
  sysinfo = 107,  ///< (Sysinfo*), whatever 23 means
  interpose = 108,  ///< (int mask, const char* path), whatever 23 means
  copyprobe = 109,  ///< (void* buffer, u64 bytes, CopyDirection): copies, and nothing else -> bytes copied
  consolemode = 110,  ///< (ConsoleMode) -> typed bytes that wait; coming from `edited`, all of them are echoed already
  execerror = 111,  ///< (char* text, u64 bytes): why the caller's last exec failed, in words -> bytes, the NUL too
  udp_bind = 112,  ///< (u16 port) keeps it open for this process and its children to come
  udp_unbind = 113,  ///< (u16 port)
  udp_send = 114,  ///< (u16 source port, u32 address, u16 port, const void* data, u32 bytes)
  udp_recv = 115,  ///< (u16 port, u32* address, u16* source port, void* buffer, u32 bytes) -> bytes
  recvfor = 116,  ///< udp_recv with (..., int ticks): how long to wait at most, negative: for ever
  udp_connect = 117,  ///< (u32 address, u16 local port, u16 port) -> fd of a flow
  ping = 118,  ///< (u32 address, u16 sequence, int bytes, int ticks) -> microseconds until the answer
  netinfo = 119,  ///< (NetInfo* out, u64 bytes) -> 0
  callname = 120,  ///< (u64 number, char* name, u64 bytes) -> the call's name, as far as it fits; -1: no call
};

/// shutdown's second argument: a program that calls numbers at random does not end the machine.
inline constexpr std::uint64_t shutdown_word = 0x676f6f646e696768;

/// Which way the copyprobe call copies: `in` reads the program's memory, `out` fills it with zeros.
enum class CopyDirection : std::uint64_t { in = 0, out = 1 };

}  // namespace abi
