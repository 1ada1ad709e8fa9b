// SPDX-License-Identifier: MIT
#pragma once
// A simulated machine for tests of kernel/mm: RAM, the real frame allocator and kernel space over it, harts with
// adversarial TLBs, and user accesses that fault into the real fault handler. One at a time per process.

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "mm/frames.hpp"
#include "mm/kernel_space.hpp"
#include "mm/look.hpp"
#include "model/arena.hpp"
#include "model/tlb_model.hpp"

namespace mm_test {

using namespace mm;  // NOLINT: tests of one layer

struct MachineOptions {
  u64 ram_bytes = u64{64} << 20;
  u64 asid_mask = 0xffff;
  u64 image_bytes = u64{1} << 20;  // kernel image at the start of RAM, reserved
  bool speculates = false;         // in the gaps between the kernel's steps, on addresses used lately
};

/// How a program's access ended.
enum class Outcome { done, killed_refused, killed_no_memory };

class Machine final : public arch::host::UserMemory {
 public:
  explicit Machine(MachineOptions options = {});
  ~Machine() override;
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  [[nodiscard]] model::Arena& arena() { return arena_; }
  [[nodiscard]] model::TlbModel& tlb() { return tlb_; }

  /// The calling thread is hart `hart` from now on, with the satp that this hart has.
  void become_hart(unsigned hart);
  /// Switches the current hart to a space, as sched does; null: to the kernel's own table.
  void switch_to(AddressSpace* space);
  [[nodiscard]] AddressSpace* running(unsigned hart) const { return running_[hart]; }

  /// One access by the program that runs on the current hart: translated by the MMU through the TLB, faults handled by
  /// the kernel, repeated. `*byte` is where it arrived.
  Outcome access(u64 va, model::AccessKind kind, std::byte** byte);
  /// The same with a value.
  Outcome load(u64 va, std::byte& value);
  Outcome store(u64 va, std::byte value);

  /// An address that hardware may speculate on from now on. Harts note theirs at once where they are threads.
  void note_address(u64 va) {
    const unsigned count = noted_count_.fetch_add(1, std::memory_order_relaxed);
    noted_[count % std::size(noted_)].store(va, std::memory_order_relaxed);
  }
  /// Fetches the translations of all addresses noted lately, on the hart, under its satp of the moment.
  void speculate(unsigned hart);
  /// The program on the current hart ends: nobody touches its memory again, and part of it goes now (process exit).
  void end_program();

  /// A process's frames (trapframe, USYSCALL) and stack slot. Every test process has its own.
  [[nodiscard]] lib::Result<SpaceOwner> make_owner();
  void free_owner(const SpaceOwner& owner);

  /// The n-th frame allocation from now fails (1: the next); 0: none. Returns how many were asked for since.
  static void fail_at(unsigned n);
  static unsigned allocations_seen();
  /// Each allocation from now on fails.
  static void fail_all(bool yes);

  /// Violations that the TLB model saw, as one text; empty if none. Clears them.
  [[nodiscard]] std::string complaints();
  /// Compares every hart's cached entries of its active space with the tables.
  void check_tlbs();

  std::byte* kernel_access(unsigned hart, u64 address, arch::host::AccessType access, bool sum) override;

  [[nodiscard]] static bool is_free_frame(u64 physical);

 private:
  void enter_user(AddressSpace& space);
  void leave_user(AddressSpace& space);
  void pass_gap(unsigned hart, arch::host::Gap gap);

  model::Arena arena_;
  model::TlbModel tlb_;
  AddressSpace* running_[arch::max_harts] = {};
  u64 satp_[arch::max_harts] = {};
  std::atomic<u64> noted_[8] = {};
  std::atomic<unsigned> noted_count_ = 0;
  u64 gap_random_ = 1;
  std::mutex slots_mutex_;
  bool slot_used_[KernelSpace::stack_slots] = {};
};

/// Gives printed text to a string.
struct TextCollector {
  std::string text;
  [[nodiscard]] TextSink sink() {
    return {[](void* context, std::string_view piece) { static_cast<TextCollector*>(context)->text += piece; }, this};
  }
};

}  // namespace mm_test
