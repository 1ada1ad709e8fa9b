// SPDX-License-Identifier: MIT
#include "syscall/arguments.hpp"

#include "process/argument_counters.hpp"
#include "process/user_memory.hpp"

namespace calls {

lib::Result<std::string_view> fetch_path(process::Process& self, u64 address, PathBuffer& buffer) {
  process::count_argument(process::argument_counters.strings);
  const usize length = LIB_TRY(process::read_user_string(*self.memory, address, buffer.data(), buffer.size()));
  return std::string_view(buffer.data(), length - 1);
}

bool fetch_bytes(process::Process& self, u64 address, void* to, usize count) {
  return process::read_user(*self.memory, address, to, count).has_value();
}

bool store_bytes(process::Process& self, u64 address, const void* from, usize count) {
  return process::write_user(*self.memory, address, from, count).has_value();
}

}  // namespace calls
