// SPDX-License-Identifier: MIT
#pragma once
// Memory between a driver and a device on a machine that reorders all that RVWMO lets it.
//
// A store of the driver stays pending until a fence; before that, any part of what is pending may have reached memory,
// in any order. A load may return any value that the cell had since the last fence, but for one cell never an older one
// than before. At each access chance decides what of this happens, and lets the device run.

#include <algorithm>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "lib/types.hpp"

namespace dev_test {

class ReorderingMemory {
 public:
  /// `run_device` is called at any time; it reads memory plainly and writes through device_write().
  ReorderingMemory(unsigned seed, std::function<void()> run_device)
      : random_(seed), run_device_(std::move(run_device)) {}

  // --- the driver's side ---

  template <class T>
  void store(T& cell, const T& value) {
    step();
    pending_.push_back({&cell, [&cell, value] { cell = value; }});
  }
  template <class T>
  T load(const T& cell) {
    step();
    const auto past = past_.find(&cell);
    if (past == past_.end()) return cell;
    auto& [values, oldest] = past->second;
    oldest += below(static_cast<u32>(values.size() - oldest));
    return static_cast<T>(values[oldest]);
  }
  /// A store to a device register that takes effect late if it may, in the order of `cell`'s other stores.
  void store_late(const void* cell, std::function<void()> effect) {
    step();
    pending_.push_back({cell, std::move(effect)});
    if (flip()) settle_part();
  }
  /// `holds` false: the fence that is left out.
  void fence(bool holds) {
    step();
    if (holds) settle();
  }
  /// All that is on its way arrives.
  void settle() {
    for (const Store& store : pending_) store.arrive();
    pending_.clear();
    past_.clear();
  }

  // --- the device's side ---

  template <class T>
  void device_write(T& cell, u64 value) {
    Past& past = past_[&cell];
    if (past.values.empty()) past = {{u64{cell}}, 0};
    past.values.push_back(value);
    cell = static_cast<T>(value);
  }

  // --- chance, and what went wrong first ---

  [[nodiscard]] bool flip() { return (random_() & 1) != 0; }
  [[nodiscard]] u32 below(u32 limit) { return random_() % limit; }
  void report(const std::string& violation) {
    if (violation_.empty()) violation_ = violation;
  }
  [[nodiscard]] const std::string& violation() const { return violation_; }

 private:
  struct Store {
    const void* cell;
    std::function<void()> arrive;
  };
  struct Past {
    std::vector<u64> values;  // since the last fence
    usize oldest;  // that the driver may still see
  };

  void step() {
    if (flip()) settle_part();
    while (flip()) run_device_();
  }
  void settle_part() {
    std::vector<Store> left;
    for (const Store& store : pending_) {
      const bool waits_for_older = std::ranges::find(left, store.cell, &Store::cell) != left.end();
      if (waits_for_older || flip())
        left.push_back(store);
      else
        store.arrive();
    }
    pending_ = std::move(left);
  }

  std::mt19937 random_;
  std::function<void()> run_device_;
  std::string violation_;
  std::vector<Store> pending_;  // of the driver
  std::map<const void*, Past> past_;  // of cells that the device wrote
};

}  // namespace dev_test
