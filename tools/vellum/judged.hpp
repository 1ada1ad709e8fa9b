// SPDX-License-Identifier: MIT
#pragma once
// A machine with judges, who report what they find as it happens.

#include <vector>

#include "tools/vellum/report.hpp"
#include "tools/vellum/vm.hpp"
#include "vellum/judge/judge_memory.hpp"
#include "vellum/words/acquaint.hpp"

namespace vellum_tool {

/// The judges and the memory that they remember in; made before the machine that they watch.
class JudgesHolder {
 public:
  explicit JudgesHolder(std::size_t ram_bytes);

 protected:
  vellum::JudgeMemory memory_;
  vellum::Judges judges_;
};

class Judged final : private JudgesHolder, public MachineVm<vellum::Judges> {
 public:
  Judged(const Parts& parts, const Settings& settings, const vellum::Names& names);

  vellum::StopReason run(vellum::u64 steps, vellum::WhenIdle when_idle) override;
  bool restart() override;
  std::string take_reports() override { return std::exchange(reports_, {}); }
  [[nodiscard]] bool has_panicked() const override { return panicked_; }
  [[nodiscard]] bool has_faults() const { return has_faults_; }
  /// What nothing refers to any more, now that the machine is at rest; as text.
  [[nodiscard]] std::string leaks();

  /// Who wrote the entries on the way to a virtual address of hart 0, newest first.
  [[nodiscard]] std::string blame(vellum::u64 address);
  /// What the known changes of these entries meant for the address, the oldest first.
  [[nodiscard]] std::string when(vellum::u64 address);

 private:
  [[nodiscard]] std::vector<vellum::WalkStep> walk_to(unsigned hart, vellum::u64 address, vellum::AccessKind kind);
  void tell_new_findings();
  void tell_judges();

  const Settings& settings_;
  const vellum::Names& names_;
  const vellum::KnownFrameTable frame_table_;
  std::size_t told_ = 0;
  std::string reports_;
  bool panicked_ = false, has_faults_ = false;
};

/// The judges' rules by their names; nothing if the list has another word in it.
[[nodiscard]] std::optional<vellum::u64> parse_rules(std::string_view list);

}  // namespace vellum_tool
