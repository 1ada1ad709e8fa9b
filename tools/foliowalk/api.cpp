// SPDX-License-Identifier: MIT
#include "tools/foliowalk/api.hpp"

#include "tools/foliowalk/json.hpp"
#include "tools/foliowalk/number.hpp"

namespace foliowalk {
namespace {

using nlohmann::json;

// A page that was away for long need not be told all.
constexpr usize most_traps_told = 1500;

Answer refuse(int status, const std::string& why) { return {status, json{{"error", why}}}; }

json json_of_event(u64 number, const Event& event) {
  return {{"n", number},          {"time", event.time},  {"kind", event.kind},
          {"space", event.space}, {"va", hex(event.va)}, {"text", event.text}};
}

json json_of_trap(u64 number, const Trap& trap) {
  return {{"n", number},
          {"time", trap.time},
          {"hart", trap.hart},
          {"interrupt", trap.interrupt},
          {"cause", trap.cause},
          {"what", trap.what},
          {"fault", trap.is_page_fault()},
          {"epc", hex(trap.epc)},
          {"tval", hex(trap.tval)}};
}

Answer map(const Question& question, const Scene& scene, const Space& space) {
  auto ranges = merged_ranges(space, Namer(scene));
  if (question.get("all") != "1") ranges = own_ranges(std::move(ranges), space);
  return {200, json_of(ranges)};
}

Answer node(const Question& question, const Scene&, const Space& space) {
  json found = json_of_node(space.tree, question.get("path"));
  if (found.is_null()) return refuse(404, "this table is gone");
  return {200, std::move(found)};
}

}  // namespace

std::string Question::get(const std::string& parameter) const {
  const auto found = parameters.find(parameter);
  return found == parameters.end() ? std::string() : found->second;
}

Api::Api(Look& look) : look_(look) {
  add("scene", [this](const Question&) { return scene(); });
  add_for_space("map", map);
  add_for_space("node", node);
  add_for_space("explain", [this](const Question& question, const Scene& scene, const Space& space) {
    return explained(question, scene, space);
  });
  add("frames", [this](const Question&) { return Answer{200, json_of_frames(*look_.scene())}; });
  add("frame", [this](const Question& question) { return frame(question); });
  add("lint", [this](const Question&) { return Answer{200, json_of(look_.lint_now())}; });
  add("timeline", [this](const Question& question) { return timeline(question); });
  add("moments", [this](const Question& question) { return moments(question); });
  add("diff", [this](const Question& question) { return diff(question); });
}

void Api::add(const std::string& name, Handler handler) { handlers_[name] = std::move(handler); }

/// Such a handler gets the newest scene and the space in it that the question names.
void Api::add_for_space(const std::string& name,
                        std::function<Answer(const Question&, const Scene&, const Space&)> handler) {
  add(name, [this, handler = std::move(handler)](const Question& question) {
    const auto scene = look_.scene();
    const Space* space = scene->find(question.get("space"));
    return space ? handler(question, *scene, *space) : refuse(404, "this address space is gone");
  });
}

Answer Api::answer(const Question& question) {
  const auto found = handlers_.find(question.name);
  return found == handlers_.end() ? refuse(404, "no such question") : found->second(question);
}

Answer Api::scene() {
  json value = json_of_summary(*look_.scene());
  value["gone"] = look_.guest_is_gone();
  return {200, std::move(value)};
}

Answer Api::explained(const Question& question, const Scene& scene, const Space& space) {
  const std::string text = question.get("va");
  auto va = parse_number(text);
  if (!va && look_.image()) va = look_.image()->address_of(text);
  if (!va) return refuse(400, "not an address, nor a name that the kernel’s file knows");
  json value = json_of(explain(look_.ram(), space.tree.root, space.tree.mode, *va));
  if (const Leaf* leaf = space.tree.find(*va)) {
    const Purpose purpose = Namer(scene).purpose(space, *leaf);
    value["region"] = purpose.region;
    value["backing"] = purpose.backing;
  }
  return {200, std::move(value)};
}

Answer Api::frame(const Question& question) {
  const auto scene = look_.scene();
  const auto pa = parse_number(question.get("pa"));
  if (!pa || !scene->in_ram(*pa)) return refuse(400, "not an address in RAM");
  const FrameUse use = frame_uses(*scene)[(*pa - scene->ram_base) / sv39::page_size];
  return {200, json{{"users", json_of(users_of_frame(*scene, *pa))},
                    {"kind", name_of(use.kind)},
                    {"mappings", use.mappings},
                    {"references", use.references}}};
}

Answer Api::timeline(const Question& question) {
  const auto timeline = look_.timeline(parse_number(question.get("after")).value_or(0), question.get("traps") == "1");
  json events = json::array();
  for (const auto& [number, event] : timeline.events) events.push_back(json_of_event(number, event));
  json traps = json::array();
  const usize first = timeline.traps.size() > most_traps_told ? timeline.traps.size() - most_traps_told : 0;
  for (usize i = first; i < timeline.traps.size(); ++i)
    traps.push_back(json_of_trap(timeline.traps[i].first, timeline.traps[i].second));
  return {200, json{{"events", events},
                    {"traps", traps},
                    {"next", timeline.next},
                    {"tracing", timeline.tracing},
                    {"skipped", timeline.skipped_bytes}}};
}

Answer Api::moments(const Question& question) {
  if (question.changes_something) return {200, json{{"moment", look_.keep_moment()}}};
  json list = json::array();
  for (const auto& [number, time] : look_.moments()) list.push_back({{"moment", number}, {"time", time}});
  return {200, std::move(list)};
}

/// The scene of a kept moment, or the newest when none is named; null when there is no such moment.
std::shared_ptr<const Scene> Api::scene_of(const std::string& moment) {
  return moment.empty() ? look_.scene() : look_.moment(parse_number(moment).value_or(0));
}

Answer Api::diff(const Question& question) {
  const auto a = scene_of(question.get("moment_a"));
  const auto b = scene_of(question.get("moment_b"));
  const Space* from = a ? a->find(question.get("a")) : nullptr;
  const Space* to = b ? b->find(question.get("b")) : nullptr;
  if (!from || !to) return refuse(404, "this address space is not there at that moment");
  return {200, json_of(difference(from->tree, to->tree))};
}

}  // namespace foliowalk
