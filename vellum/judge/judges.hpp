// SPDX-License-Identifier: MIT
#pragma once
// All judges at once, as an observer of the machine. What they need to remember lies in memory that the caller gives.

#include <array>
#include <span>

#include "vellum/judge/entry_history.hpp"
#include "vellum/judge/fences.hpp"
#include "vellum/judge/finding.hpp"
#include "vellum/judge/frame_table.hpp"
#include "vellum/judge/frames.hpp"
#include "vellum/judge/stale_code.hpp"
#include "vellum/judge/table_ages.hpp"
#include "vellum/judge/tables.hpp"
#include "vellum/machine/timeline.hpp"

namespace vellum {

/// An exception or interrupt that a hart took.
struct SeenTrap {
  u64 step = 0;
  u64 nanoseconds = 0;  // of virtual time, as its hart's turn began
  u64 cause = 0;        // as in scause
  u64 tval = 0;
  u64 epc = 0;
  u32 hart = 0;
};

/// Memory for the judges, all zero (CodeStore and EntryChange: as they are made).
struct JudgeStorage {
  std::span<EntryChange> changes;     // some ten thousand: how far back blame goes
  std::span<u64> change_buckets;      // a power of two
  std::span<CodeStore> code_stores;   // a power of two
  std::span<u64> asid_fences;         // max_harts * HartFences::asids
  std::span<u8> table_pages;          // one for each page of RAM
  std::span<Finding> findings;
  std::span<SeenTrap> traps;  // how many are remembered; may be empty
  std::span<FrameRecord> frames = {};  // one for each page of RAM; none: frames are not judged
  std::span<WrittenWords> written = {};  // the same; none: what is left over in frames is not judged
  std::span<TableRecord> tables = {};  // the same; none: entries are judged when a walk reads them, not at the store
};

/// What the judges do while the machine runs.
enum class Attention : u8 {
  judging,
  remembering,  // what blame wants, and no more
  away,         // the machine is in its past: all of this has been seen before
};

/// Whoever wants to see the stores to the pages that are watched (Machine::watch), before they are done. `hart`: null
/// where it is a device.
class StoreWitness {
 public:
  virtual void on_store(const Hart* hart, const Access& access, u64 value) = 0;

 protected:
  ~StoreWitness() = default;
};

/// What makes run() come back, apart from the number of steps.
enum class StopAt : u8 { nothing, trap, page_fault, satp_write, finding, function_return };

class Judges : public Unobserved {
 public:
  static constexpr bool sees_walks = true, forgets_at_satp = true, sees_entry_stores = true, sees_code = true,
                        sees_fences = true, sees_traps = true, sees_breaks = true, sees_first_stores = true,
                        sees_watched = true;
  using JudgedMachine = Machine<Judges>;

  explicit Judges(const JudgeStorage& storage);

  /// The machine that is watched; before its first instruction.
  void attach(JudgedMachine& machine);
  /// Whom first stores are told to; null: nobody.
  void keep_pages_with(PageKeeper* keeper) { keeper_ = keeper; }
  void pay(Attention attention) { attention_ = attention; }
  /// Null: nobody.
  void show_stores_to(StoreWitness* witness) { witness_ = witness; }
  /// A page of RAM is watched again as the judges want it, after somebody else had it watched.
  void watch_as_before(u64 physical);
  /// The machine stands at a moment of its past, and goes another way from there: what came after never was. What a
  /// hart still held at that moment counts as fenced: the judges err towards silence.
  void forget_what_came_later();

  [[nodiscard]] std::span<const Finding> findings() const { return storage_.findings.first(finding_count_); }
  /// How many traps there have been, and one of the last traps.size() of them.
  [[nodiscard]] u64 trap_count() const { return trap_count_; }
  [[nodiscard]] const SeenTrap& trap(u64 number) const { return storage_.traps[number % storage_.traps.size()]; }
  [[nodiscard]] const EntryHistory& history() const { return history_; }
  void stop_at(StopAt what) { stops_ = bit_of(what); }
  void also_stop_at(StopAt what) { stops_ |= bit_of(what); }
  /// Why a judge last made run() come back.
  [[nodiscard]] StopAt stopped_at() const { return stopped_at_; }
  /// From now on only these rules are judged: bit n for the rule of number n.
  void judge_only(u64 rules) { rules_ = rules; }
  /// Where the kernel's allocator of frames stands; before its first instruction.
  void know_allocator(const FrameAllocator& allocator);
  /// The same of a kernel that keeps a table of frames; what `table` points to lives on.
  void know_frame_table(const FrameTable& table);
  /// The machine begins anew: nothing is known of any page.
  void forget_pages();
  /// Where a function stands that the kernel calls when it gives up; there may be a few.
  void know_panic(u64 function);
  /// Makes run() come back when the function at this address, called from now on, has returned. False: too many such.
  bool stop_at_return_of(u64 function);
  void forget_stops();

  /// Looks for frames that nothing refers to. Of use when the machine is at rest: who works has them in hand.
  void judge_leaks();

  /// The return addresses of what a hart does, by frame pointers.
  [[nodiscard]] CallChain callers_of(const Hart& hart) const;

  // What the machine calls.
  void on_walk_step(Hart& hart, const WalkStep& step);
  void on_translation(Hart& hart, u64 address, AccessKind kind, const Regime& regime, const WalkResult& result);
  void on_entry_store(Hart* hart, u64 address, u64 old_value, u64 new_value);
  void on_code_store(Hart* hart, u64 address, u64 bytes);
  void on_fetch_page(Hart& hart, u64 virtual_page, u64 physical_page);
  void on_decode(Hart& hart, u64 physical, u64 bytes);
  void on_satp(Hart& hart, u64 old_value, u64 new_value);
  void on_fence(Hart& hart, bool has_address, u64 address, bool has_asid, u64 asid);
  void on_fence_i(Hart& hart);
  void on_trap(Hart& hart, u64 cause, u64 tval);
  void on_return(Hart& /*hart*/) {}
  void on_break(Hart& hart, u64 pc);
  void on_first_store(u64 page) {
    if (keeper_ != nullptr) keeper_->keep(page);
  }
  void on_watched(Hart* hart, const Access& access, AccessKind kind, u64 value);

  /// Who and when, inside of a hook; `hart` is null for a device.
  [[nodiscard]] Moment moment_of(const Hart* hart) const;

 private:
  static constexpr u32 bit_of(StopAt what) { return what == StopAt::nothing ? 0 : u32{1} << static_cast<u32>(what); }
  void stop_if_asked(StopAt what);
  void forget_frames_changed_after(u64 step);
  [[nodiscard]] u64 asid_mask() const;
  [[nodiscard]] std::optional<u64> entry_at(u64 address) const;
  [[nodiscard]] bool may_be_stale(HartFences& fences, u64 asid, u64 satp) const;
  void judge_encoding(Hart& hart, const WalkStep& step);
  void judge_walked_entry(Hart& hart, const WalkStep& step);
  void judge_stored_entry(Hart& hart, u64 address, u64 old_value, u64 new_value);
  [[nodiscard]] std::optional<Rule> broken_by(u64 value, u32 level, u64 address, const TablePath& path) const;
  [[nodiscard]] bool path_to(u64 table, const TableRecord& record, u64 address, TablePath& path) const;
  void judge_call(Hart& hart, u64 pc);
  enum class Following : u8 { none, unknown_words, zeros };
  void watch_frame(u64 page);
  void note_free(const Hart* hart, u64 page);
  void note_handed_out(const Hart* hart, u64 page, Following following);
  void note_freed(Hart& hart);
  void note_allocated(const Hart& hart);
  [[nodiscard]] FrameUse use_of(u64 state) const;
  void find_frame_table(const Hart& hart);
  [[nodiscard]] const u8* record_of(u64 page) const;
  [[nodiscard]] bool is_free_in_table(u64 page) const;
  void on_frame_record(const Hart* hart, const Access& access, u64 value);
  void judge_frame(Hart* hart, u64 address, u64 physical, AccessKind kind);
  void follow_access(Hart* hart, const Access& access, AccessKind kind, u64 value);
  void judge_junk(Hart& hart, const Access& access);
  void note_code(const Hart* hart, u64 address, u64 bytes);
  void reach(u64 page);
  void reach_number(u64 number);
  void reach_from_record(u64 page);
  void begin_search();
  [[nodiscard]] FrameUse use_in_table(u64 page) const;
  void reach_from(u64 word);
  void reach_from_entry(u64 place, u64 value);
  void reach_from_page(u64 page);
  void report_leak(u64 page, const FrameRecord& frame);
  [[nodiscard]] bool is_left_over(u64 entry_address) const;
  void judge_cleared(Hart& hart, u64 table, Finding finding);
  void report(Hart* hart, Finding finding);
  void report_entry(Hart& hart, Finding finding);
  [[nodiscard]] bool is_known(const Finding& finding) const;

  JudgeStorage storage_;
  EntryHistory history_;
  CodeStores code_stores_;
  CodePages code_pages_;
  SameCallers storing_;
  TableAges table_ages_;
  std::array<HartFences, max_harts> fences_;
  std::array<u64, max_harts> last_fence_i_{};
  Frames frames_;
  FrameTable table_;
  PlacedFrameTable placed_table_;
  std::array<TablePath, max_harts> walked_{};  // the tables of each hart's last walk
  std::array<u64, 32> allocated_at_{};  // where calls of the allocator return to
  usize allocated_at_count_ = 0;
  std::array<u64, 4> panics_{};
  usize panic_count_ = 0;
  u64 rules_ = ~u64{0};
  JudgedMachine* machine_ = nullptr;
  PageKeeper* keeper_ = nullptr;
  StoreWitness* witness_ = nullptr;
  Attention attention_ = Attention::judging;
  u64 tick_ = 0;
  u64 trap_count_ = 0;
  u64 last_change_ = 0;  // of a valid entry
  usize finding_count_ = 0;
  u32 stops_ = 0;  // bit_of() each
  StopAt stopped_at_ = StopAt::nothing;
  u64 awaited_function_ = 0, awaited_return_ = 0;
  u32 awaited_hart_ = 0;
};

static_assert(Observer<Judges>);
extern template class Machine<Judges>;
extern template class Timeline<Judges>;

}  // namespace vellum
