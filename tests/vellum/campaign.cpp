// SPDX-License-Identifier: MIT
// Campaigns of reliability on Vellum: the machine boots once, and each run begins where it stood at its first prompt.
//
//   calls  each run is a round of grind's random system calls, with a seed and an interleaving of harts of its own.
//          The round must pass: grind has the kernel's invariants and free frames checked.
//   cuts   programs write, and at random moments the power fails, which is to say: the disk is looked at as it stands
//          then, while the machine goes on. fsck must find nothing wrong with it, and another machine must boot from
//          it, recover its log and leave an image that is good as well.
//
// What happens follows from the seed and the run's number alone: call N is seen again with --first N --runs 1, and cut
// N with --first N --runs N.

#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include "tools/fsck/checker.hpp"
#include "tools/vellum/options.hpp"
#include "tools/vellum/vm.hpp"
#include "vellum/machine/machine_impl.hpp"
#include "vellum/machine/timeline_impl.hpp"

namespace {

using vellum::StopReason;
using vellum::u32;
using vellum::u64;
using vellum::u8;
using vellum::WhenIdle;

constexpr std::string_view prompt = "$ ", panic = "kernel panic";
constexpr std::string_view writers =
    "systest four_writers create_many concurrent_create link_and_unlink inode_churn subdirectories";
constexpr u64 longest_run = 20'000'000'000;
constexpr u64 steps_between_looks = 2'000'000;

[[noreturn]] void fail(const std::string& text) {
  std::fprintf(stderr, "vellum-campaign: %s\n", text.c_str());
  std::exit(1);
}

/// Keeps the pages that a run changes.
class Keeper : public vellum::Unobserved {
 public:
  static constexpr bool sees_first_stores = true;
  void on_first_store(u64 page) {
    if (timeline != nullptr) timeline->keep(page);
  }
  vellum::PageKeeper* timeline = nullptr;
};

enum class Stop : unsigned char { at_prompt, after_steps };

class Guest : private Keeper, public vellum_tool::MachineVm<Keeper> {
 public:
  Guest(const vellum_tool::Parts& parts, const vellum_tool::Settings& settings)
      : MachineVm<Keeper>(parts, settings, *this), disk_(parts.disk.bytes()) {}

  /// From reset to the prompt.
  void boot() {
    text.clear();
    if (!restart()) fail("the kernel cannot be loaded");
    if (run_on(longest_run) != Stop::at_prompt) fail("the boot does not end:\n" + text);
  }
  void type(std::string_view line) {
    text.clear();
    feed(line);
    feed("\n");
  }
  /// Until the prompt, or for so many instructions.
  Stop run_on(u64 steps) {
    const u64 end = schedule().steps + steps;
    while (schedule().steps < end) {
      const StopReason reason = run(std::min(end - schedule().steps, steps_between_looks), WhenIdle::stop);
      text += take_output();
      if (text.find(panic) != std::string::npos) fail("the kernel panics:\n" + text);
      if (reason == StopReason::powered_off || reason == StopReason::reset) fail("the machine went away:\n" + text);
      if (reason != StopReason::idle) continue;
      if (text.ends_with(prompt)) return Stop::at_prompt;
      const auto next = next_event();
      if (!next) fail("everything waits and nothing will wake it:\n" + text);
      advance_to(*next);
    }
    return Stop::after_steps;
  }

  /// From now on go_back() comes here.
  void remember() {
    const auto whole = machine().memory().ram_bytes() + disk_.size();
    frames_ = vellum_tool::Mapping::anonymous(3 * whole / vellum::page_bytes * vellum::page_bytes);
    links_.resize(2 * frames_.bytes().size() / vellum::page_bytes);
    marks_.resize(machine().memory().page_count());
    events_.resize(1);
    const vellum::TimelineStorage storage{frames_.bytes(), links_, marks_, events_, typed_};
    timeline_ = std::make_unique<vellum::Timeline<Keeper>>(machine(), storage);
    timeline = timeline_.get();
  }
  /// To the moment of remember(), but the harts take turns in another way.
  void go_back(u64 seed) {
    if (!timeline_->go_to(timeline_->earliest())) fail("there is no way back");
    timeline_->cut();
    auto state = std::make_unique<vellum::MachineState>();
    machine().save(*state);
    state->schedule.random = seed;
    machine().restore(*state);
    machine().begin_epoch();
  }

  [[nodiscard]] std::span<u8> disk() const { return disk_; }

  std::string text;  // what it printed since something was typed

 private:
  std::span<u8> disk_;
  vellum_tool::Mapping frames_;
  std::vector<u32> links_;
  std::vector<u8> marks_, typed_;
  std::vector<vellum::InputEvent> events_;
  std::unique_ptr<vellum::Timeline<Keeper>> timeline_;
};

std::vector<std::string> problems_of(std::span<const u8> disk) { return fsck::check(std::as_bytes(disk)).problems; }

void require_good(std::span<const u8> disk, const std::string& when) {
  const auto problems = problems_of(disk);
  if (problems.empty()) return;
  std::string text = when + ": fsck says\n";
  for (const std::string& problem : problems) text += problem + "\n";
  fail(text);
}

struct Campaign {
  std::string kind;
  u64 first = 1, runs = 10, seed = 1, calls = 1000;
  vellum_tool::Settings settings;
};

vellum_tool::Parts parts_for(const vellum_tool::Settings& settings) {
  auto parts = make_parts(settings);
  if (!parts) fail(parts.error().text);
  return std::move(*parts);
}

void run_calls(const Campaign& campaign) {
  const vellum_tool::Parts parts = parts_for(campaign.settings);
  Guest guest(parts, campaign.settings);
  guest.boot();
  guest.remember();
  for (u64 run = campaign.first; run < campaign.first + campaign.runs; ++run) {
    const u64 seed = campaign.seed * 1'000'000 + run;
    guest.go_back(seed);
    guest.type("grind " + std::to_string(seed) + " 1 " + std::to_string(campaign.calls));
    const std::string name = "run " + std::to_string(run);
    if (guest.run_on(longest_run) != Stop::at_prompt) fail(name + " does not end:\n" + guest.text);
    if (guest.text.find("1 passed, 0 failed") == std::string::npos) {
      fail(name + ":\n" + guest.text);
    }
  }
  std::printf("%llu rounds of %llu random calls passed, each from the same booted machine\n",
              static_cast<unsigned long long>(campaign.runs), static_cast<unsigned long long>(campaign.calls));
}

void run_cuts(const Campaign& campaign) {
  constexpr u64 longest_gap = 400'000;  // instructions from one cut to the next
  const vellum_tool::Parts parts = parts_for(campaign.settings), parts_of_heir = parts_for(campaign.settings);
  Guest guest(parts, campaign.settings), heir(parts_of_heir, campaign.settings);
  guest.boot();
  guest.remember();
  std::mt19937_64 chance(campaign.seed);
  u64 cuts = 0, recovered = 0;
  for (u64 round = 1; cuts < campaign.runs; ++round) {
    guest.go_back(campaign.seed * 1'000'000 + round);
    guest.type(writers);
    while (cuts < campaign.runs && guest.run_on(1 + chance() % longest_gap) == Stop::after_steps) {
      if (++cuts < campaign.first) continue;
      const std::string when =
          "cut " + std::to_string(cuts) + " at instruction " + std::to_string(guest.schedule().steps);
      require_good(guest.disk(), when);
      std::ranges::copy(guest.disk(), heir.disk().begin());
      heir.boot();
      recovered += heir.text.find("recovering tail") != std::string::npos;
      require_good(heir.disk(), "the boot after " + when);
    }
  }
  if (campaign.runs >= 20 && campaign.first == 1 && recovered == 0) fail("no boot found anything to recover");
  std::printf("%llu cuts, %llu boots recovered, fsck clean before and after each\n",
              static_cast<unsigned long long>(cuts), static_cast<unsigned long long>(recovered));
}

constexpr const char* usage =
    "usage: vellum-campaign calls|cuts KERNEL IMAGE [--runs N] [--first N] [--seed N] [--calls N] [--smp N]\n";

Campaign parse(std::span<char* const> arguments) {
  if (arguments.size() < 4 || arguments.size() % 2 != 0) fail(usage);
  Campaign campaign;
  campaign.kind = arguments[1];
  campaign.settings.kernel = arguments[2];
  campaign.settings.image = arguments[3];
  campaign.settings.snapshot = true;
  campaign.settings.seed = 1;  // any: go_back() chooses
  campaign.settings.harts = campaign.kind == "cuts" ? 2 : 3;
  for (std::size_t i = 4; i < arguments.size(); i += 2) {
    const std::string_view name = arguments[i];
    const u64 value = std::strtoull(arguments[i + 1], nullptr, 10);
    if (value == 0) fail(std::string(name) + " wants a number from 1 on");
    if (name == "--runs") {
      campaign.runs = value;
    } else if (name == "--first") {
      campaign.first = value;
    } else if (name == "--seed") {
      campaign.seed = value;
    } else if (name == "--calls") {
      campaign.calls = value;
    } else if (name == "--smp" && value <= vellum::max_harts) {
      campaign.settings.harts = static_cast<unsigned>(value);
    } else {
      fail(usage);
    }
  }
  return campaign;
}

}  // namespace

int main(int count, char** arguments) {
  const Campaign campaign = parse({arguments, static_cast<std::size_t>(count)});
  if (campaign.kind == "calls") {
    run_calls(campaign);
  } else if (campaign.kind == "cuts") {
    run_cuts(campaign);
  } else {
    fail(usage);
  }
  return 0;
}
