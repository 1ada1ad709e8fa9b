// SPDX-License-Identifier: MIT
#pragma once
// Which spin lock a hart turns on, and who holds it: from what the kernel's debug information says of its locks.
//
// Known are locks like xv6's (struct spinlock: locked, name, cpu; the function acquire) and like Bifolium's
// (locks::SpinLock: word_, name_; who holds it is written down in debug kernels, in locks::held_locks).

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "vellum/machine/machine.hpp"
#include "vellum/words/names.hpp"
#include "vellum/words/words_at.hpp"

namespace vellum {

/// A lock that a hart waits for.
struct AwaitedLock {
  u64 address = 0;     // virtual
  std::string name;    // as the kernel calls it
  std::string symbol;  // the variable that it lies in, with the offset; empty: none is known
  bool says_holder = false;   // whether the kernel writes down who holds a lock
  std::optional<u32> holder;  // which hart
};

/// A hart and what it turns on, if that is a lock.
using Waiting = std::vector<std::optional<AwaitedLock>>;

class Locks {
 public:
  explicit Locks(const Names& names);

  /// The lock that the hart turns on; nothing where it does something else, or the file does not tell.
  [[nodiscard]] std::optional<AwaitedLock> awaited_by(const HartState& hart, const WordAt& word_at) const;

 private:
  struct Field {
    u64 offset = 0;
    bool is_known = false;
  };
  [[nodiscard]] bool learn(const debug::DebugInfo& info, CodeRange taker);
  [[nodiscard]] std::optional<AwaitedLock> lock_at(u64 address, const WordAt& word_at) const;
  void find_holder(AwaitedLock& lock, u64 cpu, const WordAt& word_at) const;

  const Names& names_;
  std::vector<CodeRange> takers_;  // the functions that turn until a lock is free
  u64 taken_ = 0, name_ = 0;       // offsets in a lock: a word that is not 0 while it is held; a pointer to its name
  Field cpu_;                      // ... a pointer to the holder's element of cpus
  u64 cpus_ = 0, cpu_bytes_ = 0;
  u64 held_ = 0, held_bytes_ = 0, held_count_ = 0, held_locks_ = 0;  // the list of locks that each hart holds
};

/// "hart 0 waits for hart 1, hart 1 waits for hart 0", where harts wait for each other in a circle; else nothing.
[[nodiscard]] std::string circle_of(const Waiting& waiting);

}  // namespace vellum
