// SPDX-License-Identifier: MIT
#include "abi/types.hpp"
#include "dev/console.hpp"
#include "process/table.hpp"
#include "syscall/arguments.hpp"
#include "syscall/handlers.hpp"

using calls::failed;

u64 sys_consolemode(process::Process& self) {
  const auto mode = static_cast<abi::ConsoleMode>(calls::argument(self, 0));
  if (mode != abi::ConsoleMode::edited && mode != abi::ConsoleMode::raw) return failed;
  if (mode == abi::ConsoleMode::raw && !process::table().lead_console(self)) return failed;
  const auto waiting = dev::console::set_mode(mode);
  return waiting ? *waiting : failed;
}
