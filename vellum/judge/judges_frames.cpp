// SPDX-License-Identifier: MIT
// What the judges see of frames: handed out, given back, touched in between.
#include <algorithm>

#include "vellum/judge/judges.hpp"
#include "vellum/machine/machine_impl.hpp"

namespace vellum {

namespace {

constexpr u32 return_address = 1, first_argument = 10;
constexpr u32 word_in_page(u64 physical) { return static_cast<u32>(physical % page_bytes / sizeof(u64)); }

}  // namespace

void Judges::know_allocator(const FrameAllocator& allocator) {
  frames_.know(allocator);
  if (allocator.release.begin == 0) return;
  machine_->break_at(allocator.allocate.begin, true);
  machine_->break_at(allocator.release.begin, true);
}

void Judges::know_frame_table(const FrameTable& table) {
  table_ = table;
  frames_.know_code(table.code);
}

void Judges::forget_pages() {
  std::ranges::fill(storage_.table_pages, u8{0});
  std::ranges::fill(storage_.tables, TableRecord{});
  placed_table_ = {};
  for (u64 page = 0; FrameRecord* frame = frames_.at(page); ++page) {
    *frame = {};
    watch_frame(page);
  }
}

/// The frame's page is watched as far as the judges want to see what happens to it.
void Judges::watch_frame(u64 page) {
  const u64 physical = machine_->memory().address_of(page);
  const FrameRecord* frame = frames_.at(page);
  const bool is_seen = frame != nullptr && (frame->state == FrameState::free || frame->is_followed);
  machine_->watch(physical, is_seen, is_seen || placed_table_.contains(physical));
}

void Judges::watch_as_before(u64 physical) { watch_frame(Memory::ram_page(physical)); }

void Judges::note_free(const Hart* hart, u64 page) {
  FrameRecord* frame = frames_.at(page);
  if (frame == nullptr || frame->state == FrameState::free) return;
  *frame = {.state = FrameState::free, .changed = moment_of(hart), .callers = callers_of(*hart)};
  // Whatever table it was, it is none until a walk says so again; what is stored there until then are no entries.
  if (!storage_.tables.empty()) storage_.tables[page] = {};
  watch_frame(page);
}

void Judges::note_handed_out(const Hart* hart, u64 page, Following following) {
  FrameRecord* frame = frames_.at(page);
  if (frame == nullptr) return;
  *frame = {.state = FrameState::in_use, .changed = moment_of(hart), .callers = callers_of(*hart)};
  if (following != Following::none) {
    (void)frames_.follow(page, following == Following::zeros ? Frames::Before::zeros : Frames::Before::unknown);
  }
  watch_frame(page);
}

void Judges::note_freed(Hart& hart) {
  const u64 physical = hart.x[first_argument];
  if (physical % page_bytes != 0 || !machine_->memory().is_ram(physical)) return;  // the kernel's own checks
  const u64 page = Memory::ram_page(physical);
  const FrameRecord* frame = frames_.at(page);
  if (frame != nullptr && frame->state == FrameState::free) {
    report(&hart, {.rule = Rule::double_free,
                   .address = physical,
                   .new_physical = physical,
                   .has_cause = true,
                   .cause = frame->changed,
                   .cause_callers = frame->callers});
    return;
  }
  note_free(&hart, page);
}

void Judges::note_allocated(const Hart& hart) {
  const u64 physical = hart.x[first_argument];
  if (physical % page_bytes != 0 || !machine_->memory().is_ram(physical)) return;
  const u64 page = Memory::ram_page(physical);
  const FrameRecord* frame = frames_.at(page);
  if (frame == nullptr || frame->state != FrameState::free) return;
  note_handed_out(&hart, page, Following::unknown_words);
  --frames_.at(page)->changed.pc;  // in the call, not behind it
}

// The kernel's own table of frames.

FrameUse Judges::use_of(u64 state) const { return state < table_.uses.size() ? table_.uses[state] : FrameUse::apart; }

/// Once the kernel has made its table: from then on each store to it is seen.
void Judges::find_frame_table(const Hart& hart) {
  if (table_.allocator == 0 || placed_table_.begin != 0 || attention_ != Attention::judging) return;
  const auto read = [&](u64 address) { return machine_->look_at(hart.id, address).value_or(0); };
  const u64 records = read(table_.allocator + table_.records);
  const auto place = records != 0 ? machine_->look_up(hart.id, records, AccessKind::load) : std::nullopt;
  const u64 count = read(table_.allocator + table_.count), base = read(table_.allocator + table_.base);
  if (!place || count > frames_.size() || !machine_->memory().is_ram(place->physical_address, count * table_.stride)) {
    return;
  }
  placed_table_ = {place->physical_address, place->physical_address + count * table_.stride, base * page_bytes,
                   records - place->physical_address};
  for (u64 at = placed_table_.begin & page_mask; at < placed_table_.end; at += page_bytes) {
    machine_->watch(at, false, true);
  }
  for (u64 number = 0; number < count; ++number) {
    const u64 page = Memory::ram_page(placed_table_.first_frame) + number;
    FrameRecord* frame = frames_.at(page);
    if (frame == nullptr || !is_free_in_table(page)) continue;
    frame->state = FrameState::free;
    watch_frame(page);
  }
}

/// The record of a page in the table; null where it has none, or no table is known.
const u8* Judges::record_of(u64 page) const {
  const u64 number = page - Memory::ram_page(placed_table_.first_frame);
  if (placed_table_.begin == 0 || number >= (placed_table_.end - placed_table_.begin) / table_.stride) return nullptr;
  return machine_->memory().ram_at(placed_table_.begin + number * table_.stride);
}

/// What the table says now, whatever was seen of it.
bool Judges::is_free_in_table(u64 page) const {
  const u8* record = record_of(page);
  if (record == nullptr) return false;
  const FrameUse use = use_of(record[table_.state]);
  if (use != FrameUse::inside) return use <= FrameUse::free_clear;
  const u64 number = page - Memory::ram_page(placed_table_.first_frame);
  constexpr u32 most_orders = 18;
  for (u32 order = 1; order <= most_orders; ++order) {
    const u8* head = record_of(page - (number & ((u64{1} << order) - 1)));
    const FrameUse of_head = use_of(head[table_.state]);
    if (of_head == FrameUse::free_block) return head[table_.order] >= order;
    if (of_head != FrameUse::inside) return false;
  }
  return false;
}

/// A store to the table, before it is done.
void Judges::on_frame_record(const Hart* hart, const Access& access, u64 value) {
  if (hart == nullptr || access.bytes > sizeof(u64)) return;
  const u64 number = (access.physical_address - placed_table_.begin) / table_.stride;
  const u64 record = placed_table_.begin + number * table_.stride;
  const auto is_stored = [&](u64 at) { return at - access.physical_address < access.bytes; };
  const auto byte_at = [&](u64 at) -> u64 {
    if (is_stored(at)) return value >> 8 * (at - access.physical_address) & 0xff;
    return *machine_->memory().ram_at(at);
  };
  const bool is_of_state = is_stored(record + table_.state);
  if (!is_of_state && !is_stored(record + table_.order)) return;
  const FrameUse use = use_of(byte_at(record + table_.state));
  const FrameUse before = use_of(*machine_->memory().ram_at(record + table_.state));
  const u64 page = Memory::ram_page(placed_table_.first_frame) + number;
  // A block's order is stored after its state, and says nothing before that.
  const u64 frames = is_of_state ? 1 : u64{1} << std::min<u64>(byte_at(record + table_.order), 18);
  for (u64 i = page; i < page + frames; ++i) {
    if (use == FrameUse::free_single || use == FrameUse::free_clear || use == FrameUse::free_block) {
      if (is_of_state || use == FrameUse::free_block) note_free(hart, i);
    } else if (use >= FrameUse::in_use && use != FrameUse::apart) {
      // A block's frames become single ones when it is split: they were handed out before.
      const FrameRecord* frame = frames_.at(i);
      if (frame == nullptr || frame->state == FrameState::in_use) continue;
      const bool is_followed = frame->state == FrameState::free && use != FrameUse::of_kernel;
      note_handed_out(hart, i,
                      !is_followed                     ? Following::none
                      : before == FrameUse::free_clear ? Following::zeros
                                                       : Following::unknown_words);
    }
  }
}

// Accesses.

void Judges::on_watched(Hart* hart, const Access& access, AccessKind kind, u64 value) {
  if (witness_ != nullptr && kind == AccessKind::store) witness_->on_store(hart, access, value);
  if (attention_ != Attention::judging) return;
  if (kind == AccessKind::store && placed_table_.contains(access.physical_address)) {
    on_frame_record(hart, access, value);
    return;
  }
  judge_frame(hart, access.virtual_address, access.physical_address, kind);
  follow_access(hart, access, kind, value);
}

void Judges::judge_frame(Hart* hart, u64 address, u64 physical, AccessKind kind) {
  if (attention_ != Attention::judging) return;
  const u64 page = Memory::ram_page(physical);
  const FrameRecord* frame = frames_.at(page);
  if (frame == nullptr || frame->state != FrameState::free) return;
  if (placed_table_.begin != 0 && !is_free_in_table(page)) return;
  if (hart != nullptr && frames_.is_allocator(hart->privilege, hart->pc, hart->x[return_address])) return;
  report(hart, {.rule = Rule::use_after_free,
                .kind = kind,
                .address = address,
                .new_physical = physical,
                .is_allowed_now = true,
                .has_cause = frame->changed.step != 0,
                .cause = frame->changed,
                .cause_callers = frame->callers});
}

/// An access to a frame that was handed out and not yet filled.
void Judges::follow_access(Hart* hart, const Access& access, AccessKind kind, u64 value) {
  const u64 page = Memory::ram_page(access.physical_address);
  const FrameRecord* frame = frames_.at(page);
  if (frame == nullptr || !frame->is_followed) return;
  const u32 first = word_in_page(access.physical_address),
            last = word_in_page(access.physical_address + access.bytes - 1);
  const bool is_by_user = hart != nullptr && hart->privilege == Privilege::user;
  bool goes_on;
  if (is_by_user && frame->was_clear) {
    goes_on = false;
  } else if (kind == AccessKind::store) {
    const bool is_cleared = hart != nullptr && value << 8 * (sizeof(u64) - access.bytes) == 0;
    if (!is_cleared) note_code(hart, access.physical_address, access.bytes);  // zeros are no instructions
    goes_on = frames_.note_store(page, first, last, is_cleared ? Stored::zeros : Stored::content);
  } else {
    if (is_by_user) judge_junk(*hart, access);
    goes_on = frames_.note_access(page);
  }
  if (goes_on) return;
  frames_.at(page)->is_followed = false;
  watch_frame(page);
}

/// Zeros betray nothing, and may be what the kernel wants of a frame that was never used.
void Judges::judge_junk(Hart& hart, const Access& access) {
  const u64 page = Memory::ram_page(access.physical_address), word = access.physical_address & ~u64{7};
  if (!frames_.is_unwritten(page, word_in_page(word)) || entry_at(word).value_or(0) == 0) return;
  const FrameRecord& frame = *frames_.at(page);
  report(&hart, {.rule = Rule::unwritten_memory,
                 .kind = AccessKind::load,
                 .address = access.virtual_address,
                 .new_physical = access.physical_address,
                 .is_allowed_now = true,
                 .has_cause = true,
                 .cause = frame.changed,
                 .cause_callers = frame.callers});
}

/// Whether an entry is there only because of what the frame was used for before.
bool Judges::is_left_over(u64 entry_address) const {
  if (!machine_->memory().is_ram(entry_address, sizeof(u64))) return false;
  return frames_.is_unwritten(Memory::ram_page(entry_address), word_in_page(entry_address)) &&
         (entry_at(entry_address).value_or(0) & entry::valid) != 0;
}

/// A table is made one: by a pointer to it (`kind` store, `entry_address`), by satp, or by a walk that reads it.
void Judges::judge_cleared(Hart& hart, u64 table, Finding finding) {
  const u64 page = Memory::ram_page(table);
  const FrameRecord* frame = frames_.at(page);
  if (attention_ != Attention::judging || frame == nullptr || !frame->is_followed) return;
  for (u64 at = table; at < table + page_bytes; at += sizeof(u64)) {
    if (!is_left_over(at)) continue;
    finding.rule = Rule::uncleared_table;
    finding.entry_address = at;
    finding.old_entry = finding.new_entry = entry_at(at).value_or(0);
    finding.new_physical = table;
    finding.has_cause = true;
    finding.cause = frame->changed;
    finding.cause_callers = frame->callers;
    report(&hart, finding);
    return;
  }
}

/// They may have been in use, or not yet handed out, at that moment: what is not known is not judged.
void Judges::forget_frames_changed_after(u64 step) {
  for (u64 page = 0; FrameRecord* frame = frames_.at(page); ++page) {
    if (frame->state == FrameState::unknown || frame->changed.step <= step) continue;
    *frame = {};
    watch_frame(page);
  }
}

}  // namespace vellum
