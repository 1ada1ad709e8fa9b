// SPDX-License-Identifier: MIT
#pragma once
// Where datagrams arrive: ports that were bound, flows between two ends, and answers to echo requests that someone
// waits for. Each has a queue of its own, so that one that nobody reads fills itself and no other.

#include <array>
#include <atomic>

#include "dev/packet.hpp"
#include "net/address.hpp"
#include "sched/wait_queue.hpp"
#include "sync/spinlock.hpp"

namespace net {

enum class Protocol : u8 { udp, echo };
enum class Peer : u8 { any, one };

/// What a datagram must have to arrive at an endpoint. `number` is the port, or the identifier of an echo.
struct EndpointKey {
  Protocol protocol = Protocol::udp;
  Peer peer = Peer::any;
  u16 number = 0;
  Ipv4Address remote{};   ///< Peer::one
  u16 remote_port = 0;    ///< Peer::one
  constexpr bool operator==(const EndpointKey&) const = default;
};

/// Who keeps a port open: a process, by its slot. A port ends with the last of its holders.
struct Holder {
  u32 slot;
  [[nodiscard]] u64 bit() const { return u64{1} << slot; }
};

/// Waits for ever.
inline constexpr u64 no_deadline = ~u64{0};

class Endpoint {
 public:
  constexpr Endpoint() = default;

 private:
  friend class Endpoints;
  EndpointKey key_;
  bool open_ = false;       ///< found by its key; a closed one is only waited for to become empty
  u32 waiting_ = 0;         ///< threads inside receive()
  u64 holders_ = 0;         ///< 0: a flow, which is closed by whoever opened it
  u64 deadline_ = no_deadline;  ///< the earliest of those who wait
  dev::PacketQueue queue_;
  sched::WaitQueue arrived_;
  Endpoint* next_ = nullptr;  ///< in its bucket, or free
};

class Endpoints {
 public:
  static constexpr u32 capacity = 128;
  static constexpr u32 queue_limit = 16;  ///< datagrams that wait at one endpoint
  static constexpr u32 max_holders = 64;
  using Clock = u64 (*)();                ///< milliseconds

  explicit Endpoints(Clock clock);
  Endpoints(const Endpoints&) = delete;
  Endpoints& operator=(const Endpoints&) = delete;

  /// Opens a flow or an echo. already_exists: the same is open. limit_reached.
  [[nodiscard]] lib::Result<Endpoint*> open(const EndpointKey& key);
  /// Closes what open() gave; what is queued is freed, and who waits gets not_found.
  void close(Endpoint& endpoint);

  /// Opens a port for any peer, kept open by `holder`.
  [[nodiscard]] lib::Result<void> bind(Port port, Holder holder);
  /// Closes it whoever holds it. not_found.
  [[nodiscard]] lib::Result<void> unbind(Port port);
  /// `to` may use, and keeps open, what `from` does (fork).
  void share(Holder from, Holder to);
  /// The holder is gone: ports that nobody else holds are closed (exit).
  void leave(Holder holder);

  /// The oldest datagram that waits there, or the next that comes before the clock says `deadline`. Sleeps.
  /// not_found: not open, or closed meanwhile. interrupted: killed. timed_out.
  [[nodiscard]] lib::Result<dev::Packet> receive(Endpoint& endpoint, u64 deadline = no_deadline);
  [[nodiscard]] lib::Result<dev::Packet> receive(Port port, u64 deadline = no_deadline);

  /// What became of a datagram that arrived.
  enum class Delivery : u8 { queued, nobody, full };
  /// Puts a datagram into the queue of the flow with exactly this peer, else of the port.
  Delivery deliver(Protocol protocol, u16 number, Ipv4Address remote, u16 remote_port, dev::Packet packet);

  /// Wakes those whose deadline has passed.
  void expire(u64 now);
  [[nodiscard]] u64 next_deadline() const { return earliest_.load(std::memory_order_relaxed); }
  [[nodiscard]] u32 open_count();

 private:
  static constexpr u32 bucket_count = 64;
  [[nodiscard]] Endpoint*& bucket_of(u16 number) SYNC_REQUIRES(lock_) { return buckets_[number % bucket_count]; }
  [[nodiscard]] Endpoint* find(const EndpointKey& key) SYNC_REQUIRES(lock_);
  [[nodiscard]] lib::Result<Endpoint*> open_locked(const EndpointKey& key) SYNC_REQUIRES(lock_);
  void close_locked(Endpoint& endpoint) SYNC_REQUIRES(lock_);
  void free_if_unused(Endpoint& endpoint) SYNC_REQUIRES(lock_);
  [[nodiscard]] lib::Result<dev::Packet> receive_locked(Endpoint& endpoint, u64 deadline) SYNC_REQUIRES(lock_);
  [[nodiscard]] sched::Woken wait(Endpoint& endpoint, u64 deadline) SYNC_REQUIRES(lock_);

  Clock clock_;
  locks::SpinLock lock_{"endpoints", locks::Rank::endpoint};
  std::array<Endpoint*, bucket_count> buckets_ SYNC_GUARDED_BY(lock_){};
  Endpoint* first_free_ SYNC_GUARDED_BY(lock_) = nullptr;
  u32 open_count_ SYNC_GUARDED_BY(lock_) = 0;
  std::atomic<u64> holders_{0};            ///< who holds anything at all: fork and exit of all others are quick
  std::atomic<u64> earliest_{no_deadline};
  std::array<Endpoint, capacity> slots_;
};

}  // namespace net
