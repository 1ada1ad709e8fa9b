// SPDX-License-Identifier: MIT
// A line that is held, on a controller that asks again as long as it is: a trap ends, others are served, and the line
// is heard again later.
#include "dev/endless_interrupts.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <vector>

namespace {

constexpr u32 network = 33, disk = 8;

/// Level-triggered lines. The lowest source is the most urgent, as on a PLIC with equal priorities.
class Lines {
 public:
  u32 claim() {
    EXPECT_LT(++claims, 100'000u) << "the trap does not end";
    if (claims >= 100'000) return 0;
    for (const u32 source : held) {
      if (!silent.contains(source) && !claimed.contains(source)) return *claimed.insert(source).first;
    }
    return 0;
  }
  void complete(u32 source) { claimed.erase(source); }
  void silence(u32 source) { silent.insert(source); }

  std::set<u32> held, silent, claimed;
  u32 claims = 0;
};

TEST(EndlessInterrupts, AreServedOnceEachWhileTheyEnd) {
  Lines lines;
  lines.held = {disk, network};
  std::vector<u32> served;
  dev::serve_interrupts(lines, [&](u32 source) {
    served.push_back(source);
    lines.held.erase(source);
  });
  EXPECT_EQ(served, (std::vector<u32>{disk, network}));
  EXPECT_TRUE(lines.silent.empty());
  EXPECT_TRUE(lines.claimed.empty());
}

TEST(EndlessInterrupts, AHeldLineEndsWithTheTrap) {
  Lines lines;
  lines.held = {disk};
  u32 served = 0;
  dev::serve_interrupts(lines, [&](u32) { ++served; });
  EXPECT_EQ(served, dev::endless);
  EXPECT_EQ(lines.silent, std::set<u32>{disk});
  EXPECT_TRUE(lines.claimed.empty()) << "a source that is not completed is never heard again";
}

TEST(EndlessInterrupts, AHeldLineKeepsNoOtherAway) {
  Lines lines;
  lines.held = {disk, network};
  std::map<u32, u32> served;
  const auto serve = [&](u32 source) {
    ++served[source];
    if (source == network) lines.held.erase(network);
  };
  dev::serve_interrupts(lines, serve);
  dev::serve_interrupts(lines, serve);  // the next trap, as the other is pending still
  EXPECT_EQ(served[network], 1u);
  EXPECT_EQ(served[disk], dev::endless);
}

TEST(EndlessInterrupts, TheSilencedAreHeardWhenItIsTime) {
  dev::SilencedSources<128> silenced;
  std::vector<u32> heard;
  const auto hear = [&](u32 source) { heard.push_back(source); };
  silenced.look(~u64{0}, hear);
  EXPECT_EQ(silenced.until(), silenced.nobody);
  silenced.add(disk, 100);
  silenced.add(network, 110);
  silenced.add(127, 110);
  silenced.look(109, hear);
  EXPECT_TRUE(heard.empty());
  EXPECT_EQ(silenced.until(), 110u);
  silenced.look(110, hear);
  EXPECT_EQ(heard, (std::vector<u32>{disk, network, 127}));
  silenced.look(1000, hear);
  EXPECT_EQ(heard.size(), 3u);
  EXPECT_EQ(silenced.until(), silenced.nobody);
}

}  // namespace
