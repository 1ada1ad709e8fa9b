// vellum: boots a kernel on the machine that one can see through.

#include <unistd.h>

#include <cstdio>
#include <memory>

#include "tools/vellum/gdb_server.hpp"
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

int run(int count, char** arguments) {
  auto settings = parse_options({arguments + 1, static_cast<std::size_t>(count - 1)});
  if (!settings) return fail(settings.error());
  if (settings->tell != Settings::Tell::nothing) return tell(settings->tell);
  for (const std::string& note : settings->notes) std::fprintf(stderr, "vellum: note: %s\n", note.c_str());
  if (const auto complaint = fill_in(*settings)) return fail(*complaint);
  const auto parts = make_parts(*settings);
  if (!parts) return fail(parts.error());
  if (const auto loaded = load_kernel(*parts, *settings); !loaded) return fail(loaded.error());
  if (settings->gdb_port) {
    Debugged machine(*parts, *settings);
    if (!machine.is_whole()) return fail({"there is no memory for the machine's past", ""});
    const auto status = serve_gdb(machine, *settings);
    return status ? *status : fail(status.error());
  }
  vellum::Unobserved nobody;
  MachineVm<vellum::Unobserved> machine(*parts, *settings, nobody);
  const int status = settings->commands ? run_commands(machine, *settings) : run_on_terminal(machine, *settings);
  if (settings->hash) {
    std::fprintf(stderr, "vellum: %llu instructions, hash %016llx\n",
                 static_cast<unsigned long long>(machine.schedule().steps),
                 static_cast<unsigned long long>(machine.hash()));
  }
  if (!settings->dump.empty()) {
    if (const auto dumped = write_file(settings->dump, parts->ram.bytes()); !dumped) return fail(dumped.error());
  }
  return status;
}

}  // namespace

}  // namespace vellum_tool

int main(int count, char** arguments) { return vellum_tool::run(count, arguments); }
