// SPDX-License-Identifier: MIT
#pragma once

#include "tools/vellum/vm.hpp"

namespace vellum_tool {

/// A machine around another one, to which it passes everything on: for those who want to see some of it.
class VmAround : public Vm {
 public:
  explicit VmAround(Vm& machine) : machine_(machine) {}

  vellum::StopReason run(vellum::u64 steps, vellum::WhenIdle when_idle) override {
    return machine_.run(steps, when_idle);
  }
  void feed(std::string_view text) override { machine_.feed(text); }
  void advance_to(vellum::u64 nanoseconds) override { machine_.advance_to(nanoseconds); }
  [[nodiscard]] std::optional<vellum::u64> next_event() const override { return machine_.next_event(); }
  std::string take_output() override { return machine_.take_output(); }
  [[nodiscard]] const vellum::Schedule& schedule() const override { return machine_.schedule(); }
  [[nodiscard]] unsigned exit_status() const override { return machine_.exit_status(); }
  bool restart() override { return machine_.restart(); }
  [[nodiscard]] vellum::u64 hash() const override { return machine_.hash(); }
  [[nodiscard]] unsigned hart_count() const override { return machine_.hart_count(); }
  [[nodiscard]] const vellum::HartState& hart_state(unsigned hart) const override { return machine_.hart_state(hart); }
  [[nodiscard]] std::optional<vellum::u64> word_at(unsigned hart, vellum::u64 address) const override {
    return machine_.word_at(hart, address);
  }
  std::string take_reports() override { return machine_.take_reports(); }
  [[nodiscard]] bool has_panicked() const override { return machine_.has_panicked(); }
  [[nodiscard]] int visitors() const override { return machine_.visitors(); }
  void receive_visitors() override { machine_.receive_visitors(); }

 private:
  Vm& machine_;
};

}  // namespace vellum_tool
