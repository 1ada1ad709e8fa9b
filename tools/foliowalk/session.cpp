// SPDX-License-Identifier: MIT
#include "tools/foliowalk/session.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "tools/foliowalk/extensions.hpp"
#include "tools/foliowalk/qmp.hpp"

namespace foliowalk {

namespace fs = std::filesystem;
using nlohmann::json;

std::string default_session() {
  if (const char* given = std::getenv("FOLIOWALK_SESSION")) return given;
  std::error_code ignored;
  return fs::exists("build/explore/session.json", ignored) ? "build/explore" : "";
}

Outcome<void> complete_from_file(Session& session, const std::string& path) {
  std::error_code ignored;
  const fs::path file = fs::is_directory(path, ignored) ? fs::path(path) / "session.json" : fs::path(path);
  std::ifstream in(file);
  if (!in) return fail(fmt::format("cannot read the session {}: {}", file.string(), std::strerror(errno)));
  const json value = json::parse(in, nullptr, false);
  if (!value.is_object()) return fail(fmt::format("{} is not a session file (no JSON object)", file.string()));
  const auto text = [&](const char* key) {
    const auto found = value.find(key);
    return found != value.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  const auto take = [&](std::string& to, const char* key) {
    if (to.empty()) to = text(key);
  };
  const auto take_path = [&](std::string& to, const char* key) {
    const std::string found = text(key);
    if (to.empty() && !found.empty()) to = (file.parent_path() / found).lexically_normal().string();
  };
  // A RAM file of one's own is another guest: its QMP socket and satp values are not the session's.
  const bool own_ram = !session.ram.empty();
  take_path(session.ram, "ram");
  take(session.base, "base");
  take_path(session.kernel, "kernel");
  take(session.mode, "mode");
  take(session.extensions, "extensions");
  if (own_ram) return {};
  take_path(session.qmp, "qmp");
  take_path(session.trace, "trace");
  if (session.satps.empty() && value.contains("satps") && value["satps"].is_array()) {
    for (const json& satp : value["satps"]) {
      if (satp.is_string()) session.satps.push_back(satp.get<std::string>());
    }
  }
  return {};
}

namespace {

sv39::Extensions find_extensions(const Session& session, const Source& source) {
  if (!session.extensions.empty()) return extensions_in(session.extensions);
  sv39::Extensions found;
  if (source.qmp) found = found.with(extensions_of(*source.qmp));
  // Through gdb's pipe the search would take longer than all the rest.
  if (session.ram_pipe.empty()) found = found.with(extensions_in_tree(*source.ram));
  return found;
}

}  // namespace

Outcome<void> complete_source(Source& source, const Session& session) {
  if (!session.mode.empty()) {
    source.mode = mode_from_name(session.mode);
    if (session.mode == "sv32") return fail("--mode sv32: Sv32 is of 32-bit RISC-V, which foliowalk does not read");
    if (!source.mode) return fail(fmt::format("--mode {}: there are bare, sv39, sv48 and sv57", session.mode));
  }
  for (const std::string& text : session.satps) {
    const auto satp = parse_number(text);
    if (!satp) return fail(fmt::format("--satp {} is not a number", text));
    source.extra_satps.push_back(*satp);
    source.saved_harts.push_back({static_cast<unsigned>(source.saved_harts.size()), Satp{*satp}, 0});
  }
  if (!session.kernel.empty()) {
    auto image = KernelImage::open(session.kernel);
    if (!image) return std::unexpected(image.error());
    source.image = std::move(*image);
    auto profile = Profile::detect(*source.image, session.names);
    if (!profile) return std::unexpected(profile.error());
    if (profile->names().table.empty() && profile->names().global_root.empty() && session.satps.empty() &&
        !source.machine) {
      return fail(
          fmt::format("{} has {}: give --procs, --root... or --satp", session.kernel,
                      source.image->has_dwarf() ? "no process table that I recognise" : source.image->problem()));
    }
    source.profile = std::move(*profile);
  }
  source.ram->set_extensions(find_extensions(session, source));
  return {};
}

namespace {

Outcome<Source> try_open_source(const Session& session) {
  Source source;
  const auto base = session.base.empty() ? default_ram_base : parse_number(session.base);
  if (!base) return fail(fmt::format("--base {} is not a number", session.base));
  if (!session.ram_pipe.empty()) {
    const auto size = parse_number(session.ram_pipe);
    if (!size) return fail(fmt::format("--ram-pipe {} is not a size", session.ram_pipe));
    source.ram = std::make_unique<PipeRam>(STDIN_FILENO, STDOUT_FILENO, *base, *size);
  } else {
    if (session.ram.empty()) return fail("no guest: start one with `./run --explore`, or give --ram FILE (see --help)");
    auto ram = FileRam::open(session.ram, *base);
    if (!ram) return std::unexpected(ram.error());
    source.ram = std::move(*ram);
  }
  if (!session.qmp.empty()) {
    auto qmp = Qmp::connect(session.qmp);
    if (!qmp) return std::unexpected(qmp.error());
    source.qmp = qmp->get();
    source.machine = std::move(*qmp);
  }
  if (const auto done = complete_source(source, session); !done) return std::unexpected(done.error());
  return source;
}

}  // namespace

Outcome<Source> open_source(const Session& session) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(session.wait_seconds);
  for (;;) {
    auto source = try_open_source(session);
    if (source || std::chrono::steady_clock::now() >= end) return source;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

namespace {

/// Copies RAM page by page and leaves out pages of zeros.
Outcome<void> save_ram(const Ram& ram, const fs::path& path) {
  const int out = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (out < 0) return fail(fmt::format("cannot write {}: {}", path.string(), std::strerror(errno)));
  std::vector<std::byte> piece(64 * 1024);
  bool good = ::ftruncate(out, static_cast<off_t>(ram.size())) == 0;
  for (u64 at = 0; good && at < ram.size(); at += piece.size()) {
    const auto part = std::span(piece).first(std::min<u64>(piece.size(), ram.size() - at));
    good = ram.read(ram.base() + at, part);
    const bool empty = std::ranges::all_of(part, [](std::byte b) { return b == std::byte{0}; });
    if (good && !empty)
      good = ::pwrite(out, part.data(), part.size(), static_cast<off_t>(at)) == static_cast<ssize_t>(part.size());
  }
  ::close(out);
  if (!good) return fail(fmt::format("could not save RAM to {}", path.string()));
  return {};
}

}  // namespace

Outcome<void> save_snapshot(Source& source, const Session& session, const std::string& directory) {
  std::error_code error;
  fs::create_directories(directory, error);
  if (error) return fail(fmt::format("cannot make {}: {}", directory, error.message()));
  json value{{"ram", "ram"}, {"base", fmt::format("{:#x}", source.ram->base())}, {"satps", json::array()}};
  std::vector<Hart> harts = source.saved_harts;
  if (source.machine) {
    auto now = source.machine->harts();
    if (!now) return std::unexpected(now.error());
    harts = std::move(*now);
  }
  for (const Hart& hart : harts) value["satps"].push_back(fmt::format("{:#x}", hart.satp.raw));
  if (!session.kernel.empty()) {
    // A kernel that is built anew would give the wrong names and layouts.
    fs::copy_file(session.kernel, fs::path(directory) / "kernel", fs::copy_options::overwrite_existing, error);
    if (error) return fail(fmt::format("cannot copy the kernel {}: {}", session.kernel, error.message()));
    value["kernel"] = "kernel";
  }
  if (!session.mode.empty()) value["mode"] = session.mode;
  value["extensions"] = names_of(source.ram->extensions());
  if (const auto saved = save_ram(*source.ram, fs::path(directory) / "ram"); !saved) return saved;
  std::ofstream out(fs::path(directory) / "session.json");
  out << value.dump(2) << "\n";
  if (!out.flush()) return fail(fmt::format("could not write {}/session.json", directory));
  return {};
}

}  // namespace foliowalk
