// SPDX-License-Identifier: MIT
// Packets own their frames; the pool keeps what it is told to and gives the rest back.
#include "net/kit.hpp"

namespace net_test {
namespace {

using dev::Packet;

class Packets : public testing::Test {
 protected:
  Packets() { ensure_memory(); }
};

TEST_F(Packets, AreFreedByTheirOwner) {
  dev::PacketPool& pool = dev::packet_pool();
  ASSERT_TRUE(pool.start(0));
  while (pool.take()) {
  }
  const u64 before = mm::frames().free_count();
  {
    Packet one = *Packet::make(), two = *Packet::make();
    EXPECT_EQ(mm::frames().free_count(), before - 2);
    one = std::move(two);
    EXPECT_EQ(mm::frames().free_count(), before - 1);
    EXPECT_FALSE(two);  // NOLINT(bugprone-use-after-move): that it is empty is what is asked
  }
  EXPECT_EQ(mm::frames().free_count(), before);
}

TEST_F(Packets, ThePoolKeepsItsTarget) {
  dev::PacketPool& pool = dev::packet_pool();
  ASSERT_TRUE(pool.start(4));
  const u64 before = mm::frames().free_count();
  {
    std::vector<Packet> taken;
    for (int i = 0; i < 4; ++i) taken.push_back(pool.take());
    EXPECT_FALSE(pool.take());
    EXPECT_TRUE(pool.is_low());
    EXPECT_EQ(mm::frames().free_count(), before) << "taking allocates nothing";
    ASSERT_TRUE(pool.refill());
    EXPECT_FALSE(pool.is_low());
    EXPECT_EQ(mm::frames().free_count(), before - 4);
  }
  EXPECT_EQ(mm::frames().free_count(), before);
}

TEST_F(Packets, AQueueKeepsOrderAndFreesItsRest) {
  ASSERT_TRUE(dev::packet_pool().start(0));
  while (dev::packet_pool().take()) {
  }
  const u64 before = mm::frames().free_count();
  {
    dev::PacketQueue queue;
    for (u32 i = 0; i < 10; ++i) {
      Packet packet = *Packet::make();
      packet->length = i;
      queue.push(std::move(packet));
    }
    for (u32 i = 0; i < 5; ++i) EXPECT_EQ(queue.pop()->length, i);
    EXPECT_EQ(queue.count(), 5u);
  }
  EXPECT_EQ(mm::frames().free_count(), before);
}

TEST_F(Packets, MemoryMayBeShort) {
  std::vector<Packet> all;
  for (;;) {
    auto packet = Packet::make();
    if (!packet) break;
    all.push_back(std::move(*packet));
  }
  EXPECT_FALSE(dev::packet_pool().start(3));
  all.clear();
  EXPECT_TRUE(dev::packet_pool().refill());
}

}  // namespace
}  // namespace net_test
