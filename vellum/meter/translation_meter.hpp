// SPDX-License-Identifier: MIT
#pragma once
// Counts what translation would cost a hart with caches of a given size (Tlb): misses, walks, entries read, and the
// satp writes and fences that empty them. The machine's own remembered translations play no part in it.
//
// A window begins and ends where a user program reads instret, as programs do that measure themselves; what happened
// between two readings can be taken, window by window.

#include <array>
#include <optional>

#include "vellum/machine/machine.hpp"
#include "vellum/meter/tlb.hpp"

namespace vellum {

/// What was counted, of all harts together.
struct TranslationWork {
  u64 instructions = 0;
  u64 satp_writes = 0;
  u64 full_fences = 0, space_fences = 0, page_fences = 0;  // sfence.vma with neither operand, an ASID alone, an address
  u64 fetch_misses = 0, data_misses = 0;  // of the first caches
  u64 walks = 0;  // misses of the second, those that ended in a page fault too
  u64 entries_read = 0;  // by these walks

  [[nodiscard]] TranslationWork since(const TranslationWork& earlier) const {
    return {instructions - earlier.instructions, satp_writes - earlier.satp_writes,
            full_fences - earlier.full_fences,   space_fences - earlier.space_fences,
            page_fences - earlier.page_fences,   fetch_misses - earlier.fetch_misses,
            data_misses - earlier.data_misses,   walks - earlier.walks,
            entries_read - earlier.entries_read};
  }
};

class TranslationMeter : public Unobserved {
 public:
  static constexpr bool sees_instructions = true, sees_loads = true, sees_stores = true, sees_fences = true,
                        sees_traps = true;
  /// Windows that are kept until they are taken; what happens in those beyond is lost.
  static constexpr usize most_windows = 256;

  /// `entries`: shape.entries() for each hart, all empty; they outlive the meter.
  TranslationMeter(const TlbShape& shape, std::span<TlbEntry> entries) : shape_(shape), entries_(entries) {
    for (u32 i = 0; i < max_harts && (i + 1) * usize{shape.entries()} <= entries.size(); ++i) {
      harts_[i].tlb.emplace(shape, entries.subspan(i * usize{shape.entries()}, shape.entries()));
    }
  }
  void attach(const Machine<TranslationMeter>& machine) { machine_ = &machine; }
  /// A machine that comes out of reset has cached nothing.
  void forget_translations() {
    std::ranges::fill(entries_, TlbEntry{});
    for (HartTlb& hart : harts_) hart.page = no_page;
  }

  /// Everything up to now.
  [[nodiscard]] const TranslationWork& total() const { return total_; }
  /// The windows that ended since take_windows() was last called.
  [[nodiscard]] std::span<const TranslationWork> windows() const { return std::span(windows_).first(window_count_); }
  void take_windows() { window_count_ = 0; }

  void on_instruction(Hart& hart, u64 pc) {
    ++total_.instructions;
    if (!hart.regime(AccessKind::fetch).translates()) return;
    HartTlb& mine = harts_[hart.id];
    if ((pc & page_mask) != mine.page) fetch_from(hart, mine, pc);
    const u64 offset = pc & (page_bytes - 1);
    if (mine.bytes == nullptr) return;
    u32 word = 0;
    copy_bytes(&word, mine.bytes + offset, std::min<u64>(4, page_bytes - offset));
    constexpr u32 length_bits = 3, long_form = 3;
    if (offset == page_bytes - 2 && (word & length_bits) == long_form) fetch_from(hart, mine, pc + 2);
    if (hart.privilege == Privilege::user && reads_instret(word)) end_window();
  }
  void on_load(Hart& hart, const Access& access, u64 /*value*/) { use(hart, AccessKind::load, access.virtual_address); }
  void on_store(Hart& hart, const Access& access, u64 /*value*/) {
    use(hart, AccessKind::store, access.virtual_address);
  }
  void on_satp(Hart& hart, u64 /*old*/, u64 /*value*/) {
    ++total_.satp_writes;
    harts_[hart.id].page = no_page;
  }
  void on_fence(Hart& hart, bool has_address, u64 address, bool has_asid, u64 asid) {
    ++(has_address ? total_.page_fences : has_asid ? total_.space_fences : total_.full_fences);
    harts_[hart.id].page = no_page;
    harts_[hart.id].tlb->remove({has_address, address, has_asid, asid});
  }
  static void on_fence_i(Hart& /*hart*/) {}
  static void on_return(Hart& /*hart*/) {}
  /// An access that ended in a page fault is seen here only. It walked, unless what refuses it was cached.
  void on_trap(Hart& hart, u64 cause, u64 tval) {
    const bool is_page_fault = cause == static_cast<u64>(Cause::fetch_page) ||
                               cause == static_cast<u64>(Cause::load_page) ||
                               cause == static_cast<u64>(Cause::store_page);
    if (!is_page_fault || satp::mode_of(hart.satp) == satp::bare) return;
    const AccessKind kind = cause == static_cast<u64>(Cause::fetch_page) ? AccessKind::fetch : AccessKind::load;
    if (look(hart, kind, tval) == nullptr) (void)walk_for(hart, kind, tval);
  }

 private:
  static constexpr u64 no_page = 1;
  struct HartTlb {
    std::optional<Tlb> tlb;
    u64 page = no_page;  // that instructions were fetched from last: they hit
    const u8* bytes = nullptr;
  };

  /// `rdinstret`: csrrs with x0.
  static constexpr bool reads_instret(u32 word) { return (word & 0xfffff07f) == (csr::instret << 20 | 0x2073); }

  void end_window() {
    if (window_ && window_count_ < windows_.size()) windows_[window_count_++] = total_.since(*window_);
    window_ = total_;
  }

  void fetch_from(Hart& hart, HartTlb& mine, u64 address) {
    const std::optional<u64> physical = use(hart, AccessKind::fetch, address);
    mine.page = physical ? address & page_mask : no_page;
    const bool is_ram = physical && machine_->memory().is_ram(*physical & page_mask);
    mine.bytes = is_ram ? machine_->memory().ram_at(*physical & page_mask) : nullptr;
  }

  /// One access; where it leads.
  std::optional<u64> use(Hart& hart, AccessKind kind, u64 address) {
    if (!hart.regime(kind).translates()) return std::nullopt;
    if (const TlbEntry* entry = look(hart, kind, address)) return entry->target_of(address);
    const auto walked = walk_for(hart, kind, address);
    if (!walked) return std::nullopt;
    harts_[hart.id].tlb->enter(kind, *walked);
    return walked->target_of(address);
  }

  const TlbEntry* look(Hart& hart, AccessKind kind, u64 address) {
    const Tlb::Lookup lookup = harts_[hart.id].tlb->find(kind, address, satp::asid_of(hart.satp));
    if (lookup.found != Tlb::Found::first) ++(kind == AccessKind::fetch ? total_.fetch_misses : total_.data_misses);
    return lookup.entry;
  }

  std::optional<TlbEntry> walk_for(Hart& hart, AccessKind kind, u64 address) {
    struct Reader {
      const Memory& memory;
      u64& entries_read;
      std::optional<u64> read_entry(const WalkStep& step) {
        if (!memory.is_ram(step.entry_address, 8)) return std::nullopt;
        ++entries_read;
        u64 value = 0;
        copy_bytes(&value, memory.ram_at(step.entry_address), 8);
        return value;
      }
      static bool update_entry(u64 /*address*/, u64 /*value*/) { return true; }
    } reader{machine_->memory(), total_.entries_read};
    ++total_.walks;
    const WalkResult result = walk(reader, address, kind, hart.regime(kind), AccessedDirty::update);
    if (result.failure) return std::nullopt;
    const auto shift = static_cast<u8>(12 + 9 * result.translation.level);
    const u64 inside = (u64{1} << shift) - 1;
    return TlbEntry{address & ~inside, result.translation.physical_address & ~inside,
                    static_cast<u16>(satp::asid_of(hart.satp)), (result.translation.leaf & entry::global) != 0, shift};
  }

  TlbShape shape_;
  std::span<TlbEntry> entries_;
  const Machine<TranslationMeter>* machine_ = nullptr;
  std::array<HartTlb, max_harts> harts_{};
  TranslationWork total_;
  std::optional<TranslationWork> window_;
  std::array<TranslationWork, most_windows> windows_{};
  usize window_count_ = 0;
};

}  // namespace vellum
