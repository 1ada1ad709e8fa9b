// SPDX-License-Identifier: MIT
#pragma once

#include <span>
#include <string>
#include <vector>

#include "tools/foliowalk/scene.hpp"

namespace foliowalk {

enum class Severity {
  fault,   // hardware will misbehave or protection is broken
  advice,  // legal and often meant so; worth a look
};

/// What can be wrong. Each has a stable name for scripts, and a meaning, in lint_rules().
enum class LintRule {
  root_unreadable,
  table_outside_ram,
  table_cycle,
  too_many_tables,
  table_used_twice,
  table_shared,
  pointer_at_level_0,
  pointer_with_adu,
  reserved_bits,
  write_without_read,
  misaligned_superpage,
  leaf_outside_ram,
  leaf_over_table,
  table_mapped_by_user,
  kernel_image_writable_by_user,
  user_in_kernel_half,
  trap_page_open_to_user,
  global_user_page,
  kernel_write_execute,
  user_write_execute,
  cow_writable,
  accessed_clear,
  dirty_clear,
  kernel_half_differs,
  writable_alias,
  satp_mode,
  satp_on_unknown_table,
  satp_on_freed_table,
  mirror_missing,
  mirror_wrong_frame,
  mirror_wrong_rights,
  free_frame_mapped,
  free_frame_is_table,
  too_few_references,
  mirror_stale,
};
inline constexpr std::size_t lint_rule_count = static_cast<std::size_t>(LintRule::mirror_stale) + 1;

/// An entry that a finding rests on: where it lies and what it held.
struct Evidence {
  u64 at = 0;
  u64 entry = 0;
  u64 ignored = sv39::pte_bit::accessed | sv39::pte_bit::dirty;  // bits that may differ
};

struct Finding {
  LintRule rule{};
  std::string space;  // id
  u64 va = 0;
  u64 pte = 0;
  std::string message;
  std::vector<Evidence> evidence;  // the walks from the roots to the entries concerned

  /// The same finding seen again at another moment; A and D bits may have changed.
  [[nodiscard]] bool same_as(const Finding& other) const;
};

/// Every rule, one line each, for `lint --rules` and the docs.
struct Rule {
  LintRule id;
  const char* name;  // "write-without-read"
  Severity severity;
  const char* meaning;
};
[[nodiscard]] std::span<const Rule> lint_rules();
[[nodiscard]] const Rule& rule_of(LintRule id);

/// Judges one scene. In a live guest some findings may come from a change in the middle of reading; see confirmed().
[[nodiscard]] std::vector<Finding> lint(const Scene& scene);

/// Those findings of `first` that `second`, taken later, has too.
[[nodiscard]] std::vector<Finding> confirmed(std::vector<Finding> first, const std::vector<Finding>& second);

/// Whether every entry that the finding rests on still holds what it held, seen three times over. A finding about two
/// processes whose tables were read one after the other (a frame was freed by one and given to the other between) does
/// not survive this.
[[nodiscard]] bool still_holds(const Ram& ram, const Finding& finding);

/// Captures and judges; in a live guest a finding counts only if its evidence still holds and two later looks have it
/// too.
[[nodiscard]] std::vector<Finding> lint_source(Source& source, Scene& scene);

}  // namespace foliowalk
