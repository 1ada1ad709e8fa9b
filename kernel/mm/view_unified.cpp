// SPDX-License-Identifier: MIT
#include "mm/view.hpp"

#if !defined(BIFOLIUM_VIEW_SHARED) && !defined(BIFOLIUM_VIEW_MIRRORED)

#include "arch/riscv64/csr.hpp"
#include "arch/riscv64/user_access.hpp"
#include "mm/kernel_space.hpp"
#include "mm/tables.hpp"

namespace mm {

namespace {

/// Whether the hart runs on this table now, so that the MMU can do the walk.
bool is_active(Ppn root) { return arch::read_satp().root_ppn() == root.value(); }

}  // namespace

constinit AsidAllocator UnifiedView::asids;

void UnifiedView::init() {
  // ASID bits that the hart does not have read as zero (privileged manual, satp).
  arch::Satp satp = arch::read_satp();
  arch::write_satp(arch::Satp::sv39(satp.root_ppn(), arch::Satp::asid_mask));
  asids.init(arch::read_satp().asid());
  arch::write_satp(satp);
  arch::fence_all();
}

lib::Result<void> UnifiedView::attach(State& state, Ppn root, const SpaceOwner&) {
  state = State{};
  kernel_space().copy_shared_entries(TableMemory{}.table(root));
  return {};
}

void UnifiedView::detach(State&, Ppn root) { kernel_space().clear_shared_entries(TableMemory{}.table(root)); }

u64 UnifiedView::switch_in(State& state, Ppn root) {
  const u32 bit = 1U << arch::hart_index();
  if (asids.renew_if_old(state.tag)) [[unlikely]] {
    // A new number: no hart has translations under it.
    state.ran_on = 0;
    state.stale = 0;
  }
  arch::write_satp(arch::Satp{satp_of(root, state.tag.asid())});
  count(VmEvent::satp_written);
  // Fences come after the write, see AsidAllocator. In between the hart may fetch through what it holds of the number;
  // it uses none of that, since the kernel's own mappings are the same in every table.
  asids.fence_if_owed(state.tag);
  if (state.stale & bit) [[unlikely]] {
    arch::fence_asid(state.tag.asid());
    count(VmEvent::fence_asid);
    state.stale &= ~bit;
  }
  state.ran_on |= bit;
  return 0;
}

u64 UnifiedView::switch_to_kernel() {
  arch::write_satp(arch::Satp{kernel_space().satp()});
  count(VmEvent::satp_written);
  if (!asids.has_numbers()) {
    // Its number, 0, is then everybody's: the last program's tables may be freed while we are here.
    arch::fence_all();
    count(VmEvent::fence_all);
  }
  return 0;
}

void UnifiedView::fence_space(State& state) {
  const u32 bit = 1U << arch::hart_index();
  if (state.ran_on & bit) {
    arch::fence_asid(state.tag.asid());
    count(VmEvent::fence_asid);
  }
  if (owes_mark(state, bit)) mark_stale(state, bit);
}

void UnifiedView::mark_stale(State& state, u32 own_bit) {
  state.stale |= state.ran_on & ~own_bit;
  count(VmEvent::stale_marked);
}

usize UnifiedView::read(Ppn root, void* to, VirtAddr from, usize bytes) {
  if (is_active(root)) [[likely]] {
    arch::UserAccessWindow window;
    return arch::copy_bytes_user(to, reinterpret_cast<const void*>(from.value()), bytes);
  }
  return SoftwareCopy::read(root, to, from, bytes);
}

usize UnifiedView::write(Ppn root, VirtAddr to, const void* from, usize bytes) {
  if (is_active(root)) [[likely]] {
    arch::UserAccessWindow window;
    return arch::copy_bytes_user(reinterpret_cast<void*>(to.value()), from, bytes);
  }
  return SoftwareCopy::write(root, to, from, bytes);
}

usize UnifiedView::read_string(Ppn root, char* to, VirtAddr from, usize limit, bool& ended) {
  if (is_active(root)) [[likely]] {
    arch::UserAccessWindow window;
    auto string = arch::copy_string_user(to, reinterpret_cast<const char*>(from.value()), limit);
    ended = string.found_end;
    return string.length;
  }
  return SoftwareCopy::read_string(root, to, from, limit, ended);
}

}  // namespace mm

#endif
