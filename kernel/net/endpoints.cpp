// SPDX-License-Identifier: MIT
#include "net/endpoints.hpp"

#include <algorithm>

namespace net {

using dev::Packet;
using lib::Error;
using lib::fail;
using lib::Result;

Endpoints::Endpoints(Clock clock) : clock_(clock) {
  for (Endpoint& endpoint : slots_) {
    endpoint.next_ = first_free_;
    first_free_ = &endpoint;
  }
}

Endpoint* Endpoints::find(const EndpointKey& key) {
  Endpoint* endpoint = bucket_of(key.number);
  while (endpoint != nullptr && endpoint->key_ != key) endpoint = endpoint->next_;
  return endpoint;
}

Result<Endpoint*> Endpoints::open_locked(const EndpointKey& key) {
  if (find(key) != nullptr) return fail(Error::already_exists);
  Endpoint* const endpoint = first_free_;
  if (endpoint == nullptr) return fail(Error::limit_reached);
  first_free_ = endpoint->next_;
  endpoint->key_ = key;
  endpoint->open_ = true;
  endpoint->holders_ = 0;
  endpoint->deadline_ = no_deadline;
  endpoint->next_ = std::exchange(bucket_of(key.number), endpoint);
  ++open_count_;
  return endpoint;
}

void Endpoints::close_locked(Endpoint& endpoint) {
  Endpoint** link = &bucket_of(endpoint.key_.number);
  while (*link != &endpoint) link = &(*link)->next_;
  *link = endpoint.next_;
  endpoint.open_ = false;
  endpoint.queue_.clear();
  --open_count_;
  endpoint.arrived_.wake_all();
  free_if_unused(endpoint);
}

/// A slot is used again when the last who waited in it has seen that it is closed.
void Endpoints::free_if_unused(Endpoint& endpoint) {
  if (endpoint.open_ || endpoint.waiting_ != 0) return;
  endpoint.next_ = first_free_;
  first_free_ = &endpoint;
}

Result<Endpoint*> Endpoints::open(const EndpointKey& key) {
  const locks::Guard guard(lock_);
  return open_locked(key);
}

void Endpoints::close(Endpoint& endpoint) {
  const locks::Guard guard(lock_);
  close_locked(endpoint);
}

Result<void> Endpoints::bind(Port port, Holder holder) {
  const locks::Guard guard(lock_);
  Endpoint* const endpoint = LIB_TRY(open_locked({.number = static_cast<u16>(port)}));
  endpoint->holders_ = holder.bit();
  holders_.fetch_or(holder.bit(), std::memory_order_relaxed);
  return {};
}

Result<void> Endpoints::unbind(Port port) {
  const locks::Guard guard(lock_);
  Endpoint* const endpoint = find({.number = static_cast<u16>(port)});
  if (endpoint == nullptr) return fail(Error::not_found);
  close_locked(*endpoint);
  return {};
}

void Endpoints::share(Holder from, Holder to) {
  if ((holders_.load(std::memory_order_relaxed) & from.bit()) == 0) return;
  const locks::Guard guard(lock_);
  for (Endpoint& endpoint : slots_) {
    if (endpoint.open_ && (endpoint.holders_ & from.bit()) != 0) endpoint.holders_ |= to.bit();
  }
  holders_.fetch_or(to.bit(), std::memory_order_relaxed);
}

void Endpoints::leave(Holder holder) {
  if ((holders_.load(std::memory_order_relaxed) & holder.bit()) == 0) return;
  const locks::Guard guard(lock_);
  holders_.fetch_and(~holder.bit(), std::memory_order_relaxed);
  for (Endpoint& endpoint : slots_) {
    if (!endpoint.open_ || (endpoint.holders_ & holder.bit()) == 0) continue;
    endpoint.holders_ &= ~holder.bit();
    if (endpoint.holders_ == 0) close_locked(endpoint);
  }
}

sched::Woken Endpoints::wait(Endpoint& endpoint, u64 deadline) {
  endpoint.deadline_ = std::min(endpoint.deadline_, deadline);
  if (deadline < earliest_.load(std::memory_order_relaxed)) earliest_.store(deadline, std::memory_order_relaxed);
  return endpoint.arrived_.wait(lock_, sched::Interruptible::yes);
}

Result<Packet> Endpoints::receive_locked(Endpoint& endpoint, u64 deadline) {
  ++endpoint.waiting_;
  Result<Packet> result = fail(Error::not_found);
  while (endpoint.open_) {
    if (!endpoint.queue_.empty()) {
      result = endpoint.queue_.pop();
      break;
    }
    if (deadline != no_deadline && clock_() >= deadline) {
      result = fail(Error::timed_out);
      break;
    }
    if (wait(endpoint, deadline) == sched::Woken::killed) {
      result = fail(Error::interrupted);
      break;
    }
  }
  --endpoint.waiting_;
  free_if_unused(endpoint);
  return result;
}

Result<Packet> Endpoints::receive(Endpoint& endpoint, u64 deadline) {
  const locks::Guard guard(lock_);
  return receive_locked(endpoint, deadline);
}

Result<Packet> Endpoints::receive(Port port, u64 deadline) {
  const locks::Guard guard(lock_);
  Endpoint* const endpoint = find({.number = static_cast<u16>(port)});
  if (endpoint == nullptr) return fail(Error::not_found);
  return receive_locked(*endpoint, deadline);
}

Endpoints::Delivery Endpoints::deliver(Protocol protocol, u16 number, Ipv4Address remote, u16 remote_port,
                                       Packet packet) {
  const locks::Guard guard(lock_);
  Endpoint* target = nullptr;
  for (Endpoint* candidate = bucket_of(number); candidate != nullptr; candidate = candidate->next_) {
    const EndpointKey& key = candidate->key_;
    if (key.number != number || key.protocol != protocol) continue;
    if (key.peer == Peer::any) {
      if (target == nullptr) target = candidate;
    } else if (key.remote == remote && key.remote_port == remote_port) {
      target = candidate;
      break;
    }
  }
  if (target == nullptr) return Delivery::nobody;
  if (target->queue_.count() >= queue_limit) return Delivery::full;
  target->queue_.push(std::move(packet));
  target->arrived_.wake_one();
  return Delivery::queued;
}

void Endpoints::expire(u64 now) {
  if (next_deadline() > now) return;
  const locks::Guard guard(lock_);
  u64 earliest = no_deadline;
  for (Endpoint& endpoint : slots_) {
    if (!endpoint.open_) continue;
    if (endpoint.deadline_ <= now) {
      endpoint.deadline_ = no_deadline;  // who has time left says so again
      endpoint.arrived_.wake_all();
    }
    earliest = std::min(earliest, endpoint.deadline_);
  }
  earliest_.store(earliest, std::memory_order_relaxed);
}

u32 Endpoints::open_count() {
  const locks::Guard guard(lock_);
  return open_count_;
}

}  // namespace net
