#include "page/machine/machine_look.hpp"

namespace page {

using foliowalk::u64;
using foliowalk::usize;

namespace {
constexpr usize most_events = 1000, most_moments = 20;
}

bool MachineRam::read(u64 pa, std::span<std::byte> out) const {
  return contains(pa, out.size()) &&
         machine_.read_physical(pa, {reinterpret_cast<vellum::u8*>(out.data()), out.size()});
}

foliowalk::Outcome<std::vector<foliowalk::Hart>> MachineHarts::harts() {
  std::vector<foliowalk::Hart> harts;
  for (unsigned i = 0; i < machine_.hart_count(); ++i) {
    harts.push_back({i, foliowalk::Satp{machine_.hart(i).satp}, machine_.hart(i).pc});
  }
  return harts;
}

std::shared_ptr<const foliowalk::Scene> MachineLook::scene() {
  const u64 step = machine_.schedule().steps;
  if (newest_ && newest_step_ == step) return newest_;
  auto scene = std::make_shared<foliowalk::Scene>(foliowalk::capture(source_));
  // The page's clock is the machine's.
  scene->time = std::chrono::system_clock::time_point(std::chrono::duration_cast<std::chrono::system_clock::duration>(
      std::chrono::nanoseconds(machine_.schedule().nanoseconds)));
  if (newest_) {
    for (foliowalk::Event& event : foliowalk::events_between(*newest_, *scene)) events_.emplace_back(++sequence_, std::move(event));
    if (events_.size() > most_events) events_.erase(events_.begin(), events_.end() - most_events);
  }
  newest_ = std::move(scene);
  newest_step_ = step;
  return newest_;
}

foliowalk::Look::Timeline MachineLook::timeline(u64 after, bool /*want_traps*/) {
  (void)scene();
  Timeline timeline;
  for (const auto& entry : events_) {
    if (entry.first > after) timeline.events.push_back(entry);
  }
  timeline.next = sequence_;
  return timeline;
}

std::vector<foliowalk::Finding> MachineLook::lint_now() {
  foliowalk::Scene scene;
  return foliowalk::lint_source(source_, scene);
}

u64 MachineLook::keep_moment() {
  moments_[next_moment_] = scene();
  if (moments_.size() > most_moments) moments_.erase(moments_.begin());
  return next_moment_++;
}

std::shared_ptr<const foliowalk::Scene> MachineLook::moment(u64 number) {
  const auto found = moments_.find(number);
  return found == moments_.end() ? nullptr : found->second;
}

std::vector<std::pair<u64, double>> MachineLook::moments() {
  std::vector<std::pair<u64, double>> list;
  for (const auto& [number, scene] : moments_)
    list.emplace_back(number, std::chrono::duration<double>(scene->time.time_since_epoch()).count());
  return list;
}

}  // namespace page
