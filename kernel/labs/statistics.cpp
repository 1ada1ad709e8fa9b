// SPDX-License-Identifier: MIT
#include "labs/statistics.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "abi/types.hpp"
#include "abi/vmstat.hpp"
#include "fs/device.hpp"
#include "lib/format.hpp"
#include "process/argument_counters.hpp"
#include "process/event_totals.hpp"
#include "sched/mutex.hpp"
#include "sync/spinlock.hpp"

namespace lab {

namespace {

// The tests read one buffer of 4096 bytes and look for the total in it, so the list of locks is bounded.
constexpr usize max_text = 4096;
constexpr usize max_listed = 24;
constexpr usize top_count = 5;

class Text {
 public:
  void clear() { length_ = 0; }
  [[nodiscard]] std::string_view view() const { return {buffer_.data(), length_}; }

  template <typename... Arguments>
  void add(lib::FormatString<Arguments...> format, const Arguments&... arguments) {
    length_ += lib::format_to<Arguments...>(std::span(buffer_).subspan(length_), format, arguments...).size();
  }

 private:
  std::array<char, max_text> buffer_{};
  usize length_ = 0;
};

void add_lock(Text& text, const locks::SpinLock& lock) {
  text.add("lock: {}: #test-and-set {} #acquire() {}\n", lock.name(), lock.contended(), lock.acquires());
}

bool is_counted(const locks::SpinLock& lock, StatisticsText kind) {
  const std::string_view name = lock.name();
  if (name.starts_with("kmem")) return true;
  return kind == StatisticsText::locks_kmem_and_bcache && name.starts_with("bcache");
}

/// More contended, or as much and oftener taken.
bool is_busier(const locks::SpinLock& a, const locks::SpinLock& b) {
  if (a.contended() != b.contended()) return a.contended() > b.contended();
  return a.acquires() > b.acquires();
}

/// The most contended locks, most contended first.
void add_top(Text& text) {
  std::array<const locks::SpinLock*, top_count> top{};
  for (const locks::SpinLock* lock = locks::LockStatistics::first(); lock != nullptr;
       lock = locks::LockStatistics::next(*lock)) {
    const locks::SpinLock* rising = lock;
    for (const locks::SpinLock*& place : top) {
      if (place == nullptr || is_busier(*rising, *place)) std::swap(place, rising);
      if (rising == nullptr) break;
    }
  }
  for (const locks::SpinLock* lock : top) {
    if (lock != nullptr) add_lock(text, *lock);
  }
}

/// The lock lab's text. The first '=' in it must be the total's: the tests look for that and nothing else.
void add_locks(Text& text, StatisticsText kind) {
  text.add("--- lock {} stats\n", kind == StatisticsText::locks_kmem_only ? "kmem" : "kmem/bcache");
  u64 total = 0;
  usize listed = 0;
  for (const locks::SpinLock* lock = locks::LockStatistics::first(); lock != nullptr;
       lock = locks::LockStatistics::next(*lock)) {
    if (!is_counted(*lock, kind)) continue;
    total += lock->contended();
    if (lock->acquires() != 0 && listed < max_listed) {
      add_lock(text, *lock);
      ++listed;
    }
  }
  text.add("--- top 5 contended locks:\n");
  add_top(text);
  text.add("tot= {}\n", total);
}

/// The 2020 page-table lab's text. xv6 counts calls of copyin and copyinstr, and its console writes byte by byte, so
/// one byte written there counts as one call (docs/xv6-contract.md 3.3).
void add_copies(Text& text) {
  const process::ArgumentCounters& counters = process::argument_counters;
  text.add("copyin: {}\ncopyinstr: {}\n", counters.pointers.load() + counters.console_bytes.load(),
           counters.strings.load());
}

void add_vm_counters(Text& text) {
  for (usize i = 0; i < abi::vm_event_count; ++i) {
    text.add("{} {}\n", abi::vm_event_names[i], process::event_total(static_cast<abi::VmEvent>(i)));
  }
}

class Statistics final : public fs::CharacterDevice {
 public:
  void choose(StatisticsText kind) { kind_ = kind; }

  void opened() override {
    sched::MutexGuard guard(mutex_);
    forget();
  }

  /// The text is made when its first byte is read; at its end one read fails, and the next begins a new text.
  lib::Result<usize> read(fs::DataSink& sink, usize count) override {
    sched::MutexGuard guard(mutex_);
    if (text_.view().empty()) make_text();
    const usize left = text_.view().size() - offset_;
    if (left == 0) {
      forget();
      return lib::fail(lib::Error::not_found);
    }
    const usize wanted = std::min(count, left);
    const auto piece = std::as_bytes(std::span(text_.view())).subspan(offset_, wanted);
    const fs::CopyResult put = lib::copy_to_end([&](usize done) { return sink.put(piece.subspan(done)); },
                                                [&](usize) { return sink.page_in(); });
    offset_ += put.copied;
    return put.whole();
  }

  lib::Result<usize> write(fs::DataSource&, usize) override { return lib::fail(lib::Error::not_permitted); }

 private:
  void forget() SYNC_REQUIRES(mutex_) {
    text_.clear();
    offset_ = 0;
  }
  void make_text() SYNC_REQUIRES(mutex_) {
    offset_ = 0;
    switch (kind_) {
      case StatisticsText::copy_counters: add_copies(text_); break;
      case StatisticsText::vm_counters: add_vm_counters(text_); break;
      default: add_locks(text_, kind_);
    }
  }

  StatisticsText kind_ = StatisticsText::locks_kmem_and_bcache;
  sched::Mutex mutex_{"statistics"};
  Text text_ SYNC_GUARDED_BY(mutex_);
  usize offset_ SYNC_GUARDED_BY(mutex_) = 0;
};

constinit Statistics statistics;

}  // namespace

void start_statistics(StatisticsText text) {
  statistics.choose(text);
  fs::register_device(abi::statistics_major, statistics);
}

}  // namespace lab
