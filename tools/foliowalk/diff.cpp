// SPDX-License-Identifier: MIT
#include "tools/foliowalk/diff.hpp"

#include <algorithm>

namespace foliowalk {
namespace {

constexpr u64 compared_bits = 0x3ff & ~(sv39::pte_bit::accessed | sv39::pte_bit::dirty);

bool joins(const Difference& last, const Difference& next) {
  return last.change == next.change && last.va + last.bytes == next.va && last.level_before == next.level_before &&
         last.level_after == next.level_after && ((last.before ^ next.before) & compared_bits) == 0 &&
         ((last.after ^ next.after) & compared_bits) == 0;
}

/// Walks both lists of leaves side by side. At each address the smaller of the two pages there decides the step, so a
/// superpage is compared with each of the pages that stand in its place.
class Differ {
 public:
  Differ(const Tree& a, const Tree& b) : a_(a.leaves), b_(b.leaves) {}

  std::vector<Difference> run() {
    while (i_ < a_.size() || j_ < b_.size()) {
      const bool have_a = i_ < a_.size();
      const bool have_b = j_ < b_.size();
      if (have_a && have_b && start_of(a_[i_], done_a_) == start_of(b_[j_], done_b_)) {
        both();
      } else if (have_a && (!have_b || start_of(a_[i_], done_a_) < start_of(b_[j_], done_b_))) {
        const u64 limit = have_b ? start_of(b_[j_], done_b_) - start_of(a_[i_], done_a_) : ~u64{0};
        only(Change::removed, a_[i_], done_a_, limit);
        advance_a(std::min(limit, rest_of(a_[i_], done_a_)));
      } else {
        const u64 limit = have_a ? start_of(a_[i_], done_a_) - start_of(b_[j_], done_b_) : ~u64{0};
        only(Change::added, b_[j_], done_b_, limit);
        advance_b(std::min(limit, rest_of(b_[j_], done_b_)));
      }
    }
    return std::move(differences_);
  }

 private:
  static u64 start_of(const Leaf& leaf, u64 done) { return leaf.va + done; }
  static u64 rest_of(const Leaf& leaf, u64 done) { return leaf.bytes() - done; }

  void both() {
    const Leaf& a = a_[i_];
    const Leaf& b = b_[j_];
    const u64 bytes = std::min(rest_of(a, done_a_), rest_of(b, done_b_));
    const u64 va = start_of(a, done_a_);
    const bool same_frame = a.pa + done_a_ == b.pa + done_b_;
    if (a.level != b.level) {
      note({a.level > b.level ? Change::split : Change::promoted, va, bytes, a.pte, b.pte, a.level, b.level});
    } else if (!same_frame) {
      note({Change::moved, va, bytes, a.pte, b.pte, a.level, b.level});
    } else if ((a.pte ^ b.pte) & compared_bits) {
      note({Change::rights, va, bytes, a.pte, b.pte, a.level, b.level});
    }
    advance_a(bytes);
    advance_b(bytes);
  }

  void only(Change change, const Leaf& leaf, u64 done, u64 limit) {
    const u64 bytes = std::min(limit, rest_of(leaf, done));
    const bool added = change == Change::added;
    note({change, start_of(leaf, done), bytes, added ? 0 : leaf.pte, added ? leaf.pte : 0, added ? u8{0} : leaf.level,
          added ? leaf.level : u8{0}});
  }

  void advance_a(u64 bytes) {
    done_a_ += bytes;
    if (done_a_ >= a_[i_].bytes()) ++i_, done_a_ = 0;
  }
  void advance_b(u64 bytes) {
    done_b_ += bytes;
    if (done_b_ >= b_[j_].bytes()) ++j_, done_b_ = 0;
  }

  void note(const Difference& next) {
    if (!differences_.empty() && joins(differences_.back(), next))
      differences_.back().bytes += next.bytes;
    else
      differences_.push_back(next);
  }

  const std::vector<Leaf>& a_;
  const std::vector<Leaf>& b_;
  usize i_ = 0;
  usize j_ = 0;
  u64 done_a_ = 0;
  u64 done_b_ = 0;
  std::vector<Difference> differences_;
};

}  // namespace

std::string_view name_of(Change change) {
  switch (change) {
    case Change::added: return "added";
    case Change::removed: return "removed";
    case Change::moved: return "moved";
    case Change::rights: return "rights";
    case Change::split: return "split";
    case Change::promoted: return "promoted";
  }
  return "?";
}

std::vector<Difference> difference(const Tree& a, const Tree& b) { return Differ(a, b).run(); }

}  // namespace foliowalk
