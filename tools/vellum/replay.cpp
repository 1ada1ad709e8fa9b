// SPDX-License-Identifier: MIT
#include "tools/vellum/replay.hpp"

#include <algorithm>
#include <charconv>

namespace vellum_tool {

namespace {

using vellum::StopReason;
using vellum::u64;

constexpr u64 steps_between_pauses = 2'000'000;

std::optional<u64> number(std::string_view text) {
  u64 value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

}  // namespace

std::string text_of(const Position& position) {
  return (position.restarts == 0 ? "" : std::to_string(position.restarts) + ":") + std::to_string(position.steps);
}

std::optional<Position> read_position(std::string_view text, const Recording& recording) {
  const auto colon = text.find(':');
  const auto steps = number(colon == std::string_view::npos ? text : text.substr(colon + 1));
  const auto restarts = colon == std::string_view::npos ? recording.end.restarts : number(text.substr(0, colon));
  if (!steps || !restarts) return std::nullopt;
  return Position{*restarts, *steps};
}

Replay::Outcome Replay::run_to(const std::optional<Position>& goal) {
  while (true) {
    const bool is_typed = next_ < recording_.inputs.size();
    const RunMoment& next = is_typed ? recording_.inputs[next_].at : recording_.end;
    const bool in_this_life = next.restarts == restarts_;
    const u64 now = machine_.schedule().steps;
    if (goal && position() >= *goal) return Outcome::arrived;
    if (restarts_ > next.restarts || idles_ > next.idles || (in_this_life && now > next.steps)) return Outcome::differs;
    if (in_this_life && now == next.steps && idles_ == next.idles) {
      machine_.advance_to(next.nanoseconds);
      at_end_ = !is_typed;
      if (at_end_) return Outcome::arrived;
      machine_.feed(recording_.inputs[next_++].text);
      continue;
    }
    // At the moment's last instruction all harts still have to be found waiting.
    u64 most = in_this_life ? std::max<u64>(next.steps - now, 1) : steps_between_pauses;
    if (goal && goal->restarts == restarts_) most = std::min(most, goal->steps - now);
    if (const auto over = go_on(next, std::min(most, steps_between_pauses))) return *over;
  }
}

/// Some instructions, and what has to be done after them; an outcome if that is all.
std::optional<Replay::Outcome> Replay::go_on(const RunMoment& next, u64 most) {
  const StopReason reason = machine_.run(most, vellum::WhenIdle::stop);
  pause();
  if (reason == StopReason::reset) {
    ++restarts_;
    if (!machine_.restart()) return Outcome::differs;
  } else if (reason == StopReason::powered_off) {
    return Outcome::differs;
  } else if (reason == StopReason::idle) {
    ++idles_;
    const bool is_there = next.restarts == restarts_ && machine_.schedule().steps == next.steps && idles_ == next.idles;
    const auto event = machine_.next_event();
    if (event && !is_there) machine_.advance_to(*event);
  }
  return reason == StopReason::asked ? std::optional(Outcome::asked) : std::nullopt;
}

}  // namespace vellum_tool
