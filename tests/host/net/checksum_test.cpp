// SPDX-License-Identifier: MIT
// The sum against RFC 1071's own example and against an adder of single words.
#include "net/checksum.hpp"

#include <random>

#include "net/kit.hpp"

namespace net_test {
namespace {

u16 stack_sum(const Bytes& bytes, usize begin, usize end) {
  return std::byteswap(net::checksum_of(std::as_bytes(std::span(bytes)).subspan(begin, end - begin)));
}

TEST(Checksum, OfTheRfc) {
  const Bytes bytes{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
  EXPECT_EQ(stack_sum(bytes, 0, 8), 0xffff & ~0xddf2);
}

TEST(Checksum, OfNothingAndOfOnes) {
  EXPECT_EQ(stack_sum({}, 0, 0), 0xffff);
  EXPECT_EQ(stack_sum(Bytes(4096, 0xff), 0, 4096), 0);
}

TEST(Checksum, AtEveryPlaceAndOfEveryLength) {
  std::mt19937 random(1);
  for (int round = 0; round < 3000; ++round) {
    Bytes bytes(1 + random() % 1600);
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random() % 3 == 0 ? 0xff : random());
    const usize begin = random() % bytes.size(), end = begin + random() % (bytes.size() - begin + 1);
    ASSERT_EQ(stack_sum(bytes, begin, end), 0xffff & ~plain_sum(bytes, begin, end));
  }
}

TEST(Checksum, AddsPiecesAndNumbers) {
  const Bytes bytes{10, 0, 2, 15, 8, 8, 4, 4, 0, 17, 0, 12};
  const net::Checksum sum = net::pseudo_header(Ipv4Address::of(10, 0, 2, 15), Ipv4Address::of(8, 8, 4, 4), 17, 12);
  EXPECT_EQ(std::byteswap(sum.stored()), 0xffff & ~plain_sum(bytes, 0, bytes.size()));
}

}  // namespace
}  // namespace net_test
