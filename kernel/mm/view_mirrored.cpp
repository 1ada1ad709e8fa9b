// SPDX-License-Identifier: MIT
#include "mm/view.hpp"

#if defined(BIFOLIUM_VIEW_MIRRORED)

#include "abi/layout.hpp"
#include "arch/riscv64/csr.hpp"
#include "arch/riscv64/user_access.hpp"
#include "mm/kernel_space.hpp"
#include "mm/tables.hpp"

namespace mm {

namespace {

using sv39::PageTable;
using sv39::Permissions;
using sv39::Pte;

constexpr u32 root_limit = 1;  ///< only the first gigabyte is mirrored
/// No entry of the kernel's own low table is valid from here on: a fork need not look at the rest.
u32 kernel_low_end = sv39::entries_per_table;
constexpr u32 middle_limit = MirroredView::mirror_end / sv39::bytes_of(Level::mega);

PageTable& node_of(Ppn ppn) { return *static_cast<PageTable*>(frame_bytes(ppn)); }

/// The kernel's own level-1 table of the first gigabyte, which holds the devices from the PLIC upwards.
PageTable& kernel_low_table() { return node_of(kernel_space().root_entry(0).ppn()); }

/// Whether the hart runs on this process's kernel table now, so that the MMU sees the mirror.
bool is_active(Ppn root) {
  return arch::read_satp().root_ppn() == frames().ppn_of(frames().record(root).table().twin).value();
}

/// How many of `bytes` from `va` on lie in the mirror.
usize mirrored_part(VirtAddr va, usize bytes) {
  if (va.value() >= MirroredView::mirror_end) return 0;
  const usize room = MirroredView::mirror_end - va.value();
  return bytes < room ? bytes : room;
}

}  // namespace

u32 MirroredView::twin_limit(Level level, VirtAddr va) {
  if (level == Level::mega) return va.value() < sv39::bytes_of(Level::giga) ? middle_limit : 0;
  return level == Level::base && va.value() < mirror_end ? sv39::entries_per_table : 0;
}

void MirroredView::init() {
  kernel_low_end = sv39::entries_per_table;
  while (kernel_low_end != 0 && !kernel_low_table().load(kernel_low_end - 1).is_valid()) --kernel_low_end;
}

void MirroredView::prepare_twin(PageTable& twin, u32 limit) {
  for (u32 i = limit; i < kernel_low_end; ++i) {
    if (Pte pte = kernel_low_table().load(i); pte.is_valid()) twin.store(i, pte);
  }
}

void MirroredView::clear_twin(PageTable& twin, u32 limit) {
  for (u32 i = limit; i < kernel_low_end; ++i) twin.store(i, Pte());
}

void MirroredView::entry_changed(PageTable& node, unsigned index, Pte pte) {
  const auto [twin_number, deposit, limit] = frames().record(arch::to_phys(&node).floor()).table();
  if (twin_number == no_frame || index >= limit) return;
  PageTable& twin = node_of(frames().ppn_of(twin_number));
  Pte mirror;
  if (pte.is_table()) {
    mirror = Pte::table(frames().ppn_of(frames().record(pte.ppn()).table().twin));
  } else if (pte.is_leaf()) {
    mirror = pte.as_mirror();
  } else if (limit == root_limit) {
    // Without user memory in the first gigabyte, the devices are still there.
    mirror = kernel_space().root_entry(0);
  }
  twin.store(index, mirror);
  count(VmEvent::mirror_updated);
  if (limit == root_limit && is_active(arch::to_phys(&node).floor())) {
    // One table took the place of another, and the fence of a page that follows orders leaf entries only (privileged
    // manual, SFENCE.VMA): without this the walker may go on through the kernel's own table, which has no mirror.
    arch::fence_asid(sv39::Asid{0});
    count(VmEvent::fence_asid);
  }
}

lib::Result<void> MirroredView::attach(State& state, Ppn root, const SpaceOwner& owner) {
  FrameReservation reservation;
  LIB_TRY(reservation.add(3, FrameState::table, Zero::yes));
  const Ppn kernel_root = reservation.take(), middle = reservation.take(), low = reservation.take();
  for (Ppn ppn : {kernel_root, middle, low}) frames().record(ppn).table().clear();
  count(VmEvent::table_allocated, 3);

  // Everything that all kernel tables have in common, and this process's stack at the address that all stacks have.
  kernel_space().copy_shared_entries(node_of(kernel_root));
  const VirtRange stack = kernel_space().stack(0);
  const VirtAddr trampoline(abi::trampoline);
  node_of(kernel_root).store(trampoline.index(Level::giga), Pte::table(middle));
  node_of(middle).store(trampoline.index(Level::mega), Pte::table(low));
  node_of(low).store(trampoline.index(Level::base),
                     Pte::leaf(kernel_space().trampoline().floor(), Permissions::read_execute()));
  for (u64 page = 0; page < stack.page_count(); ++page) {
    node_of(low).store((stack.begin() + page * sv39::page_size).index(Level::base),
                       Pte::leaf(kernel_space().stack_frame(owner.stack_slot, page), Permissions::read_write()));
  }

  state.kernel_root = kernel_root;
  frames().record(root).table().twin = frames().number_of(kernel_root);
  frames().record(root).table().mirrored_entries = root_limit;
  return {};
}

void MirroredView::detach(State& state, Ppn root) {
  PageTable& kernel_root = node_of(state.kernel_root);
  const VirtAddr trampoline(abi::trampoline);
  const Ppn middle = kernel_root.load(trampoline.index(Level::giga)).ppn();
  const Ppn low = node_of(middle).load(trampoline.index(Level::mega)).ppn();
  node_of(low).store(trampoline.index(Level::base), Pte());
  const VirtRange stack = kernel_space().stack(0);
  for (u64 page = 0; page < stack.page_count(); ++page) {
    node_of(low).store((stack.begin() + page * sv39::page_size).index(Level::base), Pte());
  }
  node_of(middle).store(trampoline.index(Level::mega), Pte());
  kernel_root.store(trampoline.index(Level::giga), Pte());
  kernel_space().clear_shared_entries(kernel_root);
  for (Ppn ppn : {low, middle, state.kernel_root}) frames().free_zeroed(ppn);
  count(VmEvent::table_freed, 3);
  frames().record(root).table().clear();
}

u64 MirroredView::switch_to_kernel() { return kernel_space().satp(); }

void MirroredView::fence_page(State&, VirtAddr va) {
  arch::fence_page(sv39::Asid{0}, va);
  count(VmEvent::fence_page);
}

void MirroredView::fence_space(State&) {
  arch::fence_asid(sv39::Asid{0});
  count(VmEvent::fence_asid);
}

usize MirroredView::read(Ppn root, void* to, VirtAddr from, usize bytes) {
  usize direct = is_active(root) ? mirrored_part(from, bytes) : 0;
  if (direct != 0) {
    usize left = arch::copy_bytes_user(to, reinterpret_cast<const void*>(from.value()), direct);
    if (left != 0 || direct == bytes) return left + (bytes - direct);
  }
  return SoftwareCopy::read(root, static_cast<std::byte*>(to) + direct, from + direct, bytes - direct);
}

usize MirroredView::write(Ppn root, VirtAddr to, const void* from, usize bytes) {
  usize direct = is_active(root) ? mirrored_part(to, bytes) : 0;
  if (direct != 0) {
    usize left = arch::copy_bytes_user(reinterpret_cast<void*>(to.value()), from, direct);
    if (left != 0 || direct == bytes) return left + (bytes - direct);
  }
  return SoftwareCopy::write(root, to + direct, static_cast<const std::byte*>(from) + direct, bytes - direct);
}

usize MirroredView::read_string(Ppn root, char* to, VirtAddr from, usize limit, bool& ended) {
  usize copied = 0;
  if (usize direct = is_active(root) ? mirrored_part(from, limit) : 0; direct != 0) {
    auto string = arch::copy_string_user(to, reinterpret_cast<const char*>(from.value()), direct);
    ended = string.found_end;
    if (string.found_end || string.faulted || direct == limit) return string.length;
    copied = direct;
  }
  return copied + SoftwareCopy::read_string(root, to + copied, from + copied, limit - copied, ended);
}

}  // namespace mm

#endif
