// SPDX-License-Identifier: MIT
#pragma once
// A recorded run, seen again.

#include "tools/vellum/recording.hpp"

namespace vellum_tool {

/// A moment to go to: so many instructions after so many restarts of the guest.
struct Position {
  vellum::u64 restarts = 0;
  vellum::u64 steps = 0;
  friend auto operator<=>(const Position&, const Position&) = default;
};

/// "1234567", or "1:1234567" after one restart: as read_position() takes it.
[[nodiscard]] std::string text_of(const Position& position);
/// Nothing if the text is none. Without restarts it is the recording's last life that is meant.
[[nodiscard]] std::optional<Position> read_position(std::string_view text, const Recording& recording);

class Replay {
 public:
  enum class Outcome : unsigned char {
    arrived,  // where it was to go, or at the recording's end
    asked,    // someone asked the machine to stop on the way
    differs,  // this is not the run that was recorded
  };

  /// `machine` was just made, and is the recording's (check_same).
  Replay(Vm& machine, const Recording& recording) : machine_(machine), recording_(recording) {}
  virtual ~Replay() = default;
  Replay(const Replay&) = delete;
  Replay& operator=(const Replay&) = delete;

  /// Goes on to this moment, or to the end if there is none or the end comes first.
  Outcome run_to(const std::optional<Position>& goal);
  [[nodiscard]] Position position() const { return {restarts_, machine_.schedule().steps}; }
  [[nodiscard]] bool is_at_end() const { return at_end_; }

 protected:
  /// Each time that some instructions were done. The output has to be taken.
  virtual void pause() { (void)machine_.take_output(); }
  [[nodiscard]] Vm& machine() { return machine_; }

 private:
  std::optional<Outcome> go_on(const RunMoment& next, vellum::u64 most);

  Vm& machine_;
  const Recording& recording_;
  vellum::u64 restarts_ = 0, idles_ = 0;
  std::size_t next_ = 0;  // input
  bool at_end_ = false;
};

}  // namespace vellum_tool
