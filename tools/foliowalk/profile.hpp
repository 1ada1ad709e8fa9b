// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tools/foliowalk/value.hpp"

namespace foliowalk {

/// A part of a process's address space as its kernel knows it.
struct RegionRecord {
  u64 begin = 0;
  u64 end = 0;
  std::string name;
  std::string backing;
  bool shared = false;
};

/// What the kernel's own table says of one process.
struct ProcessRecord {
  u64 slot = 0;
  i64 pid = 0;
  std::string name;
  std::string state;
  u64 root = 0;         // physical address of the user (or only) root table
  u64 kernel_root = 0;  // of the process's own kernel table, 0 when it has none
  u64 size = 0;         // the break, in bytes
  std::vector<RegionRecord> regions;

  /// Whether both records are of the same process with the same tables.
  [[nodiscard]] bool same_tables(const ProcessRecord& other) const {
    return slot == other.slot && pid == other.pid && root == other.root && kernel_root == other.kernel_root;
  }
};

/// Where a kernel keeps its processes, as member paths. Empty paths are not there.
struct ProfileNames {
  std::string table;  // variable, or member of one: an array of structures or of pointers to them
  std::string pid;
  std::string name;
  std::string state;
  std::string root;
  std::string kernel_root;
  std::string size;
  std::string global_root;  // variable, or member of one: the kernel's own root table
  std::string next_pid;     // variable, or member of one: the number of the next process
};

/// What may be presumed of a kernel when its tables are judged.
enum class Family { bifolium, xv6, other };

/// Finds processes in a kernel by the names and types in its DWARF.
class Profile {
 public:
  /// Looks for a process table: any array whose elements have a process number and a page-table root under one of the
  /// usual names. What the caller gives in `wanted` decides over what is found. Bifolium's names are known; there only
  /// a table that is given decides.
  [[nodiscard]] static Outcome<Profile> detect(const KernelImage& image, const ProfileNames& wanted);

  [[nodiscard]] Family family() const { return family_; }
  [[nodiscard]] const ProfileNames& names() const { return names_; }
  /// What was looked for and not found, each with the option that helps; empty when all is known.
  [[nodiscard]] const std::vector<std::string>& notes() const { return notes_; }
  [[nodiscard]] u64 slots(const KernelMemory& memory) const;
  /// The process in a slot; nothing when the slot is unused.
  [[nodiscard]] std::optional<ProcessRecord> process(const KernelMemory& memory, u64 slot) const;
  /// The kernel's own root table; nothing when it has none or has not booted so far.
  [[nodiscard]] std::optional<u64> kernel_root(const KernelMemory& memory) const;
  /// The number that the next process gets; nothing when the kernel keeps no such count under a usual name.
  [[nodiscard]] std::optional<i64> next_pid(const KernelMemory& memory) const;

 private:
  void note_what_is_missing(const KernelImage& image);

  Family family_ = Family::other;
  ProfileNames names_;
  std::vector<std::string> notes_;
};

/// The physical address of a root table that is held as a pointer, a physical address, a page number or a satp value,
/// told apart by the member's name and type.
[[nodiscard]] std::optional<u64> root_address(const KernelMemory& memory, const Value& value, std::string_view path);

}  // namespace foliowalk
