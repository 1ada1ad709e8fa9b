// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tools/foliowalk/hart.hpp"

namespace foliowalk {

/// A client of QEMU's machine protocol. One socket serves one client at a time.
class Qmp final : public HartSource {
 public:
  [[nodiscard]] static Outcome<std::unique_ptr<Qmp>> connect(const std::string& socket_path);
  ~Qmp() override;
  Qmp(const Qmp&) = delete;
  Qmp& operator=(const Qmp&) = delete;

  [[nodiscard]] Outcome<nlohmann::json> execute(const std::string& command, const nlohmann::json& arguments = {});
  /// satp and pc of every hart, by `info registers -a`, which the monitor answers beside the running harts.
  [[nodiscard]] Outcome<std::vector<Hart>> harts() override;
  [[nodiscard]] bool is_running() const override { return true; }
  /// Switches one of QEMU's trace events, such as riscv_trap, on or off.
  [[nodiscard]] Outcome<void> set_trace(const std::string& event, bool on);

 private:
  explicit Qmp(int descriptor) : descriptor_(descriptor) {}
  [[nodiscard]] Outcome<nlohmann::json> receive();

  int descriptor_;
  std::string pending_;
};

/// Takes the harts out of the text of `info registers -a`; anything that is not understood is skipped.
[[nodiscard]] std::vector<Hart> parse_registers(const std::string& text);

}  // namespace foliowalk
