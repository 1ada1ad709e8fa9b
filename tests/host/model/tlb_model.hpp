// SPDX-License-Identifier: MIT
#pragma once
// An adversarial TLB. Each simulated hart keeps, per ASID, every translation it ever served or could have
// fetched speculatively: valid leaves, invalid entries and non-leaf entries alike, until a fence takes them out.
// The strongest hardware that the privileged manual allows, so a fence that QEMU forgives is missed here.
//
// What it holds against the kernel ("violation"):
//  stale hit       a cached leaf of the active space grants what the table no longer grants, or another frame
//  stale table     a cached non-leaf of the active space leads to a frame that is no longer that table
//  early free      a fence on the hart where the space is active removes a translation whose frame or table
//                  has already been given back: the order must be clear, fence, then free
//  livelock        an access that the table allows keeps faulting on a cached invalid or weaker entry although
//                  the kernel has handled the fault (the caller counts retries: see Machine::access)
// What it forgives: a spurious fault that one trip through the fault handler cures; entries of an ASID that is
// not active on the hart, as long as they are gone once it is switched in (a space is one thread: COMMON 2).
//
// Translations are fetched by accesses, by speculate(), and in the gaps between any two steps of the kernel: there
// `in_gap` is called, if the test has set it, and speculates on what it likes under the satp of the moment.
//
// Fence semantics: fence_page removes leaf and invalid entries that cover the page, a superpage leaf as a whole
// (the leaf entry "corresponding to the address"), but no non-leaf entry: the manual orders only leaf entries
// when rs1 is not x0. fence_asid removes all but global leaves of the ASID; fence_all removes everything.

#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "arch/port.hpp"
#include "model/arena.hpp"
#include "model/software_mmu.hpp"

namespace model {

/// What a hart is told after one access.
struct Served {
  FaultKind fault = FaultKind::none;
  std::uint64_t physical = 0;
  bool spurious = false;  // the fault came from a cached entry, the table itself allows the access
};

struct FenceCounts {
  std::uint64_t page = 0;
  std::uint64_t asid = 0;
  std::uint64_t all = 0;
  std::uint64_t icache = 0;
};

class TlbModel final : public arch::host::FenceListener {
 public:
  /// Says whether the frame with this physical address is free; asked at fences and after operations.
  using IsFree = std::function<bool(std::uint64_t physical)>;

  TlbModel(const Arena& arena, IsFree is_free);

  /// satp of `hart` becomes (root, asid), and the space there is in use: see use(). No fence is implied.
  void activate(unsigned hart, std::uint64_t root, std::uint64_t asid);
  /// From now on the program runs on the hart, or the kernel copies for it, under the present satp: what is cached for
  /// it is judged. A write of satp ends it.
  void use(unsigned hart) { harts_[hart].active = true; }
  /// Nobody touches user addresses on the hart any more. It may still speculate on them.
  void deactivate(unsigned hart);
  [[nodiscard]] std::uint64_t root(unsigned hart) const { return harts_[hart].root; }

  /// One access by the code that runs on `hart`. Prefers a cached entry that hurts.
  Served access(unsigned hart, std::uint64_t va, AccessKind kind, const Context& context);

  /// Lets the hart fetch the translation of `va` without an access, as speculation may at any time.
  void speculate(unsigned hart, std::uint64_t va);

  /// Compares every cached entry of the hart's active space with the tables as they are now.
  void check(unsigned hart);

  void on_fence_page(unsigned hart, sv39::Asid asid, sv39::VirtAddr address) override;
  void on_fence_asid(unsigned hart, sv39::Asid asid) override;
  void on_fence_all(unsigned hart) override;
  void on_fence_i(unsigned hart) override;
  void on_satp(unsigned hart, std::uint64_t root, std::uint64_t asid) override;
  void on_gap(unsigned hart, arch::host::Gap gap) override;

  std::function<void(unsigned hart, arch::host::Gap gap)> in_gap;

  /// Forgets everything cached and every count: a new machine.
  void reset();

  [[nodiscard]] const std::vector<std::string>& violations() const { return violations_; }
  void clear_violations() { violations_.clear(); }
  [[nodiscard]] const FenceCounts& fences(unsigned hart) const { return harts_[hart].fences; }
  [[nodiscard]] std::size_t cached_entries(unsigned hart, std::uint64_t asid) const;

 private:
  struct Leaf {
    std::uint64_t pte = 0;  // V clear: a cached invalid entry
    unsigned level = 0;
  };
  struct Cache {  // one ASID on one hart
    std::unordered_map<std::uint64_t, std::vector<Leaf>> leaves;  // key: (address / span) * 4 + level
    std::unordered_map<std::uint64_t, std::vector<std::uint64_t>> tables;  // same key; level of the PTE: 2 or 1
  };
  struct Hart {
    bool active = false;
    std::uint64_t root = 0;
    std::uint64_t asid = 0;
    std::unordered_map<std::uint64_t, Cache> caches;
    FenceCounts fences;
  };

  static std::uint64_t key(std::uint64_t va, unsigned level) { return (va / span_of(level)) * 4 + level; }
  static std::uint64_t address_of(std::uint64_t key) { return (key / 4) * span_of(key % 4); }

  void remember(Cache& cache, std::uint64_t va, const Translation& walk);
  [[nodiscard]] Translation walk(const Hart& hart, std::uint64_t va) const;
  void judge_leaf(unsigned hart, std::uint64_t va, const Leaf& leaf);
  void judge_table(unsigned hart, std::uint64_t va, unsigned level, std::uint64_t pte);
  void judge_removed(unsigned hart, std::uint64_t va, std::uint64_t pte, unsigned level, bool is_table);
  void report(std::string text);

  const Arena& arena_;
  IsFree is_free_;
  Hart harts_[arch::max_harts];
  std::vector<std::string> violations_;
  bool is_in_gap_ = false;
};

}  // namespace model
