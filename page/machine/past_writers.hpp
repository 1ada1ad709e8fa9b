// SPDX-License-Identifier: MIT
#pragma once
// Who stored to a word of memory, found in the past: that part of it is run once more in which the word's page changed.

#include <vector>

#include "vellum/judge/judges.hpp"

namespace page {

class PastWriters final : private vellum::StoreWitness {
 public:
  /// `address`: of eight bytes of RAM, aligned. The judges are away.
  PastWriters(vellum::Judges::JudgedMachine& machine, vellum::Judges& judges,
              vellum::Timeline<vellum::Judges>& timeline, vellum::u64 address);

  /// The stores that changed the word up to the moment `before`, the newest first: `most` of them, or fewer if there
  /// were no more or the search would take too long. Leaves the machine somewhere in its past.
  [[nodiscard]] std::vector<vellum::EntryChange> search(vellum::u64 before, vellum::usize most);

 private:
  void on_store(const vellum::Hart* hart, const vellum::Access& access, vellum::u64 value) override;
  void run_through(vellum::u64 begin, vellum::u64 end);
  [[nodiscard]] vellum::u64 value_now() const;

  vellum::Judges::JudgedMachine& machine_;
  vellum::Judges& judges_;
  vellum::Timeline<vellum::Judges>& timeline_;
  vellum::u64 address_;
  std::vector<vellum::EntryChange> seen_;  // in one part of the past, the oldest first; new values are not known yet
};

}  // namespace page
