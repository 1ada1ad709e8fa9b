// SPDX-License-Identifier: MIT
#pragma once
// A run written down: what it was started with and what was typed when. Nothing else decides what happens, so this is
// all that is needed to see the same run again, on any host.
//
// The file is text: a line `vellum-recording 1`, lines `KEY VALUE` for the machine, a line `typed RESTARTS STEPS
// IDLES NANOSECONDS HEX` for each input, and at last `end RESTARTS STEPS IDLES NANOSECONDS STATUS`.

#include <iosfwd>
#include <string>
#include <vector>

#include "tools/vellum/vm_around.hpp"

namespace vellum_tool {

/// A moment of a run. Looking for a hart that can run takes turns, so how often all were found waiting counts too.
struct RunMoment {
  vellum::u64 restarts = 0;
  vellum::u64 steps = 0;  // since the last restart
  vellum::u64 idles = 0;
  vellum::u64 nanoseconds = 0;
};

struct TypedInput {
  RunMoment at;
  std::string text;
};

struct Recording {
  vellum::u64 kernel_hash = 0, image_hash = 0;
  std::string kernel, image;  // where the files were; empty: not said, or no image
  unsigned harts = 1;
  vellum::u64 memory = 0, seed = 0;
  bool legacy_virtio = false;
  std::string append;
  std::vector<TypedInput> inputs;
  RunMoment end;
  int status = 0;  // with which the command ended
};

/// What a run with these settings begins with.
[[nodiscard]] Recording begin_recording(const Parts& parts, const Settings& settings);

[[nodiscard]] std::expected<void, Complaint> write_recording(const std::string& path, const Recording& recording);
[[nodiscard]] std::expected<Recording, Complaint> read_recording(const std::string& path);
/// The file's text, and what such a text says; `name` is what complaints call it.
[[nodiscard]] std::string text_of(const Recording& recording);
[[nodiscard]] std::expected<Recording, Complaint> parse_recording(std::istream& in, const std::string& name);

/// Takes machine and boot arguments from the recording, and kernel and image where none are named.
void apply(const Recording& recording, Settings& settings);
/// Complains if kernel or image are not those of the recording.
[[nodiscard]] std::expected<void, Complaint> check_same(const Recording& recording, const Parts& parts);

/// Another machine, which writes down what it is fed.
class Recorder final : public VmAround {
 public:
  Recorder(Vm& machine, Recording& recording) : VmAround(machine), recording_(recording) {}

  vellum::StopReason run(vellum::u64 steps, vellum::WhenIdle when_idle) override {
    const vellum::StopReason reason = VmAround::run(steps, when_idle);
    idles_ += reason == vellum::StopReason::idle ? 1 : 0;
    return reason;
  }
  void feed(std::string_view text) override {
    recording_.inputs.push_back({now(), std::string(text)});
    VmAround::feed(text);
  }
  bool restart() override {
    ++restarts_;
    return VmAround::restart();
  }

  [[nodiscard]] RunMoment now() const { return {restarts_, schedule().steps, idles_, schedule().nanoseconds}; }
  /// What has been written down, as if the run ended now.
  [[nodiscard]] Recording up_to_now() const {
    Recording recording = recording_;
    recording.end = now();
    return recording;
  }

 private:
  Recording& recording_;
  vellum::u64 restarts_ = 0, idles_ = 0;
};

}  // namespace vellum_tool
