// SPDX-License-Identifier: MIT
// The commands that look back on a run of Vellum: blame, when, back.

#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "tools/foliowalk/vellum_guest.hpp"
#include "tools/vellum/report.hpp"
#include "vellum/words/sentence.hpp"

namespace foliowalk {

namespace {

using nlohmann::json;
using vellum::in_hex;
using vellum_tool::Past;
using vellum_tool::TargetChange;

constexpr usize most_shown = 8;

void print(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stdout); }

/// The past of one address of one table.
struct Looked {
  std::string title;
  u64 address = 0;
  Past past;
  std::unique_ptr<vellum_tool::RecordedRun> run;
  std::unique_ptr<vellum::Names> names;
};

struct Root {
  std::string title;
  u64 satp = 0;
};

Outcome<Root> root_of(Source& source, const std::vector<std::string>& place) {
  const Scene scene = capture(source);
  if (place.size() == 1) {
    if (scene.harts.empty()) return fail("no hart to tell which table is used");
    const Satp satp = scene.harts.front().satp;
    if (satp.mode() == Mode::bare) return fail("hart 0 uses no table at that moment: name a space");
    return Root{"the table of hart 0", satp.raw};
  }
  const auto space = find_space(scene, place.front());
  if (!space) return std::unexpected(space.error());
  const Tree& tree = (*space)->tree;
  u64 mode = 0;
  switch (tree.mode) {
    case Mode::bare: return fail((*space)->title() + " has no table");
    case Mode::sv39: mode = vellum::satp::sv39; break;
    case Mode::sv48: mode = vellum::satp::sv48; break;
    case Mode::sv57: mode = vellum::satp::sv57; break;
  }
  return Root{(*space)->title(), mode << 60 | tree.root >> 12};
}

Outcome<Looked> look_back(VellumGuest& guest, const std::vector<std::string>& place) {
  const auto address = parse_number(place.back());
  if (!address) return fail(fmt::format("{} is not an address: give it as 0x1000 or 4096", place.back()));
  const auto root = root_of(guest.source, place);
  if (!root) return std::unexpected(root.error());
  auto run = vellum_tool::open_run(guest.settings, *guest.recording);
  if (!run) return fail(run.error().text);
  Looked looked;
  looked.title = root->title;
  looked.address = *address;
  looked.run = std::make_unique<vellum_tool::RecordedRun>(std::move(*run));
  looked.names = std::make_unique<vellum::Names>(looked.run->parts.kernel);
  auto past = vellum_tool::past_of(*looked.run, guest.moment, root->satp, *address);
  if (!past) return fail(past.error().text);
  looked.past = std::move(*past);
  return looked;
}

json json_of(const vellum::EntryChange& store, const vellum::Names& names) {
  json callers = json::array();
  for (const u64 caller : store.callers) {
    if (caller == 0) break;
    callers.push_back(names.place(caller - 1));
  }
  json value{{"entry", in_hex(store.address)},
             {"old", in_hex(store.old_value)},
             {"new", in_hex(store.new_value)},
             {"instruction", store.by.step}};
  if (store.by.hart == vellum::by_device) {
    value["device"] = true;
    return value;
  }
  value["hart"] = store.by.hart;
  value["pc"] = in_hex(store.by.pc);
  value["function"] = names.function(store.by.pc);
  value["line"] = names.line(store.by.pc);
  value["callers"] = callers;
  return value;
}

json json_of(const TargetChange& change, const vellum::Names& names) {
  json value = json_of(change.store, names);
  value["at"] = text_of(moment_before(change));
  value["what"] = change_in_words(change.before, change.after);
  return value;
}

std::string text_of_end(const Looked& looked) {
  return fmt::format("{}, {:#x}, at instruction {}: {}\n", looked.title, looked.address, text_of(looked.past.end),
                     describe(vellum::target_of(looked.past.way)));
}

}  // namespace

Outcome<int> command_blame(VellumGuest& guest, Output output, const std::vector<std::string>& place) {
  const auto looked = look_back(guest, place);
  if (!looked) return std::unexpected(looked.error());
  json entries = json::array();
  std::string text = text_of_end(*looked);
  for (const vellum::WalkStep& step : looked->past.way) {
    json stores = json::array();
    text += fmt::format("  level {}: the entry at {:#x} is {:#x}\n", step.level, step.entry_address, step.value);
    const auto& all = looked->past.stores;
    for (auto store = all.rbegin(); store != all.rend() && stores.size() < most_shown; ++store) {
      if (store->address != step.entry_address) continue;
      stores.push_back(json_of(*store, *looked->names));
      text += vellum_tool::describe(*store, *looked->names);
    }
    if (stores.empty()) text += "    as it has been since this table began\n";
    entries.push_back({{"level", step.level},
                       {"entry", in_hex(step.entry_address)},
                       {"value", in_hex(step.value)},
                       {"stores", stores}});
  }
  print(output == Output::json ? entries.dump(2) + "\n" : text);
  return 0;
}

Outcome<int> command_when(VellumGuest& guest, Output output, const std::vector<std::string>& place) {
  const auto looked = look_back(guest, place);
  if (!looked) return std::unexpected(looked.error());
  json list = json::array();
  std::string text = text_of_end(*looked);
  for (const TargetChange& change : looked->past.changes) {
    list.push_back(json_of(change, *looked->names));
    text +=
        fmt::format("  --at {}: {}\n", text_of(moment_before(change)), change_in_words(change.before, change.after)) +
        fmt::format("    entry {:#x}\n", change.store.address) + vellum_tool::describe(change.store, *looked->names);
  }
  if (list.empty()) text += "  never led anywhere else since this table began\n";
  print(output == Output::json ? list.dump(2) + "\n" : text);
  return 0;
}

Outcome<int> command_back(VellumGuest& guest, Output output, const std::vector<std::string>& place, unsigned number) {
  const auto looked = look_back(guest, place);
  if (!looked) return std::unexpected(looked.error());
  const auto& changes = looked->past.changes;
  if (number == 0 || number > changes.size()) {
    return fail(
        fmt::format("{:#x} of {} has changed {} times until then", looked->address, looked->title, changes.size()));
  }
  const TargetChange& change = changes[changes.size() - number];
  if (output == Output::json)
    print(json_of(change, *looked->names).dump(2) + "\n");
  else
    print(fmt::format("--at {}\n", text_of(moment_before(change))));
  return 0;
}

}  // namespace foliowalk
