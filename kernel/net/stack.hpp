// SPDX-License-Identifier: MIT
#pragma once
// Ethernet, ARP, IPv4, ICMP echo and UDP over one card, and to ourselves. Free of the target: the same lines are
// tested and fuzzed on the host.
//
// Nothing that a peer sends is believed before it has been checked: each length against the frame, each checksum. What
// is damaged, a fragment, or of another kind is dropped and counted (abi/network.hpp).

#include <algorithm>
#include <array>
#include <atomic>

#include "abi/network.hpp"
#include "dev/network_device.hpp"
#include "net/arp.hpp"
#include "net/endpoints.hpp"
#include "net/wire.hpp"

namespace net {

/// One datagram's way.
struct Flow {
  Port source_port;
  Ipv4Address destination;
  Port destination_port;
};

class Stack final : public dev::PacketReceiver {
 public:
  using Clock = Endpoints::Clock;

  explicit Stack(Clock clock);

  /// Before attach().
  void configure(const Configuration& configuration) { configuration_ = configuration; }
  [[nodiscard]] const Configuration& configuration() const { return configuration_; }
  /// The card that frames come from and go to. Once; without it only addresses of our own can be reached.
  void attach(dev::NetworkDevice& device);
  [[nodiscard]] dev::NetworkDevice* device() const { return device_; }
  /// Who is called when there is work for a thread: from interrupts too.
  void set_waker(void (*wake)()) { wake_ = wake; }
  /// Who is told, once each, that the first ARP packet and the first IP packet have arrived; null: nobody.
  void set_first_packet_notice(void (*notice)(EtherType)) { notice_ = notice; }

  [[nodiscard]] Endpoints& endpoints() { return endpoints_; }

  /// A packet whose payload() is so many bytes, to be filled in and sent. too_big: no frame holds it. no_memory.
  [[nodiscard]] static lib::Result<dev::Packet> make_packet(usize payload_bytes);
  /// Sends a datagram whose payload has been filled in. From a thread, under no lock; may wait for the card.
  /// invalid_argument: an address that nobody can have. not_supported: no card. interrupted: killed while it waited.
  /// While a host's address is being asked for a few datagrams are kept, and who sends more sleeps. A host that does
  /// not answer is no error: its datagrams are dropped then and counted.
  [[nodiscard]] lib::Result<void> send(const Flow& flow, dev::Packet packet);
  /// Sends an echo request with this payload and waits for its answer until the clock says `deadline`; the answer's
  /// payload length. timed_out, and the errors of send().
  [[nodiscard]] lib::Result<usize> ping(Ipv4Address host, u16 sequence, dev::Packet packet, u64 deadline);

  /// What has to be done at certain times, or was asked for through the waker. From a thread, under no lock;
  /// returns when next, ~0 if at no certain time.
  u64 work();
  /// When work() has something to do. Cheap: for every hart that idles.
  [[nodiscard]] u64 next_work() const {
    return std::min(next_work_.load(std::memory_order_relaxed), endpoints_.next_deadline());
  }

  void receive(dev::Packet packet) override;
  void work_is_waiting() override;

  [[nodiscard]] abi::NetInfo info();
  [[nodiscard]] u64 counted(abi::NetEvent event) const {
    return counters_[static_cast<usize>(event)].load(std::memory_order_relaxed);
  }

 private:
  void count(abi::NetEvent event, u64 amount = 1) {
    counters_[static_cast<usize>(event)].fetch_add(amount, std::memory_order_relaxed);
  }
  void note_first(EtherType type, std::atomic<u32>& seen);
  [[nodiscard]] u64 now() const { return clock_(); }
  void work_at(u64 when);
  void work_now();

  /// In.
  void receive_arp(dev::Packet packet);
  enum class Origin : u8 { wire, ourselves };
  void receive_ip(dev::Packet packet, Origin origin);
  [[nodiscard]] bool is_whole_ip(const dev::Packet& packet, Origin origin);
  void receive_udp(dev::Packet packet);
  void receive_icmp(dev::Packet packet);
  void take_echo_reply(dev::Packet packet);
  void answer_arp(dev::Packet packet);
  void answer_echo(dev::Packet packet);

  /// Out.
  void write_ip_header(const dev::Packet& packet, u8 protocol, Ipv4Address destination);
  [[nodiscard]] lib::Result<void> check_destination(Ipv4Address destination) const;
  [[nodiscard]] lib::Result<void> route(Ipv4Address destination, dev::Packet packet);
  [[nodiscard]] lib::Result<void> send_to(dev::MacAddress mac, dev::Packet packet, dev::WhenFull when_full);
  void ask_for(Ipv4Address host);
  [[nodiscard]] lib::Result<ArpCache::Resolution> resolve(Ipv4Address next, dev::Packet& packet);

  Clock clock_;
  Configuration configuration_;
  dev::NetworkDevice* device_ = nullptr;
  void (*wake_)() = nullptr;
  void (*notice_)(EtherType) = nullptr;
  std::atomic<u32> seen_arp_{0}, seen_ip_{0};  ///< 32 bits: GCC calls out of line for less
  std::atomic<u32> last_identification_{0};  ///< of IP packets and of echo requests
  std::atomic<u64> next_work_{no_deadline};
  std::atomic<u32> poll_wanted_{0};  ///< work_is_waiting() was called
  locks::SpinLock arp_lock_{"arp", locks::Rank::arp};
  ArpCache arp_ SYNC_GUARDED_BY(arp_lock_);
  sched::WaitQueue arp_settled_ SYNC_GUARDED_BY(arp_lock_);  ///< a host has answered, or was given up
  Endpoints endpoints_;
  std::array<std::atomic<u64>, abi::net_event_count> counters_{};
};
}  // namespace net
