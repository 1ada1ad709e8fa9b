// SPDX-License-Identifier: MIT
#pragma once
// Where a virtual address led in the course of a recorded run: the run is seen once more, and each store to an entry
// that is on the way at that time is written down. So nothing is missed, not what was written before a table came into
// use either, and nothing has to be remembered while the machine runs for the first time.

#include <deque>
#include <set>

#include "tools/vellum/replay.hpp"
#include "vellum/judge/entry_history.hpp"
#include "vellum/words/names.hpp"
#include "vellum/words/target.hpp"

namespace vellum_tool {

/// One store that changed where the address leads.
struct TargetChange {
  vellum::EntryChange store;
  vellum::u64 restarts = 0;
  vellum::Target before, after;
};

struct Past {
  std::vector<vellum::WalkStep> way;        // at the moment from which one looks back
  std::deque<vellum::EntryChange> stores;   // to entries on the way, the oldest first
  std::deque<TargetChange> changes;         // the oldest first
  Position end;
};

/// Kernel and machine of a recorded run; what the settings name goes before what the recording says.
struct RecordedRun {
  Settings settings;
  Recording recording;
  Parts parts;
};
[[nodiscard]] std::expected<RecordedRun, Complaint> open_run(Settings settings, Recording recording);

/// Looks back from `until` on the address, as it is translated from this satp's root. What the root's frame was before
/// it became this table is no part of it: a table is taken to end when user mode or a device stores into its frame, or
/// when something is stored there that cannot be an entry.
[[nodiscard]] std::expected<Past, Complaint> past_of(RecordedRun& run, const std::optional<Position>& until,
                                                     vellum::u64 satp, vellum::u64 address);

/// The moment before the store, from which one sees it happen.
[[nodiscard]] Position moment_before(const TargetChange& change);

}  // namespace vellum_tool
