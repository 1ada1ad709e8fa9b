// SPDX-License-Identifier: MIT
// vellum: boots a kernel on the machine that one can see through.

#include <unistd.h>

#include <cstdio>
#include <memory>

#include "tools/vellum/explored.hpp"
#include "tools/vellum/gdb_server.hpp"
#include "tools/vellum/judged.hpp"
#include "tools/vellum/metered.hpp"
#include "tools/vellum/options.hpp"
#include "tools/vellum/session.hpp"

namespace vellum_tool {

namespace {

int fail(const Complaint& complaint) {
  std::fprintf(stderr, "vellum: %s\n", complaint.text.c_str());
  if (!complaint.hint.empty()) std::fprintf(stderr, "        hint: %s\n", complaint.hint.c_str());
  return status_bad_usage;
}

/// What a student's xv6 folder has, when nothing was named.
std::optional<Complaint> fill_in(Settings& settings) {
  if (settings.kernel.empty()) {
    settings.kernel = "kernel/kernel";
    if (access(settings.kernel.c_str(), R_OK) != 0) {
      return Complaint{"no kernel was named, and there is no kernel/kernel here",
                       "vellum KERNEL [IMAGE], or `make` first"};
    }
    if (!settings.image && access("fs.img", R_OK) == 0) settings.image = "fs.img";
  }
  return std::nullopt;
}

int tell(Settings::Tell what) {
  // xv6's Makefiles look for these two in what QEMU prints.
  constexpr std::string_view version = "QEMU emulator version 7.2.0 (this is Vellum, which takes QEMU's place)\n";
  constexpr std::string_view qemu_options =
      "\nof QEMU's options, among others:\n-gdb dev  wait for gdb there\n-S        stopped\n";
  if (what == Settings::Tell::version) {
    std::fwrite(version.data(), 1, version.size(), stdout);
  } else {
    std::fwrite(usage.data(), 1, usage.size(), stdout);
    if (what == Settings::Tell::qemu_help) std::fwrite(qemu_options.data(), 1, qemu_options.size(), stdout);
  }
  return status_came_back;
}

/// Lets the machine run as the settings say, and keeps a recording if one is wanted.
std::expected<int, Complaint> drive(Vm& machine, const Parts& parts, const Settings& settings,
                                    const vellum::Names& names) {
  if (!settings.replay.empty()) {
    const auto recording = read_recording(settings.replay);
    if (!recording) return std::unexpected(recording.error());
    if (const auto same = check_same(*recording, parts); !same) return std::unexpected(same.error());
    return run_again(machine, *recording, settings, names);
  }
  const auto go = [&](Vm& vm) {
    return settings.commands ? run_commands(vm, settings, names) : run_on_terminal(vm, settings, names);
  };
  if (settings.record.empty() && settings.explore.empty()) return go(machine);
  Recording recording = begin_recording(parts, settings);
  Recorder recorder(machine, recording);
  if (settings.explore.empty()) {
    recording.status = go(recorder);
  } else {
    const auto explored = Explored::listen(recorder, parts, settings.explore);
    if (!explored) return std::unexpected(explored.error());
    recording.status = go(**explored);
  }
  recording.end = recorder.now();
  if (settings.record.empty()) return recording.status;
  if (const auto written = write_recording(settings.record, recording); !written) {
    return std::unexpected(written.error());
  }
  return recording.status;
}

/// One run from reset to its end; the exit status.
std::expected<int, Complaint> run_once(const Settings& settings) {
  const auto parts = make_parts(settings);
  if (!parts) return std::unexpected(parts.error());
  if (const auto loaded = load_kernel(*parts, settings); !loaded) return std::unexpected(loaded.error());
  if (settings.gdb_port) {
    Debugged machine(*parts, settings);
    if (!machine.is_whole()) return std::unexpected(Complaint{"there is no memory for the machine's past", ""});
    return serve_gdb(machine, settings);
  }
  const vellum::Names names(parts->kernel);
  if (settings.until == Until::function_return && names.range_of(settings.until_function).begin == 0) {
    return std::unexpected(Complaint{"the kernel has no function " + settings.until_function, ""});
  }
  const bool looks_back = !settings.blamed.empty() || !settings.dated.empty();
  const bool is_judged = !settings.tlb && settings.rules.value_or(settings.speaks_qemu && !looks_back ? 0 : 1) != 0;
  std::unique_ptr<Vm> machine;
  Judged* judged = nullptr;
  Metered* metered = nullptr;
  vellum::Unobserved nobody;
  if (is_judged) {
    auto made = std::make_unique<Judged>(*parts, settings, names);
    judged = made.get();
    machine = std::move(made);
  } else if (settings.tlb) {
    auto made = std::make_unique<Metered>(*parts, settings);
    metered = made.get();
    machine = std::move(made);
  } else {
    machine = std::make_unique<MachineVm<vellum::Unobserved>>(*parts, settings, nobody);
  }
  auto status = drive(*machine, *parts, settings, names);
  if (!status) return status;
  if (metered != nullptr) std::fputs(metered->total().c_str(), stderr);
  if (judged != nullptr && *status == status_came_back) std::fputs(judged->leaks().c_str(), stderr);
  for (const std::uint64_t address : settings.blamed) std::fputs(judged->blame(address).c_str(), stderr);
  for (const std::uint64_t address : settings.dated) std::fputs(judged->when(address).c_str(), stderr);
  if (settings.hash) {
    std::fprintf(stderr, "vellum: %llu instructions, hash %016llx\n",
                 static_cast<unsigned long long>(machine->schedule().steps),
                 static_cast<unsigned long long>(machine->hash()));
  }
  if (!settings.dump.empty()) {
    if (const auto dumped = write_file(settings.dump, parts->ram.bytes()); !dumped) {
      return std::unexpected(dumped.error());
    }
  }
  if (judged != nullptr && settings.rules && judged->has_faults() && *status == status_came_back) return status_found;
  return status;
}

/// A run for each seed until one fails.
std::expected<int, Complaint> run_seeds(Settings settings) {
  settings.snapshot = true;
  for (settings.seed = settings.first_seed; settings.seed <= settings.last_seed; ++settings.seed) {
    const auto status = run_once(settings);
    if (!status) return status;
    std::fprintf(stderr, "vellum: seed %llu: status %d\n", static_cast<unsigned long long>(settings.seed), *status);
    if (*status != status_came_back) return status;
  }
  return status_came_back;
}

int run(int count, char** arguments) {
  auto settings = parse_options({arguments + 1, static_cast<std::size_t>(count - 1)});
  if (!settings) return fail(settings.error());
  if (settings->tell != Settings::Tell::nothing) return tell(settings->tell);
  for (const std::string& note : settings->notes) std::fprintf(stderr, "vellum: note: %s\n", note.c_str());
  if (!settings->replay.empty()) {
    const auto recording = read_recording(settings->replay);
    if (!recording) return fail(recording.error());
    apply(*recording, *settings);
    settings->snapshot = true;
  }
  if (const auto complaint = fill_in(*settings)) return fail(*complaint);
  const auto status = settings->first_seed != 0 ? run_seeds(*settings) : run_once(*settings);
  return status ? *status : fail(status.error());
}

}  // namespace

}  // namespace vellum_tool

int main(int count, char** arguments) { return vellum_tool::run(count, arguments); }
