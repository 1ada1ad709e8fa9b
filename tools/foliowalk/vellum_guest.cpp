// SPDX-License-Identifier: MIT
#include "tools/foliowalk/vellum_guest.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <sstream>

#include "tools/vellum/explored.hpp"
#include "tools/vellum/judged.hpp"
#include "tools/vellum/options.hpp"

namespace foliowalk {

namespace {

using vellum_tool::Position;
using vellum_tool::Recording;
using vellum_tool::Replay;

std::unexpected<Failure> fail(const vellum_tool::Complaint& complaint) {
  return foliowalk::fail(complaint.text + (complaint.hint.empty() ? "" : " (" + complaint.hint + ")"));
}

/// A recorded run that stands at a moment.
class RecordedGuest final : public HartSource {
 public:
  RecordedGuest(vellum_tool::RecordedRun run, const Position& from)
      : run_(std::move(run)), names_(run_.parts.kernel), from_(from) {
    if (run_.settings.until == vellum_tool::Until::nothing) {
      machine_ = std::make_unique<vellum_tool::MachineVm<vellum::Unobserved>>(run_.parts, run_.settings, nobody_);
    } else {
      machine_ = std::make_unique<vellum_tool::Judged>(run_.parts, run_.settings, names_);
    }
  }

  /// Goes there; the moment.
  Outcome<Position> go(const std::optional<Position>& at) {
    Replay replay(*machine_, run_.recording);
    const bool has_occasion = run_.settings.until != vellum_tool::Until::nothing;
    while (true) {
      const auto outcome = replay.run_to(has_occasion ? std::nullopt : at);
      if (outcome == Replay::Outcome::differs) return foliowalk::fail("this is not the run that was recorded");
      if (outcome == Replay::Outcome::asked && replay.position() < from_) continue;
      if (outcome == Replay::Outcome::arrived && has_occasion) {
        return foliowalk::fail("the run ends before that happens");
      }
      if (at && replay.is_at_end() && replay.position() < *at) {
        return foliowalk::fail(fmt::format("the run ends at {}", text_of(replay.position())));
      }
      return replay.position();
    }
  }

  [[nodiscard]] bool knows(const std::string& function) const { return names_.range_of(function).begin != 0; }
  [[nodiscard]] std::span<const vellum::u8> ram() const { return run_.parts.ram.bytes(); }
  [[nodiscard]] Outcome<std::vector<Hart>> harts() override {
    std::vector<Hart> list;
    for (unsigned i = 0; i < machine_->hart_count(); ++i) {
      const vellum::HartState& hart = machine_->hart_state(i);
      list.push_back({i, Satp{hart.satp}, hart.pc});
    }
    return list;
  }
  [[nodiscard]] bool is_running() const override { return false; }

 private:
  vellum_tool::RecordedRun run_;
  vellum::Names names_;
  Position from_;
  vellum::Unobserved nobody_;
  std::unique_ptr<vellum_tool::Vm> machine_;
};

/// Its memory.
class RecordedRam final : public Ram {
 public:
  explicit RecordedRam(std::span<const vellum::u8> bytes) : bytes_(bytes) {}
  [[nodiscard]] u64 base() const override { return default_ram_base; }
  [[nodiscard]] u64 size() const override { return bytes_.size(); }
  [[nodiscard]] bool read(u64 pa, std::span<std::byte> out) const override {
    if (!contains(pa, out.size())) return false;
    std::memcpy(out.data(), bytes_.data() + (pa - base()), out.size());
    return true;
  }

 private:
  std::span<const vellum::u8> bytes_;
};

/// The other end of vellum_tool::Explored.
class Visit {
 public:
  static Outcome<std::shared_ptr<Visit>> begin(const std::string& path) {
    auto connected = vellum_tool::connect_to(path);
    if (!connected) return fail(connected.error());
    const timeval patience{10, 0};
    ::setsockopt(connected->get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return std::make_shared<Visit>(std::move(*connected));
  }
  explicit Visit(vellum_tool::Descriptor descriptor) : descriptor_(std::move(descriptor)) {}

  [[nodiscard]] Outcome<std::string> ask(const std::string& request) {
    const std::scoped_lock lock(mutex_);
    const std::string line = request + "\n";
    if (::send(descriptor_.get(), line.data(), line.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(line.size())) {
      return foliowalk::fail("the guest is gone");
    }
    std::string text;
    usize wanted = 0;
    for (auto end = text.npos; end == text.npos || text.size() < end + 1 + wanted;) {
      char piece[65536];
      const ssize_t count = ::recv(descriptor_.get(), piece, sizeof piece, 0);
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return foliowalk::fail("the guest is gone, or serves someone else");
      text.append(piece, static_cast<usize>(count));
      if (end == text.npos && (end = text.find('\n')) != text.npos) {
        const auto length = parse_number(text.substr(0, end));
        if (!length) return foliowalk::fail("the socket is not one of vellum --explore");
        wanted = *length;
      }
    }
    return text.substr(text.find('\n') + 1);
  }

 private:
  vellum_tool::Descriptor descriptor_;
  std::mutex mutex_;  // the page is served by several threads
};

class VisitedRam final : public Ram {
 public:
  VisitedRam(std::shared_ptr<Visit> visit, u64 size) : visit_(std::move(visit)), size_(size) {}
  [[nodiscard]] u64 base() const override { return default_ram_base; }
  [[nodiscard]] u64 size() const override { return size_; }
  [[nodiscard]] bool read(u64 pa, std::span<std::byte> out) const override {
    if (!contains(pa, out.size())) return false;
    constexpr usize most_at_once = usize{1} << 20;
    for (usize done = 0; done < out.size();) {
      const usize now = std::min(out.size() - done, most_at_once);
      const auto bytes = visit_->ask(fmt::format("read {:x} {}", pa + done, now));
      if (!bytes || bytes->size() != now) return false;
      std::memcpy(out.data() + done, bytes->data(), now);
      done += now;
    }
    return true;
  }

 private:
  std::shared_ptr<Visit> visit_;
  u64 size_;
};

class VisitedHarts final : public HartSource {
 public:
  explicit VisitedHarts(std::shared_ptr<Visit> visit) : visit_(std::move(visit)) {}
  [[nodiscard]] Outcome<std::vector<Hart>> harts() override {
    const auto text = visit_->ask("harts");
    if (!text) return std::unexpected(text.error());
    std::istringstream lines(*text);
    std::vector<Hart> list;
    for (std::string satp, pc; lines >> satp >> pc;) {
      const auto index = static_cast<unsigned>(list.size());
      list.push_back({index, Satp{parse_number(satp).value_or(0)}, parse_number(pc).value_or(0)});
    }
    return list;
  }
  [[nodiscard]] bool is_running() const override { return true; }
  void let_go() override { (void)visit_->ask("go"); }

 private:
  std::shared_ptr<Visit> visit_;
};

bool is_socket(const std::string& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode);
}

Outcome<Recording> recording_of(const VellumWish& wish) {
  auto recording = is_socket(wish.path) ? [&]() -> std::expected<Recording, vellum_tool::Complaint> {
    const auto visit = Visit::begin(wish.path);
    if (!visit) return std::unexpected(vellum_tool::Complaint{visit.error().message, ""});
    const auto text = (*visit)->ask("recording");
    if (!text) return std::unexpected(vellum_tool::Complaint{text.error().message, ""});
    std::istringstream lines(*text);
    return vellum_tool::parse_recording(lines, wish.path);
  }()
      : vellum_tool::read_recording(wish.path);
  if (!recording) return fail(recording.error());
  return *recording;
}

Outcome<VellumGuest> open_visited(const Session& session, const VellumWish& wish) {
  auto recording = recording_of(wish);
  if (!recording) return std::unexpected(recording.error());
  Session named = session;
  if (named.kernel.empty()) named.kernel = recording->kernel;
  const auto visit = Visit::begin(wish.path);
  if (!visit) return std::unexpected(visit.error());
  const auto size = (*visit)->ask("memory");
  if (!size) return std::unexpected(size.error());
  VellumGuest guest;
  guest.source.ram = std::make_unique<VisitedRam>(*visit, parse_number(*size).value_or(0));
  guest.source.machine = std::make_unique<VisitedHarts>(*visit);
  if (const auto done = complete_source(guest.source, named); !done) return std::unexpected(done.error());
  return guest;
}

Outcome<VellumGuest> open_recorded(const Session& session, const VellumWish& wish) {
  auto recording = recording_of(wish);
  if (!recording) return std::unexpected(recording.error());
  VellumGuest guest;
  guest.settings.kernel = session.kernel;
  if (!wish.image.empty()) guest.settings.image = wish.image;
  std::optional<Position> at;
  if (!wish.at.empty()) {
    at = vellum_tool::read_position(wish.at, *recording);
    if (!at) return foliowalk::fail(fmt::format("--at {}: not a number of instructions", wish.at));
  }
  if (!wish.until.empty()) {
    const auto occasion = vellum_tool::parse_until(wish.until, guest.settings);
    if (!occasion) return fail(occasion.error());
    if (guest.settings.budget != 0) return foliowalk::fail("--until wants an occasion; --at is for a moment");
  }
  auto run = vellum_tool::open_run(guest.settings, *recording);
  if (!run) return fail(run.error());
  auto machine = std::make_unique<RecordedGuest>(std::move(*run), at.value_or(Position{}));
  const std::string& function = guest.settings.until_function;
  if (!function.empty() && !machine->knows(function)) {
    return foliowalk::fail(fmt::format("the kernel has no function {}", function));
  }
  const auto moment = machine->go(at);
  if (!moment) return std::unexpected(moment.error());
  guest.moment = *moment;
  guest.source.ram = std::make_unique<RecordedRam>(machine->ram());
  guest.source.machine = std::move(machine);
  Session named = session;
  if (named.kernel.empty()) named.kernel = recording->kernel;
  guest.recording = std::move(*recording);
  if (const auto done = complete_source(guest.source, named); !done) return std::unexpected(done.error());
  return guest;
}

}  // namespace

Outcome<VellumGuest> open_vellum(Session& session, const VellumWish& wish, Needs needs) {
  const bool is_direct = is_socket(wish.path) && needs == Needs::memory && wish.at.empty() && wish.until.empty();
  return is_direct ? open_visited(session, wish) : open_recorded(session, wish);
}

}  // namespace foliowalk
