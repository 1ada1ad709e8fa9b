// SPDX-License-Identifier: MIT
#include "vellum/words/sleepers.hpp"

#include <algorithm>
#include <array>

#include "vellum/words/sentence.hpp"

namespace vellum {

namespace {

using debug::Dwarf;
using debug::Type;

std::optional<Part> one_of(const Dwarf& dwarf, const Type& type, std::initializer_list<std::string_view> paths) {
  for (const std::string_view path : paths) {
    if (auto part = part_of(dwarf, type, path)) return part;
  }
  return std::nullopt;
}

/// A variable of one of these names, down to the array that its path leads to.
struct Table {
  u64 address = 0;
  Type element;
  u64 count = 0, stride = 0;
};
std::optional<Table> table_of(const debug::DebugInfo& info, const char* name, std::string_view path) {
  const auto variable = info.variable(name);
  const auto part = variable ? part_of(*info.dwarf(), variable->type, path) : std::nullopt;
  if (!part) return std::nullopt;
  Type array = part->type;
  // std::array has its elements in a member.
  if (const auto elements = part_of(*info.dwarf(), array, "_M_elems")) array = elements->type;
  const auto element = array.target();
  const auto bare = element ? element->stripped() : element;
  const auto stride = bare ? bare->size() : std::unexpected(bare.error());
  const auto bound = array.bound(0);
  if (!bare || !stride || *stride == 0 || !bound || bound->kind != debug::Bound::Kind::known) return std::nullopt;
  return Table{variable->address + part->offset, *bare, bound->count, *stride};
}

}  // namespace

Sleepers::Sleepers(const Names& names) : names_(names) {
  const debug::DebugInfo* info = names.info();
  if (info == nullptr || info->dwarf() == nullptr || !learn_processes(*info)) return;
  learn_lock(*info);
}

bool Sleepers::learn_processes(const debug::DebugInfo& info) {
  const Dwarf& dwarf = *info.dwarf();
  auto table = table_of(info, "proc", {});
  if (!table) table = table_of(info, "process::the_table", "value_.slots_");
  if (!table) return false;
  const auto state = part_of(dwarf, table->element, "state"),
             channel = one_of(dwarf, table->element, {"chan", "waiting_in"}),
             pid = part_of(dwarf, table->element, "pid"), name = one_of(dwarf, table->element, {"program_", "name"});
  const auto states = state ? enumeration_in(dwarf, state->type) : std::nullopt;
  if (!states || !channel || !pid || !name) return false;
  debug::Enumerators all(*states);
  while (all.next().value_or(false)) {
    const std::string_view word = all.enumerator().name;
    if (all.enumerator().value && (word == "SLEEPING" || word == "sleeping")) {
      asleep_.push_back(static_cast<u64>(*all.enumerator().value));
    }
  }
  state_ = {state->offset, static_cast<u32>(state->type.size().value_or(4))};
  channel_ = {channel->offset, sizeof(u64)};
  pid_ = {pid->offset, 4};
  name_ = {name->offset, 1};
  name_is_pointer_ = name->type.kind() == debug::TypeKind::pointer;
  processes_ = table->address;
  stride_ = table->stride;
  count_ = std::min<u64>(table->count, 4096);
  return !asleep_.empty() && (state_.bytes == 4 || state_.bytes == 8 || state_.bytes == 1);
}

/// What a lock is that one may hold while one sleeps, from the function that waits for one.
void Sleepers::learn_lock(const debug::DebugInfo& info) {
  const Dwarf& dwarf = *info.dwarf();
  for (const char* function : {"acquiresleep", "lock_contended"}) {
    const auto lock = first_parameter(info, names_.range_of(function).begin);
    if (!lock) continue;
    const auto taken = one_of(dwarf, *lock, {"locked", "word_"}), holder = one_of(dwarf, *lock, {"pid", "owner_"});
    if (!taken || !holder) continue;
    const auto queue = part_of(dwarf, *lock, "queue_");
    const u64 bytes = holder->type.size().value_or(0);
    if (bytes != 4 && bytes != 8) continue;
    lock_ = Lock{queue ? queue->offset : 0, {taken->offset, 4}, {holder->offset, static_cast<u32>(bytes)}, bytes == 8};
    return;
  }
}

/// The lock's holder, if there is a lock at the channel: whoever is named must be a process.
std::optional<u64> Sleepers::holder_of(u64 channel, const WordAt& word_at) const {
  if (!lock_) return std::nullopt;
  const u64 lock = channel - lock_->channel;
  if (bytes_at(lock + lock_->taken.offset, 4, word_at).value_or(0) - 1 > 1) return std::nullopt;  // 1 or 2
  const auto holder = bytes_at(lock + lock_->holder.offset, lock_->holder.bytes, word_at);
  if (!holder || *holder == 0) return std::nullopt;
  for (u64 i = 0; i < count_; ++i) {
    const u64 process = processes_ + i * stride_;
    const auto pid = bytes_at(process + pid_.offset, 4, word_at);
    // A pointer may lead to a base class.
    if (pid && (lock_->is_pointer ? *holder - process < stride_ : *holder == *pid)) return pid;
  }
  return std::nullopt;
}

/// The variable at an address, and its innermost part that begins there or holds it.
std::string Sleepers::object_at(u64 address) const {
  const debug::DebugInfo& info = *names_.info();
  const debug::Symbol* symbol = info.symbols().at(address);
  if (symbol == nullptr || address - symbol->address >= symbol->size) return {};
  const std::string name = plain_name(symbol->name);
  const u64 offset = address - symbol->address;
  const auto variable = info.variable(name);
  if (variable) return name + path_to(*info.dwarf(), variable->type, offset);
  return name + (offset == 0 ? "" : "+" + in_hex(offset));
}

std::vector<Sleeper> Sleepers::all(const WordAt& word_at) const {
  std::vector<Sleeper> found;
  for (u64 i = 0; i < count_ && found.size() < 64; ++i) {
    const u64 process = processes_ + i * stride_;
    const auto state = bytes_at(process + state_.offset, state_.bytes, word_at);
    if (!state || std::ranges::find(asleep_, *state) == asleep_.end()) continue;
    const u64 channel = bytes_at(process + channel_.offset, channel_.bytes, word_at).value_or(0);
    const u64 pid = bytes_at(process + pid_.offset, pid_.bytes, word_at).value_or(0);
    const u64 name =
        name_is_pointer_ ? bytes_at(process + name_.offset, 8, word_at).value_or(0) : process + name_.offset;
    found.push_back({pid, text_at(name, word_at).value_or(""), channel, channel == 0 ? "" : object_at(channel),
                     channel == 0 ? std::nullopt : holder_of(channel, word_at)});
  }
  return found;
}

std::string circle_of(std::span<const Sleeper> sleepers) {
  const auto holder_for = [&](u64 pid) {
    const auto sleeper = std::ranges::find(sleepers, pid, &Sleeper::pid);
    return sleeper != sleepers.end() ? sleeper->holder : std::nullopt;
  };
  for (const Sleeper& first : sleepers) {
    std::string text;
    u64 pid = first.pid;
    for (usize steps = 0; steps < sleepers.size(); ++steps) {
      const auto next = holder_for(pid);
      if (!next) break;
      text += (steps == 0 ? "pid " : ", pid ") + std::to_string(pid) + " waits for " +
              (*next == pid ? "itself" : "pid " + std::to_string(*next));
      pid = *next;
      if (pid == first.pid) return text;
    }
  }
  return {};
}

std::string describe(std::span<const Sleeper> sleepers) {
  std::string text;
  for (const Sleeper& sleeper : sleepers) {
    text +=
        "    pid " + std::to_string(sleeper.pid) + (sleeper.name.empty() ? "" : " (" + sleeper.name + ")") + " sleeps";
    if (sleeper.channel != 0) {
      const std::string where = in_hex(sleeper.channel);
      text += " on " + (sleeper.object.empty() ? where : sleeper.object + ", at " + where);
    }
    if (sleeper.holder) text += ", a lock that pid " + std::to_string(*sleeper.holder) + " has";
    text += "\n";
  }
  if (const std::string circle = circle_of(sleepers); !circle.empty()) text += "    a circle: " + circle + "\n";
  return text;
}

}  // namespace vellum
