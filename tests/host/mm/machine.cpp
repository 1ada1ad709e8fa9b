// SPDX-License-Identifier: MIT
#include "mm/machine.hpp"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <new>

#include "arch/riscv64/csr.hpp"
#include "mm/counters.hpp"
#include "mm/fail_nth.hpp"

namespace mm_test {

namespace {

std::atomic<unsigned> fail_countdown{0};
std::atomic<unsigned> seen{0};
std::atomic<bool> every{false};

bool fail_hook() {
  seen.fetch_add(1, std::memory_order_relaxed);
  if (every.load(std::memory_order_relaxed)) return true;
  const unsigned left = fail_countdown.load(std::memory_order_relaxed);
  if (left == 0) return false;
  fail_countdown.store(left - 1, std::memory_order_relaxed);
  return left == 1;
}

// A global of the kernel in the state that it has at power-on.
template <class T>
void renew(T& object) {
  object.~T();
  new (&object) T();
}

/// Whether the calling thread is one of a machine's harts already.
thread_local bool is_hart = false;

constexpr model::Context user_mode{model::Privilege::user, false, false};

}  // namespace

Machine::Machine(MachineOptions options) : arena_(options.ram_bytes), tlb_(arena_, is_free_frame) {
  arena_.install();
  renew(frames());
  renew(kernel_space());
  for (unsigned hart = 0; hart < arch::max_harts; ++hart) renew(hart_counters[hart]);
#if !defined(BIFOLIUM_VIEW_SHARED) && !defined(BIFOLIUM_VIEW_MIRRORED)
  renew(UnifiedView::asids);
#endif
  fail_at(0);
  fail_all(false);
  failure_hook.store(fail_hook);
  arch::host::machine.asid_mask = options.asid_mask;
  arch::host::set_listener(&tlb_);
  arch::host::machine.user_memory.store(this);
  arch::host::set_hart_index(0);
  arch::host::this_satp = 0;

  const sv39::PhysAddr ram(arena_.base());
  const PhysRange image = *PhysRange::from(ram, options.image_bytes);
  const PhysRange reserved[] = {image};
  frames().init(*PhysRange::from(ram, arena_.size()), reserved);

  const DeviceWindow devices[] = {
      {*PhysRange::from(sv39::PhysAddr(0x10000000), 0x100), VirtAddr(0x10000000 + arch::kernel_offset)},
      {*PhysRange::from(sv39::PhysAddr(0xc000000), 0x400000), VirtAddr(0xc000000 + arch::kernel_offset)},
  };
  const KernelImage layout{ram, ram + 0x40000, ram + 0x60000, ram + 0x1000};
  if (!kernel_space().build(devices, layout)) {
    std::fprintf(stderr, "host machine: kernel space cannot be built\n");
    std::abort();
  }
  arch::write_satp(arch::Satp{kernel_space().satp()});
  View::init();
  for (unsigned hart = 0; hart < arch::max_harts; ++hart) {
    arch::host::set_hart_index(hart);
    arch::write_satp(arch::Satp{kernel_space().satp()});
    arch::fence_all();
    satp_[hart] = arch::read_satp().bits;
  }
  become_hart(0);
  if (options.speculates) tlb_.in_gap = [this](unsigned hart, arch::host::Gap gap) { pass_gap(hart, gap); };
}

Machine::~Machine() {
  failure_hook.store(nullptr);
  arch::host::set_listener(nullptr);
  arch::host::machine.user_memory.store(nullptr);
}

bool Machine::is_free_frame(u64 physical) {
  const Ppn ppn(physical / sv39::page_size);
  if (!frames().contains(ppn)) return false;
  const FrameState state = frames().state(ppn);
  return state == FrameState::free || state == FrameState::cached || state == FrameState::cached_zero;
}

// The test becomes another hart; the hart notices nothing. A thread that was none until now leaves none behind.
void Machine::become_hart(unsigned hart) {
  if (is_hart) satp_[arch::hart_index()] = arch::read_satp().bits;
  is_hart = true;
  arch::host::set_hart_index(hart);
  arch::host::this_satp = satp_[hart];
}

void Machine::switch_to(AddressSpace* space) {
  const unsigned hart = arch::hart_index();
  tlb_.deactivate(hart);
  sched::Space& next = space != nullptr ? static_cast<sched::Space&>(*space) : kernel_space();
  running_[hart] = space;
  if (const u64 satp = next.switch_in(); satp != 0) {
    // What arch_switch_context does (switch.S).
    arch::write_satp(arch::Satp{satp});
    arch::fence_all();
  }
  // Under its own table the kernel touches no user address, so what is cached of them cannot be hit.
  if (space == nullptr) return;
  tlb_.use(hart);
  tlb_.check(hart);
}

// The trampoline's way into user mode and back (trap.S), in the views that switch tables there.
void Machine::enter_user(AddressSpace& space) {
  if (const u64 satp = space.user_satp(); satp != 0) {
    arch::write_satp(arch::Satp{satp});
    arch::fence_all();
    tlb_.use(arch::hart_index());
  }
}

void Machine::leave_user(AddressSpace& space) {
  if (const u64 satp = space.kernel_satp(); satp != 0) {
    arch::write_satp(arch::Satp{satp});
    arch::fence_all();
    tlb_.use(arch::hart_index());
  }
}

void Machine::end_program() {
  const unsigned hart = arch::hart_index();
  tlb_.deactivate(hart);
  running_[hart]->release_memory();
}

void Machine::speculate(unsigned hart) {
  const unsigned count = std::min<unsigned>(noted_count_, std::size(noted_));
  for (unsigned i = 0; i < count; ++i) tlb_.speculate(hart, noted_[i]);
}

// All addresses around fences and writes of satp; elsewhere, where there are thousands of gaps in an operation, one
// address in some of them, now and then on another hart.
void Machine::pass_gap(unsigned hart, arch::host::Gap gap) {
  if (noted_count_ == 0) return;
  if (gap == arch::host::Gap::fence || gap == arch::host::Gap::satp) {
    speculate(hart);
    return;
  }
  gap_random_ = gap_random_ * 6364136223846793005 + 1442695040888963407;
  if (gap_random_ >> 61 != 0) return;
  const u64 pick = gap_random_ >> 40;
  const unsigned where = pick % 5 == 0 ? pick / 5 % arch::max_harts : hart;
  tlb_.speculate(where, noted_[pick / 64 % std::min<unsigned>(noted_count_, std::size(noted_))]);
}

Outcome Machine::access(u64 va, model::AccessKind kind, std::byte** byte) {
  const unsigned hart = arch::hart_index();
  AddressSpace& space = *running_[hart];
  note_address(va);
  const Access as_kernel = kind == model::AccessKind::load    ? Access::read
                           : kind == model::AccessKind::store ? Access::write
                                                              : Access::execute;
  for (int attempt = 0; attempt < 4; ++attempt) {
    enter_user(space);
    const model::Served served = tlb_.access(hart, va, kind, user_mode);
    leave_user(space);
    if (served.fault == model::FaultKind::none) {
      if (!arena_.contains(served.physical)) {
        std::fprintf(stderr, "user access at 0x%llx reached 0x%llx outside RAM\n", static_cast<unsigned long long>(va),
                     static_cast<unsigned long long>(served.physical));
        std::abort();
      }
      *byte = arena_.at(served.physical);
      return Outcome::done;
    }
    switch (space.fault(VirtAddr(va), as_kernel)) {
      case FaultResult::resolved: break;
      case FaultResult::refused: return Outcome::killed_refused;
      case FaultResult::no_memory: return Outcome::killed_no_memory;
    }
  }
  std::fprintf(stderr, "livelock: the access at 0x%llx keeps faulting after the kernel resolved it\n",
               static_cast<unsigned long long>(va));
  std::abort();
}

Outcome Machine::load(u64 va, std::byte& value) {
  std::byte* byte = nullptr;
  const Outcome outcome = access(va, model::AccessKind::load, &byte);
  if (outcome == Outcome::done) value = *byte;
  return outcome;
}

Outcome Machine::store(u64 va, std::byte value) {
  std::byte* byte = nullptr;
  const Outcome outcome = access(va, model::AccessKind::store, &byte);
  if (outcome == Outcome::done) *byte = value;
  return outcome;
}

std::byte* Machine::kernel_access(unsigned hart, u64 address, arch::host::AccessType access, bool sum) {
  note_address(address);
  const auto kind = access == arch::host::AccessType::load ? model::AccessKind::load : model::AccessKind::store;
  const model::Served served = tlb_.access(hart, address, kind, {model::Privilege::supervisor, sum, false});
  return served.fault == model::FaultKind::none ? arena_.at(served.physical) : nullptr;
}

lib::Result<SpaceOwner> Machine::make_owner() {
  const std::lock_guard guard(slots_mutex_);
  u32 slot = 0;
  while (slot < KernelSpace::stack_slots && slot_used_[slot]) ++slot;
  if (slot == KernelSpace::stack_slots) return lib::fail(lib::Error::limit_reached);
  auto trapframe = frames().allocate(FrameState::kernel, Zero::yes);
  if (!trapframe) return lib::fail(trapframe.error());
  auto usyscall = frames().allocate(FrameState::kernel, Zero::yes);
  if (!usyscall) {
    frames().free(*trapframe);
    return lib::fail(usyscall.error());
  }
  slot_used_[slot] = true;
  return SpaceOwner{slot, *trapframe, *usyscall};
}

void Machine::free_owner(const SpaceOwner& owner) {
  const std::lock_guard guard(slots_mutex_);
  slot_used_[owner.stack_slot] = false;
  frames().unref(owner.trapframe);
  frames().unref(owner.usyscall);
}

void Machine::fail_at(unsigned n) {
  fail_countdown.store(n);
  seen.store(0);
}
unsigned Machine::allocations_seen() { return seen.load(); }
void Machine::fail_all(bool yes) { every.store(yes); }

std::string Machine::complaints() {
  std::string all;
  for (const std::string& line : tlb_.violations()) all += line + "\n";
  tlb_.clear_violations();
  return all;
}

void Machine::check_tlbs() {
  for (unsigned hart = 0; hart < arch::max_harts; ++hart) tlb_.check(hart);
}

}  // namespace mm_test
