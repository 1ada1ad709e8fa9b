// SPDX-License-Identifier: MIT
#pragma once
// Simulated RAM: host memory that stands for physical addresses [base, base + size). Satisfies
// sv39::PhysicalMemory and feeds arch::to_kernel of the seam.

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>

#include "arch/port.hpp"
#include "sv39/address.hpp"

namespace model {

class Arena {
 public:
  static constexpr std::uint64_t default_base = 0x80000000;

  explicit Arena(std::uint64_t size, std::uint64_t base = default_base) : base_(base), size_(size) {
    // A page-aligned mapping of its own: neighbours are unmapped, so a wild access faults at once.
    void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) std::abort();
    bytes_ = static_cast<std::byte*>(memory);
  }
  ~Arena() { munmap(bytes_, size_); }
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  /// Makes this arena the machine's RAM (arch::to_kernel, arch::to_phys).
  void install() { arch::host::set_memory(bytes_, base_, size_); }

  /// Forgets all contents: every byte reads zero again.
  void wipe() { madvise(bytes_, size_, MADV_DONTNEED); }

  [[nodiscard]] std::uint64_t base() const { return base_; }
  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] std::uint64_t frame_count() const { return size_ / 4096; }
  [[nodiscard]] bool contains(std::uint64_t physical) const { return physical - base_ < size_; }

  [[nodiscard]] std::byte* at(std::uint64_t physical) const { return bytes_ + (physical - base_); }

  /// The 8 bytes at `physical`; empty outside RAM. This is the software MMU's only way to memory.
  [[nodiscard]] std::optional<std::uint64_t> word(std::uint64_t physical) const {
    if (!contains(physical) || !contains(physical + 7)) return std::nullopt;
    return __atomic_load_n(reinterpret_cast<const std::uint64_t*>(at(physical)), __ATOMIC_RELAXED);
  }
  void set_word(std::uint64_t physical, std::uint64_t value) const {
    __atomic_store_n(reinterpret_cast<std::uint64_t*>(at(physical)), value, __ATOMIC_RELAXED);
  }

 private:
  std::uint64_t base_;
  std::uint64_t size_;
  std::byte* bytes_;
};

}  // namespace model
