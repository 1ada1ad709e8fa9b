// SPDX-License-Identifier: MIT
#pragma once
// The three seams of sv39/ for host tests: memory over an arena, a frame source that counts everything and can fail
// at the n-th frame, and a TLB handle that reports fences to the adversarial model.

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "model/arena.hpp"
#include "model/tlb_model.hpp"
#include "sv39/concepts.hpp"

namespace model {

/// Trusted tables in an arena; counts writes.
struct HostMemory {
  const Arena* arena = nullptr;
  std::uint64_t* writes = nullptr;

  [[nodiscard]] sv39::PageTable& table(sv39::Ppn ppn) const {
    if (!arena->contains(ppn.address().value())) std::abort();  // the code under test followed a wild pointer
    return *reinterpret_cast<sv39::PageTable*>(arena->at(ppn.address().value()));
  }
  void write(sv39::PageTable& table, unsigned index, sv39::Pte pte) const {
    if (index >= sv39::entries_per_table) std::abort();
    if (writes != nullptr) ++*writes;
    table.store(index, pte);
  }
};
static_assert(sv39::PhysicalMemory<HostMemory>);

/// Untrusted memory: the arena's words, nothing elsewhere.
struct HostReader {
  const Arena* arena = nullptr;
  [[nodiscard]] std::optional<std::uint64_t> read(sv39::PhysAddr at) const { return arena->word(at.value()); }
};
static_assert(sv39::PhysicalReader<HostReader>);

/// Hands out the arena's frames as tables and notes each misuse as text instead of dying, so that a test can show
/// all of them. `fail_at` n makes the n-th frame from now fail (1 = the next one).
class TableFrames {
 public:
  explicit TableFrames(const Arena& arena) : arena_(arena) {
    for (std::uint64_t i = arena.frame_count(); i > 0; --i) free_.push_back(arena.base() / 4096 + i - 1);
  }

  // What sv39::FrameSource asks for.
  void want(sv39::Level level, sv39::VirtAddr) {
    if (level == sv39::Level::giga) complain("wants a second root");
    ++wanted_;
  }
  [[nodiscard]] std::expected<void, sv39::Error> reserve() {
    std::vector<std::uint64_t> taken;
    while (taken.size() + reserved_.size() < wanted_) {
      const bool fail = fail_at_ != 0 && --fail_at_ == 0;
      if (fail || free_.empty()) {
        for (const std::uint64_t frame : taken) free_.push_back(frame);
        wanted_ = reserved_.size();
        ++failures_;
        return std::unexpected(sv39::Error{sv39::ErrorKind::out_of_memory, 0, 0});
      }
      taken.push_back(free_.back());
      free_.pop_back();
    }
    reserved_.insert(reserved_.end(), taken.begin(), taken.end());
    return {};
  }
  [[nodiscard]] sv39::Ppn take(sv39::Level, sv39::VirtAddr) {
    if (reserved_.empty()) {
      complain("takes a frame that it did not reserve");
      std::abort();
    }
    const std::uint64_t frame = reserved_.back();
    reserved_.pop_back();
    --wanted_;
    std::memset(arena_.at(frame * 4096), 0, 4096);
    used_.insert(frame);
    return sv39::Ppn(frame);
  }
  void give_back(sv39::Ppn ppn) {
    if (used_.erase(ppn.value()) == 0) return complain("gives back a frame that is not in use");
    if (!is_zero(ppn.value())) complain("gives back a table that is not empty");
    free_.push_back(ppn.value());
  }
  void deposit(sv39::Ppn upper, sv39::Ppn table) {
    if (!used_.contains(table.value())) complain("deposits a frame that is not in use");
    if (!is_zero(table.value())) complain("deposits a table that is not empty");
    deposits_[upper.value()].push_back(table.value());
  }
  [[nodiscard]] sv39::Ppn withdraw(sv39::Ppn upper) {
    auto& kept = deposits_[upper.value()];
    if (kept.empty()) {
      complain("withdraws where nothing was deposited");
      std::abort();
    }
    const std::uint64_t frame = kept.back();
    kept.pop_back();
    return sv39::Ppn(frame);
  }
  void splitting(sv39::Ppn) { ++splits_; }

  // For the test.
  void fail_at(unsigned n) { fail_at_ = n; }
  [[nodiscard]] bool fail_pending() const { return fail_at_ != 0; }
  [[nodiscard]] std::size_t in_use() const { return used_.size(); }
  [[nodiscard]] std::size_t free_count() const { return free_.size(); }
  [[nodiscard]] std::size_t unused_reservations() const { return reserved_.size(); }
  [[nodiscard]] std::size_t deposited() const {
    std::size_t sum = 0;
    for (const auto& [upper, kept] : deposits_) sum += kept.size();
    return sum;
  }
  [[nodiscard]] std::size_t splits() const { return splits_; }
  [[nodiscard]] std::size_t failures() const { return failures_; }
  [[nodiscard]] bool is_free(std::uint64_t physical) const {
    return arena_.contains(physical) && !used_.contains(physical / 4096);
  }
  [[nodiscard]] const std::vector<std::string>& complaints() const { return complaints_; }
  /// A frame for the root, which no operation asks for.
  [[nodiscard]] sv39::Ppn take_root() {
    ++wanted_;
    if (!reserve()) std::abort();
    return take(sv39::Level::giga, sv39::VirtAddr(0));
  }

 private:
  [[nodiscard]] bool is_zero(std::uint64_t frame) const {
    const std::byte* bytes = arena_.at(frame * 4096);
    for (unsigned i = 0; i < 4096; ++i) {
      if (bytes[i] != std::byte{0}) return false;
    }
    return true;
  }
  void complain(const char* text) { complaints_.emplace_back(text); }

  const Arena& arena_;
  std::vector<std::uint64_t> free_;
  std::vector<std::uint64_t> reserved_;
  std::set<std::uint64_t> used_;
  std::map<std::uint64_t, std::vector<std::uint64_t>> deposits_;
  std::size_t wanted_ = 0;
  std::size_t splits_ = 0;
  std::size_t failures_ = 0;
  unsigned fail_at_ = 0;
  std::vector<std::string> complaints_;
};
static_assert(sv39::FrameSource<TableFrames>);

/// Fences of one address space on one hart, reported to the model.
struct ModelTlb {
  TlbModel* model = nullptr;
  unsigned hart = 0;
  sv39::Asid asid{1};
  void fence_page(sv39::VirtAddr va) const { model->on_fence_page(hart, asid, va); }
  void fence_space() const { model->on_fence_asid(hart, asid); }
};
static_assert(sv39::Tlb<ModelTlb>);

/// Data frames: only their numbers matter. Each is free, or mapped once; a release of a free frame is noted.
class DataFrames {
 public:
  /// A run of `count` frames aligned to `align`, preferring frames that were released before (the adversary's choice).
  [[nodiscard]] sv39::Ppn run(std::uint64_t count, std::uint64_t align) {
    out_ += count;
    for (auto at = free_.begin(); at != free_.end(); ++at) {
      if (*at % align != 0) continue;
      bool whole = true;
      for (std::uint64_t i = 0; i < count && whole; ++i) whole = free_.contains(*at + i);
      if (!whole) continue;
      const std::uint64_t first = *at;
      for (std::uint64_t i = 0; i < count; ++i) free_.erase(first + i);
      return sv39::Ppn(first);
    }
    next_ = (next_ + align - 1) / align * align;
    const std::uint64_t first = next_;
    next_ += count;
    return sv39::Ppn(first);
  }
  void release(sv39::Ppn ppn, sv39::Level level) {
    for (std::uint64_t i = 0; i < sv39::pages_of(level); ++i) {
      if (!free_.insert(ppn.value() + i).second) ++double_frees_;
    }
    released_ += sv39::pages_of(level);
    out_ -= sv39::pages_of(level);
  }
  [[nodiscard]] bool is_free(std::uint64_t physical) const { return free_.contains(physical / 4096); }
  [[nodiscard]] std::uint64_t in_use() const { return out_; }
  [[nodiscard]] std::uint64_t released() const { return released_; }
  [[nodiscard]] std::uint64_t double_frees() const { return double_frees_; }

 private:
  static constexpr std::uint64_t first_number = 0x40000000;  // far from any arena, 1 GiB aligned
  std::set<std::uint64_t> free_;
  std::uint64_t next_ = first_number;
  std::uint64_t released_ = 0;
  std::uint64_t out_ = 0;
  std::uint64_t double_frees_ = 0;
};
static_assert(sv39::FrameSink<DataFrames>);

}  // namespace model
