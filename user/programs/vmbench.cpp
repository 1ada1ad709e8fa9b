// SPDX-License-Identifier: MIT
// vmbench [CASE...]: measures itself in retired instructions (rdinstret, all of the machine's under -smp 1) and prints
// "case NAME instructions N" for each. What one operation is stands beside each case; loops and stubs are included.
// vmbench -l lists the names. The figures mean something under `-smp 1 -icount shift=0` (./bench).
//
// vmbench -t CASE... prints how many operations lie between a case's two readings of instret instead (./bench --tlb).
// vmbench -p N forks|grows: N processes at once do the operation 5000 times each (./bench --scaling counts it).
#include "abi/network.hpp"
#include "abi/vmstat.hpp"
#include "user/libc/user.hpp"

namespace {

using abi::Protection;
using Mode = abi::OpenMode;

constexpr int page = static_cast<int>(abi::page_size);
constexpr int kibibyte = 1024;
constexpr int mebibyte = 1024 * 1024;

// All that the process itself has: a small one is measured as a small one.
char small_buffer[520];

__attribute__((noreturn)) void fail(const char* what) {
  fprintf(2, "vmbench: %s failed\n", what);
  exit(1);
}

constexpr int buffer_size = 64 * kibibyte;

// For calls that must work for the figure to mean something.
template <typename Result>
Result must(Result result, const char* what) {
  if (result == static_cast<Result>(-1)) fail(what);
  return result;
}
char* must(char* result, const char* what) {
  if (result == reinterpret_cast<char*>(-1)) fail(what);
  return result;
}

inline std::uint64_t instructions() {
  std::uint64_t count;
  asm volatile("rdinstret %0" : "=r"(count)::"memory");
  return count;
}

void touch(char* at) { *static_cast<volatile char*>(at) = 1; }

void touch_pages(char* begin, int bytes) {
  for (int i = 0; i < bytes; i += page) touch(begin + i);
}

// Memory for the cases that move much; there only while they run.
class Buffer {
 public:
  Buffer() : at_(must(sbrk(buffer_size + page), "sbrk")) {
    const auto misaligned = reinterpret_cast<std::uintptr_t>(at_) % abi::page_size;
    begin_ = at_ + (misaligned == 0 ? 0 : abi::page_size - misaligned);
    touch_pages(begin_, buffer_size);
  }
  ~Buffer() { sbrk(-(buffer_size + page)); }
  operator char*() const { return begin_; }

 private:
  char* at_;
  char* begin_;
};

const abi::VmStat& counters_into(abi::VmStat& stat) {
  must(vmstat(&stat, sizeof(stat), -1), "vmstat");
  return stat;
}

// What the last per_operation() added to the kernel's counters.
abi::VmStat before, after;
int operations;

// Instructions of one operation, over `count` of them; a few go before, so that caches and tables are as they
// will be.
template <typename Operation>
std::uint64_t per_operation(int count, Operation operation) {
  for (int i = 0; i < 3; ++i) operation();
  operations = count;
  counters_into(before);
  const std::uint64_t begin = instructions();
  for (int i = 0; i < count; ++i) operation();
  const std::uint64_t all = instructions() - begin;
  counters_into(after);
  // By how much instret has jumped while the machine waited for its disk: not instructions, so they come off.
  return (all - (after.idle_instructions - before.idle_instructions)) / static_cast<std::uint64_t>(count);
}

void wait_for(int pid) {
  int status = 0;
  if (wait(&status) != pid || status != 0) fail("child");
}

struct Pipe {
  int fds[2];
  Pipe() { must(pipe(fds), "pipe"); }
  void close_both() const { close(fds[0]), close(fds[1]); }
};

void make_file(const char* name, int bytes) {
  const Buffer buffer;
  const int fd = must(open(name, Mode::create | Mode::truncate | Mode::write_only), "open");
  for (int done = 0; done < bytes;) {
    const int n = bytes - done < buffer_size ? bytes - done : buffer_size;
    if (write(fd, buffer, n) != n) fail("write");
    done += n;
  }
  close(fd);
}

// --- calls -----------------------------------------------------------------------------------------------------

std::uint64_t bench_getpid() {
  return per_operation(10000, [] { getpid(); });
}

std::uint64_t bench_fstat() {
  const int fd = must(open("/README", Mode::read_only), "open");
  abi::Stat status;
  const std::uint64_t result = per_operation(2000, [&] { fstat(fd, &status); });
  close(fd);
  return result;
}

std::uint64_t open_and_close(const char* name) {
  return per_operation(500, [name] { close(open(name, Mode::read_only)); });
}

std::uint64_t bench_open_close() { return open_and_close("README"); }

// --- pipes -----------------------------------------------------------------------------------------------------

std::uint64_t write_and_read(const char* from, char* to, int bytes) {
  const Pipe p;
  const std::uint64_t result = per_operation(1000, [&] {
    write(p.fds[1], from, bytes);
    read(p.fds[0], to, bytes);
  });
  p.close_both();
  return result;
}

std::uint64_t bench_pipe_1() { return write_and_read(small_buffer, small_buffer, 1); }
std::uint64_t bench_pipe_512() { return write_and_read(small_buffer, small_buffer, 512); }
// No two of source, ring and destination are aligned alike.
std::uint64_t bench_pipe_512_odd() { return write_and_read(small_buffer + 1, small_buffer + 3, 512); }

// A writer and a reader in two processes; per KiB.
std::uint64_t stream(int piece) {
  constexpr int total = 4 * mebibyte;
  const Buffer buffer;
  const Pipe data, done;
  const int pid = must(fork(), "fork");
  if (pid == 0) {
    close(data.fds[1]);
    touch_pages(buffer, buffer_size);
    write(done.fds[1], buffer, 1);
    int n;
    while ((n = read(data.fds[0], buffer, piece)) > 0) {
    }
    write(done.fds[1], buffer, 1);
    exit(n == 0 ? 0 : 1);
  }
  touch_pages(buffer, buffer_size);
  read(done.fds[0], buffer, 1);
  const std::uint64_t begin = instructions();
  for (int sent = 0; sent < total; sent += piece)
    if (write(data.fds[1], buffer, piece) != piece) fail("write");
  close(data.fds[1]);
  read(done.fds[0], buffer, 1);
  const std::uint64_t result = (instructions() - begin) / (total / kibibyte);
  wait_for(pid);
  close(data.fds[0]);
  done.close_both();
  return result;
}

std::uint64_t bench_pipe_stream_4k() { return stream(4 * kibibyte); }
std::uint64_t bench_pipe_stream_64k() { return stream(64 * kibibyte); }

// A byte to another process and back.
std::uint64_t bench_ping_pong() {
  const Pipe there, back;
  const int pid = must(fork(), "fork");
  if (pid == 0) {
    close(there.fds[1]);
    while (read(there.fds[0], small_buffer, 1) == 1) write(back.fds[1], small_buffer, 1);
    exit(0);
  }
  const std::uint64_t result = per_operation(1000, [&] {
    write(there.fds[1], small_buffer, 1);
    read(back.fds[0], small_buffer, 1);
  });
  close(there.fds[1]);
  wait_for(pid);
  close(there.fds[0]);
  back.close_both();
  return result;
}

// Two pipes, a child that waits on one, and its end by kill.
std::uint64_t bench_kill_wait() {
  return per_operation(100, [] {
    const Pipe ready, never;
    const int pid = must(fork(), "fork");
    if (pid == 0) {
      write(ready.fds[1], small_buffer, 1);
      read(never.fds[0], small_buffer, 1);
      exit(0);
    }
    read(ready.fds[0], small_buffer, 1);
    kill(pid);
    wait(nullptr);
    ready.close_both();
    never.close_both();
  });
}

// --- files -----------------------------------------------------------------------------------------------------

// 4 KiB of a cached file; what open and close cost is taken off.
std::uint64_t bench_read_4k() {
  make_file("bench.4k", 4 * kibibyte);
  const Buffer buffer;
  const std::uint64_t with_read = per_operation(500, [&] {
    const int fd = open("bench.4k", Mode::read_only);
    if (read(fd, buffer, 4 * kibibyte) != 4 * kibibyte) fail("read");
    close(fd);
  });
  const std::uint64_t without = open_and_close("bench.4k");
  unlink("bench.4k");
  return with_read - without;
}

// A cached file of 256 KiB from beginning to end; per KiB.
std::uint64_t read_file_by(int piece) {
  constexpr int size = 256 * kibibyte;
  make_file("bench.256k", size);
  const Buffer buffer;
  const std::uint64_t result = per_operation(8, [&] {
    const int fd = open("bench.256k", Mode::read_only);
    int total = 0, n;
    while ((n = read(fd, buffer, piece)) > 0) total += n;
    if (total != size) fail("read");
    close(fd);
  });
  unlink("bench.256k");
  return result / (size / kibibyte);
}

std::uint64_t bench_read_256k() { return read_file_by(buffer_size); }
std::uint64_t bench_read_256k_by_4k() { return read_file_by(4 * kibibyte); }

std::uint64_t bench_create_unlink() {
  return per_operation(50, [] {
    close(must(open("bench.new", Mode::create | Mode::write_only), "open"));
    must(unlink("bench.new"), "unlink");
  });
}

// --- processes -------------------------------------------------------------------------------------------------

void fork_and_wait() {
  const int pid = must(fork(), "fork");
  if (pid == 0) exit(0);
  wait(nullptr);
}

std::uint64_t fork_with_heap(int bytes, int count) {
  char* heap = must(sbrk(bytes), "sbrk");
  touch_pages(heap, bytes);
  const std::uint64_t result = per_operation(count, fork_and_wait);
  sbrk(-bytes);
  return result;
}

std::uint64_t bench_fork_small() { return per_operation(200, fork_and_wait); }
std::uint64_t bench_fork_1m() { return fork_with_heap(mebibyte, 50); }
std::uint64_t bench_fork_16m() { return fork_with_heap(16 * mebibyte, 20); }

// The child writes all of 1 MiB that it shares.
std::uint64_t bench_fork_1m_write() {
  char* heap = must(sbrk(mebibyte), "sbrk");
  touch_pages(heap, mebibyte);
  const std::uint64_t result = per_operation(20, [heap] {
    const int pid = must(fork(), "fork");
    if (pid == 0) {
      touch_pages(heap, mebibyte);
      exit(0);
    }
    wait(nullptr);
  });
  sbrk(-mebibyte);
  return result;
}

std::uint64_t bench_fork_exec() {
  return per_operation(100, [] {
    const int pid = must(fork(), "fork");
    if (pid == 0) {
      static char name[] = "/true";
      char* arguments[] = {name, nullptr};
      exec("/true", arguments);
      exit(1);
    }
    wait_for(pid);
  });
}

// --- memory ----------------------------------------------------------------------------------------------------

// Up by `bytes`, every page touched, down again.
std::uint64_t grow_touch_shrink(int bytes, int count) {
  return per_operation(count, [bytes] {
    char* memory = must(sbrk(bytes), "sbrk");
    touch_pages(memory, bytes);
    sbrk(-bytes);
  });
}

std::uint64_t bench_sbrk_page() { return grow_touch_shrink(page, 1000); }
std::uint64_t bench_sbrk_1m() { return grow_touch_shrink(mebibyte, 20) / (mebibyte / page); }
std::uint64_t bench_sbrk_16m() { return grow_touch_shrink(16 * mebibyte, 4) / (16 * mebibyte / page); }

// Nothing is touched; the whole operation.
std::uint64_t bench_sbrk_16m_lazy() {
  return per_operation(500, [] {
    must(sbrklazy(16 * mebibyte), "sbrk");
    sbrk(-16 * mebibyte);
  });
}

// The first touch of lazy memory; per page.
std::uint64_t bench_demand_zero() {
  constexpr int pages = 256;
  const auto round = [] {
    char* memory = must(sbrklazy(pages * page), "sbrk");
    const std::uint64_t begin = instructions();
    touch_pages(memory, pages * page);
    const std::uint64_t result = (instructions() - begin) / pages;
    sbrk(-pages * page);
    return result;
  };
  round();  // makes the tables
  return round();
}

// The first store to a page that a child shares; per page.
std::uint64_t bench_cow_break() {
  constexpr int pages = 256;
  char* memory = must(sbrk(pages * page), "sbrk");
  touch_pages(memory, pages * page);
  const Pipe ready, end;
  const int pid = must(fork(), "fork");
  if (pid == 0) {
    close(end.fds[1]);
    write(ready.fds[1], small_buffer, 1);
    read(end.fds[0], small_buffer, 1);
    exit(0);
  }
  read(ready.fds[0], small_buffer, 1);
  const std::uint64_t begin = instructions();
  touch_pages(memory, pages * page);
  const std::uint64_t result = (instructions() - begin) / pages;
  end.close_both();
  wait_for(pid);
  ready.close_both();
  sbrk(-pages * page);
  return result;
}

enum class Touched { no, yes };

std::uint64_t map_and_unmap(Touched touched, int count) {
  return per_operation(count, [touched] {
    void* memory = mmap(mebibyte, Protection::read | Protection::write,
                        abi::MapFlags::private_copy | abi::MapFlags::anonymous, -1);
    if (memory == reinterpret_cast<void*>(-1)) fail("mmap");
    if (touched == Touched::yes) touch_pages(static_cast<char*>(memory), mebibyte);
    must(munmap(memory, mebibyte), "munmap");
  });
}

std::uint64_t bench_mmap_1m() { return map_and_unmap(Touched::yes, 20); }
std::uint64_t bench_mmap_1m_untouched() { return map_and_unmap(Touched::no, 500); }

// One word of each page of 16 MiB that are there, from a 2 MiB border on: what it is about are the TLB misses on the
// way; per page.
std::uint64_t bench_read_pages() {
  constexpr int size = 16 * mebibyte, megapage = 2 * mebibyte;
  char* memory = must(sbrk(size + megapage), "sbrk");
  char* begin = memory + (megapage - reinterpret_cast<std::uintptr_t>(memory) % megapage) % megapage;
  const std::uint64_t result = per_operation(4, [begin] {
    for (int i = 0; i < size; i += page) static_cast<void>(*static_cast<volatile char*>(begin + i));
  });
  sbrk(-(size + megapage));
  return result / (size / page);
}

// Reset to the first time that a program asked the console for input.
std::uint64_t bench_boot() { return counters_into(after).prompt_instructions; }

// --- user copies: the notes' question, view against view --------------------------------------------------------

template <abi::CopyDirection direction, int bytes, int offset = 0>
std::uint64_t bench_copy() {
  const Buffer buffer;
  char* const at = buffer + offset;
  if (copyprobe(at, bytes, direction) != bytes) fail("copyprobe");
  return per_operation(200, [&] { copyprobe(at, bytes, direction); });
}

// Datagrams of 64 bytes over the card to a host that sends them back from its port 7 and throws them away at port 9
// (tools/guest/peer.py). The first one waits for ARP.
constexpr std::uint32_t echo_host = 10u << 24 | 2u << 8 | 2;
constexpr std::uint16_t echo_port = 7, discard_port = 9, own_port = 5000;
constexpr int datagram = 64;

void send_datagram(std::uint16_t port) { must(send(own_port, echo_host, port, small_buffer, datagram), "send"); }

void exchange_datagram() {
  std::uint32_t from;
  std::uint16_t from_port;
  send_datagram(echo_port);
  if (recv(own_port, &from, &from_port, small_buffer, datagram) != datagram) fail("recv");
}

// A datagram may be lost while nobody has answered our ARP yet: then the next one is tried.
void open_network() {
  constexpr int tries = 10, patience = 10;
  static abi::NetInfo info;
  must(netinfo(&info, sizeof info), "netinfo");
  if (info.has_card == 0) fail("the network card");
  must(bind(own_port), "bind");
  std::uint32_t from;
  std::uint16_t from_port;
  int received = -1;
  for (int i = 0; i < tries && received != datagram; ++i) {
    send_datagram(echo_port);
    received = recvfor(own_port, &from, &from_port, small_buffer, datagram, patience);
  }
  if (received != datagram) fail("an answer from 10.0.2.2");
  // Those of earlier tries that were only late are out of the way of what is measured.
  while (recvfor(own_port, &from, &from_port, small_buffer, datagram, 1) >= 0) {
  }
}

std::uint64_t bench_udp_send() {
  open_network();
  const auto result = per_operation(1000, [] { send_datagram(discard_port); });
  unbind(own_port);
  return result;
}

std::uint64_t bench_udp_round_trip() {
  open_network();
  const auto result = per_operation(1000, exchange_datagram);
  unbind(own_port);
  return result;
}

struct Case {
  const char* name;
  std::uint64_t (*run)();
};

constexpr abi::CopyDirection in = abi::CopyDirection::in, out = abi::CopyDirection::out;

constexpr Case cases[] = {
    {"getpid", bench_getpid},
    {"fstat", bench_fstat},
    {"open_close", bench_open_close},
    {"pipe_1", bench_pipe_1},
    {"pipe_512", bench_pipe_512},
    {"pipe_512_odd", bench_pipe_512_odd},
    {"pipe_stream_4k", bench_pipe_stream_4k},
    {"pipe_stream_64k", bench_pipe_stream_64k},
    {"ping_pong", bench_ping_pong},
    {"kill_wait", bench_kill_wait},
    {"read_4k", bench_read_4k},
    {"read_256k", bench_read_256k},
    {"read_256k_by_4k", bench_read_256k_by_4k},
    {"create_unlink", bench_create_unlink},
    {"fork_small", bench_fork_small},
    {"fork_1m", bench_fork_1m},
    {"fork_16m", bench_fork_16m},
    {"fork_1m_write", bench_fork_1m_write},
    {"fork_exec", bench_fork_exec},
    {"sbrk_page", bench_sbrk_page},
    {"sbrk_1m", bench_sbrk_1m},
    {"sbrk_16m", bench_sbrk_16m},
    {"sbrk_16m_lazy", bench_sbrk_16m_lazy},
    {"demand_zero", bench_demand_zero},
    {"cow_break", bench_cow_break},
    {"mmap_1m", bench_mmap_1m},
    {"mmap_1m_untouched", bench_mmap_1m_untouched},
    {"read_pages", bench_read_pages},
    {"boot", bench_boot},
    {"copy_in_1", bench_copy<in, 1>},
    {"copy_in_64", bench_copy<in, 64>},
    {"copy_in_4096", bench_copy<in, 4096>},
    {"copy_in_65536", bench_copy<in, 65536>},
    {"copy_4096_odd", bench_copy<in, 4096, 1>},
    {"copy_out_1", bench_copy<out, 1>},
    {"copy_out_64", bench_copy<out, 64>},
    {"copy_out_4096", bench_copy<out, 4096>},
    {"copy_out_65536", bench_copy<out, 65536>},
    {"udp_send", bench_udp_send},
    {"udp_round_trip", bench_udp_round_trip},
};

const Case* find(const char* name) {
  for (const Case& c : cases)
    if (strcmp(c.name, name) == 0) return &c;
  return nullptr;
}

void run(const Case& c) { printf("case %s instructions %lu\n", c.name, static_cast<unsigned long>(c.run())); }

void run_and_count(const Case& c) {
  c.run();
  printf("case %s operations %d\n", c.name, operations);
}

// --- several processes at once -----------------------------------------------------------------------------------

void grow_and_shrink() {
  char* memory = must(sbrk(page), "sbrk");
  touch(memory);
  sbrk(-page);
}

// The instruments count between the two instructions(), on every hart.
void run_together(int processes, void (*operation)()) {
  constexpr int rounds = 5000;
  const Pipe start;
  for (int i = 0; i < processes; ++i) {
    const int pid = must(fork(), "fork");
    if (pid != 0) continue;
    close(start.fds[1]);
    read(start.fds[0], small_buffer, 1);  // ends when the writing end is closed
    for (int round = 0; round < rounds; ++round) operation();
    exit(0);
  }
  const std::uint64_t begin = instructions();
  start.close_both();
  for (int i = 0; i < processes; ++i) wait(nullptr);
  printf("together %d instructions %lu\n", processes, static_cast<unsigned long>(instructions() - begin));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && strcmp(argv[1], "-l") == 0) {
    for (const Case& c : cases) printf("%s\n", c.name);
    return 0;
  }
  if (argc == 4 && strcmp(argv[1], "-p") == 0) {
    run_together(atoi(argv[2]), strcmp(argv[3], "forks") == 0 ? fork_and_wait : grow_and_shrink);
    return 0;
  }
  if (argc < 2)
    for (const Case& c : cases) run(c);
  const bool counted = argc > 2 && strcmp(argv[1], "-t") == 0;
  for (int i = counted ? 2 : 1; i < argc; ++i) {
    const Case* c = find(argv[i]);
    if (c == nullptr) {
      fprintf(2, "vmbench: no case %s; -l lists them\n", argv[i]);
      return 1;
    }
    counted ? run_and_count(*c) : run(*c);
  }
  return 0;
}
