// SPDX-License-Identifier: MIT
#pragma once
// The Internet checksum (RFC 1071): the one's complement of the one's complement sum of 16-bit words.

#include <cstddef>
#include <span>

#include "net/address.hpp"

namespace net {

/// A sum that is being added up. Words are taken as they lie in memory: the sum does not mind the byte order as long
/// as it is stored as it lies, too.
class Checksum {
 public:
  /// Adds bytes that begin at an even place of what is summed.
  void add(std::span<const std::byte> bytes);
  /// Adds a number that is not in the packet, or not at this place (the pseudo header's).
  void add_number(u32 value);
  /// The checksum as the field's two bytes lie in memory. Of a packet with its field filled in it is 0.
  [[nodiscard]] u16 stored() const;

 private:
  u64 sum_ = 0;
};

/// Of a whole range of bytes.
[[nodiscard]] inline u16 checksum_of(std::span<const std::byte> bytes) {
  Checksum sum;
  sum.add(bytes);
  return sum.stored();
}

/// UDP's checksum begins with a pseudo header (RFC 768).
[[nodiscard]] Checksum pseudo_header(Ipv4Address source, Ipv4Address destination, u8 protocol, u16 length);

}  // namespace net
