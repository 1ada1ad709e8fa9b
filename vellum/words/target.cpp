// SPDX-License-Identifier: MIT
#include "vellum/words/target.hpp"

#include <utility>

#include "vellum/words/sentence.hpp"

namespace vellum {

namespace {

constexpr u64 shown = entry::rights | entry::user | entry::global;

std::string rights_in_letters(u64 rights) {
  std::string text;
  text += (rights & entry::readable) != 0 ? 'r' : '-';
  text += (rights & entry::writable) != 0 ? 'w' : '-';
  text += (rights & entry::executable) != 0 ? 'x' : '-';
  text += (rights & entry::user) != 0 ? 'u' : '-';
  text += (rights & entry::global) != 0 ? 'g' : '-';
  return text;
}

std::string size_in_words(u32 level) {
  constexpr const char* sizes[] = {"4 KiB", "2 MiB", "1 GiB", "512 GiB", "256 TiB"};
  return level < std::size(sizes) ? sizes[level] : "";
}

bool is_pointer(u64 entry, u32 level) {
  return level > 0 && (entry & (entry::valid | entry::rights | entry::reserved)) == entry::valid;
}

/// What happened to the rights alone.
std::string rights_change(u64 before, u64 after) {
  const u64 lost = before & ~after, gained = after & ~before;
  std::string what = "given other rights";
  if (lost == entry::writable && gained == 0) what = "made read-only";
  if (gained == entry::writable && lost == 0) what = "made writable";
  if (lost == entry::user && gained == 0) what = "taken from user mode";
  if (gained == entry::user && lost == 0) what = "opened to user mode";
  return what + ": " + rights_in_letters(before) + " -> " + rights_in_letters(after);
}

}  // namespace

std::optional<u64> entry_in(const Memory& memory, u64 place) {
  u64 value = 0;
  if (!memory.is_ram(place, sizeof value)) return std::nullopt;
  copy_bytes(&value, memory.ram_at(place), sizeof value);
  return value;
}

std::vector<WalkStep> way_to(u64 satp, u64 address, AccessKind kind,
                             const std::function<std::optional<u64>(const WalkStep&)>& value_of) {
  struct Reader {
    const std::function<std::optional<u64>(const WalkStep&)>& value_of;
    std::vector<WalkStep> steps;
    std::optional<u64> read_entry(WalkStep step) {
      const auto value = value_of(step);
      if (!value) return std::nullopt;
      step.value = *value;
      steps.push_back(step);
      return value;
    }
    static bool update_entry(u64 /*address*/, u64 /*value*/) { return true; }
  } reader{value_of, {}};
  const Regime regime{.satp = satp, .privilege = Privilege::supervisor};
  (void)walk(reader, address, kind, regime, AccessedDirty::update);
  return std::move(reader.steps);
}

std::vector<WalkStep> way_to(const Memory& memory, u64 satp, u64 address, AccessKind kind) {
  return way_to(satp, address, kind, [&](const WalkStep& step) { return entry_in(memory, step.entry_address); });
}

Target target_of(u64 entry, u32 level) {
  const u64 offset_mask = (page_bytes << 9 * level) - 1, frame = entry::frame_of(entry);
  const bool is_leaf = (entry & entry::valid) != 0 && (entry & entry::rights) != 0 && (entry & entry::reserved) == 0 &&
                       (entry & (entry::readable | entry::writable)) != entry::writable && (frame & offset_mask) == 0;
  return is_leaf ? Target{true, frame, entry & shown, level} : Target{};
}

Target target_of(std::span<const WalkStep> way) {
  return way.empty() ? Target{} : target_of(way.back().value, way.back().level);
}

std::string describe(const Target& target) {
  if (!target.is_mapped) return "nothing";
  return in_hex(target.frame) + " " + rights_in_letters(target.rights) + ", " + size_in_words(target.level);
}

std::string change_in_words(const Target& before, const Target& after) {
  if (!before.is_mapped) return "mapped to " + describe(after);
  if (!after.is_mapped) return "no longer mapped (was " + describe(before) + ")";
  if (before.level != after.level) {
    return (after.level > before.level ? "made part of a larger page: " : "made of smaller pages: ") +
           describe(before) + " -> " + describe(after);
  }
  if (before.frame != after.frame) return "moved to another frame: " + describe(before) + " -> " + describe(after);
  return rights_change(before.rights, after.rights) + ", at " + in_hex(after.frame);
}

std::string change_in_words(u64 before, u64 after, u32 level) {
  const Target from = target_of(before, level), to = target_of(after, level);
  if (is_pointer(after, level)) {
    const std::string table = "leads to the table at " + in_hex(entry::frame_of(after));
    return from.is_mapped ? "no longer a leaf (was " + describe(from) + "): " + table : table;
  }
  if (is_pointer(before, level) && !to.is_mapped) {
    return "no longer leads to the table at " + in_hex(entry::frame_of(before));
  }
  if (from == to) return to.is_mapped ? "other bits changed" : "maps nothing, before and after";
  return change_in_words(from, to);
}

}  // namespace vellum
