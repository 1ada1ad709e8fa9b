// SPDX-License-Identifier: MIT
#pragma once
// Which processes sleep, on what, and whom they wait for: from what the kernel's debug information says.
//
// Known are processes like xv6's (proc[], struct proc: state, chan, pid, name; struct sleeplock: locked, name, pid;
// the function acquiresleep) and like Bifolium's (process::the_table: state, waiting_in, pid, name; sched::Mutex:
// queue_, owner_).

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "vellum/words/names.hpp"
#include "vellum/words/object.hpp"
#include "vellum/words/words_at.hpp"

namespace vellum {

struct Sleeper {
  u64 pid = 0;
  std::string name;     // of the program
  u64 channel = 0;      // virtual address of what it sleeps on
  std::string object;  // the variable and the part of it that lies there, "bcache.buf[3].lock"; empty: none is known
  std::optional<u64> holder;  // the pid of who has the lock that it waits for, if it is one
};

class Sleepers {
 public:
  explicit Sleepers(const Names& names);

  [[nodiscard]] std::vector<Sleeper> all(const WordAt& word_at) const;

 private:
  struct Field {
    u64 offset = 0;
    u32 bytes = 0;
  };
  struct Lock {
    u64 channel = 0;  // offset in it of what is slept on
    Field taken;
    Field holder;  // a pid, or a pointer to the process
    bool is_pointer = false;
  };
  [[nodiscard]] bool learn_processes(const debug::DebugInfo& info);
  void learn_lock(const debug::DebugInfo& info);
  [[nodiscard]] std::string object_at(u64 address) const;
  [[nodiscard]] std::optional<u64> holder_of(u64 channel, const WordAt& word_at) const;

  const Names& names_;
  u64 processes_ = 0, stride_ = 0, count_ = 0;
  Field state_, channel_, pid_, name_;
  bool name_is_pointer_ = false;
  std::vector<u64> asleep_;  // what a state says of who sleeps
  std::optional<Lock> lock_;
};

/// "pid 3 waits for pid 4, pid 4 waits for pid 3", where processes wait for each other in a circle; else nothing.
[[nodiscard]] std::string circle_of(std::span<const Sleeper> sleepers);

/// A line for each of them and the circle, indented by four; empty when nobody sleeps.
[[nodiscard]] std::string describe(std::span<const Sleeper> sleepers);

}  // namespace vellum
