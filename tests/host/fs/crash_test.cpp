// SPDX-License-Identifier: MIT
// Power cuts at every write (docs/failures.md R5 in small). After each cut the image is mounted anew: fsck is content,
// and the tree is the one before or after the operation that was under way; every operation that had returned is there.
// What was written since the last flush may be there in any selection, and each block torn between its sectors.
#include "fs/model.hpp"

namespace fs_test {
namespace {

struct Setting {
  const char* name;
  mkfs::Plan plan;
};
constexpr Setting settings[] = {
    {"Single", {1000, 31, 100, abi::InodeLayout::single}},
    {"OldLog", {1000, 30, 100, abi::InodeLayout::single}},
    {"Double", {1000, 20, 100, abi::InodeLayout::double_indirect}},
};

class CrashTest : public testing::TestWithParam<Setting> {};
INSTANTIATE_TEST_SUITE_P(Setting, CrashTest, testing::ValuesIn(settings),
                         [](const auto& info) { return info.param.name; });

using Snapshot = std::map<std::string, std::string>;

struct Moment {
  usize events;  // on the disk when the operation had returned
  Snapshot state;
};

TEST_P(CrashTest, EveryCutLeavesTheStateBeforeOrAfter) {
  usize cuts = 0;
  for (u32 seed = 1; seed <= 3; ++seed) {
    std::mt19937 random(seed);
    Mounted volume(GetParam().plan);
    ASSERT_OK(volume.result());
    volume.disk().record();
    Model model;
    std::vector<Moment> moments{{0, model.snapshot()}};
    for (int step = 0; step < 60; ++step) {
      // Larger writes are several transactions; they have a test of their own.
      const Operation operation = Operation::random(random, 3000);
      const auto done = operation.apply(volume);
      ASSERT_EQ(done.has_value(), operation.apply(model)) << operation.describe();
      moments.push_back({volume.disk().event_count(), model.snapshot()});
      // Now and then the machine is quiet for so long that the log is emptied; that changes no state.
      if (random() % 4 == 0) volume->log().work_at_rest(volume->log().rest());
    }
    usize current = 0;
    for (usize cut = 0; cut <= volume.disk().event_count(); ++cut) {
      while (current + 1 < moments.size() && moments[current + 1].events <= cut) ++current;
      for (int variant = 0; variant < 2; ++variant) {
        ++cuts;
        Mounted after(variant == 0 ? volume.disk().after_events(cut) : volume.disk().after_cut(cut, random),
                      layout_of(GetParam().plan));
        ASSERT_OK(after.result()) << after.result().error().field;
        const Snapshot state = snapshot_of(after);
        const Snapshot& before = moments[current].state;
        const Snapshot& next = moments[std::min(current + 1, moments.size() - 1)].state;
        bool known = state == before || state == next;
        if (!known) {
          // open(O_CREATE) and write are two operations: between them the new file is there and empty.
          Snapshot between = next;
          for (auto& [path, text] : between) {
            if (!before.contains(path) && text.starts_with("2 ")) text = text.substr(0, 4);
          }
          known = state == between;
        }
        ASSERT_TRUE(known) << "seed " << seed << " cut " << cut << " variant " << variant;
        expect_clean(after);
        if (testing::Test::HasFailure()) return;
      }
    }
  }
  RecordProperty("cuts", static_cast<int>(cuts));
}

// Writes to open files become durable together; a cut may take the last of them, but never one without those after it.
TEST_P(CrashTest, WritesThatAreNotSettledGoInOrder) {
  for (u32 seed = 1; seed <= 3; ++seed) {
    std::mt19937 random(seed);
    Mounted volume(GetParam().plan);
    ASSERT_OK(volume.write("a", ""));
    ASSERT_OK(volume.write("b", ""));
    volume.disk().record();
    Model model;
    ASSERT_TRUE(model.write("a", "", 0) && model.write("b", "", 0));
    std::vector<Snapshot> states{model.snapshot()};
    struct Durable {
      usize events, state;
    };
    std::vector<Durable> durable{{0, 0}};
    std::map<std::string, usize> sizes;
    for (int step = 0; step < 80; ++step) {
      if (random() % 20 == 0) {
        const std::string name = "d" + std::to_string(step);
        ASSERT_OK(volume.mkdir(name));
        ASSERT_TRUE(model.create(name, abi::FileType::directory));
      } else {
        const std::string name = random() % 2 == 0 ? "a" : "b";
        const std::string text(random() % 800, static_cast<char>('a' + step % 26));
        const auto file = volume->find({}, name);
        fs::MemorySource source(std::as_bytes(std::span(text)));
        u64 offset = sizes[name];
        ASSERT_OK((*file)->write(source, offset, text.size()));
        ASSERT_TRUE(model.write(name, text, sizes[name]));
        sizes[name] = offset;
        states.push_back(model.snapshot());
        if (random() % 8 != 0) continue;
        if (random() % 2 == 0) {
          ASSERT_OK((*file)->settle());
        } else {
          volume->log().work_at_rest(volume->log().rest());
        }
        durable.push_back({volume.disk().event_count(), states.size() - 1});
        continue;
      }
      states.push_back(model.snapshot());
      durable.push_back({volume.disk().event_count(), states.size() - 1});
    }
    EXPECT_LT(volume->log().statistics().commits, states.size());
    for (usize cut = 0; cut <= volume.disk().event_count(); ++cut) {
      Mounted after(volume.disk().after_cut(cut, random), layout_of(GetParam().plan));
      ASSERT_OK(after.result()) << after.result().error().field;
      const Snapshot state = snapshot_of(after);
      usize first = 0;
      for (const Durable& moment : durable) first = moment.events <= cut ? moment.state : first;
      ASSERT_TRUE(std::find(states.begin() + static_cast<long>(first), states.end(), state) != states.end())
          << "seed " << seed << " cut " << cut;
      expect_clean(after);
      if (testing::Test::HasFailure()) return;
    }
  }
}

TEST_P(CrashTest, ACutDuringRecoveryIsRecoveredFromToo) {
  std::mt19937 random(9);
  Mounted volume(GetParam().plan);
  volume.disk().record();
  Model model;
  for (int step = 0; step < 30; ++step) {
    const Operation operation = Operation::random(random, 3000);
    (void)operation.apply(volume);
    operation.apply(model);
  }
  for (int round = 0; round < 20; ++round) {
    const usize cut = random() % (volume.disk().event_count() + 1);
    const std::vector<std::byte> image = volume.disk().after_cut(cut, random);
    Mounted whole(image, layout_of(GetParam().plan));
    const Snapshot recovered = snapshot_of(whole);
    MemoryDisk recording(image);
    recording.record();
    {
      std::vector<u64> memory(256 * fs::BlockCache::bytes_per_buffer() / 8);
      const auto other = std::make_unique<fs::Volume>();
      ASSERT_TRUE(other->mount(recording, std::as_writable_bytes(std::span(memory)), layout_of(GetParam().plan)));
    }
    for (usize second = 0; second <= recording.event_count(); ++second) {
      Mounted after(recording.after_cut(second, random), layout_of(GetParam().plan));
      ASSERT_OK(after.result());
      ASSERT_EQ(snapshot_of(after), recovered);
      expect_clean(after);
    }
  }
}

TEST_P(CrashTest, ALargeWriteIsCutToAPrefix) {
  std::mt19937 random(5);
  std::string text(60000, '\0');
  for (char& c : text) c = static_cast<char>('a' + random() % 26);
  Mounted volume(GetParam().plan);
  ASSERT_OK(volume.write("f", ""));
  volume.disk().record();
  ASSERT_OK(volume.write("f", text));
  const usize written = volume.disk().event_count();
  ASSERT_OK(volume->unlink({}, "f"));
  for (usize cut = 0; cut <= volume.disk().event_count(); ++cut) {
    Mounted after(volume.disk().after_cut(cut, random), layout_of(GetParam().plan));
    ASSERT_OK(after.result());
    const auto content = after.read("f");
    if (content) {
      EXPECT_TRUE(text.starts_with(*content));
      if (cut == written) EXPECT_EQ(content->size(), text.size());
    } else {
      EXPECT_GT(cut, written);
    }
    expect_clean(after);
    if (testing::Test::HasFailure()) return;
  }
}

TEST_P(CrashTest, AnOrphanIsFreedByTheNextMount) {
  Mounted volume(GetParam().plan);
  const u32 free_blocks = volume.check().free_blocks;
  ASSERT_OK(volume.write("f", std::string(50000, 'x')));
  ASSERT_OK(volume.mkdir("d"));
  volume.disk().record();
  auto file = volume->find({}, "f");
  auto directory = volume->find({}, "d");
  ASSERT_OK(volume->unlink({}, "f"));
  ASSERT_OK(volume->unlink({}, "d"));
  Mounted after(volume.disk().after_events(volume.disk().event_count()), layout_of(GetParam().plan));
  ASSERT_OK(after.result());
  EXPECT_EQ(after.check().free_blocks, free_blocks);
  expect_clean(after);
}

}  // namespace
}  // namespace fs_test
