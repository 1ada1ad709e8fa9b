// SPDX-License-Identifier: MIT
// Strategy: a recording TLB and a recording sink write one log, in which the order *fence, then release* can be read
// off; thresholds and capacities are met at their edges (one below, at, one above).
#include "sv39/tlb_batch.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace {

using namespace sv39;
using Log = std::vector<std::string>;

struct RecordingTlb {
  Log& log;
  void fence_page(VirtAddr va) { log.push_back("page " + std::to_string(va.value() / page_size)); }
  void fence_space() { log.push_back("space"); }
};
struct RecordingSink {
  Log& log;
  void release(Ppn ppn, Level level) {
    log.push_back("free " + std::to_string(ppn.value()) + (level == Level::mega ? " mega" : ""));
  }
};
using Batch = TlbBatch<RecordingTlb, RecordingSink>;

class TlbBatchTest : public ::testing::Test {
 protected:
  Log log_;
  RecordingTlb tlb_{log_};
  RecordingSink sink_{log_};
  static VirtAddr page(u64 n) { return VirtAddr(n * page_size); }
};

TEST_F(TlbBatchTest, AnEmptyBatchDoesNothing) {
  {
    Batch batch(tlb_, sink_);
  }
  EXPECT_EQ(log_, Log{});
}

TEST_F(TlbBatchTest, FencesBeforeItFreesAndNotBeforeItMust) {
  {
    Batch batch(tlb_, sink_);
    batch.changed(page(7));
    batch.release(Ppn(70), Level::base);
    batch.changed(page(8));
    batch.release(Ppn(512), Level::mega);
    EXPECT_EQ(log_, Log{});
  }
  EXPECT_EQ(log_, (Log{"page 7", "page 8", "free 70", "free 512 mega"}));
}

TEST_F(TlbBatchTest, FlushStartsAnew) {
  Batch batch(tlb_, sink_);
  batch.changed(page(1));
  batch.flush();
  batch.flush();
  batch.changed(page(2));
  batch.flush();
  EXPECT_EQ(log_, (Log{"page 1", "page 2"}));
}

TEST_F(TlbBatchTest, AboveTheThresholdOneFenceOfTheSpace) {
  for (const unsigned count : {Batch::page_threshold, Batch::page_threshold + 1, 1000U}) {
    log_.clear();
    Batch batch(tlb_, sink_);
    for (unsigned i = 0; i < count; ++i) batch.changed(page(i));
    batch.flush();
    if (count <= Batch::page_threshold) {
      EXPECT_EQ(log_.size(), count);
    } else {
      EXPECT_EQ(log_, Log{"space"});
    }
  }
}

TEST_F(TlbBatchTest, RunsOfPagesCountPageByPage) {
  Batch batch(tlb_, sink_);
  batch.changed(page(3), 3);
  batch.flush();
  EXPECT_EQ(log_, (Log{"page 3", "page 4", "page 5"}));
  log_.clear();
  batch.changed(page(3), Batch::page_threshold);
  batch.changed(page(99), 1);
  batch.flush();
  EXPECT_EQ(log_, Log{"space"});
  log_.clear();
  batch.changed(page(3), u64{1} << 40);
  batch.changed(page(99));
  batch.flush();
  EXPECT_EQ(log_, Log{"space"});
  log_.clear();
  batch.changed(page(3), 0);
  batch.flush();
  EXPECT_EQ(log_, Log{});
}

TEST_F(TlbBatchTest, AChangeOfStructureFencesTheSpace) {  // V18
  Batch batch(tlb_, sink_);
  batch.changed_structure();
  batch.release(Ppn(4), Level::base);
  batch.flush();
  EXPECT_EQ(log_, (Log{"space", "free 4"}));
}

TEST_F(TlbBatchTest, AFullBatchFlushesEverythingBeforeItTakesMore) {
  Batch batch(tlb_, sink_);
  for (unsigned i = 0; i <= Batch::frame_capacity; ++i) {
    batch.changed(page(i));
    batch.release(Ppn(i), Level::base);
  }
  ASSERT_EQ(log_.size(), 1 + Batch::frame_capacity);
  EXPECT_EQ(log_.front(), "space") << "the newest change is fenced too";
  log_.clear();
  batch.flush();
  EXPECT_EQ(log_, Log{"free " + std::to_string(Batch::frame_capacity)})
      << "its translation was fenced by the flush that made room";
}

}  // namespace
