#include "syscall/console_reports.hpp"

#include "dev/console.hpp"
#include "lib/format.hpp"
#include "process/table.hpp"
#include "syscall/console_sink.hpp"

namespace syscall {

namespace {

const char* describe(abi::ProcessState state) {
  switch (state) {
    case abi::ProcessState::starting: return "start";
    case abi::ProcessState::runnable: return "runble";
    case abi::ProcessState::running: return "run";
    case abi::ProcessState::sleeping: return "sleep";
    case abi::ProcessState::zombie: return "zombie";
  }
  return "???";
}

/// Runs at interrupt time, between two user instructions or in the idle loop, so no lock is held on this
/// hart.
template <typename Line>
void for_each_process(Line&& line) {
  for (usize slot = 0; slot < abi::max_processes; ++slot) {
    if (const auto info = process::table().describe(slot)) line(*info);
  }
}

void print_processes() {
  lib::print("\n");
  for_each_process([](const abi::ProcInfo& info) {
    lib::print("{} {} {}\n", info.pid, describe(info.state), static_cast<const char*>(info.name));
  });
}

void print_page_tables() {
  lib::print("\n");
  process::table().print_tables(mm::TableFormat::by_index, console_sink);
}

}  // namespace

void set_console_reports() {
  dev::console::set_process_report(print_processes);
  dev::console::set_page_table_report(print_page_tables);
}

}  // namespace syscall
