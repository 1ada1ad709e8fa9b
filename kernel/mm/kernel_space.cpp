// SPDX-License-Identifier: MIT
#include "mm/kernel_space.hpp"

#include "abi/layout.hpp"
#include "lib/bug.hpp"
#include "lib/memory.hpp"

namespace mm {

namespace {

using sv39::Pte;

constinit KernelSpace the_kernel_space;

/// The kernel's tables are mirrored nowhere and live for ever.
struct KernelMemory {
  [[nodiscard]] sv39::PageTable& table(Ppn ppn) const { return *static_cast<sv39::PageTable*>(frame_bytes(ppn)); }
  void write(sv39::PageTable& node, unsigned index, Pte pte) const { node.store(index, pte); }
};

class KernelTables {
 public:
  void want(Level, VirtAddr) { ++wanted_; }
  std::expected<void, sv39::Error> reserve() {
    if (!reservation_.add(wanted_, FrameState::table, Zero::yes)) {
      return std::unexpected(sv39::Error{sv39::ErrorKind::out_of_memory, 0, 0});
    }
    wanted_ = 0;
    return {};
  }
  Ppn take(Level, VirtAddr) {
    Ppn ppn = reservation_.take();
    frames().record(ppn).table().clear();
    return ppn;
  }
  void give_back(Ppn) { lib::bug("a kernel page table is freed"); }
  void deposit(Ppn, Ppn) { lib::bug("a kernel superpage is given a deposit"); }
  Ppn withdraw(Ppn) { lib::bug("a kernel superpage is split"); }
  void splitting(Ppn) { lib::bug("a kernel superpage is split"); }

 private:
  u64 wanted_ = 0;
  FrameReservation reservation_;
};

constexpr bool is_unified = View::kind == abi::ViewKind::unified;
constexpr bool is_mirrored = View::kind == abi::ViewKind::mirrored;

/// Only in `unified` do kernel mappings mean the same in every table. In the others a program may use the same
/// addresses for itself, so that they must not be global.
constexpr Permissions kernel_rights(Permissions permissions) { return is_unified ? permissions.global() : permissions; }

constexpr u64 stack_bytes = KernelSpace::stack_pages * sv39::page_size;
constexpr u64 stack_stride = stack_bytes + sv39::page_size;  // the page below each stays unmapped
/// Stacks lie below TRAMPOLINE as in xv6, in `unified` at the top of the upper half.
constexpr u64 stacks_end = is_unified ? 0xffffffffffff0000 : abi::trampoline;

}  // namespace

KernelSpace& kernel_space() { return the_kernel_space; }

lib::Result<void> KernelSpace::build(std::span<const DeviceWindow> devices, const KernelImage& image) {
  image_ = image;
  trampoline_ = image.trampoline;
  root_ = LIB_TRY(frames().allocate(FrameState::table, Zero::yes));
  frames().record(root_).table().clear();
  guard_frame_ = LIB_TRY(frames().allocate(FrameState::kernel, Zero::yes));

  for (const DeviceWindow& device : devices) {
    const u64 offset = device.registers.begin().page_offset();
    const Ppn first = device.registers.begin().floor();
    const u64 pages = device.registers.end().ceil() - first;
    const PhysRange whole = *PhysRange::from(first.address(), pages * sv39::page_size);
    LIB_TRY(map(VirtAddr(device.at.value() - offset), whole, Permissions::read_write()));
  }
  LIB_TRY(map_ram());
  LIB_TRY(map_stacks());
  if (!is_unified) {
    const PhysRange page = *PhysRange::from(trampoline_, sv39::page_size);
    LIB_TRY(map(VirtAddr(abi::trampoline), page, Permissions::read_execute()));
  }
  note_shared_entries();
  return {};
}

lib::Result<void> KernelSpace::map(VirtAddr at, PhysRange what, Permissions permissions) {
  if (what.empty()) return {};
  KernelTables tables;
  sv39::Cursor<KernelMemory> cursor(KernelMemory{}, root_);
  auto range = VirtRange::from(at, what.bytes());
  if (!range) return lib::fail(lib::Error::invalid_argument);
  // Devices may share a page (UART and its neighbours): the first mapping of it serves all.
  if (what.bytes() == sv39::page_size && cursor.query(at).pte.ppn() == what.begin().floor()) return {};
  auto mapped =
      cursor.map(*range, what.begin().floor(), kernel_rights(permissions), tables, Level::giga, sv39::Splitting::never);
  if (mapped) return {};
  return lib::fail(mapped.error().kind == sv39::ErrorKind::out_of_memory ? lib::Error::no_memory
                                                                         : lib::Error::already_exists);
}

lib::Result<void> KernelSpace::map_ram() {
  const PhysRange ram = frames().ram();
  auto piece = [&](PhysAddr begin, PhysAddr end, Permissions permissions) -> lib::Result<void> {
    if (end <= begin) return {};
    return map(VirtAddr(begin.value() + arch::kernel_offset), *PhysRange::from(begin, end - begin), permissions);
  };
  LIB_TRY(piece(ram.begin(), image_.text_begin, Permissions::read_write()));
  LIB_TRY(piece(image_.text_begin, image_.rodata_begin, Permissions::read_execute()));
  LIB_TRY(piece(image_.rodata_begin, image_.data_begin, Permissions::read_only()));
  return piece(image_.data_begin, ram.end().floor().address(), Permissions::read_write());
}

lib::Result<void> KernelSpace::map_stacks() {
  for (u32 slot = 0; slot < stack_slots; ++slot) {
    stack_frames_[slot] = LIB_TRY(frames().allocate(FrameState::kernel, Zero::no, Order{1}));
    if (is_mirrored) continue;  // each process's kernel table maps its own
    const PhysRange memory = *PhysRange::from(stack_frames_[slot].address(), stack_bytes);
    LIB_TRY(map(stack(slot).begin(), memory, Permissions::read_write()));
  }
  return {};
}

VirtRange KernelSpace::stack(u32 slot) const {
  if (is_mirrored) slot = 0;
  const VirtAddr begin(stacks_end - slot * stack_stride - stack_bytes);
  return VirtRange::pages(begin.floor(), stack_pages);
}

u64 KernelSpace::satp() const { return satp_of(root_, sv39::Asid{0}); }
u64 KernelSpace::switch_in() { return View::switch_to_kernel(); }

sv39::Pte KernelSpace::root_entry(u32 index) const { return KernelMemory{}.table(root_).load(index); }

namespace {

void add_leaves(LeafCounts& counts, Ppn node, Level level) {
  for (u32 i = 0; i < sv39::entries_per_table; ++i) {
    const Pte pte = KernelMemory{}.table(node).load(i);
    if (pte.is_table()) add_leaves(counts, pte.ppn(), sv39::below(level));
    if (pte.is_leaf()) ++(level == Level::base ? counts.base_pages : counts.superpages);
  }
}

}  // namespace

LeafCounts KernelSpace::leaf_counts() const {
  LeafCounts counts;
  add_leaves(counts, root_, Level::giga);
  return counts;
}

/// The list keeps a fork from looking at 512 entries to find the few that are there.
void KernelSpace::note_shared_entries() {
  const u32 own = VirtAddr(abi::trampoline).index(Level::giga);
  const u32 first = is_unified ? sv39::entries_per_table / 2 : 0;
  shared_entry_count_ = 0;
  for (u32 i = first; i < sv39::entries_per_table; ++i) {
    if (!root_entry(i).is_valid() || (is_mirrored && i == own)) continue;
    if (shared_entry_count_ == max_shared_entries) lib::bug("kernel space has more gigabytes than its list");
    shared_entry_[shared_entry_count_++] = static_cast<u16>(i);
  }
}

void KernelSpace::copy_shared_entries(sv39::PageTable& root) const {
  for (u32 i = 0; i < shared_entry_count_; ++i) root.store(shared_entry_[i], root_entry(shared_entry_[i]));
}

void KernelSpace::clear_shared_entries(sv39::PageTable& root) const {
  for (u32 i = 0; i < shared_entry_count_; ++i) root.store(shared_entry_[i], Pte());
}

}  // namespace mm
