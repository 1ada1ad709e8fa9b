#include "tools/vellum/session.hpp"

#include <chrono>
#include <cstdio>

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

int report_budget(const Settings& settings) {
  std::fprintf(stderr, "\nvellum: %llu instructions were not enough\n",
               static_cast<unsigned long long>(settings.budget));
  return status_out_of_budget;
}

}  // namespace

bool wait_idle(Vm& machine, Terminal& terminal) {
  const u64 hurry = terminal.is_interactive() ? 1 : hurry_behind_pipe;
  const u64 begin = machine.schedule().nanoseconds;
  const auto next = machine.next_event();
  const auto started = std::chrono::steady_clock::now();
  constexpr u64 longest = 3'600'000'000'000;
  const u64 gap = next ? std::min(*next - begin, longest) : longest;
  const auto typed = terminal.read(std::chrono::nanoseconds(gap / hurry));
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

int run_on_terminal(Vm& machine, const Settings& settings) {
  Terminal terminal;
  while (true) {
    const u64 steps = allowed_steps(machine, settings, steps_between_looks);
    if (steps == 0) return report_budget(settings);
    const StopReason reason = machine.run(steps, vellum::WhenIdle::stop);
    Terminal::write(machine.take_output());
    switch (reason) {
      case StopReason::powered_off: return static_cast<int>(machine.exit_status() & 0xff);
      case StopReason::reset:
        if (!machine.restart()) return status_failed;
        break;
      case StopReason::idle:
        if (!wait_idle(machine, terminal)) return status_came_back;
        break;
      default:
        if (const auto typed = terminal.read(0ns); typed && !typed->empty()) machine.feed(*typed);
        if (terminal.wants_to_leave()) return status_came_back;
        break;
    }
  }
}

int run_commands(Vm& machine, const Settings& settings) {
  std::string since_command;
  std::size_t next = 0;
  while (true) {
    const u64 steps = allowed_steps(machine, settings, steps_between_looks);
    if (steps == 0) return report_budget(settings);
    const StopReason reason = machine.run(steps, vellum::WhenIdle::stop);
    const std::string text = machine.take_output();
    Terminal::write(text);
    since_command += text;
    if (since_command.size() > 65536) since_command.erase(0, since_command.size() - 4096);
    if (reason == StopReason::powered_off || reason == StopReason::reset) {
      std::fprintf(stderr, "\nvellum: the machine powered off\n");
      return status_failed;
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
      std::fprintf(stderr, "\nvellum: every hart waits, and nothing will wake them\n");
      return status_failed;
    }
  }
}

}  // namespace vellum_tool
