// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "vellum/judge/judges.hpp"

namespace vellum {

/// How much the judges remember. The two that are looked up in (`change_buckets`, `code_stores`) are powers of two.
struct JudgeLimits {
  usize changes;
  usize change_buckets;
  usize code_stores;
  usize findings;
  usize traps;
};

/// The memory of the judges of one machine, all of it, so that no judge is left out for want of it.
class JudgeMemory {
 public:
  JudgeMemory(const JudgeLimits& limits, usize ram_bytes)
      : changes_(limits.changes),
        change_buckets_(limits.change_buckets),
        asid_fences_(max_harts * HartFences::asids),
        code_stores_(limits.code_stores),
        table_pages_(ram_bytes / page_bytes),
        findings_(limits.findings),
        traps_(limits.traps),
        frames_(ram_bytes / page_bytes),
        written_(ram_bytes / page_bytes),
        tables_(ram_bytes / page_bytes) {}

  /// Good as long as this object.
  [[nodiscard]] JudgeStorage storage() {
    return {.changes = changes_,
            .change_buckets = change_buckets_,
            .code_stores = code_stores_,
            .asid_fences = asid_fences_,
            .table_pages = table_pages_,
            .findings = findings_,
            .traps = traps_,
            .frames = frames_,
            .written = written_,
            .tables = tables_};
  }

 private:
  std::vector<EntryChange> changes_;
  std::vector<u64> change_buckets_, asid_fences_;
  std::vector<CodeStore> code_stores_;
  std::vector<u8> table_pages_;
  std::vector<Finding> findings_;
  std::vector<SeenTrap> traps_;
  std::vector<FrameRecord> frames_;
  std::vector<WrittenWords> written_;
  std::vector<TableRecord> tables_;
};

}  // namespace vellum
