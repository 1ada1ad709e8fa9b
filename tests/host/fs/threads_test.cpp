// SPDX-License-Identifier: MIT
// Several threads on one volume (to be run under TSan too): answers stay right, nothing deadlocks, and when all is
// quiet fsck finds a clean volume without orphans, with no handle and no buffer held.
#include <atomic>
#include <chrono>
#include <functional>
#include <thread>

#include "fs/kit.hpp"

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
// Inodes are locked in the order of the tree, and an object in memory is now this inode, now that: TSan, which knows
// only objects, sees cycles where there are none.
extern "C" const char* __tsan_default_options() { return "detect_deadlocks=0"; }
#endif
#endif

namespace fs_test {
namespace {

void in_threads(int count, const std::function<void(int)>& work) {
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) threads.emplace_back([&work, i] { work(i); });
  for (std::thread& thread : threads) thread.join();
}

void expect_quiet(Mounted& volume) {
  expect_clean(volume);
  for (const std::string& note : volume.check().notes) EXPECT_EQ(note.find("orphan"), note.npos) << note;
}

constexpr mkfs::Plan plan{4000, 31, 400, abi::InodeLayout::single};

TEST(Threads, EachInItsOwnDirectory) {
  Mounted volume(plan, 128);
  in_threads(4, [&](int me) {
    const std::string home = "d" + std::to_string(me);
    ASSERT_OK(volume.mkdir(home));
    for (int round = 0; round < 60; ++round) {
      const std::string name = home + "/f" + std::to_string(round % 7);
      const std::string text(static_cast<usize>(round * 137 % 9000), static_cast<char>('a' + me));
      if (round >= 7) ASSERT_OK(volume->unlink({}, name));
      ASSERT_OK(volume.write(name, text));
      ASSERT_TRUE(*volume.read(name) == text);
    }
  });
  expect_quiet(volume);
}

TEST(Threads, ChurnOnTheSameNames) {
  Mounted volume(plan, 96);
  ASSERT_OK(volume.mkdir("d"));
  in_threads(4, [&](int me) {
    std::mt19937 random(static_cast<u32>(me));
    for (int round = 0; round < 400; ++round) {
      const auto name = [&] {
        return (random() % 2 ? "d/" : "") + std::string(1, static_cast<char>('a' + random() % 4));
      };
      switch (random() % 6) {
        case 0: (void)volume.write(name(), std::string(random() % 3000, 'x')); break;
        case 1: (void)volume->unlink({}, name()); break;
        case 2: (void)volume->link({}, name(), name()); break;
        case 3: (void)volume.mkdir(name()); break;
        case 4:
          (void)volume.mkdir(name() + "/s");
          (void)volume->link({}, name(), name() + "/l");
          break;
        case 5:
          (void)volume->unlink({}, name() + "/s");
          (void)volume->unlink({}, name() + "/l");
          break;
      }
    }
  });
  expect_quiet(volume);
}

TEST(Threads, LinkIntoADirectoryThatIsBeingRemoved) {
  Mounted volume(plan, 128);
  ASSERT_OK(volume.write("x", "text"));
  in_threads(3, [&](int me) {
    for (int round = 0; round < 300; ++round) {
      if (me == 0) {
        (void)volume.mkdir("d");
        (void)volume->unlink({}, "d/f");
        (void)volume->unlink({}, "d");
      } else {
        (void)volume->link({}, "x", "d/f");
      }
    }
  });
  (void)volume->unlink({}, "d/f");
  (void)volume->unlink({}, "d");
  EXPECT_EQ(volume.stat("x")->link_count, 1);
  expect_quiet(volume);
}

TEST(Threads, BlocksOfASharedFileAreNeverMixed) {
  Mounted volume(plan, 128);
  ASSERT_OK(volume.write("f", std::string(8192, 'a')));
  in_threads(4, [&](int me) {
    for (int round = 0; round < 150; ++round) {
      if (me < 2) {
        ASSERT_OK(volume.write("f", std::string(1024, static_cast<char>('a' + (round + me) % 26)),
                               static_cast<u64>(round % 8) * 1024));
      } else {
        const auto text = volume.read("f");
        ASSERT_OK(text);
        for (usize at = 0; at < text->size(); at += 1024) {
          ASSERT_EQ(text->substr(at, 1024), std::string(1024, (*text)[at]));
        }
      }
    }
  });
  expect_quiet(volume);
}

// More blocks wanted at once than there are buffers (A10).
TEST(Threads, FewBuffersAreWaitedFor) {
  Mounted volume(mkfs::Plan{4000, 13, 400, abi::InodeLayout::single}, fs::Volume::min_buffers);
  for (int i = 0; i < 16; ++i)
    ASSERT_OK(volume.write("f" + std::to_string(i), std::string(8192, static_cast<char>('a' + i))));
  in_threads(16, [&](int me) {
    const std::string name = "f" + std::to_string(me);
    for (int round = 0; round < 40; ++round) {
      const auto text = volume.read(name);
      ASSERT_OK(text);
      ASSERT_EQ(*text, std::string(8192, static_cast<char>('a' + me)));
      if (round % 10 == me % 10) ASSERT_OK(volume.write(name, std::string(1024, static_cast<char>('a' + me)), 1024));
    }
  });
  expect_quiet(volume);
}

TEST(Threads, AcknowledgedWritesSurviveACut) {
  Mounted volume(plan, 128);
  volume.disk().record();
  struct Done {
    std::string name;
    usize events;
  };
  std::vector<Done> done[4];
  in_threads(4, [&](int me) {
    for (int round = 0; round < 15; ++round) {
      const std::string name = std::string(1, static_cast<char>('a' + me)) + std::to_string(round);
      ASSERT_OK(volume.write(name, name));
      done[me].push_back({name, volume.disk().event_count()});
    }
  });
  std::mt19937 random(3);
  for (int i = 0; i < 60; ++i) {
    const usize cut = random() % (volume.disk().event_count() + 1);
    Mounted after(volume.disk().after_cut(cut, random), fs::LayoutChoice::single);
    ASSERT_OK(after.result());
    for (const auto& list : done) {
      for (const Done& one : list) {
        if (one.events <= cut) EXPECT_EQ(*after.read(one.name), one.name);
      }
    }
    expect_clean(after);
    if (testing::Test::HasFailure()) return;
  }
}

TEST(Threads, TheLogIsEmptiedBetweenOperations) {
  Mounted volume(plan, 128);
  std::atomic<int> working{3};
  in_threads(4, [&](int me) {
    if (me == 3) {
      while (working.load() != 0) volume->log().work_at_rest(volume->log().rest());
      return;
    }
    for (int round = 0; round < 100; ++round) {
      const std::string name = std::string(1, static_cast<char>('a' + me)) + std::to_string(round % 5);
      EXPECT_OK(volume.write(name, std::to_string(round)));
      if (round % 10 == 0) EXPECT_OK(volume->sync());
      if (round % 10 == 5) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    --working;
  });
  EXPECT_GT(volume->log().statistics().checkpoints, 3u * 10);
  volume->log().work_at_rest(volume->log().rest());
  EXPECT_TRUE(volume.check().notes.empty());
  for (const char name : {'a', 'b', 'c'}) EXPECT_EQ(*volume.read(name + std::string("4")), "99");
  expect_quiet(volume);
}

TEST(Threads, OpenFilesAreFreedByWhoClosesLast) {
  Mounted volume(plan, 128);
  in_threads(4, [&](int) {
    for (int round = 0; round < 200; ++round) {
      const auto file = volume->open({}, "shared", abi::OpenMode::create | abi::OpenMode::read_write);
      (void)volume->unlink({}, "shared");
    }
  });
  (void)volume->unlink({}, "shared");
  expect_quiet(volume);
}

}  // namespace
}  // namespace fs_test
