// vellum: boots a kernel on the machine that one can see through.

#include <unistd.h>

#include <cstdio>
#include <memory>

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

int run(int count, char** arguments) {
  auto settings = parse_options({arguments + 1, static_cast<std::size_t>(count - 1)});
  if (!settings) return fail(settings.error());
  if (settings->help) {
    std::fwrite(usage.data(), 1, usage.size(), stdout);
    return status_came_back;
  }
  if (const auto complaint = fill_in(*settings)) return fail(*complaint);
  const auto parts = make_parts(*settings);
  if (!parts) return fail(parts.error());
  if (const auto loaded = load_kernel(*parts, *settings); !loaded) return fail(loaded.error());
  vellum::Unobserved nobody;
  const auto machine = std::make_unique<vellum::Machine<>>(parts->configuration(*settings), parts->storage(), nobody);
  return settings->commands ? run_commands(*machine, *settings) : run_on_terminal(*machine, *parts, *settings);
}

}  // namespace

}  // namespace vellum_tool

int main(int count, char** arguments) { return vellum_tool::run(count, arguments); }
