// SPDX-License-Identifier: MIT
#include "tools/vellum/session.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>

#include "tools/vellum/replay.hpp"
#include "tools/vellum/report.hpp"
#include "vellum/words/spins.hpp"

namespace vellum_tool {

namespace {

using vellum::StopReason;
using vellum::u64;
using namespace std::chrono_literals;

// Long enough to be cheap, short enough that a key is felt at once.
constexpr u64 steps_between_looks = 2'000'000;
// Behind a pipe virtual time may pass this much faster than the host's while every hart waits.
constexpr u64 hurry_behind_pipe = 20;
constexpr std::string_view prompt = "$ ";

u64 allowed_steps(const Vm& machine, const Settings& settings, u64 wanted) {
  if (settings.budget == 0) return wanted;
  const u64 done = machine.schedule().steps;
  return done >= settings.budget ? 0 : std::min(wanted, settings.budget - done);
}

/// What the guest prints and what judges say, without one breaking the other's lines.
class Console {
 public:
  std::string pass_on(Vm& machine) {
    std::string text = machine.take_output();
    Terminal::write(text);
    if (!text.empty()) at_line_start_ = text.back() == '\n';
    say(machine.take_reports());
    return text;
  }
  void say(std::string_view text) {
    if (text.empty()) return;
    std::fprintf(stderr, "%s%.*s", at_line_start_ ? "" : "\n", static_cast<int>(text.size()), text.data());
    at_line_start_ = true;
  }

 private:
  bool at_line_start_ = true;
};

bool turns(vellum::Spins& spins, const Vm& machine, const vellum::Names& names) {
  return spins.look(
      machine.schedule().steps, machine.hart_count(), [&](unsigned i) -> auto& { return machine.hart_state(i); },
      [&](u64 pc) { return names.function(pc); });
}

std::string count(u64 number, std::string_view what) { return std::to_string(number) + std::string(what); }

int report_budget(Console& console, const Vm& machine, const Settings& settings, const vellum::Names& names) {
  console.say("vellum: " + count(settings.budget, " instructions were not enough; there stands\n") +
              describe_harts(machine, names));
  return status_out_of_budget;
}

int report_hang(Console& console, const Vm& machine, const vellum::Names& names, std::string_view why) {
  console.say("vellum: hang: " + std::string(why) + "\n" + describe_harts(machine, names));
  return status_failed;
}

int report_stop(Console& console, const Vm& machine, const vellum::Names& names) {
  console.say("vellum: stopped before instruction " + count(machine.schedule().steps, "\n") +
              describe_harts(machine, names));
  return status_came_back;
}

}  // namespace

bool wait_idle(Vm& machine, Terminal& terminal) {
  const u64 hurry = terminal.is_interactive() ? 1 : hurry_behind_pipe;
  const u64 begin = machine.schedule().nanoseconds;
  const auto next = machine.next_event();
  const auto started = std::chrono::steady_clock::now();
  constexpr u64 longest = 3'600'000'000'000;
  const u64 gap = next ? std::min(*next - begin, longest) : longest;
  std::optional<std::string> typed;
  while (true) {
    const auto waited = std::chrono::steady_clock::now() - started;
    typed = terminal.read(std::max<std::chrono::nanoseconds>(std::chrono::nanoseconds(gap / hurry) - waited, 0ns),
                          machine.visitors());
    if (!terminal.has_visitors() || (typed && !typed->empty())) break;
    machine.receive_visitors();
  }
  if (terminal.wants_to_leave()) return false;
  if (typed && !typed->empty()) {
    const auto waited = static_cast<u64>((std::chrono::steady_clock::now() - started) / 1ns) * hurry;
    machine.advance_to(begin + std::min(waited, gap));
    machine.feed(*typed);
  } else if (next) {
    machine.advance_to(*next);
  }
  return true;
}

int run_on_terminal(Vm& machine, const Settings& settings, const vellum::Names& names) {
  Terminal terminal;
  Console console;
  vellum::Spins spins;
  bool told = false;
  while (true) {
    const u64 steps = allowed_steps(machine, settings, steps_between_looks);
    if (steps == 0) return report_budget(console, machine, settings, names);
    machine.receive_visitors();
    const StopReason reason = machine.run(steps, vellum::WhenIdle::stop);
    console.pass_on(machine);
    switch (reason) {
      case StopReason::powered_off: return static_cast<int>(machine.exit_status() & 0xff);
      case StopReason::reset:
        if (!machine.restart()) return status_failed;
        break;
      case StopReason::asked: return report_stop(console, machine, names);
      case StopReason::idle:
        if (!wait_idle(machine, terminal)) return status_came_back;
        break;
      default:
        // Once: a person may want to look around, and leaves with Ctrl-a x.
        if (!told && turns(spins, machine, names)) {
          (void)report_hang(console, machine, names, vellum::hang_by_turning);
          told = true;
        }
        if (const auto typed = terminal.read(0ns); typed && !typed->empty()) machine.feed(*typed);
        if (terminal.wants_to_leave()) return status_came_back;
        break;
    }
  }
}

int run_commands(Vm& machine, const Settings& settings, const vellum::Names& names) {
  std::string since_command;
  std::size_t next = 0;
  Console console;
  vellum::Spins spins;
  while (true) {
    const u64 steps = allowed_steps(machine, settings, steps_between_looks);
    if (steps == 0) return report_budget(console, machine, settings, names);
    const bool had_panicked = machine.has_panicked();
    machine.receive_visitors();
    const StopReason reason = machine.run(steps, vellum::WhenIdle::stop);
    since_command += console.pass_on(machine);
    if (since_command.size() > 65536) since_command.erase(0, since_command.size() - 4096);
    if (had_panicked) return status_failed;  // its message has had time to come out
    if (reason == StopReason::powered_off || reason == StopReason::reset) {
      console.say("vellum: the machine powered off\n");
      return status_failed;
    }
    if (reason == StopReason::asked) return report_stop(console, machine, names);
    if (reason == StopReason::steps_done && turns(spins, machine, names)) {
      return report_hang(console, machine, names, vellum::hang_by_turning);
    }
    if (reason != StopReason::idle) continue;
    if (since_command.ends_with(prompt)) {
      if (next == settings.commands->size()) {
        Terminal::write("\n");
        return status_came_back;
      }
      since_command.clear();
      machine.feed((*settings.commands)[next++] + "\n");
    } else if (const auto when = machine.next_event()) {
      machine.advance_to(*when);
    } else {
      return report_hang(console, machine, names, vellum::hang_by_sleep);
    }
  }
}

int run_again(Vm& machine, const Recording& recording, const Settings& settings, const vellum::Names& names) {
  class Shown final : public Replay {
   public:
    using Replay::Replay;
    Console console;

   private:
    void pause() override { console.pass_on(machine()); }
  };
  Shown replay(machine, recording);
  const auto goal =
      settings.budget != 0 ? std::optional(Position{recording.end.restarts, settings.budget}) : std::nullopt;
  switch (replay.run_to(goal)) {
    case Replay::Outcome::asked: return report_stop(replay.console, machine, names);
    case Replay::Outcome::arrived:
      if (replay.is_at_end()) return recording.status;
      return report_budget(replay.console, machine, settings, names);
    case Replay::Outcome::differs: break;
  }
  replay.console.say("vellum: this is not the run that was recorded\n");
  return status_failed;
}

}  // namespace vellum_tool
