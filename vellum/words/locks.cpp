// SPDX-License-Identifier: MIT
#include "vellum/words/locks.hpp"

#include <algorithm>
#include <array>

#include "vellum/words/object.hpp"
#include "vellum/words/sentence.hpp"

namespace vellum {

namespace {

using debug::Dwarf;
using debug::Type;

constexpr u32 frame_pointer = 8, stack_pointer = 2;

/// What may be the address of the lock that a function of a few instructions waits for: where arguments are and what
/// it works with, then what it saves.
std::vector<u64> candidates(const HartState& hart, const WordAt& word_at) {
  std::vector<u64> found;
  for (const u32 number : {10, 6, 11, 12, 13, 14, 15, 16, 17, 5, 7, 28, 29, 30, 31, 9, 18, 19, 20, 21, 22}) {
    found.push_back(hart.x[number]);
  }
  constexpr u64 words_of_frame = 8;
  for (const u64 from : {hart.x[stack_pointer], hart.x[frame_pointer] - 8 * words_of_frame}) {
    for (u64 i = 0; i < words_of_frame && from % 8 == 0; ++i) {
      if (const auto word = word_at(from + 8 * i)) found.push_back(*word);
    }
  }
  return found;
}

std::optional<Part> either(const Dwarf& dwarf, const Type& type, std::string_view one, std::string_view other) {
  const auto found = part_of(dwarf, type, one);
  return found ? found : part_of(dwarf, type, other);
}

}  // namespace

Locks::Locks(const Names& names) : names_(names) {
  const debug::DebugInfo* info = names.info();
  if (info == nullptr || info->dwarf() == nullptr) return;
  for (const char* name : {"acquire", "sync_spin_until_taken", "sync_wait_until_taken"}) {
    const CodeRange taker = names.range_of(name);
    if (taker.begin != 0) takers_.push_back(taker);
  }
  const bool is_learnt = std::ranges::any_of(takers_, [&](const CodeRange& taker) { return learn(*info, taker); });
  if (!is_learnt) takers_.clear();
}

/// What locks look like, from the function that takes one.
bool Locks::learn(const debug::DebugInfo& info, CodeRange taker) {
  const Dwarf& dwarf = *info.dwarf();
  const auto lock = first_parameter(info, taker.begin);
  if (!lock) return false;
  const auto taken = either(dwarf, *lock, "locked", "word_"), name = either(dwarf, *lock, "name", "name_");
  if (!taken || !name) return false;
  taken_ = taken->offset;
  name_ = name->offset;
  const auto cpu = part_of(dwarf, *lock, "cpu");
  const auto cpus = info.variable("cpus");
  const auto element = cpus ? cpus->type.target() : std::unexpected(cpus.error());
  if (cpu && element) {
    cpu_ = {cpu->offset, true};
    cpus_ = cpus->address;
    cpu_bytes_ = element->size().value_or(0);
  }
  const auto held = info.variable("locks::held_locks");
  const auto of_hart = held ? held->type.target() : std::unexpected(held.error());
  if (of_hart) {
    const auto number = part_of(dwarf, *of_hart, "count"), list = part_of(dwarf, *of_hart, "locks");
    if (number && list) {
      held_ = held->address;
      held_bytes_ = of_hart->size().value_or(0);
      held_count_ = number->offset;
      held_locks_ = list->offset;
    }
  }
  return true;
}

void Locks::find_holder(AwaitedLock& lock, u64 cpu, const WordAt& word_at) const {
  if (cpu_.is_known && cpu_bytes_ != 0) {
    lock.says_holder = true;
    const u64 offset = cpu - cpus_;
    if (cpu != 0 && offset % cpu_bytes_ == 0 && offset / cpu_bytes_ < max_harts) {
      lock.holder = static_cast<u32>(offset / cpu_bytes_);
    }
  }
  if (held_ == 0 || held_bytes_ == 0) return;
  lock.says_holder = true;
  for (u32 hart = 0; hart < max_harts; ++hart) {
    const u64 list = held_ + hart * held_bytes_;
    const u64 count = std::min<u64>(bytes_at(list + held_count_, 4, word_at).value_or(0), 16);
    for (u64 i = 0; i < count; ++i) {
      if (word_at(list + held_locks_ + 8 * i) == lock.address) lock.holder = hart;
    }
  }
}

std::optional<AwaitedLock> Locks::lock_at(u64 address, const WordAt& word_at) const {
  if (address % 4 != 0 || bytes_at(address + taken_, 4, word_at).value_or(0) == 0) return std::nullopt;
  const auto place_of_name = bytes_at(address + name_, 8, word_at);
  const auto name = place_of_name && *place_of_name != 0 ? text_at(*place_of_name, word_at) : std::nullopt;
  if (!name) return std::nullopt;
  AwaitedLock lock{address, *name, {}, false, std::nullopt};
  const debug::Symbol* symbol = names_.info()->symbols().at(address);
  const bool is_inside = symbol != nullptr && address - symbol->address < symbol->size;
  if (is_inside && !symbol->name.starts_with("_Z")) {
    lock.symbol = std::string(symbol->name);
    if (address != symbol->address) lock.symbol += "+" + in_hex(address - symbol->address);
  }
  find_holder(lock, cpu_.is_known ? bytes_at(address + cpu_.offset, 8, word_at).value_or(0) : 0, word_at);
  return lock;
}

std::optional<AwaitedLock> Locks::awaited_by(const HartState& hart, const WordAt& word_at) const {
  const bool turns = !hart.is_waiting && hart.privilege != Privilege::user &&
                     std::ranges::any_of(takers_, [&](const CodeRange& taker) { return taker.contains(hart.pc); });
  if (!turns) return std::nullopt;
  // The function has the lock's address in a register or, not optimised, on its stack. Its callers may have another
  // lock's there: but that one the hart holds itself.
  std::optional<AwaitedLock> own;
  for (const u64 candidate : candidates(hart, word_at)) {
    auto lock = lock_at(candidate, word_at);
    if (!lock) continue;
    if (lock->holder != hart.id) return lock;
    if (!own) own = std::move(lock);
  }
  return own;
}

std::string circle_of(const Waiting& waiting) {
  const auto holder_for = [&](u32 hart) {
    return hart < waiting.size() && waiting[hart] ? waiting[hart]->holder : std::nullopt;
  };
  for (u32 first = 0; first < waiting.size(); ++first) {
    std::string text;
    u32 hart = first;
    for (usize steps = 0; steps < waiting.size(); ++steps) {
      const auto next = holder_for(hart);
      if (!next) break;
      text += (steps == 0 ? "hart " : ", hart ") + std::to_string(hart) + " waits for " +
              (*next == hart ? "itself" : "hart " + std::to_string(*next));
      hart = *next;
      if (hart == first) return text;
    }
  }
  return {};
}

}  // namespace vellum
