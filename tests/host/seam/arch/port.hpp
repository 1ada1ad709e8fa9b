// SPDX-License-Identifier: MIT
#pragma once
// Host twin of kernel/arch/port.hpp: the same names with the same meaning over a simulated machine.
//
// Physical memory is one arena of host memory that stands for a range of physical addresses; a hart is a
// host thread (or a role that a single-threaded test takes with set_hart_index); a fence is reported to
// whoever listens (the adversarial TLB model), because on the host no hardware caches translations.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>

#include "arch/hart_counters.hpp"
#include "lib/types.hpp"
#include "sv39/address.hpp"

namespace arch {

inline constexpr u32 max_harts = 8;

/// Where the kernel's tables put RAM; the host's own pointers (to_kernel) are something else here.
#if defined(BIFOLIUM_VIEW_SHARED) || defined(BIFOLIUM_VIEW_MIRRORED)
inline constexpr u64 kernel_offset = 0;
#else
inline constexpr u64 kernel_offset = 0xffffffc000000000;
#endif

namespace host {

/// Where the kernel is between two of its steps, for a listener that looks closer at some.
enum class Gap {
  fence,  ///< right before or right after a fence
  satp,   ///< right before or right after satp is written
  entry,  ///< a page-table entry was stored
  other,  ///< the kernel looked for a frame, or counted an event
};

/// Who hears about fences and changes of satp. Every method is called on the thread that runs as hart `hart`.
class FenceListener {
 public:
  virtual ~FenceListener() = default;
  /// The kernel is between two steps: hardware may do now whatever it may do at any time.
  virtual void on_gap(unsigned /*hart*/, Gap /*gap*/) {}
  virtual void on_fence_page(unsigned hart, sv39::Asid asid, sv39::VirtAddr address) = 0;
  virtual void on_fence_asid(unsigned hart, sv39::Asid asid) = 0;
  virtual void on_fence_all(unsigned hart) = 0;
  virtual void on_fence_i(unsigned hart) = 0;
  virtual void on_satp(unsigned hart, std::uint64_t root, std::uint64_t asid) = 0;
};

enum class AccessType { load, store };

/// How the kernel's plain accesses to user addresses reach memory (user_access.hpp).
class UserMemory {
 public:
  virtual ~UserMemory() = default;
  /// The byte at user address `address`, good to the end of its page; null: the access faults.
  virtual std::byte* kernel_access(unsigned hart, std::uint64_t address, AccessType access, bool sum) = 0;
};

/// The simulated machine. One per process: the code under test reaches it through free functions.
struct Machine {
  std::byte* arena = nullptr;  // host address of the first byte of RAM
  std::uint64_t base = 0;      // its physical address
  std::uint64_t size = 0;      // bytes
  std::atomic<FenceListener*> listener{nullptr};
  std::atomic<UserMemory*> user_memory{nullptr};
  std::uint64_t asid_mask = 0xffff;  // ASID bits that satp holds
};

inline Machine machine;
inline thread_local unsigned this_hart = 0;
inline thread_local std::uint64_t this_satp = 0;
inline thread_local bool this_sum = false;  // sstatus.SUM

/// Gives the machine its RAM: `size` bytes at host address `arena` appear at physical address `base`.
inline void set_memory(void* arena, std::uint64_t base, std::uint64_t size) {
  machine.arena = static_cast<std::byte*>(arena);
  machine.base = base;
  machine.size = size;
}

inline void set_listener(FenceListener* listener) { machine.listener.store(listener); }
inline void pass(Gap gap) {
  if (auto* listener = machine.listener.load()) listener->on_gap(this_hart, gap);
}
inline void set_hart_index(unsigned hart) { this_hart = hart; }

[[noreturn]] inline void stray(const char* what, std::uint64_t value) {
  std::fprintf(stderr, "host machine: %s outside RAM: 0x%llx\n", what, static_cast<unsigned long long>(value));
  std::abort();
}

}  // namespace host

/// Index of the hart that executes, 0 .. max_harts - 1.
[[nodiscard]] inline u32 hart_index() { return host::this_hart; }

namespace host {

/// The array of all harts' counters. Who adds them up begins a loop over it: there a test may hold the reader up and
/// let the other harts go on.
class AllCounters {
 public:
  HartCounters& operator[](u32 hart) { return harts_[hart]; }
  HartCounters* begin() {
    if (before_sum) before_sum();
    return harts_;
  }
  HartCounters* end() { return harts_ + max_harts; }

  std::function<void()> before_sum;

 private:
  HartCounters harts_[max_harts];
};

}  // namespace host

/// All harts' event counters, and those of the hart that executes.
inline host::AllCounters hart_counters;
[[nodiscard]] inline HartCounters& own_counters() {
  host::pass(host::Gap::other);
  return hart_counters[hart_index()];
}

/// An entry of a page table that hardware may walk has been stored.
inline void note_table_store() { host::pass(host::Gap::entry); }

/// Bit i set: hart i has been started. On the host all are.
[[nodiscard]] inline u32 started_harts() { return (u32{1} << max_harts) - 1; }

/// Kernel pointer to the byte of RAM at `address` (the direct map). Aborts outside the arena.
[[nodiscard]] inline void* to_kernel(sv39::PhysAddr address) {
  host::pass(host::Gap::other);
  const std::uint64_t offset = address.value() - host::machine.base;
  if (address.value() < host::machine.base || offset >= host::machine.size) host::stray("PhysAddr", address.value());
  return host::machine.arena + offset;
}

/// Inverse of to_kernel.
[[nodiscard]] inline sv39::PhysAddr to_phys(const void* pointer) {
  const auto* byte = static_cast<const std::byte*>(pointer);
  if (byte < host::machine.arena || byte >= host::machine.arena + host::machine.size) {
    host::stray("pointer", reinterpret_cast<std::uint64_t>(pointer));
  }
  return sv39::PhysAddr{host::machine.base + static_cast<std::uint64_t>(byte - host::machine.arena)};
}

/// Orders table writes before later translations of `address` in `asid` on this hart (sfence.vma va, asid).
inline void fence_page(sv39::Asid asid, sv39::VirtAddr address) {
  host::pass(host::Gap::fence);
  if (auto* listener = host::machine.listener.load()) listener->on_fence_page(hart_index(), asid, address);
  host::pass(host::Gap::fence);
}

/// The same for every address of `asid` but global leaves (sfence.vma x0, asid).
inline void fence_asid(sv39::Asid asid) {
  host::pass(host::Gap::fence);
  if (auto* listener = host::machine.listener.load()) listener->on_fence_asid(hart_index(), asid);
  host::pass(host::Gap::fence);
}

/// The same for everything, global leaves too (sfence.vma x0, x0).
inline void fence_all() {
  host::pass(host::Gap::fence);
  if (auto* listener = host::machine.listener.load()) listener->on_fence_all(hart_index());
  host::pass(host::Gap::fence);
}

/// Makes code written by this hart visible to its instruction fetches.
inline void fence_i() {
  if (auto* listener = host::machine.listener.load()) listener->on_fence_i(hart_index());
}

/// A spinning hart's polite pause.
inline void spin_hint() {}

}  // namespace arch
