// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tools/foliowalk/bifolium.hpp"
#include "tools/foliowalk/hart.hpp"
#include "tools/foliowalk/kernel_parts.hpp"
#include "tools/foliowalk/profile.hpp"

namespace foliowalk {

/// What a page table is for.
enum class Role {
  kernel,          // the kernel's own
  process,         // a process's user table, or its only one
  process_kernel,  // a process's kernel table, with or without a mirror of its user pages
  other,           // a root that was given by hand, or found in a satp
};

/// One address space at one moment.
struct Space {
  std::string id;  // "kernel", "3", "3.kernel", "satp:0x87fff000"
  Role role = Role::other;
  std::optional<ProcessRecord> process;
  std::vector<unsigned> harts;  // whose satp names this root now
  Tree tree;

  /// A process may have none: it is being made, or a zombie whose kernel freed them at exit.
  [[nodiscard]] bool has_tables() const { return !process || tree.root != 0; }
  [[nodiscard]] std::string title() const;
};

/// All address spaces of the guest, read as closely together as can be.
struct Scene {
  std::chrono::system_clock::time_point time;
  u64 ram_base = 0;
  u64 ram_size = 0;
  std::optional<std::pair<u64, u64>> kernel_image;  // physical range which the kernel's ELF fills
  std::vector<KernelPart> kernel_parts;
  sv39::Extensions extensions;  // of the machine's page-table walker
  Family family = Family::other;
  std::vector<Hart> harts;
  std::vector<Space> spaces;
  std::vector<Counter> counters;
  std::optional<i64> next_pid;  // the number that the next process gets
  FrameRecords records;         // the kernel's own account of its frames, where it has one
  std::vector<std::string> warnings;
  std::vector<std::string> notes;  // what was not found in the kernel's file, and what to do about it
  /// Processes that vanished or exec'ed while they were read.
  unsigned lost_races = 0;
  double milliseconds = 0;      // to read all tables; asking QEMU for satp not counted
  double cpu_milliseconds = 0;  // the same as the processor's time: what is left when other programs don't interrupt

  [[nodiscard]] const Space* find(std::string_view id) const;
  [[nodiscard]] bool in_ram(u64 pa) const { return pa >= ram_base && pa - ram_base < ram_size; }
};

class Qmp;

/// Where a guest's state comes from: RAM, kernel file, its harts, and what was said on the command line.
struct Source {
  std::unique_ptr<Ram> ram;
  std::unique_ptr<KernelImage> image;  // may be null: then only satp values lead to tables
  std::optional<Profile> profile;
  std::unique_ptr<HartSource> machine;  // null for a dump
  Qmp* qmp = nullptr;  // the machine, when it is QEMU
  std::vector<Hart> saved_harts;
  std::vector<u64> extra_satps;
  std::optional<Mode> mode;  // given by hand; else satp's

  [[nodiscard]] bool is_live() const { return machine && machine->is_running(); }
};

[[nodiscard]] Scene capture(Source& source);

/// Reads the list of free frames of a kernel like xv6 (`kmem.freelist`, one or one for each hart) into the scene's
/// records. Kernels that keep none, or keep records of their own, are left as they are.
void add_free_list(Source& source, Scene& scene);

/// Space ids which a person may type: "kernel", a process number, "3.kernel", a process's name when it is the only one.
/// A process without tables is a Failure that says so: there is nothing in it to look at.
[[nodiscard]] Outcome<const Space*> find_space(const Scene& scene, std::string_view text);

}  // namespace foliowalk
