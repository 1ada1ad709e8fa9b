// SPDX-License-Identifier: MIT
#include "page/machine/machine_look.hpp"

#include <array>

namespace page {

using foliowalk::u64;
using foliowalk::usize;

namespace {
constexpr usize most_events = 1000, most_moments = 20, most_traps = 4000;

/// As QEMU's trace names them, which the explorer's texts know.
std::string name_of_cause(bool is_interrupt, u64 cause) {
  constexpr std::array interrupts{"u_software", "s_software", "vs_software", "m_software", "u_timer",     "s_timer",
                                  "vs_timer",   "m_timer",    "u_external",  "s_external", "vs_external", "m_external"};
  constexpr std::array exceptions{
      "misaligned_fetch", "fault_fetch",      "illegal_instruction", "breakpoint",      "misaligned_load",
      "fault_load",       "misaligned_store", "fault_store",         "user_ecall",      "supervisor_ecall",
      "hypervisor_ecall", "machine_ecall",    "exec_page_fault",     "load_page_fault", "reserved",
      "store_page_fault"};
  if (is_interrupt) return cause < interrupts.size() ? interrupts[cause] : "interrupt";
  return cause < exceptions.size() ? exceptions[cause] : "exception";
}
}  // namespace

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
  if (newest_ && step < newest_step_) {
    std::erase_if(events_, [step](const Seen& seen) { return seen.step > step; });
  } else if (newest_) {
    for (foliowalk::Event& event : foliowalk::events_between(*newest_, *scene)) {
      events_.push_back({++sequence_, step, std::move(event)});
    }
    if (events_.size() > most_events) events_.erase(events_.begin(), events_.end() - most_events);
  }
  newest_ = std::move(scene);
  newest_step_ = step;
  return newest_;
}

foliowalk::Look::Timeline MachineLook::timeline(u64 after, bool want_traps) {
  (void)scene();
  Timeline timeline;
  timeline.tracing = true;
  for (const Seen& seen : events_) {
    if (seen.number > after) timeline.events.emplace_back(seen.number, seen.event);
  }
  timeline.next = sequence_;
  if (want_traps) add_traps(timeline);
  return timeline;
}

/// All that are remembered up to this moment: whoever asks has forgotten the others if the machine went back.
void MachineLook::add_traps(Timeline& timeline) {
  const u64 now = machine_.schedule().steps, count = judges_.trap_count();
  u64 number = count > most_traps ? count - most_traps : 0;
  if (traps_until_ <= now) {
    while (number < count && judges_.trap(number).step <= traps_until_) ++number;
  }
  for (; number < count && judges_.trap(number).step <= now; ++number) {
    const vellum::SeenTrap& seen = judges_.trap(number);
    const bool is_interrupt = seen.cause >> 63 != 0;
    const u64 cause = seen.cause << 1 >> 1;
    timeline.traps.emplace_back(number, foliowalk::Trap{.time = static_cast<double>(seen.nanoseconds) / 1e9,
                                                        .hart = seen.hart,
                                                        .interrupt = is_interrupt,
                                                        .cause = cause,
                                                        .epc = seen.epc,
                                                        .tval = seen.tval,
                                                        .what = name_of_cause(is_interrupt, cause)});
  }
  traps_until_ = now;
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
