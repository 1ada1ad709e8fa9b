// SPDX-License-Identifier: MIT
#include "fs/file.hpp"
#include "fs/volume.hpp"
#include "process/personality.hpp"
#include "syscall/arguments.hpp"
#include "syscall/descriptors.hpp"
#include "syscall/handlers.hpp"

using calls::argument;
using calls::failed;
using calls::fetch_path;
using calls::PathBuffer;
using process::Process;

namespace {

/// The mode as fs understands it: only known bits, and the one no-follow bit whatever the program's year
/// calls it.
abi::OpenMode decode_mode(u32 raw) {
  constexpr u32 known = static_cast<u32>(abi::OpenMode::write_only | abi::OpenMode::read_write | abi::OpenMode::create |
                                         abi::OpenMode::truncate);
  abi::OpenMode mode{raw & known};
  if ((raw & process::personality().no_follow_mask) != 0) mode = mode | abi::OpenMode::no_follow;
  return mode;
}

u64 create(Process& self, fs::NewInode what) {
  PathBuffer buffer;
  const auto path = fetch_path(self, argument(self, 0), buffer);
  if (!path) return failed;
  return fs::root_volume().create(self.current_directory, *path, what) ? 0 : failed;
}

/// Runs a volume operation on two paths, the first two arguments.
template <typename Operation>
u64 with_two_paths(Process& self, Operation&& operation) {
  PathBuffer first_buffer;
  PathBuffer second_buffer;
  const auto first = fetch_path(self, argument(self, 0), first_buffer);
  if (!first) return failed;
  const auto second = fetch_path(self, argument(self, 1), second_buffer);
  if (!second) return failed;
  return calls::status_of(operation(*first, *second));
}

}  // namespace

u64 calls::open_path(Process& self, std::string_view path) {
  // The descriptor first: open may create the file, and a call that fails must change nothing.
  const auto slot = calls::free_descriptor(self);
  if (!slot) return failed;
  auto file = fs::file_table().open(fs::root_volume(), self.current_directory, path,
                                    decode_mode(static_cast<u32>(argument(self, 1))));
  if (!file) return failed;
  self.files[*slot] = std::move(*file);
  return *slot;
}

u64 sys_open(Process& self) {
  PathBuffer buffer;
  const auto path = fetch_path(self, argument(self, 0), buffer);
  return path ? calls::open_path(self, *path) : failed;
}

u64 sys_mkdir(Process& self) { return create(self, {.type = abi::FileType::directory}); }

u64 sys_mknod(Process& self) {
  return create(self, {.type = abi::FileType::device,
                       .major = static_cast<i16>(argument(self, 1)),
                       .minor = static_cast<i16>(argument(self, 2))});
}

u64 sys_chdir(Process& self) {
  PathBuffer buffer;
  const auto path = fetch_path(self, argument(self, 0), buffer);
  if (!path) return failed;
  auto directory = fs::root_volume().find_directory(self.current_directory, *path);
  if (!directory) return failed;
  self.current_directory = std::move(*directory);
  return 0;
}

u64 sys_unlink(Process& self) {
  PathBuffer buffer;
  const auto path = fetch_path(self, argument(self, 0), buffer);
  if (!path) return failed;
  return calls::status_of(fs::root_volume().unlink(self.current_directory, *path));
}

u64 sys_link(Process& self) {
  return with_two_paths(self, [&](std::string_view existing, std::string_view added) {
    return fs::root_volume().link(self.current_directory, existing, added);
  });
}

u64 sys_symlink(Process& self) {
  return with_two_paths(self, [&](std::string_view target, std::string_view path) {
    return fs::root_volume().symlink(self.current_directory, target, path);
  });
}
