// SPDX-License-Identifier: MIT
#pragma once
// The machine in the tab with everything around it: its memory, its judges, its kernel's names, and the explorer.

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tools/foliowalk/api.hpp"
#include "vellum/judge/judge_memory.hpp"
#include "vellum/words/allocator.hpp"
#include "vellum/words/locks.hpp"
#include "vellum/words/names.hpp"
#include "vellum/words/spins.hpp"

namespace page {

/// What a guest is made from.
struct Wish {
  vellum::u32 harts = 1;
  vellum::u32 megabytes = 128;
  vellum::u64 seed = 0;
  std::string bootargs;
  bool judges = true;  // without them who wrote an entry is remembered all the same
};

/// What was typed at which moment; `nanoseconds` is the machine's time then.
struct Typed {
  vellum::u64 step = 0, nanoseconds = 0;
  std::string bytes;
};

/// One booted machine. It is never moved: the machine points into its parts.
class Guest {
 public:
  /// Null, with a sentence in `why`, when the kernel or the image cannot be used.
  static std::unique_ptr<Guest> boot(const Wish& wish, std::vector<vellum::u8> kernel, std::vector<vellum::u8> image,
                                     std::string& why);

  [[nodiscard]] vellum::Judges::JudgedMachine& machine() { return *machine_; }
  [[nodiscard]] vellum::Judges& judges() { return *judges_; }
  [[nodiscard]] const vellum::Names& names() const { return *names_; }
  [[nodiscard]] foliowalk::Answer ask(const foliowalk::Question& question) { return api_->answer(question); }

  /// Runs; in its past as it went the first time, and no further than newest() in one call.
  vellum::StopReason run(vellum::u64 steps, vellum::WhenIdle when_idle);
  /// Lets the machine's time pass to the next event, when every hart waits.
  void skip_to_event();
  /// Types, at the moment where the machine stands. In its past this begins a new branch: what came later is forgotten.
  void type(std::span<const vellum::u8> bytes);
  /// Brings the machine to a moment between oldest() and newest().
  void go_to(vellum::u64 step);
  /// What run() comes back for from now on, apart from the number of steps.
  void stop_at(vellum::StopAt what);
  bool stop_at_return_of(vellum::u64 function);
  void forget_stops();
  /// The moment of the first known finding, or hang, after this one; nothing if there is none.
  [[nodiscard]] std::optional<vellum::u64> next_known_finding() const;

  /// What was typed up to this moment.
  [[nodiscard]] std::vector<Typed> typed() const;
  /// Goes through a run that was kept, from the beginning to `end`. False: it is no run of this machine.
  bool replay(const std::vector<Typed>& typed, vellum::u64 end);

  /// What was printed since this was asked last.
  [[nodiscard]] std::vector<vellum::u8> take_output() { return std::exchange(fresh_output_, {}); }
  /// What the console shows at this moment: the last of what was printed up to it.
  [[nodiscard]] std::span<const vellum::u8> console() const;

  [[nodiscard]] vellum::u64 newest() const { return timeline_->head(); }
  [[nodiscard]] vellum::u64 oldest() const { return timeline_->earliest(); }
  [[nodiscard]] nlohmann::json state() const;
  [[nodiscard]] nlohmann::json findings(vellum::usize after) const;
  /// The stores to an entry, the newest first, up to this moment.
  [[nodiscard]] nlohmann::json blame(vellum::u64 entry_address);

 private:
  Guest() = default;
  /// Where to go to see it happen: a hart's own instruction counts as begun.
  [[nodiscard]] static vellum::u64 moment_before(const vellum::Moment& moment);
  [[nodiscard]] nlohmann::json json_of(const vellum::Moment& moment, const vellum::CallChain& callers) const;
  [[nodiscard]] nlohmann::json json_of(const vellum::Finding& finding, vellum::usize number) const;
  /// The stores to an aligned word before a moment, the newest first.
  [[nodiscard]] std::vector<vellum::EntryChange> search_writers(vellum::u64 address, vellum::u64 before,
                                                                vellum::usize most);
  [[nodiscard]] nlohmann::json json_of(const vellum::EntryChange& change) const;
  /// The machine will do nothing any more, and nothing will wake it.
  struct Hang {
    const char* why;
    vellum::u64 step;
    nlohmann::json harts;  // where each of them is
  };
  [[nodiscard]] static nlohmann::json json_of(const vellum::AwaitedLock& lock);
  [[nodiscard]] Hang hang_now(const char* why) const;
  [[nodiscard]] nlohmann::json json_of_hang() const;
  [[nodiscard]] bool can_be_woken() const;
  void note_findings();
  void look_for_hang();
  [[nodiscard]] vellum::usize past_bytes() const;
  bool make_memory();
  bool make_machine();
  void tell_judges();
  void make_explorer();
  void look_at(vellum::Attention at_head);
  void collect_output(bool is_new);
  vellum::usize drop_output();
  vellum::usize travel(vellum::u64 step);

  /// How much had been printed when the machine stood at `step`.
  struct Printed {
    vellum::u64 step = 0;
    vellum::usize bytes = 0;
  };

  Wish wish_;
  std::span<vellum::u8> ram_;
  std::vector<vellum::u8> kernel_, image_, rom_;
  std::vector<vellum::PageInfo> pages_;
  std::vector<vellum::DecodedPage> code_;
  std::unique_ptr<vellum::JudgeMemory> judge_memory_;
  std::vector<std::vector<vellum::WalkStep>> walks_;  // of each finding
  std::optional<Hang> hang_;
  vellum::Spins spins_;
  bool wants_finding_ = false;
  std::unique_ptr<vellum::u8[]> past_;  // not cleared: the tab's memory grows as it is needed
  std::vector<vellum::u8> page_marks_, input_;
  std::vector<vellum::u32> past_links_;
  std::vector<vellum::InputEvent> input_events_;
  std::vector<vellum::u8> printed_, fresh_output_;  // all that was printed; what nobody has taken yet
  std::vector<Printed> printed_at_{{}};
  vellum::usize shown_ = 0;  // how much of it up to this moment
  vellum::StopReason last_stop_ = vellum::StopReason::steps_done;
  std::unique_ptr<vellum::Judges> judges_;
  std::unique_ptr<vellum::Judges::JudgedMachine> machine_;
  std::unique_ptr<vellum::Timeline<vellum::Judges>> timeline_;
  std::unique_ptr<vellum::Names> names_;
  std::unique_ptr<vellum::KnownFrameTable> frame_table_;
  std::unique_ptr<foliowalk::Source> source_;
  std::unique_ptr<foliowalk::Look> look_;
  std::unique_ptr<foliowalk::Api> api_;
};

}  // namespace page
