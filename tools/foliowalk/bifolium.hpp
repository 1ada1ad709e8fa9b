// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "tools/foliowalk/profile.hpp"

namespace foliowalk {

// What foliowalk knows of Bifolium beyond what it finds in any kernel: regions, frame records, counters. Only names are
// written down here; every layout comes from the kernel's DWARF.

[[nodiscard]] bool is_bifolium(const KernelImage& image);
[[nodiscard]] ProfileNames bifolium_names();

/// Completes a record from its entry in the process table. False for a process that is still being made.
[[nodiscard]] bool describe_bifolium(const KernelMemory& memory, const Value& entry, ProcessRecord& record);

/// One counter, summed over the harts (abi/vmstat.hpp names them).
struct Counter {
  std::string name;
  u64 value = 0;
};
[[nodiscard]] std::vector<Counter> bifolium_counters(const KernelMemory& memory);

/// What the frame allocator says of a frame.
enum class FrameState : u8 { unknown, reserved, free, user, file, table, kernel };
struct FrameRecord {
  FrameState state = FrameState::unknown;
  u32 references = 0;
};
struct FrameRecords {
  std::vector<FrameRecord> frames;  // empty when the kernel has no such table, or it can't be read
  /// The aligned 8 bytes of each record that hold the count, and where they lie: so that a finding can be checked
  /// again.
  std::vector<u64> words;
  u64 first_word = 0;  // physical address
  u64 stride = 0;
};
[[nodiscard]] FrameRecords bifolium_frames(const KernelMemory& memory, const Ram& ram);

}  // namespace foliowalk
