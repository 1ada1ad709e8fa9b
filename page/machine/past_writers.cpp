// SPDX-License-Identifier: MIT
#include "page/machine/past_writers.hpp"

#include <algorithm>
#include <array>
#include <bit>

namespace page {

using vellum::u64;
using vellum::usize;

namespace {
// Some seconds of a person's time.
constexpr u64 most_searched = 150'000'000;
}  // namespace

PastWriters::PastWriters(vellum::Judges::JudgedMachine& machine, vellum::Judges& judges,
                         vellum::Timeline<vellum::Judges>& timeline, u64 address)
    : machine_(machine), judges_(judges), timeline_(timeline), address_(address) {}

u64 PastWriters::value_now() const {
  std::array<vellum::u8, sizeof(u64)> bytes{};
  (void)machine_.read_physical(address_, bytes);
  return std::bit_cast<u64>(bytes);
}

/// What is stored is seen before it is done; a device's may be longer than `value` can hold. So the new value is what
/// the next store finds there.
void PastWriters::on_store(const vellum::Hart* hart, const vellum::Access& access, u64 /*value*/) {
  const u64 begin = access.physical_address;
  if (begin >= address_ + sizeof(u64) || begin + access.bytes <= address_) return;
  vellum::EntryChange change{.address = address_, .old_value = value_now(), .by = judges_.moment_of(hart)};
  if (hart != nullptr) change.callers = judges_.callers_of(*hart);
  seen_.push_back(change);
}

void PastWriters::run_through(u64 begin, u64 end) {
  seen_.clear();
  const auto drop_output = [this] {
    std::array<vellum::u8, 4096> buffer;
    while (machine_.take_output(buffer) != 0) {
    }
  };
  (void)timeline_.go_to(begin);
  drop_output();
  machine_.watch(address_, false, true);
  judges_.show_stores_to(this);
  while (timeline_.now() < end) {
    const u64 before = timeline_.now();
    const auto reason = timeline_.run(end - before, vellum::WhenIdle::jump);
    drop_output();
    if (reason != vellum::StopReason::output_full && timeline_.now() == before) break;
  }
  judges_.show_stores_to(nullptr);
  judges_.watch_as_before(address_);
  u64 newer = value_now();
  for (usize i = seen_.size(); i-- > 0;) {
    seen_[i].new_value = newer;
    newer = seen_[i].old_value;
  }
}

std::vector<vellum::EntryChange> PastWriters::search(u64 before, usize most) {
  std::vector<vellum::EntryChange> found;
  u64 left = most_searched;
  while (found.size() < most) {
    const auto span = timeline_.last_stores_to(vellum::Memory::ram_page(address_), before);
    if (!span || span->end - span->begin > left) break;
    left -= span->end - span->begin;
    run_through(span->begin, std::min(span->end, before));
    for (usize i = seen_.size(); i-- > 0 && found.size() < most;) {
      if (seen_[i].old_value != seen_[i].new_value) found.push_back(seen_[i]);
    }
    before = span->begin;
  }
  return found;
}

}  // namespace page
