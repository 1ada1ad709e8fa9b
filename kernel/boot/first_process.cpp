// SPDX-License-Identifier: MIT
#include "boot/first_process.hpp"

#include "arch/riscv64/trap_frame.hpp"
#include "boot/arguments.hpp"
#include "boot/wing.hpp"
#include "dev/power.hpp"
#include "fs/volume.hpp"
#include "lib/format.hpp"
#include "process/console_file.hpp"
#include "process/console_reports.hpp"
#include "process/exec.hpp"
#include "process/lifecycle.hpp"
#include "process/log_keeper.hpp"
#include "syscall/syscall.hpp"

namespace boot {

namespace {

dev::BlockDevice* root_disk = nullptr;
std::span<std::byte> root_cache;

/// There is nothing to run: said once, with the reason, and the machine stops.
[[noreturn]] void give_up(std::string_view what, std::string_view why) {
  lib::print("{}: {}\n", what, why);
  dev::power_off(1);
}

void mount_root() {
  if (const auto mounted = fs::root_volume().mount(*root_disk, root_cache); !mounted) {
    lib::print("file system refused: {} is {}\n", mounted.error().field, mounted.error().value);
    dev::power_off(1);
  }
  fs::root_volume().cache().publish_locks();
  process::start_log_keeper(fs::root_volume().log());
}

/// Process 1 from its first kernel instruction to its first user instruction.
void become_init(process::Process& self) {
  mount_root();
  auto root = fs::root_volume().root();
  if (!root) give_up("no root directory", lib::describe(root.error()));
  self.current_directory = std::move(*root);
  calls::register_core_calls();
  process::start_console_file();
  process::set_console_reports();
  for (const Wing& wing : wings()) {
    if (wing.start != nullptr) wing.start(self);
  }
  override_personality();
  if (const auto started = process::exec_first(self, "/init"); !started) {
    give_up("/init cannot run", lib::describe(started.error()));
  } else {
    self.frame().a0 = *started;
  }
  for (const Wing& wing : wings()) {
    if (wing.first_program != nullptr) wing.first_program(self);
  }
  arch::enter_user(self.frame());
}

}  // namespace

lib::Result<void> start_first_process(dev::BlockDevice& disk, std::span<std::byte> cache_memory) {
  root_disk = &disk;
  root_cache = cache_memory;
  return process::start_first(become_init);
}

}  // namespace boot
