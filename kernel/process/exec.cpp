// SPDX-License-Identifier: MIT
#include "process/exec.hpp"

#include <algorithm>
#include <cstring>
#include <memory>

#include "fs/volume.hpp"
#include "process/argument_block.hpp"
#include "process/elf.hpp"
#include "process/lifecycle.hpp"
#include "process/personality.hpp"

namespace process {

namespace {

constexpr u32 guard_pages = 2;  // an overrun of two pages still meets one of them
constexpr u64 nowhere = ~u64{0};  // a main() that returns without exit() ends in a fault, not in other code

/// An address space that is not the process's yet.
struct DestroySpace {
  void operator()(mm::AddressSpace* space) const { mm::AddressSpace::destroy(space); }
};
using NewSpace = std::unique_ptr<mm::AddressSpace, DestroySpace>;

template <typename Header>
lib::Result<Header> read_header(fs::Inode& file, u64 offset) {
  Header header;
  const usize got = LIB_TRY(file.read_at(offset, std::as_writable_bytes(std::span(&header, 1))));
  if (got != sizeof header) return lib::fail(lib::Error::not_executable);
  return header;
}

/// All that the headers say, checked. Nothing has been allocated yet (A11).
lib::Result<ImagePlan> read_plan(fs::Inode& file) {
  const abi::Stat stat = LIB_TRY(file.stat());
  if (stat.type != abi::FileType::file) return lib::fail(lib::Error::not_executable);
  const auto header = LIB_TRY(read_header<abi::ElfHeader>(file, 0));
  const ProgramHeaderTable headers = LIB_TRY(parse_elf_header(header, stat.size));
  ImagePlan plan;
  for (u32 i = 0; i < headers.count; ++i) {
    const auto entry =
        LIB_TRY(read_header<abi::ProgramHeader>(file, headers.file_offset + i * sizeof(abi::ProgramHeader)));
    LIB_TRY(add_program_header(plan, entry, stat.size));
  }
  LIB_TRY(finish_plan(plan, headers.entry));
  return plan;
}

/// The rights of a segment; W without R does not exist in a PTE.
sv39::Permissions permissions_of(const Segment& segment) {
  using sv39::Permissions;
  if (segment.writable) {
    return (segment.executable ? Permissions::read_write_execute() : Permissions::read_write()).user();
  }
  return (segment.executable ? Permissions::read_execute() : Permissions::read_only()).user();
}

lib::Result<void> load_segment(mm::AddressSpace& space, fs::Inode& file, const Segment& segment) {
  LIB_TRY(space.map_segment(sv39::VirtAddr(segment.va), segment.memory_size, permissions_of(segment)));
  for (u64 done = 0; done < segment.file_size;) {
    const std::span<std::byte> page = space.loaded_bytes(sv39::VirtAddr(segment.va + done));
    const auto part = page.first(std::min<u64>(page.size(), segment.file_size - done));
    // The file may have been cut since its headers were read.
    if (part.empty() || LIB_TRY(file.read_at(segment.file_offset + done, part)) != part.size()) {
      return lib::fail(lib::Error::not_executable);
    }
    done += part.size();
    if (current().is_killed()) return lib::fail(lib::Error::interrupted);
    sched::give_way();
  }
  return {};
}

/// An image that cannot fit is refused before a single frame is taken for it.
lib::Result<void> check_memory(const ImagePlan& plan) {
  u64 frames = 0;
  for (const Segment& segment : plan.loaded()) frames += segment.memory_size / abi::page_size + 1;
  if (mm::frames().has_too_few(frames)) return lib::fail(lib::Error::no_memory);
  return {};
}

/// Registers of a program's first instruction: all zero but these.
void set_registers(arch::TrapFrame& frame, u64 entry, u64 stack_pointer, u64 argument_count) {
  std::memset(static_cast<void*>(&frame), 0, offsetof(arch::TrapFrame, kernel_stack_top));
  frame.epc = entry;
  frame.ra = nowhere;
  frame.sp = stack_pointer;
  frame.a0 = argument_count;
  frame.a1 = stack_pointer;
}

/// From a file and the arguments to the running program.
lib::Result<u64> run(Process& self, std::string_view path, fs::Inode& file, const ImagePlan& plan,
                     const ArgumentBlock& arguments) {
  LIB_TRY(check_memory(plan));
  NewSpace space(LIB_TRY(mm::AddressSpace::create(space_owner(self))));
  for (const Segment& segment : plan.loaded()) LIB_TRY(load_segment(*space, file, segment));
  const sv39::VirtAddr top = LIB_TRY(space->map_stack(guard_pages, personality().stack_pages));
  const u64 stack_pointer = LIB_TRY(arguments.write_to(*space, top.value()));
  space->code_changed();

  // The commit: from here on nothing can fail.
  const NewSpace old(table().exchange_memory(self, *space));
  bind_memory(self, *space.release());
  self.memory->activate();
  set_registers(self.frame(), plan.entry, stack_pointer, arguments.count());
  self.note_registers_replaced();
  self.set_program(path);
  self.watch.alarm.switch_off();  // the handler is gone
  return arguments.count();
}

lib::Result<u64> exec_with(Process& self, std::string_view path, ArgumentBlock& arguments) {
  const fs::InodeRef file = LIB_TRY(fs::root_volume().find(self.current_directory, path));
  const ImagePlan plan = LIB_TRY(read_plan(*file));
  return run(self, path, *file, plan, arguments);
}

}  // namespace

lib::Result<u64> exec(Process& self, std::string_view path, u64 argument_vector) {
  ArgumentBlock arguments(personality().stack_pages);
  LIB_TRY(arguments.allocate());
  LIB_TRY(arguments.copy_from(*self.memory, argument_vector));
  return exec_with(self, path, arguments);
}

lib::Result<u64> exec_first(Process& self, std::string_view path) {
  ArgumentBlock arguments(personality().stack_pages);
  LIB_TRY(arguments.allocate());
  LIB_TRY(arguments.add(path));
  return exec_with(self, path, arguments);
}

}  // namespace process
