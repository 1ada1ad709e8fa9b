// SPDX-License-Identifier: MIT
#include "tools/foliowalk/commands.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "tools/foliowalk/events.hpp"
#include "tools/foliowalk/json.hpp"
#include "tools/foliowalk/qmp.hpp"
#include "tools/foliowalk/text.hpp"
#include "tools/foliowalk/trap_log.hpp"

namespace foliowalk {
namespace {

using nlohmann::json;

void print(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stdout); }

void print(const json& value) { print(value.dump(2) + "\n"); }

Outcome<u64> address_from(const std::string& text, const KernelImage* image) {
  if (const auto value = parse_number(text)) return *value;
  if (const auto named = image ? image->address_of(text) : std::nullopt) return *named;
  return fail(fmt::format("{} is not an address, nor a name in the kernel's file: give it as 0x1000 or 4096", text));
}

std::vector<Finding> faults_among(std::vector<Finding> findings) {
  std::erase_if(findings, [](const Finding& finding) { return rule_of(finding.rule).severity != Severity::fault; });
  return findings;
}

}  // namespace

Outcome<int> command_ps(Source& source, Output output) {
  const Scene scene = capture(source);
  if (scene.spaces.empty()) {
    return fail(
        "no page table found: give --kernel FILE with DWARF, --qmp SOCKET or --satp VALUE (has the guest booted?)");
  }
  if (output == Output::json)
    print(json_of_summary(scene));
  else
    print(text_of_spaces(scene));
  return 0;
}

Outcome<int> command_map(Source& source, Output output, const std::string& name, bool with_kernel) {
  const Scene scene = capture(source);
  const auto space = find_space(scene, name);
  if (!space) return std::unexpected(space.error());
  auto ranges = merged_ranges(**space, Namer(scene));
  const usize all = ranges.size();
  if (!with_kernel) ranges = own_ranges(std::move(ranges), **space);
  if (output == Output::json)
    print(json{{"space", json_of(scene, **space)}, {"ranges", json_of(ranges)}});
  else
    print(text_of_map(**space, ranges));
  if (output == Output::text && ranges.size() < all)
    print(
        fmt::format("and the kernel's half, {} ranges, as in `map kernel` (--all shows them)\n", all - ranges.size()));
  return 0;
}

Outcome<int> command_tree(Source& source, Output output, const std::string& name, unsigned depth) {
  const Scene scene = capture(source);
  const auto space = find_space(scene, name);
  if (!space) return std::unexpected(space.error());
  if (output == Output::json)
    print(json{{"space", json_of(scene, **space)}, {"tree", json_of_tree((*space)->tree)}});
  else
    print(text_of_tree(**space, depth));
  return 0;
}

Outcome<int> command_explain(Source& source, Output output, const std::string& name, const std::string& va_text) {
  const auto va = address_from(va_text, source.image.get());
  if (!va) return std::unexpected(va.error());
  const Scene scene = capture(source);
  const auto space = find_space(scene, name);
  if (!space) return std::unexpected(space.error());
  const Explanation walk = explain(*source.ram, (*space)->tree.root, (*space)->tree.mode, *va);
  if (output == Output::json)
    print(json_of(walk));
  else
    print(text_of_walk(walk, (*space)->title()));
  return 0;
}

Outcome<int> command_frame(Source& source, Output output, const std::string& pa_text) {
  const auto pa = address_from(pa_text, source.image.get());
  if (!pa) return std::unexpected(pa.error());
  const Scene scene = capture(source);
  if (!scene.in_ram(*pa)) {
    const auto device = device_at(*pa);
    return fail(fmt::format("{:#x} is not RAM ({}): RAM is {:#x}..{:#x}", *pa,
                            device.empty() ? "nothing is there" : device, scene.ram_base,
                            scene.ram_base + scene.ram_size));
  }
  if (output == Output::text) {
    print(text_of_frame(scene, *pa));
    return 0;
  }
  const FrameUse use = frame_uses(scene)[(*pa - scene.ram_base) / sv39::page_size];
  print(json{{"pa", hex(*pa)},
             {"kind", name_of(use.kind)},
             {"mappings", use.mappings},
             {"users", json_of(users_of_frame(scene, *pa))}});
  return 0;
}

namespace {

int show(const std::vector<Difference>& differences, Output output) {
  if (output == Output::json)
    print(json_of(differences));
  else
    print(text_of_differences(differences));
  return 0;
}

}  // namespace

Outcome<int> command_diff(Source& source, Source* other, Output output, const std::string& a, const std::string& b) {
  const Scene scene = capture(source);
  const Scene second = other ? capture(*other) : Scene();
  const auto from = find_space(scene, a);
  if (!from) return std::unexpected(from.error());
  const auto to = find_space(other ? second : scene, b);
  if (!to) return std::unexpected(to.error());
  // What another session kept lies in the past.
  if (other) return show(difference((*to)->tree, (*from)->tree), output);
  return show(difference((*from)->tree, (*to)->tree), output);
}

Outcome<int> command_diff_after(Source& source, Output output, const std::string& name, double seconds) {
  const Scene before = capture(source);
  const auto from = find_space(before, name);
  if (!from) return std::unexpected(from.error());
  if (source.machine) source.machine->let_go();
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  const Scene after = capture(source);
  const auto to = find_space(after, (*from)->id);
  if (!to) return fail(fmt::format("{} is gone after {} s", (*from)->title(), seconds));
  return show(difference((*from)->tree, (*to)->tree), output);
}

Outcome<int> command_lint(Source& source, Output output, bool with_advice) {
  Scene scene;
  std::vector<Finding> findings = lint_source(source, scene);
  if (scene.spaces.empty()) return fail("no page table found, so there is nothing to judge");
  if (!with_advice) findings = faults_among(std::move(findings));
  if (output == Output::json)
    print(json_of(findings));
  else
    print(text_of_findings(findings));
  return std::ranges::any_of(findings, [](const Finding& f) { return rule_of(f.rule).severity == Severity::fault; })
             ? 1
             : 0;
}

namespace {

void show(const Event& event, Output output) {
  if (output == Output::json) {
    print(json{{"time", event.time},
               {"kind", event.kind},
               {"space", event.space},
               {"va", hex(event.va)},
               {"text", event.text}}
              .dump() +
          "\n");
  } else {
    print(fmt::format("{:.3f} {:<8} {:<10} {}\n", event.time, event.kind, event.space, event.text));
  }
}

}  // namespace

Outcome<int> command_watch(Source& source, const Session& session, Output output, double seconds,
                           unsigned interval_ms) {
  if (!source.is_live()) return fail("watch needs a running guest: give --qmp SOCKET or --vellum SOCKET");
  TrapLog log(session.trace.empty() ? "/dev/null" : session.trace);
  const bool tracing = !session.trace.empty() && source.qmp->set_trace("riscv_trap", true).has_value();
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  Scene before = capture(source);
  while (seconds == 0 || std::chrono::steady_clock::now() < end) {
    source.machine->let_go();
    std::this_thread::sleep_for(std::chrono::milliseconds(interval_ms));
    Scene after = capture(source);
    if (!after.warnings.empty()) return fail(after.warnings.front());
    u64 skipped = 0;
    for (const Trap& trap : log.poll(skipped)) {
      if (!trap.interrupt) show(event_of(trap), output);
    }
    if (skipped != 0)
      show(Event{0, "trap", "log", 0, fmt::format("{} of traps came too fast to look at", human_size(skipped))},
           output);
    for (const Event& event : events_between(before, after)) show(event, output);
    std::fflush(stdout);
    before = std::move(after);
  }
  if (tracing) {
    if (const auto off = source.qmp->set_trace("riscv_trap", false); !off) return std::unexpected(off.error());
  }
  return 0;
}

namespace {

/// The value which a share of the sorted ones does not exceed; 1 is the worst.
double quantile(const std::vector<double>& sorted, double share) {
  if (sorted.empty()) return 0;
  return sorted[static_cast<usize>(share * static_cast<double>(sorted.size() - 1))];
}

/// What many walks took and met.
struct Soak {
  std::vector<double> milliseconds;
  std::vector<double> cpu_milliseconds;
  usize torn = 0;
  usize retries = 0;
  usize spaces = 0;
  usize lost_races = 0;
  usize looked_again = 0;  // times when something looked wrong and was not
  std::vector<Finding> faults;

  void note(const Scene& scene) {
    milliseconds.push_back(scene.milliseconds);
    cpu_milliseconds.push_back(scene.cpu_milliseconds);
    spaces += scene.spaces.size();
    lost_races += scene.lost_races;
    for (const Space& space : scene.spaces) {
      torn += space.tree.torn;
      retries += space.tree.retries;
    }
  }

  void sort() {
    std::ranges::sort(milliseconds);
    std::ranges::sort(cpu_milliseconds);
  }
};

void show(const Soak& soak, Output output) {
  const double median = quantile(soak.milliseconds, 0.5);
  const double most = quantile(soak.milliseconds, 0.9);
  const double worst = quantile(soak.milliseconds, 1);
  const double cpu = quantile(soak.cpu_milliseconds, 0.5);
  if (output == Output::json) {
    print(json{{"walks", soak.milliseconds.size()},
               {"spaces", soak.spaces},
               {"median_ms", median},
               {"most_ms", most},
               {"worst_ms", worst},
               {"median_cpu_ms", cpu},
               {"retries", soak.retries},
               {"torn", soak.torn},
               {"lost_races", soak.lost_races},
               {"looked_again", soak.looked_again},
               {"faults", json_of(soak.faults)}});
    return;
  }
  print(
      fmt::format("{} walks of {} spaces: median {:.2f} ms, 90 % within {:.2f} ms, worst {:.2f} ms; {:.2f} ms of "
                  "processor time\n{} retries, {} torn, {} races lost, {} looks repeated, {} faults\n",
                  soak.milliseconds.size(), soak.spaces, median, most, worst, cpu, soak.retries, soak.torn,
                  soak.lost_races, soak.looked_again, soak.faults.size()));
  if (!soak.faults.empty()) print(text_of_findings(soak.faults));
}

}  // namespace

Outcome<int> command_soak(Source& source, Output output, unsigned count) {
  Soak soak;
  for (unsigned i = 0; i < count; ++i) {
    if (source.machine) source.machine->let_go();
    const Scene scene = capture(source);
    if (!scene.warnings.empty()) return fail(scene.warnings.front());
    soak.note(scene);
    if (faults_among(lint(scene)).empty()) continue;
    // Something looks wrong: whether it is, only the slow way says.
    Scene again;
    const std::vector<Finding> faults = faults_among(lint_source(source, again));
    soak.looked_again += faults.empty();
    soak.faults.insert(soak.faults.end(), faults.begin(), faults.end());
  }
  soak.sort();
  show(soak, output);
  return soak.faults.empty() ? 0 : 1;
}

}  // namespace foliowalk
