#include "syscall/first_process.hpp"

#include <atomic>

#include "arch/riscv64/csr.hpp"
#include "arch/riscv64/trap_frame.hpp"
#include "dev/machine.hpp"
#include "dev/power.hpp"
#include "fs/volume.hpp"
#include "lib/format.hpp"
#include "process/exec.hpp"
#include "process/lifecycle.hpp"
#include "process/log_keeper.hpp"
#include "process/personality.hpp"
#include "sched/thread.hpp"
#include "syscall/boot_figures.hpp"
#include "syscall/console_reports.hpp"
#include "syscall/console_sink.hpp"
#include "syscall/crash_test.hpp"
#include "syscall/syscall.hpp"

namespace syscall {

namespace {

dev::BlockDevice* root_disk = nullptr;
std::span<std::byte> root_cache;
std::atomic<u64> instructions_at_user_mode{0};

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
  process::start_log_keeper(fs::root_volume().log());
}

process::Personality choose(const fs::InodeRef& root) {
  const fs::Geometry& geometry = fs::root_volume().geometry();
  const process::ImageFacts facts{
      .total_blocks = geometry.size,
      .log_blocks = geometry.log_blocks,
      .has_kalloctest = fs::root_volume().find(root, "kalloctest").has_value(),
  };
  return process::choose_personality(facts, dev::machine().boot_arguments());
}

/// Process 1 from its first kernel instruction to its first user instruction.
void become_init(process::Process& self) {
  crash_on_purpose(dev::boot_argument("crash"));
  mount_root();
  auto root = fs::root_volume().root();
  if (!root) give_up("no root directory", lib::describe(root.error()));
  self.current_directory = std::move(*root);
  process::set_personality(choose(self.current_directory));
  syscall::start(process::personality());
  set_console_reports();
  if (const auto started = process::exec_first(self, "/init"); !started) {
    give_up("/init cannot run", lib::describe(started.error()));
  } else {
    self.frame().a0 = *started;
  }
  self.memory->print(mm::TableFormat::by_index, console_sink);
  instructions_at_user_mode.store(arch::read_instret() - sched::idle_instructions(), std::memory_order_relaxed);
  arch::enter_user(self.frame());
}

}  // namespace

u64 boot_instructions() { return instructions_at_user_mode.load(std::memory_order_relaxed); }

lib::Result<void> start_first_process(dev::BlockDevice& disk, std::span<std::byte> cache_memory) {
  root_disk = &disk;
  root_cache = cache_memory;
  return process::start_first(become_init);
}

}  // namespace syscall
