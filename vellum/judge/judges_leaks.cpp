// SPDX-License-Identifier: MIT
// Frames in use that nothing refers to: a search from what is certainly alive, as collectors of garbage do it that know
// nothing of types. Whatever could be a reference is one, so a leak may be missed, and none is made up.
//
// In a kernel with a table of frames a frame may be known by no more than its number there: in the kernel's own objects
// and by the links in the records of other frames. A number in a program's memory or in a page table is none.
#include <algorithm>

#include "vellum/judge/judges.hpp"
#include "vellum/machine/machine_impl.hpp"

namespace vellum {

namespace {

constexpr u64 frames_of_large_page = 512;

}  // namespace

/// Something refers to this page of RAM.
void Judges::reach(u64 page) {
  if (FrameRecord* frame = frames_.at(page)) frame->is_reached = true;
}

/// The frame of this number in the kernel's table.
void Judges::reach_number(u64 number) {
  const u64 page = Memory::ram_page(placed_table_.first_frame) + number;
  if (record_of(page) != nullptr) reach(page);
}

FrameUse Judges::use_in_table(u64 page) const {
  const u8* record = record_of(page);
  return record != nullptr ? use_of(record[table_.state]) : FrameUse::apart;
}

/// What the record of a frame says of others: the links, and how many frames follow in its block.
void Judges::reach_from_record(u64 page) {
  const FrameUse use = use_in_table(page);
  if (use < FrameUse::in_use || use == FrameUse::apart) return;
  const u8* record = record_of(page);
  const u64 frames = u64{1} << std::min<u64>(record[table_.order], 18);
  for (u64 i = 1; i < frames; ++i) reach(page + i);
  for (const u64 link : table_.links) {
    u32 other = 0;
    if (link != 0) copy_bytes(&other, record + link, sizeof other);
    if (other != 0) reach_number(other);
  }
}

/// What a word could refer to: by an address, a number or satp.
void Judges::reach_from(u64 word) {
  const Memory& memory = machine_->memory();
  const auto reach_address = [&](u64 address) {
    if (memory.is_ram(address)) reach(Memory::ram_page(address));
  };
  if (word == 0) return;
  reach_address(word);
  reach_address(word << 32 >> 32 << 12);
  reach_address(word >> 32 << 12);
  if (word >> 63 != 0) {
    if (const auto place = machine_->look_up(0, word, AccessKind::load)) reach_address(place->physical_address);
  }
  if (satp::mode_of(word) >= satp::sv39 && satp::mode_of(word) <= satp::sv57) reach_address(satp::root_of(word));
}

/// What a word would refer to if it is an entry. That the kernel sees all of memory through its own tables is no
/// reference to any of it.
void Judges::reach_from_entry(u64 place, u64 value) {
  const u64 frame = entry::frame_of(value);
  if ((value & entry::valid) == 0 || !machine_->memory().is_ram(frame)) return;
  const bool is_leaf = (value & entry::rights) != 0;
  const u64 table = Memory::ram_page(place);
  const TableRecord record = table < storage_.tables.size() ? storage_.tables[table] : TableRecord{};
  const u64 index = place % page_bytes / sizeof(u64);
  if (is_leaf && (value & entry::user) == 0 && record.levels != 0) {
    const u64 span = page_bytes << 9 * record.level;
    const auto address = static_cast<u64>(sign_extend(record.base + index * span, 12 + 9 * record.levels));
    if (address == frame || address - frame == placed_table_.to_virtual) return;
  }
  const bool may_be_large = is_leaf && frame % (frames_of_large_page * page_bytes) == 0;
  const u64 frames = may_be_large ? frames_of_large_page : 1;
  for (u64 i = 0; i < frames; ++i) reach(Memory::ram_page(frame) + i);
}

void Judges::reach_from_page(u64 page) {
  const u64 begin = machine_->memory().address_of(page);
  reach_from_record(page);
  if (placed_table_.begin != 0 && placed_table_.contains(begin)) return;
  const FrameUse use = use_in_table(page);
  const bool knows_numbers = placed_table_.begin != 0 && (use == FrameUse::of_kernel || use == FrameUse::apart);
  for (u64 at = begin; at < begin + page_bytes; at += sizeof(u64)) {
    const u64 word = entry_at(at).value_or(0);
    if (word == 0) continue;
    reach_from(word);
    reach_from_entry(at, word);
    if (!knows_numbers) continue;
    reach_number(word & 0xffff'ffff);
    reach_number(word >> 32);
  }
}

/// From what is certainly alive: what the allocator never had, the file system's, and what the harts have in hand.
void Judges::begin_search() {
  for (u64 page = 0; FrameRecord* frame = frames_.at(page); ++page) {
    frame->is_reached = frame->state == FrameState::unknown || use_in_table(page) == FrameUse::of_file;
    frame->is_searched = frame->state == FrameState::free;
  }
  for (u32 i = 0; i < machine_->hart_count(); ++i) {
    const Hart& hart = machine_->hart(i);
    for (const u64 value : hart.x) reach_from(value);
    for (const u64 value : {hart.satp, hart.sscratch, hart.mscratch, hart.sepc, hart.stvec}) reach_from(value);
  }
}

void Judges::judge_leaks() {
  if (attention_ != Attention::judging || (table_.allocator != 0 && placed_table_.begin == 0)) return;
  begin_search();
  for (bool any = true; any;) {
    any = false;
    for (u64 page = 0; FrameRecord* frame = frames_.at(page); ++page) {
      if (!frame->is_reached || frame->is_searched) continue;
      frame->is_searched = any = true;
      reach_from_page(page);
    }
  }
  for (u64 page = 0; const FrameRecord* frame = frames_.at(page); ++page) {
    if (frame->state == FrameState::in_use && !frame->is_reached) report_leak(page, *frame);
  }
}

/// One finding for all frames that the same call handed out.
void Judges::report_leak(u64 page, const FrameRecord& frame) {
  for (Finding& known : storage_.findings.first(finding_count_)) {
    if (known.rule == Rule::leak && known.cause.pc == frame.changed.pc && known.cause_callers == frame.callers) {
      ++known.frames;
      return;
    }
  }
  report(&machine_->hart(0), {.rule = Rule::leak,
                              .address = machine_->memory().address_of(page),
                              .new_physical = machine_->memory().address_of(page),
                              .frames = 1,
                              .has_cause = true,
                              .cause = frame.changed,
                              .cause_callers = frame.callers});
}

}  // namespace vellum
