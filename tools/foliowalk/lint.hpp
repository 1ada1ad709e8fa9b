#pragma once

#include <string>
#include <vector>

#include "tools/foliowalk/scene.hpp"

namespace foliowalk {

enum class Severity {
  fault,   // hardware will misbehave or protection is broken
  advice,  // legal and often meant so; worth a look
};

/// An entry that a finding rests on: where it lies and what it held.
struct Evidence {
  u64 at = 0;
  u64 entry = 0;
  u64 ignored = sv39::pte_bit::accessed | sv39::pte_bit::dirty;  // bits that may differ
};

struct Finding {
  Severity severity = Severity::fault;
  std::string rule;   // "write-without-read": stable, for scripts
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
  const char* name;
  Severity severity;
  const char* meaning;
};
[[nodiscard]] const std::vector<Rule>& lint_rules();

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
