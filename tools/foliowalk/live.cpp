// SPDX-License-Identifier: MIT
#include "tools/foliowalk/live.hpp"

#include <algorithm>
#include <filesystem>

#include "tools/foliowalk/qmp.hpp"

namespace foliowalk {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto interval = 200ms;
constexpr auto patience = 2s;
constexpr usize most_events = 1000;
constexpr usize most_traps = 4000;
// More new traps than this in one look, and the trace rests for some looks: writing the log slows the guest.
constexpr usize too_many_traps = 2500;

template <typename T>
void keep_newest(std::deque<T>& list, usize most) {
  while (list.size() > most) list.pop_front();
}

}  // namespace

Live::Live(Source& source, const Session& session)
    : source_(source),
      log_(session.trace),
      can_trace_(log_.is_open() && source.qmp != nullptr),
      thread_([this] { run(); }) {}

Live::~Live() {
  {
    const std::scoped_lock lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
  if (tracing_) set_tracing(false);
}

void Live::run() {
  auto last_sign_of_life = Clock::now();
  std::unique_lock lock(mutex_);
  while (!stop_) {
    const bool wanted = Clock::now() - wanted_ < patience || !newest_;
    lock.unlock();
    if (wanted) {
      look();
      last_sign_of_life = Clock::now();
    } else {
      if (tracing_) set_tracing(false);
      // Without a reader there is still one thing to notice: that the guest is gone.
      if (source_.is_live() && Clock::now() - last_sign_of_life > 1s) {
        const std::scoped_lock source_lock(source_mutex_);
        last_sign_of_life = Clock::now();
        const bool is_there = source_.machine->harts().has_value();
        source_.machine->let_go();
        if (!is_there) {
          const std::scoped_lock state(mutex_);
          gone_ = true;
        }
      }
    }
    lock.lock();
    changed_.wait_for(lock, interval, [this] { return stop_; });
  }
}

void Live::look() {
  bool want_traps = false;
  {
    const std::scoped_lock lock(mutex_);
    want_traps = can_trace_ && Clock::now() - traps_wanted_ < patience;
  }
  const std::scoped_lock source_lock(source_mutex_);
  u64 skipped = 0;
  std::vector<Trap> traps;
  if (tracing_) traps = log_.poll(skipped);
  if (traps.size() > too_many_traps || skipped != 0) tracing_pause_ = 4;
  if (tracing_pause_ > 0) {
    --tracing_pause_;
    want_traps = false;
  }
  if (want_traps != tracing_) set_tracing(want_traps);

  auto scene = std::make_shared<const Scene>(capture(source_));
  if (source_.machine) source_.machine->let_go();
  const std::shared_ptr<const Scene> before = [&] {
    const std::scoped_lock lock(mutex_);
    return newest_;
  }();
  std::vector<Event> events;
  if (before) events = events_between(*before, *scene);
  note(std::move(events), std::move(traps));
  {
    const std::scoped_lock lock(mutex_);
    skipped_bytes_ += skipped;
    gone_ = source_.is_live() && !scene->warnings.empty();
    newest_ = std::move(scene);
  }
  changed_.notify_all();
}

void Live::set_tracing(bool on) {
  if (on) log_.skip_to_end();
  tracing_ = on && source_.qmp->set_trace("riscv_trap", true).has_value();
  if (!on) (void)source_.qmp->set_trace("riscv_trap", false).has_value();
}

void Live::note(std::vector<Event> events, std::vector<Trap> traps) {
  const std::scoped_lock lock(mutex_);
  for (Event& event : events) events_.emplace_back(++sequence_, std::move(event));
  for (Trap& trap : traps) traps_.emplace_back(++sequence_, std::move(trap));
  keep_newest(events_, most_events);
  keep_newest(traps_, most_traps);
}

std::shared_ptr<const Scene> Live::scene() {
  std::unique_lock lock(mutex_);
  const auto asked = Clock::now();
  const bool asleep = asked - wanted_ > patience;
  wanted_ = asked;
  const auto old = newest_;
  // After a pause the newest scene is an old one: wait for the next.
  if (!newest_ || asleep) {
    changed_.notify_all();
    changed_.wait_for(lock, 3s, [&] { return newest_ != old || gone_ || stop_; });
  }
  return newest_ ? newest_ : std::make_shared<const Scene>();
}

bool Live::guest_is_gone() const {
  const std::scoped_lock lock(mutex_);
  return gone_;
}

Live::Timeline Live::timeline(u64 after, bool want_traps) {
  const std::scoped_lock lock(mutex_);
  wanted_ = Clock::now();
  if (want_traps) traps_wanted_ = wanted_;
  Timeline timeline;
  const auto newer = [after](const auto& entry) { return entry.first > after; };
  std::ranges::copy_if(events_, std::back_inserter(timeline.events), newer);
  std::ranges::copy_if(traps_, std::back_inserter(timeline.traps), newer);
  timeline.next = sequence_;
  timeline.tracing = can_trace_;
  timeline.skipped_bytes = skipped_bytes_;
  return timeline;
}

std::vector<Finding> Live::lint_now() {
  const std::scoped_lock source_lock(source_mutex_);
  Scene scene;
  auto findings = lint_source(source_, scene);
  if (source_.machine) source_.machine->let_go();
  return findings;
}

u64 Live::keep_moment() {
  auto now = scene();
  const std::scoped_lock lock(mutex_);
  moments_[next_moment_] = std::move(now);
  if (moments_.size() > 20) moments_.erase(moments_.begin());
  return next_moment_++;
}

std::shared_ptr<const Scene> Live::moment(u64 number) {
  const std::scoped_lock lock(mutex_);
  const auto found = moments_.find(number);
  return found == moments_.end() ? nullptr : found->second;
}

std::vector<std::pair<u64, double>> Live::moments() {
  const std::scoped_lock lock(mutex_);
  std::vector<std::pair<u64, double>> list;
  for (const auto& [number, scene] : moments_)
    list.emplace_back(number, std::chrono::duration<double>(scene->time.time_since_epoch()).count());
  return list;
}

}  // namespace foliowalk
