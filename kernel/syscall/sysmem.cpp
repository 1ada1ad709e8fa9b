// SPDX-License-Identifier: MIT
#include "abi/types.hpp"
#include "dev/console.hpp"
#include "fs/file.hpp"
#include "mm/look.hpp"
#include "process/console_pace.hpp"
#include "process/personality.hpp"
#include "syscall/arguments.hpp"
#include "syscall/descriptors.hpp"
#include "syscall/handlers.hpp"

using calls::argument;
using calls::failed;
using calls::integer_argument;
using process::ConsolePace;
using process::Process;
using process::SbrkRule;

namespace {

/// What a program means by sbrk's second argument register.
mm::Growth growth_of(u64 mode) {
  switch (process::personality().sbrk) {
    case SbrkRule::one_argument: return mm::Growth::eager_if_it_fits;
    case SbrkRule::flagged:
      return static_cast<i32>(mode) == static_cast<i32>(abi::SbrkMode::eager) ? mm::Growth::eager : mm::Growth::lazy;
    case SbrkRule::guess: break;
  }
  if (mode == static_cast<u64>(abi::SbrkMode::eager)) return mm::Growth::eager;
  if (mode == static_cast<u64>(abi::SbrkMode::lazy)) return mm::Growth::lazy;
  return mm::Growth::eager_if_it_fits;
}

/// Shrinking by more than there is changes nothing, in any case. xv6 says that it succeeded, and programs expect that
/// of a size one byte too large. We follow it within the last page, where the request can be read as "all of it"; a
/// number that is out of all proportion is an error (A7).
[[gnu::noinline]] u64 shrink_by(Process& self, u64 bytes) {
  const u64 old_break = self.memory->program_break();
  if (bytes > old_break) return bytes - old_break < abi::page_size ? old_break : failed;
  self.memory->shrink(bytes);
  return old_break;
}

[[gnu::noinline]] u64 grow_by(Process& self, u64 bytes) {
  const auto grown = self.memory->grow(bytes, growth_of(argument(self, 1)));
  return grown ? *grown : failed;
}

/// The rights that mmap's third argument asks for; nothing for PROT_NONE. Write brings read, as in the PTE.
sv39::Permissions permissions_of(abi::Protection protection) {
  using sv39::Permissions;
  const bool executes = has(protection, abi::Protection::execute);
  if (has(protection, abi::Protection::write)) return Permissions::read_write().user();
  if (!executes) return Permissions::read_only().user();
  return (has(protection, abi::Protection::read) ? Permissions::read_execute() : Permissions::execute_only()).user();
}

/// Memory is written or run, not both (W^X); what exec maps for a program of one segment is the only exception.
bool writes_code(abi::Protection protection) {
  return has(protection, abi::Protection::write) && has(protection, abi::Protection::execute);
}

struct MapRequest {
  u64 bytes;
  abi::Protection protection;
  mm::Sharing sharing;
  fs::File* file;  // null: anonymous
  u64 offset;
};

/// Reads and checks mmap's six arguments but for what the address space itself checks. A wished address is
/// ignored.
lib::Result<MapRequest> decode_mmap(Process& self) {
  constexpr u32 known_protection = 7;
  const u32 protection = static_cast<u32>(argument(self, 2));
  const auto flags = abi::MapFlags{static_cast<u32>(argument(self, 3))};
  const bool shared = has(flags, abi::MapFlags::shared);
  const bool anonymous = has(flags, abi::MapFlags::anonymous);
  MapRequest request{
      .bytes = argument(self, 1),
      .protection = abi::Protection{protection},
      .sharing = shared ? mm::Sharing::shared : mm::Sharing::private_copy,
      .file = anonymous ? nullptr : calls::find_file(self, argument(self, 4)),
      .offset = argument(self, 5),
  };
  if ((protection & ~known_protection) != 0) return lib::fail(lib::Error::invalid_argument);
  if (shared == has(flags, abi::MapFlags::private_copy)) return lib::fail(lib::Error::invalid_argument);
  if (writes_code(request.protection)) return lib::fail(lib::Error::not_permitted);
  if (request.bytes == 0 || request.offset % abi::page_size != 0) return lib::fail(lib::Error::invalid_argument);
  if (!anonymous && request.file == nullptr) return lib::fail(lib::Error::bad_descriptor);
  return request;
}

/// A mapping may not do what the descriptor could not: read always, write when the file would change.
lib::Result<void> check_file_rights(const MapRequest& request) {
  if (request.file->kind() != fs::File::Kind::inode || !request.file->is_readable()) {
    return lib::fail(lib::Error::not_permitted);
  }
  if (LIB_TRY(request.file->stat()).type != abi::FileType::file) return lib::fail(lib::Error::is_a_directory);
  const bool writes_file = request.sharing == mm::Sharing::shared && has(request.protection, abi::Protection::write);
  if (writes_file && !request.file->is_writable()) return lib::fail(lib::Error::not_permitted);
  return {};
}

lib::Result<sv39::VirtAddr> map(mm::AddressSpace& memory, const MapRequest& request) {
  if (request.file != nullptr) LIB_TRY(check_file_rights(request));
  if (request.protection == abi::Protection::none) return memory.map_inaccessible(request.bytes);
  const sv39::Permissions permissions = permissions_of(request.protection);
  if (request.file == nullptr) return memory.map_anonymous(request.bytes, permissions, request.sharing);
  return memory.map_file(request.bytes, permissions, request.sharing, request.file->inode()->backing(), request.offset);
}

}  // namespace

u64 sys_sbrk(Process& self) {
  const i32 delta = integer_argument(self, 0);
  return delta < 0 ? shrink_by(self, u64{0} - static_cast<u64>(i64{delta})) : grow_by(self, static_cast<u64>(delta));
}

u64 sys_mmap(Process& self) {
  const auto request = decode_mmap(self);
  if (!request) return failed;
  const auto address = map(*self.memory, *request);
  return address ? address->value() : failed;
}

u64 sys_munmap(Process& self) {
  return calls::status_of(self.memory->unmap(sv39::VirtAddr(argument(self, 0)), argument(self, 1)));
}

u64 sys_pgaccess(Process& self) {
  constexpr i32 bits_of_mask = 32;
  const i32 pages = integer_argument(self, 1);
  if (pages < 0 || pages > bits_of_mask) return failed;
  const u64 base = argument(self, 0);
  if (base >= abi::user_top) return failed;
  const auto first = sv39::VirtAddr(base).align_down(sv39::Level::base);
  const u32 mask = static_cast<u32>(self.memory->take_accessed(first, static_cast<u32>(pages)));
  return calls::store(self, argument(self, 2), mask) ? 0 : failed;
}

u64 sys_pgpte(Process& self) { return self.memory->logical_pte(sv39::VirtAddr(argument(self, 0))).raw(); }

// A large table takes seconds to print. Only its own process changes it, so others may run in between.
u64 sys_kpgtbl(Process& self) {
  ConsolePace pace;
  const auto print_and_pause = [](void* context, std::string_view text) {
    if (!dev::console::write_all(text)) return;
    static_cast<ConsolePace*>(context)->printed(text.size());
  };
  const auto is_full = [](void*) { return process::current().is_killed(); };
  mm::print_table(*self.memory, mm::TableFormat::by_address, {print_and_pause, &pace, is_full});
  return 0;
}
