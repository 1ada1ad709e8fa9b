// SPDX-License-Identifier: MIT
#include "vellum/judge/judges.hpp"

#include <algorithm>
#include <utility>

#include "vellum/judge/call_chain.hpp"
#include "vellum/judge/stale_translation.hpp"
#include "vellum/machine/machine_impl.hpp"
#include "vellum/machine/timeline_impl.hpp"

namespace vellum {

template class Machine<Judges>;
template class Timeline<Judges>;

namespace {

constexpr u64 marks = entry::accessed | entry::dirty;

constexpr u32 return_address = 1;

}  // namespace

Judges::Judges(const JudgeStorage& storage)
    : storage_(storage),
      history_(storage.changes, storage.change_buckets),
      code_stores_(storage.code_stores),
      frames_(storage.frames, storage.written) {
  for (usize i = 0; i < max_harts; ++i) {
    fences_[i] = HartFences(storage.asid_fences.subspan(i * HartFences::asids, HartFences::asids));
  }
}

void Judges::attach(JudgedMachine& machine) { machine_ = &machine; }

Moment Judges::moment_of(const Hart* hart) const {
  if (hart == nullptr) return {machine_->schedule().steps, 0, by_device};
  return {machine_->moment(*hart), hart->pc, hart->id};
}

u64 Judges::asid_mask() const { return (u64{1} << machine_->configuration().asid_bits) - 1; }

std::optional<u64> Judges::entry_at(u64 address) const {
  if (!machine_->memory().is_ram(address, 8)) return std::nullopt;
  u64 value = 0;
  copy_bytes(&value, machine_->memory().ram_at(address), 8);
  return value;
}

CallChain Judges::callers_of(const Hart& hart) const { return call_chain(*machine_, hart); }

void Judges::on_walk_step(Hart& hart, const WalkStep& step) {
  if (attention_ == Attention::away) return;
  const u64 page = Memory::ram_page(step.entry_address);
  if (std::exchange(storage_.table_pages[page], u8{1}) == 0) table_ages_.begin(page, ++tick_);
  if (attention_ != Attention::judging) return;
  judge_encoding(hart, step);
  judge_walked_entry(hart, step);
  judge_frame(&hart, step.virtual_address, step.entry_address, AccessKind::load);
  if (is_left_over(step.entry_address)) {
    judge_cleared(hart, step.entry_address & page_mask, {.kind = step.kind, .address = step.virtual_address});
  }
}

void Judges::judge_encoding(Hart& hart, const WalkStep& step) {
  const u64 value = step.value;
  if ((value & entry::valid) == 0) return;
  const bool is_leaf = (value & entry::rights) != 0;
  const bool is_reserved = (value & entry::reserved) != 0 ||
                           (value & (entry::readable | entry::writable)) == entry::writable ||
                           (!is_leaf && (value & (marks | entry::user)) != 0) || (!is_leaf && step.level == 0);
  const u64 offset_mask = (page_bytes << 9 * step.level) - 1;
  const bool is_misaligned = is_leaf && (entry::frame_of(value) & offset_mask) != 0;
  if (!is_reserved && !is_misaligned) return;
  Finding finding{.rule = is_reserved ? Rule::reserved_entry : Rule::misaligned_superpage,
                  .kind = step.kind,
                  .address = step.virtual_address,
                  .entry_address = step.entry_address,
                  .new_entry = value};
  report_entry(hart, finding);
}

/// What is wrong stands in an entry: whoever stored it last is the cause, if that is known.
void Judges::report_entry(Hart& hart, Finding finding) {
  if (const EntryChange* change = history_.newest(finding.entry_address)) {
    finding.old_entry = change->old_value;
    finding.has_cause = true;
    finding.cause = change->by;
    finding.cause_callers = change->callers;
  }
  report(&hart, finding);
}

std::optional<Rule> Judges::broken_by(u64 value, u32 level, u64 address, const TablePath& path) const {
  if ((value & entry::valid) == 0 || (value & entry::reserved) != 0) return std::nullopt;
  if ((value & entry::rights) != 0)
    return judge_leaf(value, level, address, {map::ram_base, machine_->memory().ram_bytes()});
  return leads_back(value, level, path) ? std::optional(Rule::table_cycle) : std::nullopt;
}

void Judges::judge_walked_entry(Hart& hart, const WalkStep& step) {
  const u64 table = step.entry_address & page_mask;
  TablePath& path = walked_[hart.id];
  const auto levels = static_cast<u8>(levels_of(satp::mode_of(hart.satp)));
  if (step.level + 1U == levels) path = {};
  path[step.level] = table;
  const u64 span = page_bytes << 9 * (step.level + 1);
  if (!storage_.tables.empty()) {
    storage_.tables[Memory::ram_page(table)] = {step.virtual_address & ~(span - 1), step.level, levels};
  }
  const u64 page = step.virtual_address & ~((page_bytes << 9 * step.level) - 1);
  const auto rule = broken_by(step.value, step.level, page, path);
  if (!rule) return;
  Finding finding{.rule = *rule,
                  .kind = step.kind,
                  .address = page,
                  .entry_address = step.entry_address,
                  .old_entry = step.value,
                  .new_entry = step.value,
                  .new_physical = entry::frame_of(step.value)};
  report_entry(hart, finding);
}

/// Whether a hart's tables of now, or of before its last satp write, have this table where it was met.
bool Judges::path_to(u64 table, const TableRecord& record, u64 address, TablePath& path) const {
  const auto read = [this](u64 place) { return entry_at(place); };
  for (u32 i = 0; i < machine_->hart_count(); ++i) {
    if (arrives(machine_->hart(i).satp, address, table, record.level, read, path)) return true;
    const RootUse* before = nullptr;
    for (const RootUse& use : fences_[i].past()) {
      if (before == nullptr || use.to > before->to) before = &use;
    }
    if (arrives(before->satp, address, table, record.level, read, path)) return true;
  }
  return false;
}

void Judges::judge_stored_entry(Hart& hart, u64 address, u64 old_value, u64 new_value) {
  if (attention_ != Attention::judging || storage_.tables.empty()) return;
  const u64 table = address & page_mask;
  const TableRecord& record = storage_.tables[Memory::ram_page(address)];
  if (record.levels == 0) return;
  const u64 entry_base = record.base + (address - table) / sizeof(u64) * (page_bytes << 9 * record.level);
  // The root's span is all of the space, whose upper half has its upper bits set.
  const u64 page = static_cast<u64>(sign_extend(entry_base, 12 + 9 * record.levels));
  TablePath path{};
  const bool is_pointer = (new_value & (entry::valid | entry::rights)) == entry::valid;
  if (!is_pointer && !broken_by(new_value, record.level, page, path)) return;
  if (!path_to(table, record, page, path)) return;
  const auto rule = broken_by(new_value, record.level, page, path);
  if (!rule) return;
  // The store is its own cause: so the walks that meet the entry later have nothing new to say.
  report(&hart, {.rule = *rule,
                 .kind = AccessKind::store,
                 .address = page,
                 .entry_address = address,
                 .old_entry = old_value,
                 .new_entry = new_value,
                 .new_physical = entry::frame_of(new_value),
                 .has_cause = true,
                 .cause = moment_of(&hart),
                 .cause_callers = callers_of(hart)});
}

/// Whether anything has happened since this hart's last full fence that could matter.
bool Judges::may_be_stale(HartFences& fences, u64 asid, u64 satp) const {
  return last_change_ > std::min(fences.last_for_space(asid), fences.last_for_globals()) ||
         fences.past_of(satp, asid_mask()).has_other_roots;
}

void Judges::on_translation(Hart& hart, u64 address, AccessKind kind, const Regime& regime, const WalkResult& result) {
  if (attention_ != Attention::judging || !regime.translates()) return;
  HartFences& fences = fences_[hart.id];
  const u64 asid = satp::asid_of(regime.satp) & asid_mask();
  if (!may_be_stale(fences, asid, regime.satp)) return;
  StaleSearch search(
      history_, fences, asid_mask(), [this](u64 place) { return entry_at(place); },
      [this](u64 place) { return table_ages_.since(Memory::ram_page(place)); });
  const auto stale = search.run(address, kind, regime, result);
  if (!stale) return;
  Finding finding{.rule = stale->change != nullptr ? Rule::stale_translation : Rule::stale_after_satp,
                  .kind = kind,
                  .address = address,
                  .old_entry = stale->leaf,
                  .new_entry = result.translation.leaf,
                  .old_physical = stale->physical_address,
                  .new_physical = result.translation.physical_address,
                  .is_allowed_now = !result.failure};
  finding.has_cause = true;
  if (stale->change != nullptr) {
    finding.entry_address = stale->change->address;
    finding.new_entry = stale->change->new_value;
    finding.cause = stale->change->by;
    finding.cause_callers = stale->change->callers;
  } else {
    finding.cause = {machine_->moment(hart), stale->root->left_at_pc, hart.id};
  }
  report(&hart, finding);
}

void Judges::on_entry_store(Hart* hart, u64 address, u64 old_value, u64 new_value) {
  if (old_value == new_value || attention_ == Attention::away) return;
  u8& is_table = storage_.table_pages[Memory::ram_page(address)];
  if (is_table == 0) return;
  // The page has become something else once data comes into it.
  if (hart == nullptr || hart->privilege == Privilege::user) {
    is_table = 0;
    return;
  }
  if (((old_value ^ new_value) & ~marks) == 0 && (old_value & ~new_value) == 0) return;  // A and D by hardware
  ++tick_;
  if ((old_value & entry::valid) != 0) last_change_ = tick_;
  history_.note({.address = address,
                 .old_value = old_value,
                 .new_value = new_value,
                 .tick = tick_,
                 .by = moment_of(hart),
                 .callers = callers_of(*hart)});
  // ... or an entry that a walk will stumble over: this store was the cause.
  if ((new_value & entry::reserved) != 0) is_table = 0;
  if ((new_value & (entry::valid | entry::rights | entry::reserved)) == entry::valid) {
    judge_cleared(*hart, entry::frame_of(new_value), {.kind = AccessKind::store});
  }
  judge_stored_entry(*hart, address, old_value, new_value);
}

void Judges::on_code_store(Hart* hart, u64 address, u64 bytes) {
  if (attention_ != Attention::away) note_code(hart, address, bytes);
}

void Judges::note_code(const Hart* hart, u64 address, u64 bytes) {
  CodeStore store{.tick = ++tick_, .by = moment_of(hart)};
  if (hart != nullptr) store.callers = storing_.of(*hart, [this](const Hart& who) { return callers_of(who); });
  code_stores_.note(address, bytes, store);
  const u64 page = machine_->memory().page_at(address);
  if (code_pages_.note_store(page, tick_)) machine_->forget_fetches(page);
}

void Judges::on_fetch_page(Hart& hart, u64 virtual_page, u64 physical_page) {
  if (attention_ != Attention::judging) return;
  judge_frame(&hart, virtual_page, physical_page, AccessKind::fetch);
  const u64 page = machine_->memory().page_at(physical_page);
  if (code_pages_.note_arrival(hart.id, page, last_fence_i_[hart.id])) machine_->forget_decoded(page);
}

void Judges::on_decode(Hart& hart, u64 physical, u64 bytes) {
  if (attention_ != Attention::judging) return;
  const CodeStore* store = code_stores_.newest_after(last_fence_i_[hart.id], physical, bytes);
  if (store == nullptr) return;
  report(&hart, {.rule = Rule::stale_code,
                 .kind = AccessKind::fetch,
                 .address = hart.pc,
                 .new_physical = physical,
                 .is_allowed_now = true,
                 .has_cause = true,
                 .cause = store->by,
                 .cause_callers = store->callers});
}

void Judges::on_satp(Hart& hart, u64 /*old_value*/, u64 new_value) {
  if (attention_ != Attention::away) fences_[hart.id].use_root(++tick_, new_value, hart.pc);
  find_frame_table(hart);
  if (satp::mode_of(new_value) != satp::bare) judge_cleared(hart, satp::root_of(new_value), {});
  stop_if_asked(StopAt::satp_write);
}

void Judges::on_fence(Hart& hart, bool has_address, u64 address, bool has_asid, u64 asid) {
  if (attention_ == Attention::away) return;
  fences_[hart.id].fence(++tick_, has_address, address, has_asid, asid & asid_mask());
}

void Judges::on_fence_i(Hart& hart) {
  if (attention_ != Attention::away) last_fence_i_[hart.id] = ++tick_;
}

void Judges::forget_what_came_later() {
  const u64 now = machine_->schedule().steps;
  history_.forget_after_step(now);
  while (finding_count_ > 0 && storage_.findings[finding_count_ - 1].now.step > now) --finding_count_;
  while (trap_count_ > 0 && !storage_.traps.empty() && trap(trap_count_ - 1).step > now) --trap_count_;
  forget_frames_changed_after(now);
  ++tick_;
  for (u32 i = 0; i < machine_->hart_count(); ++i) {
    fences_[i].fence(tick_, false, 0, false, 0);
    last_fence_i_[i] = tick_;
    fences_[i].use_root(tick_, machine_->hart(i).satp, machine_->hart(i).pc);
  }
}

void Judges::on_trap(Hart& hart, u64 cause, u64 tval) {
  if (attention_ != Attention::away && !storage_.traps.empty()) {
    const u64 epc = hart.privilege == Privilege::machine ? hart.mepc : hart.sepc;
    storage_.traps[trap_count_++ % storage_.traps.size()] = {
        machine_->moment(hart), machine_->schedule().nanoseconds, cause, tval, epc, hart.id};
  }
  const bool is_page_fault = cause == static_cast<u64>(Cause::fetch_page) ||
                             cause == static_cast<u64>(Cause::load_page) ||
                             cause == static_cast<u64>(Cause::store_page);
  stop_if_asked(StopAt::trap);
  if (is_page_fault) stop_if_asked(StopAt::page_fault);
}

bool Judges::stop_at_return_of(u64 function) {
  forget_stops();
  awaited_function_ = function;
  return machine_->break_at(function, true);
}

void Judges::forget_stops() {
  stops_ = 0;
  if (awaited_function_ != 0) machine_->break_at(awaited_function_, false);
  if (awaited_return_ != 0) machine_->break_at(awaited_return_, false);
  awaited_function_ = awaited_return_ = 0;
}

void Judges::know_panic(u64 function) {
  if (panic_count_ < panics_.size() && machine_->break_at(function, true)) panics_[panic_count_++] = function;
}

void Judges::on_break(Hart& hart, u64 pc) {
  if (attention_ == Attention::judging) judge_call(hart, pc);
  if (pc == awaited_function_ && awaited_return_ == 0) {
    awaited_hart_ = hart.id;
    awaited_return_ = hart.x[return_address];
    machine_->break_at(awaited_return_, true);
  } else if (pc == awaited_return_ && hart.id == awaited_hart_) {
    stopped_at_ = StopAt::function_return;
    machine_->request_stop();
  }
}

/// A hart comes to one of the functions that the judges know of, or back from it.
void Judges::judge_call(Hart& hart, u64 pc) {
  const auto panics = std::span(panics_).first(panic_count_);
  if (std::ranges::find(panics, pc) != panics.end()) report(&hart, {.rule = Rule::panic, .address = pc});
  if (pc == frames_.allocator().release.begin) note_freed(hart);
  const auto known = std::span(allocated_at_).first(allocated_at_count_);
  if (pc == frames_.allocator().allocate.begin) {
    const u64 back = hart.x[return_address];
    const bool is_new = std::find(known.begin(), known.end(), back) == known.end();
    if (is_new && known.size() < allocated_at_.size() && machine_->break_at(back, true)) {
      allocated_at_[allocated_at_count_++] = back;
    }
  } else if (std::find(known.begin(), known.end(), pc) != known.end()) {
    note_allocated(hart);
  }
}

void Judges::stop_if_asked(StopAt what) {
  if ((stops_ & bit_of(what)) == 0) return;
  stopped_at_ = what;
  machine_->request_stop();
}

/// Once for each place: the same rule, broken by the same store. All frames are freed by one function, so there it is
/// the place of the access that counts, and who called.
bool Judges::is_known(const Finding& finding) const {
  const bool by_place = is_of_frames(finding.rule);
  for (const Finding& known : findings()) {
    if (known.rule != finding.rule || finding.rule == Rule::leak) continue;
    // Of tables that were full before anyone walked through them one example is enough.
    if (is_of_tables(finding.rule) && !known.has_cause && !finding.has_cause) return true;
    const bool is_same = !by_place && known.has_cause && finding.has_cause
                             ? known.cause.pc == finding.cause.pc
                             : known.now.pc == finding.now.pc && known.callers[0] == finding.callers[0];
    // A page is filled by many stores, which one caller asked for, and run through by many instructions.
    const bool is_same_code =
        finding.rule == Rule::stale_code && (known.cause_callers == finding.cause_callers ||
                                             (known.now.hart == finding.now.hart &&
                                              (known.new_physical & page_mask) == (finding.new_physical & page_mask)));
    if (is_same || is_same_code) return true;
  }
  return false;
}

void Judges::report(Hart* hart, Finding finding) {
  if ((rules_ >> static_cast<u32>(finding.rule) & 1) == 0 || finding_count_ == storage_.findings.size()) return;
  finding.now = moment_of(hart);
  if (hart != nullptr) finding.callers = callers_of(*hart);
  if (is_known(finding)) return;
  storage_.findings[finding_count_++] = finding;
  stop_if_asked(StopAt::finding);
}

}  // namespace vellum
