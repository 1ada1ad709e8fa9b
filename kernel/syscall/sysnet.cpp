// SPDX-License-Identifier: MIT
#include <algorithm>

#include "abi/network.hpp"
#include "arch/riscv64/csr.hpp"
#include "arch/riscv64/start.hpp"
#include "process/network.hpp"
#include "syscall/arguments.hpp"
#include "syscall/handlers.hpp"

using calls::argument;
using calls::failed;
using calls::integer_argument;
using net::Ipv4Address;
using net::Port;
using process::Process;

namespace {

constexpr u64 milliseconds_per_tick = 100;

net::Holder holder_of(const Process& self) { return {self.owner.stack_slot}; }

/// A port's number, in the low 16 bits as C passes it.
Port port_argument(const Process& self, usize index) { return Port{static_cast<u16>(argument(self, index))}; }
Ipv4Address address_argument(const Process& self, usize index) { return {static_cast<u32>(argument(self, index))}; }

/// So many ticks from now; for ever if negative.
u64 deadline_in(i32 ticks) {
  if (ticks < 0) return net::no_deadline;
  return process::network_clock() + static_cast<u64>(ticks) * milliseconds_per_tick;
}

/// A datagram that cannot be stored, or not whole, is gone.
u64 receive(Process& self, u64 deadline) {
  const i32 room = integer_argument(self, 4);
  if (room < 0) return failed;
  const auto packet = process::network().endpoints().receive(port_argument(self, 0), deadline);
  if (!packet) return failed;
  const auto payload = packet->payload();
  const usize count = std::min(payload.size(), static_cast<usize>(room));
  const u32 source = (*packet)->source_address;
  const u16 source_port = (*packet)->source_port;
  if (!calls::store(self, argument(self, 1), source) || !calls::store(self, argument(self, 2), source_port) ||
      !calls::store_bytes(self, argument(self, 3), payload.data(), count)) {
    return failed;
  }
  return count;
}

}  // namespace

u64 sys_bind(Process& self) {
  return calls::status_of(process::network().endpoints().bind(port_argument(self, 0), holder_of(self)));
}

u64 sys_unbind(Process& self) {
  return calls::status_of(process::network().endpoints().unbind(port_argument(self, 0)));
}

u64 sys_send(Process& self) {
  const i32 count = integer_argument(self, 4);
  if (count < 0) return failed;
  auto packet = net::Stack::make_packet(static_cast<usize>(count));
  if (!packet || !calls::fetch_bytes(self, argument(self, 3), packet->payload().data(), packet->payload().size())) {
    return failed;
  }
  const net::Flow flow{port_argument(self, 0), address_argument(self, 1), port_argument(self, 2)};
  return calls::status_of(process::network().send(flow, std::move(*packet)));
}

u64 sys_recv(Process& self) { return receive(self, net::no_deadline); }

// recv's arguments, and how many ticks to wait.
u64 sys_recvfor(Process& self) { return receive(self, deadline_in(integer_argument(self, 5))); }

// (address, sequence, payload bytes, ticks) -> microseconds until the answer came.
u64 sys_ping(Process& self) {
  const i32 count = integer_argument(self, 2);
  if (count < 0) return failed;
  auto packet = net::Stack::make_packet(static_cast<usize>(count));
  if (!packet) return failed;
  std::ranges::fill(packet->payload(), std::byte{'p'});
  const u64 begin = arch::read_time();
  const auto answer = process::network().ping(address_argument(self, 0), static_cast<u16>(argument(self, 1)),
                                              std::move(*packet), deadline_in(integer_argument(self, 3)));
  if (!answer || *answer != static_cast<usize>(count)) return failed;
  constexpr u64 microseconds_per_second = 1'000'000;
  return (arch::read_time() - begin) * microseconds_per_second / arch::timer_frequency();
}

u64 sys_netinfo(Process& self) {
  const abi::NetInfo info = process::network().info();
  const usize count = std::min<usize>(argument(self, 1), sizeof info);
  return calls::store_bytes(self, argument(self, 0), &info, count) ? 0 : failed;
}
