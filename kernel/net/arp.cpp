// SPDX-License-Identifier: MIT
#include "net/arp.hpp"

#include <algorithm>

namespace net {

ArpCache::Entry* ArpCache::find(Ipv4Address host) {
  for (Entry& entry : table_) {
    if (entry.state != State::free && entry.host == host) return &entry;
  }
  return nullptr;
}

/// A free entry, or the known one that was not used for the longest time.
ArpCache::Entry* ArpCache::replaceable() {
  Entry* oldest = nullptr;
  for (Entry& entry : table_) {
    if (entry.state == State::free) return &entry;
    if (entry.state == State::known && (oldest == nullptr || entry.used < oldest->used)) oldest = &entry;
  }
  return oldest;
}

ArpCache::Resolution ArpCache::resolve(Ipv4Address host, dev::Packet& packet, u64 now) {
  Entry* entry = find(host);
  if (entry != nullptr && entry->state == State::known && now - entry->since < lifetime) {
    entry->used = now;
    return {Next::send, entry->mac};
  }
  const bool is_new = entry == nullptr || entry->state == State::known;
  if (entry == nullptr) entry = replaceable();
  if (entry == nullptr || entry->waiting.count() == waiting_limit) return {Next::full, {}};
  entry->waiting.push(std::move(packet));
  if (!is_new) return {Next::wait, {}};
  entry->state = State::asking;
  entry->asked = 1;
  entry->host = host;
  entry->since = entry->used = now;
  return {Next::ask, {}};
}

bool ArpCache::learn(Ipv4Address host, dev::MacAddress mac, u64 now, dev::PacketQueue& ready) {
  Entry* const entry = find(host);
  if (entry == nullptr) return false;
  entry->state = State::known;
  entry->mac = mac;
  entry->since = now;
  while (!entry->waiting.empty()) ready.push(entry->waiting.pop());
  return true;
}

void ArpCache::expire(u64 now, Questions& ask, dev::PacketQueue& lost) {
  for (Entry& entry : table_) {
    if (entry.state != State::asking || now < entry.since + ask_again) continue;  // `now` may be older than the entry
    if (entry.asked < questions) {
      ++entry.asked;
      entry.since = now;
      ask.hosts[ask.count++] = entry.host;
      continue;
    }
    while (!entry.waiting.empty()) lost.push(entry.waiting.pop());
    entry.state = State::free;
  }
}

u64 ArpCache::next_deadline() const {
  u64 earliest = ~u64{0};
  for (const Entry& entry : table_) {
    if (entry.state == State::asking) earliest = std::min(earliest, entry.since + ask_again);
  }
  return earliest;
}

}  // namespace net
