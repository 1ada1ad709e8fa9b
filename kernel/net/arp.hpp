// SPDX-License-Identifier: MIT
#pragma once
// Who has which Ethernet address on our segment (RFC 826), and the packets that wait to know it. No lock of its own.

#include <array>
#include <optional>

#include "dev/network_device.hpp"
#include "dev/packet.hpp"
#include "net/address.hpp"

namespace net {

/// A small cache. An entry is made only when we want to send to a host, so that a peer which claims a thousand
/// addresses fills nothing.
class ArpCache {
 public:
  static constexpr u32 entries = 16;
  static constexpr u32 waiting_limit = 16;     ///< packets that wait for one host
  static constexpr u64 ask_again = 1000;       ///< milliseconds between two questions
  static constexpr u32 questions = 3;          ///< without an answer to these the host is not there
  static constexpr u64 lifetime = 300'000;     ///< milliseconds after which an answer is asked for anew

  enum class Next : u8 {
    send,  ///< `packet` may go to `mac`
    ask,   ///< the packet waits; ask for the host
    wait,  ///< the packet waits; the question is under way
    full,  ///< too much waits already: the packet is the caller's still; try again when a question has ended
  };
  struct Resolution {
    Next next;
    dev::MacAddress mac;
  };

  /// What to do with a packet for a host on the segment; `packet` is taken if it waits.
  [[nodiscard]] Resolution resolve(Ipv4Address host, dev::Packet& packet, u64 now);

  /// A host has said what its address is: if we wanted to know, what waited for it is added to `ready`. True if we did.
  bool learn(Ipv4Address host, dev::MacAddress mac, u64 now, dev::PacketQueue& ready);

  /// What is due: hosts to ask again are put into `ask`, packets for hosts that never answered into `lost`.
  struct Questions {
    std::array<Ipv4Address, entries> hosts{};
    u32 count = 0;
  };
  void expire(u64 now, Questions& ask, dev::PacketQueue& lost);

  /// When expire() has something to do, ~0 if at no certain time.
  [[nodiscard]] u64 next_deadline() const;

 private:
  enum class State : u8 { free, asking, known };
  struct Entry {
    State state = State::free;
    u32 asked = 0;  ///< questions so far, while asking
    Ipv4Address host;
    dev::MacAddress mac;
    u64 since = 0;  ///< the last question, or the answer
    u64 used = 0;  ///< for replacement
    dev::PacketQueue waiting;
  };
  [[nodiscard]] Entry* find(Ipv4Address host);
  [[nodiscard]] Entry* replaceable();

  std::array<Entry, entries> table_;
};

}  // namespace net
