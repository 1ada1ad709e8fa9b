// SPDX-License-Identifier: MIT
#pragma once
// A machine, whoever observes it, as the command's parts see it: the terminal, the list of commands, the debugger.

#include <array>
#include <functional>
#include <optional>
#include <span>
#include <string_view>

#include "tools/vellum/host_machine.hpp"
#include "vellum/machine/machine.hpp"

namespace vellum_tool {

class Vm {
 public:
  Vm() = default;
  Vm(const Vm&) = delete;
  Vm& operator=(const Vm&) = delete;
  virtual ~Vm() = default;

  virtual vellum::StopReason run(vellum::u64 steps, vellum::WhenIdle when_idle) = 0;
  virtual void feed(std::string_view text) = 0;
  virtual void advance_to(vellum::u64 nanoseconds) = 0;
  [[nodiscard]] virtual std::optional<vellum::u64> next_event() const = 0;
  virtual std::string take_output() = 0;
  [[nodiscard]] virtual const vellum::Schedule& schedule() const = 0;
  [[nodiscard]] virtual unsigned exit_status() const = 0;
  /// The guest asked for a reset: kernel and registers as in the beginning. False when that cannot be.
  virtual bool restart() = 0;
  [[nodiscard]] virtual vellum::u64 hash() const = 0;

  [[nodiscard]] virtual unsigned hart_count() const = 0;
  [[nodiscard]] virtual const vellum::HartState& hart_state(unsigned hart) const = 0;
  /// The 8 bytes at a virtual address, as the hart could load them now.
  [[nodiscard]] virtual std::optional<vellum::u64> word_at(unsigned hart, vellum::u64 address) const = 0;
  /// What judges have found since it was last asked for, as text.
  virtual std::string take_reports() { return {}; }
  /// Whether the kernel has given up.
  [[nodiscard]] virtual bool has_panicked() const { return false; }
  /// A file descriptor that becomes readable when someone wants to look at the machine while it waits; -1: nobody can.
  [[nodiscard]] virtual int visitors() const { return -1; }
  /// Lets them look.
  virtual void receive_visitors() {}
};

/// Any Machine<O> as a Vm.
template <vellum::Observer O>
class MachineVm : public Vm {
 public:
  MachineVm(const Parts& parts, const Settings& settings, O& observer)
      : parts_(parts),
        settings_(settings),
        machine_(std::make_unique<vellum::Machine<O>>(parts.configuration(settings), parts.storage(), observer)) {}

  vellum::StopReason run(vellum::u64 steps, vellum::WhenIdle when_idle) override {
    return machine_->run(steps, when_idle);
  }
  void feed(std::string_view text) override { (void)machine_->feed(bytes_of(text)); }
  void advance_to(vellum::u64 nanoseconds) override { machine_->advance_to(nanoseconds); }
  [[nodiscard]] std::optional<vellum::u64> next_event() const override { return machine_->next_event(); }
  std::string take_output() override {
    std::string text;
    std::array<vellum::u8, 4096> buffer{};
    while (const auto count = machine_->take_output(buffer)) {
      text.append(reinterpret_cast<const char*>(buffer.data()), count);
    }
    return text;
  }
  [[nodiscard]] const vellum::Schedule& schedule() const override { return machine_->schedule(); }
  [[nodiscard]] unsigned exit_status() const override { return machine_->exit_status(); }
  bool restart() override {
    if (!load_kernel(parts_, settings_)) return false;
    machine_->reset();
    return true;
  }
  [[nodiscard]] vellum::u64 hash() const override { return machine_->hash(); }

  [[nodiscard]] unsigned hart_count() const override { return machine_->hart_count(); }
  [[nodiscard]] const vellum::HartState& hart_state(unsigned hart) const override { return machine_->hart(hart); }
  [[nodiscard]] std::optional<vellum::u64> word_at(unsigned hart, vellum::u64 address) const override {
    return machine_->look_at(hart, address);
  }

  [[nodiscard]] vellum::Machine<O>& machine() { return *machine_; }

 protected:
  static std::span<const vellum::u8> bytes_of(std::string_view text) {
    return {reinterpret_cast<const vellum::u8*>(text.data()), text.size()};
  }

 private:
  const Parts& parts_;
  const Settings& settings_;
  std::unique_ptr<vellum::Machine<O>> machine_;
};

}  // namespace vellum_tool
