// SPDX-License-Identifier: MIT
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include "tools/foliowalk/look.hpp"
#include "tools/foliowalk/session.hpp"
#include "tools/foliowalk/trap_log.hpp"

namespace foliowalk {

/// A guest that is looked at again and again while somebody wants to see it.
///
/// One thread captures scenes; requests get the newest, shared and never changed. When nobody has asked for two seconds
/// the thread sleeps and QEMU's trap tracing is off, so a page that was closed costs the guest nothing.
class Live final : public Look {
 public:
  Live(Source& source, const Session& session);
  ~Live() override;

  /// The newest scene, at most some 300 ms old; waits for the first.
  [[nodiscard]] std::shared_ptr<const Scene> scene() override;
  [[nodiscard]] bool guest_is_gone() const override;
  [[nodiscard]] const KernelImage* image() const override { return source_.image.get(); }
  [[nodiscard]] const Ram& ram() const override { return *source_.ram; }

  /// Asking keeps the trap trace on.
  [[nodiscard]] Timeline timeline(u64 after, bool want_traps) override;

  [[nodiscard]] std::vector<Finding> lint_now() override;

  /// The oldest of more than 20 is dropped.
  u64 keep_moment() override;
  [[nodiscard]] std::shared_ptr<const Scene> moment(u64 number) override;
  [[nodiscard]] std::vector<std::pair<u64, double>> moments() override;

 private:
  void run();
  void look();
  void set_tracing(bool on);
  void note(std::vector<Event> events, std::vector<Trap> traps);

  Source& source_;
  TrapLog log_;
  bool can_trace_ = false;
  bool tracing_ = false;
  int tracing_pause_ = 0;
  std::mutex source_mutex_;  // QMP and the log: one at a time

  mutable std::mutex mutex_;  // everything below
  std::condition_variable changed_;
  std::shared_ptr<const Scene> newest_;
  std::chrono::steady_clock::time_point wanted_{};
  std::chrono::steady_clock::time_point traps_wanted_{};
  bool stop_ = false;
  bool gone_ = false;
  u64 sequence_ = 0;
  u64 skipped_bytes_ = 0;
  std::deque<std::pair<u64, Event>> events_;
  std::deque<std::pair<u64, Trap>> traps_;
  std::map<u64, std::shared_ptr<const Scene>> moments_;
  u64 next_moment_ = 1;
  std::thread thread_;
};

}  // namespace foliowalk
