// SPDX-License-Identifier: MIT
#pragma once
// A machine with a meter for translations, which reports each window between two readings of instret.

#include <expected>
#include <utility>
#include <vector>

#include "tools/vellum/vm.hpp"
#include "vellum/meter/translation_meter.hpp"

namespace vellum_tool {

/// `32,32,1024x4`: the caches of --tlb.
[[nodiscard]] std::expected<vellum::TlbShape, Complaint> parse_tlb(std::string_view text);

/// The meter and its caches; made before the machine that it watches.
class MeterHolder {
 public:
  MeterHolder(const vellum::TlbShape& shape, unsigned harts);

 protected:
  std::vector<vellum::TlbEntry> entries_;
  vellum::TranslationMeter meter_;
};

class Metered final : private MeterHolder, public MachineVm<vellum::TranslationMeter> {
 public:
  Metered(const Parts& parts, const Settings& settings);

  vellum::StopReason run(vellum::u64 steps, vellum::WhenIdle when_idle) override;
  bool restart() override;
  std::string take_reports() override { return std::exchange(reports_, {}); }
  /// What was counted from reset to now; as text.
  [[nodiscard]] std::string total() const;

 private:
  const Settings& settings_;
  vellum::u64 windows_told_ = 0;
  std::string reports_;
};

}  // namespace vellum_tool
