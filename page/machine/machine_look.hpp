// SPDX-License-Identifier: MIT
#pragma once
// The explorer's view of a machine in the same program: exact, since the machine stands still while it is looked at.

#include <map>

#include "tools/foliowalk/look.hpp"
#include "vellum/judge/judges.hpp"

namespace page {

/// The machine's RAM as the explorer reads it.
class MachineRam final : public foliowalk::Ram {
 public:
  explicit MachineRam(const vellum::Judges::JudgedMachine& machine) : machine_(machine) {}
  [[nodiscard]] foliowalk::u64 base() const override { return vellum::map::ram_base; }
  [[nodiscard]] foliowalk::u64 size() const override { return machine_.memory().ram_bytes(); }
  [[nodiscard]] bool read(foliowalk::u64 pa, std::span<std::byte> out) const override;

 private:
  const vellum::Judges::JudgedMachine& machine_;
};

class MachineHarts final : public foliowalk::HartSource {
 public:
  explicit MachineHarts(const vellum::Judges::JudgedMachine& machine) : machine_(machine) {}
  [[nodiscard]] foliowalk::Outcome<std::vector<foliowalk::Hart>> harts() override;
  [[nodiscard]] bool is_running() const override { return false; }

 private:
  const vellum::Judges::JudgedMachine& machine_;
};

class MachineLook final : public foliowalk::Look {
 public:
  MachineLook(foliowalk::Source& source, const vellum::Judges::JudgedMachine& machine, const vellum::Judges& judges)
      : source_(source), machine_(machine), judges_(judges) {}

  [[nodiscard]] std::shared_ptr<const foliowalk::Scene> scene() override;
  [[nodiscard]] bool guest_is_gone() const override { return false; }
  [[nodiscard]] const foliowalk::KernelImage* image() const override { return source_.image.get(); }
  [[nodiscard]] const foliowalk::Ram& ram() const override { return *source_.ram; }
  [[nodiscard]] Timeline timeline(foliowalk::u64 after, bool want_traps) override;
  [[nodiscard]] std::vector<foliowalk::Finding> lint_now() override;
  foliowalk::u64 keep_moment() override;
  [[nodiscard]] std::shared_ptr<const foliowalk::Scene> moment(foliowalk::u64 number) override;
  [[nodiscard]] std::vector<std::pair<foliowalk::u64, double>> moments() override;

 private:
  void add_traps(Timeline& timeline);

  foliowalk::Source& source_;
  const vellum::Judges::JudgedMachine& machine_;
  const vellum::Judges& judges_;
  std::shared_ptr<const foliowalk::Scene> newest_;
  foliowalk::u64 newest_step_ = ~foliowalk::u64{0};
  struct Seen {
    foliowalk::u64 number, step;
    foliowalk::Event event;
  };
  std::vector<Seen> events_;  // up to the moment that was looked at last
  foliowalk::u64 sequence_ = 0;
  foliowalk::u64 traps_until_ = 0;  // the step up to which they have been told
  std::map<foliowalk::u64, std::shared_ptr<const foliowalk::Scene>> moments_;
  foliowalk::u64 next_moment_ = 1;
};

}  // namespace page
