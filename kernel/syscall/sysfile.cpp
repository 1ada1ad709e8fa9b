// SPDX-License-Identifier: MIT
#include <optional>

#include "fs/file.hpp"
#include "syscall/arguments.hpp"
#include "syscall/descriptors.hpp"
#include "syscall/handlers.hpp"
#include "syscall/user_io.hpp"

using calls::argument;
using calls::failed;
using calls::find_file;
using calls::integer_argument;
using process::Process;

u64 sys_read(Process& self) {
  fs::File* file = find_file(self, argument(self, 0));
  const i32 count = integer_argument(self, 2);
  if (file == nullptr || count < 0) return failed;
  calls::UserSink sink(*self.memory, argument(self, 1));
  const auto moved = file->read(sink, static_cast<usize>(count));
  return moved ? *moved : failed;
}

u64 sys_write(Process& self) {
  fs::File* file = find_file(self, argument(self, 0));
  const i32 count = integer_argument(self, 2);
  if (file == nullptr || count < 0) return failed;
  calls::UserSource source(*self.memory, argument(self, 1));
  const auto moved = file->write(source, static_cast<usize>(count));
  return moved ? *moved : failed;
}

u64 sys_fstat(Process& self) {
  fs::File* file = find_file(self, argument(self, 0));
  if (file == nullptr) return failed;
  const auto stat = file->stat();
  if (!stat || !calls::store(self, argument(self, 1), *stat)) return failed;
  return 0;
}

u64 sys_dup(Process& self) {
  fs::File* file = find_file(self, argument(self, 0));
  const auto slot = calls::free_descriptor(self);
  if (file == nullptr || !slot) return failed;
  self.files[*slot] = self.files[static_cast<usize>(integer_argument(self, 0))].clone();
  return *slot;
}

u64 sys_close(Process& self) {
  fs::File* const file = find_file(self, argument(self, 0));
  if (file == nullptr) return failed;
  const auto settled = file->settle();
  self.files[static_cast<usize>(integer_argument(self, 0))].reset();
  return calls::status_of(settled);
}

u64 sys_pipe(Process& self) {
  const auto first = calls::free_descriptor(self);
  const auto second = first ? calls::free_descriptor(self, *first + 1) : std::nullopt;
  if (!second) return failed;
  auto ends = fs::file_table().make_pipe();
  if (!ends) return failed;
  // The descriptors exist only when the program knows them: a bad pointer drops both ends.
  const std::array<i32, 2> numbers{static_cast<i32>(*first), static_cast<i32>(*second)};
  if (!calls::store(self, argument(self, 0), numbers)) return failed;
  self.files[*first] = std::move(ends->reader);
  self.files[*second] = std::move(ends->writer);
  return 0;
}
