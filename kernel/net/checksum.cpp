// SPDX-License-Identifier: MIT
#include "net/checksum.hpp"

#include <bit>
#include <cstdint>
#include <cstring>

namespace net {

namespace {

/// Loads with the alignment that `at` is known to have, so that it is one instruction.
template <class Word>
u64 aligned_word(const std::byte* at) {
  Word word;
  std::memcpy(&word, __builtin_assume_aligned(at, alignof(Word)), sizeof word);
  return word;
}

}  // namespace

void Checksum::add(std::span<const std::byte> bytes) {
  const std::byte* at = bytes.data();
  usize left = bytes.size();
  u64 sum = 0;
  if (reinterpret_cast<std::uintptr_t>(at) % 4 == 0) {
    // 32 bits at a time cannot overflow 64 within one packet.
    for (; left >= 16; left -= 16, at += 16) {
      sum += aligned_word<u32>(at) + aligned_word<u32>(at + 4) + aligned_word<u32>(at + 8) + aligned_word<u32>(at + 12);
    }
    for (; left >= 4; left -= 4, at += 4) sum += aligned_word<u32>(at);
  }
  for (; left >= 2; left -= 2, at += 2) {
    sum += std::to_integer<u64>(at[0]) | std::to_integer<u64>(at[1]) << 8;
  }
  if (left != 0) sum += std::to_integer<u64>(*at);
  sum_ += sum;
}

void Checksum::add_number(u32 value) { sum_ += std::byteswap(value); }

u16 Checksum::stored() const {
  u64 sum = (sum_ & 0xffffffff) + (sum_ >> 32);
  sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<u16>(~sum);
}

Checksum pseudo_header(Ipv4Address source, Ipv4Address destination, u8 protocol, u16 length) {
  Checksum sum;
  sum.add_number(source.value);
  sum.add_number(destination.value);
  sum.add_number(u32{protocol} << 16 | length);
  return sum;
}

}  // namespace net
