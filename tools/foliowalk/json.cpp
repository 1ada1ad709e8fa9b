// SPDX-License-Identifier: MIT
#include "tools/foliowalk/json.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "tools/foliowalk/session.hpp"

namespace foliowalk {

using nlohmann::json;

std::string hex(u64 value) { return fmt::format("{:#x}", value); }

namespace {

std::string_view name_of(Role role) {
  switch (role) {
    case Role::kernel: return "kernel";
    case Role::process: return "process";
    case Role::process_kernel: return "process_kernel";
    case Role::other: return "other";
  }
  return "?";
}

std::string_view name_of(Family family) {
  switch (family) {
    case Family::bifolium: return "bifolium";
    case Family::xv6: return "xv6";
    case Family::other: return "other";
  }
  return "?";
}

std::string_view name_of(sv39::WalkEnd end) {
  switch (end) {
    case sv39::WalkEnd::leaf: return "leaf";
    case sv39::WalkEnd::not_canonical: return "not_canonical";
    case sv39::WalkEnd::table_outside_memory: return "table_outside_memory";
    case sv39::WalkEnd::invalid_entry: return "invalid_entry";
    case sv39::WalkEnd::reserved_encoding: return "reserved_encoding";
  }
  return "?";
}

json json_of_entry(const Tree& tree, u32 at, unsigned index) {
  const Node& node = tree.nodes[at];
  const u64 raw = node.entries[index];
  const auto pte = sv39::Pte::from_raw(raw);
  json entry{{"index", index},
             {"va", hex(sign_extended(node.va + index * bytes_at(node.level), tree.mode))},
             {"pte", hex(raw)},
             {"pa", hex(pte.ppn().address().value())},
             {"leaf", pte.is_leaf()}};
  if (pte.is_leaf()) {
    entry["flags"] = flag_letters(raw);
    entry["size"] = size_name(node.level);
    entry["accessed"] = pte.is_accessed();
    entry["dirty"] = pte.is_dirty();
  }
  return entry;
}

/// Child nodes by parent entry; nodes come in the order in which they were met, so a parent's children are in order
/// too.
std::vector<std::vector<std::pair<u16, u32>>> children_of(const Tree& tree) {
  std::vector<std::vector<std::pair<u16, u32>>> children(tree.nodes.size());
  for (u32 i = 1; i < tree.nodes.size(); ++i) children[tree.nodes[i].parent].emplace_back(tree.nodes[i].index, i);
  return children;
}

json head_of(const Tree& tree, u32 at) {
  const Node& node = tree.nodes[at];
  return {{"node", at}, {"level", node.level}, {"table", hex(node.pa)}, {"va", hex(node.va)}};
}

}  // namespace

json json_of(const Scene& scene, const Space& space) {
  const TableCost cost = table_cost(scene, space);
  json value{{"id", space.id},
             {"title", space.title()},
             {"role", name_of(space.role)},
             {"root", hex(space.tree.root)},
             {"mode", name_of(space.tree.mode)},
             {"harts", space.harts},
             {"tables", cost.tables},
             {"shared_tables", cost.shared_tables},
             {"table_bytes", cost.bytes},
             {"flat_bytes", cost.flat_bytes},
             {"mapped_pages", cost.mapped_pages},
             {"user_pages", cost.user_pages},
             {"superpages", cost.superpages},
             {"bad_entries", space.tree.bad.size()},
             {"torn", space.tree.torn}};
  if (space.process) {
    value["pid"] = space.process->pid;
    value["name"] = space.process->name;
    value["state"] = space.process->state;
    value["size"] = space.process->size;
  }
  return value;
}

json json_of_summary(const Scene& scene) {
  json value{{"time", std::chrono::duration<double>(scene.time.time_since_epoch()).count()},
             {"milliseconds", scene.milliseconds},
             {"family", name_of(scene.family)},
             {"ram", {{"base", hex(scene.ram_base)}, {"size", scene.ram_size}}},
             {"harts", json::array()},
             {"spaces", json::array()},
             {"counters", json::object()},
             {"warnings", scene.warnings}};
  for (const Hart& hart : scene.harts) {
    value["harts"].push_back({{"hart", hart.index},
                              {"satp", hex(hart.satp.raw)},
                              {"mode", name_of(hart.satp.mode())},
                              {"asid", hart.satp.asid()},
                              {"root", hex(hart.satp.root())},
                              {"pc", hex(hart.pc)}});
  }
  for (const Space& space : scene.spaces) value["spaces"].push_back(json_of(scene, space));
  for (const Counter& counter : scene.counters) value["counters"][counter.name] = counter.value;
  return value;
}

json json_of(const std::vector<Range>& ranges) {
  json list = json::array();
  for (const Range& range : ranges) {
    list.push_back({{"va", hex(range.va)},
                    {"end", hex(range.va + range.bytes)},
                    {"bytes", range.bytes},
                    {"pa", hex(range.pa)},
                    {"contiguous", range.contiguous},
                    {"repeated", range.repeated},
                    {"flags", flag_letters(range.flags)},
                    {"level", range.level},
                    {"page", size_name(range.level)},
                    {"leaves", range.leaves},
                    {"accessed", range.accessed},
                    {"dirty", range.dirty},
                    {"region", range.region},
                    {"backing", range.backing}});
  }
  return list;
}

json json_of(const Explanation& walk) {
  using enum sv39::Access;
  using enum sv39::Privilege;
  json steps = json::array();
  for (const Step& step : walk.steps) {
    json bits = json::array();
    if (step.was_read) {
      for (const BitMeaning& bit : pte_bits(step.entry, step.level)) {
        bits.push_back({{"name", bit.name},
                        {"high", bit.high},
                        {"low", bit.low},
                        {"value", hex(bit.value)},
                        {"meaning", bit.meaning}});
      }
    }
    steps.push_back({{"level", step.level},
                     {"table", hex(step.table)},
                     {"index", step.index},
                     {"entry_address", hex(step.entry_address)},
                     {"read", step.was_read},
                     {"pte", hex(step.entry)},
                     {"ppn", hex(sv39::Pte::from_raw(step.entry).ppn().value())},
                     {"flags", flag_letters(step.entry)},
                     {"leaf", sv39::Pte::from_raw(step.entry).is_leaf()},
                     {"bits", bits}});
  }
  const auto verdict = [&](sv39::Access access, sv39::Privilege privilege, sv39::Sum sum) {
    const sv39::Verdict result = walk.verdict(access, privilege, sum);
    return json{{"allowed", result == sv39::Verdict::allowed}, {"why", sv39::describe(result)}};
  };
  json value{{"va", hex(walk.va)},
             {"root", hex(walk.root)},
             {"mode", name_of(walk.mode)},
             {"bits", address_bits(walk.mode)},
             {"offset", hex(walk.va & 0xfff)},
             {"found", walk.found()},
             {"end", describe_end(walk)},
             {"end_kind", name_of(walk.end)},
             {"torn", walk.torn},
             {"steps", steps},
             {"verdict",
              {{"user_read", verdict(read, user, sv39::Sum::clear)},
               {"user_write", verdict(write, user, sv39::Sum::clear)},
               {"user_execute", verdict(execute, user, sv39::Sum::clear)},
               {"kernel_read", verdict(read, supervisor, sv39::Sum::clear)},
               {"kernel_write", verdict(write, supervisor, sv39::Sum::clear)},
               {"kernel_execute", verdict(execute, supervisor, sv39::Sum::clear)},
               {"kernel_sum_read", verdict(read, supervisor, sv39::Sum::set)},
               {"kernel_sum_write", verdict(write, supervisor, sv39::Sum::set)}}}};
  if (walk.found()) {
    value["pa"] = hex(walk.physical);
    value["leaf_level"] = walk.leaf_level;
    value["page"] = size_name(walk.leaf_level);
  }
  return value;
}

json json_of(const std::vector<Difference>& differences) {
  json list = json::array();
  for (const Difference& d : differences) {
    list.push_back({{"change", name_of(d.change)},
                    {"va", hex(d.va)},
                    {"end", hex(d.va + d.bytes)},
                    {"bytes", d.bytes},
                    {"before", hex(d.before)},
                    {"after", hex(d.after)},
                    {"flags_before", d.before ? flag_letters(d.before) : ""},
                    {"flags_after", d.after ? flag_letters(d.after) : ""},
                    {"pa_before", hex(sv39::Pte::from_raw(d.before).ppn().address().value())},
                    {"pa_after", hex(sv39::Pte::from_raw(d.after).ppn().address().value())},
                    {"level_before", d.level_before},
                    {"level_after", d.level_after}});
  }
  return list;
}

json json_of(const std::vector<Finding>& findings) {
  json list = json::array();
  for (const Finding& finding : findings) {
    const Rule& rule = rule_of(finding.rule);
    list.push_back({{"severity", rule.severity == Severity::fault ? "fault" : "advice"},
                    {"rule", rule.name},
                    {"space", finding.space},
                    {"va", hex(finding.va)},
                    {"pte", hex(finding.pte)},
                    {"message", finding.message}});
  }
  return list;
}

json json_of(const std::vector<FrameUser>& users) {
  json list = json::array();
  for (const FrameUser& user : users) {
    list.push_back({{"space", user.space->id},
                    {"title", user.space->title()},
                    {"va", hex(user.va)},
                    {"table", user.is_table},
                    {"level", user.level},
                    {"pte", hex(user.pte)},
                    {"flags", user.is_table ? "" : flag_letters(user.pte)}});
  }
  return list;
}

json json_of_node(const Tree& tree, std::string_view path) {
  if (!tree.readable()) return nullptr;
  const auto children = children_of(tree);
  u32 at = 0;
  while (!path.empty()) {
    const usize dot = path.find('.');
    const auto index = parse_number(path.substr(0, dot));
    path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
    const auto child = std::ranges::find_if(children[at], [&](const auto& c) { return index && c.first == *index; });
    if (child == children[at].end()) return nullptr;
    at = child->second;
  }
  json value = head_of(tree, at);
  value["entries"] = json::array();
  auto child = children[at].begin();
  for (unsigned i = 0; i < sv39::entries_per_table; ++i) {
    if (!(tree.nodes[at].entries[i] & sv39::pte_bit::valid)) continue;
    json entry = json_of_entry(tree, at, i);
    if (child != children[at].end() && child->first == i) entry["child"] = (child++)->second;
    value["entries"].push_back(std::move(entry));
  }
  return value;
}

json json_of_tree(const Tree& tree) {
  if (!tree.readable()) return nullptr;
  const auto children = children_of(tree);
  // Nodes come parents first: built from the last to the first, every child is ready when its parent wants it.
  std::vector<json> built(tree.nodes.size());
  for (u32 at = static_cast<u32>(tree.nodes.size()); at-- > 0;) {
    json value = head_of(tree, at);
    value["entries"] = json::array();
    auto child = children[at].begin();
    for (unsigned i = 0; i < sv39::entries_per_table; ++i) {
      if (!(tree.nodes[at].entries[i] & sv39::pte_bit::valid)) continue;
      json entry = json_of_entry(tree, at, i);
      if (child != children[at].end() && child->first == i) entry["next"] = std::move(built[(child++)->second]);
      value["entries"].push_back(std::move(entry));
    }
    built[at] = std::move(value);
  }
  return std::move(built[0]);
}

json json_of_frames(const Scene& scene) {
  const auto uses = frame_uses(scene);
  json runs = json::array();
  std::array<u64, frame_kind_count> totals{};
  for (usize i = 0; i < uses.size();) {
    const FrameUse& first = uses[i];
    usize end = i;
    while (end < uses.size() && uses[end].kind == first.kind && uses[end].owner == first.owner &&
           uses[end].mappings == first.mappings && uses[end].accessed == first.accessed &&
           uses[end].dirty == first.dirty) {
      ++end;
    }
    totals[static_cast<usize>(first.kind)] += end - i;
    runs.push_back({end - i, static_cast<unsigned>(first.kind),
                    first.owner == FrameUse::no_owner ? -1 : static_cast<int>(first.owner), first.mappings,
                    (first.accessed ? 1 : 0) + (first.dirty ? 2 : 0)});
    i = end;
  }
  json kinds = json::array();
  json counts = json::array();
  for (usize kind = 0; kind < frame_kind_count; ++kind) {
    kinds.push_back(foliowalk::name_of(static_cast<FrameKind>(kind)));
    counts.push_back(totals[kind]);
  }
  json owners = json::array();
  for (const Space& space : scene.spaces) owners.push_back(space.id);
  return {{"base", hex(scene.ram_base)},
          {"frames", uses.size()},
          {"kinds", kinds},
          {"totals", counts},
          {"owners", owners},
          {"runs", runs}};
}

}  // namespace foliowalk
