// SPDX-License-Identifier: MIT
#include "process/console_reports.hpp"

#include <algorithm>

#include "dev/console.hpp"
#include "lib/format.hpp"
#include "process/table.hpp"

namespace process {

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
    if (const auto info = process::table().describe_briefly(slot)) line(*info);
  }
}

void print_processes() {
  lib::print("\n");
  for_each_process([](const abi::ProcInfo& info) {
    lib::print("{} {} {}\n", info.pid, describe(info.state), static_cast<const char*>(info.name));
  });
}

/// Nothing else happens on this hart, and no process begins or ends, while a table is printed: so the report has an
/// end, and so has the work for it, however large they are.
void print_page_tables() {
  constexpr usize most_text = 16 * 1024;
  lib::print("\n");
  usize left = most_text;
  const auto print_some = [](void* context, std::string_view text) {
    usize& budget = *static_cast<usize*>(context);
    lib::print("{}", text.substr(0, budget));
    budget -= std::min(budget, text.size());
  };
  const auto is_full = [](void* context) { return *static_cast<usize*>(context) == 0; };
  process::table().print_tables(mm::TableFormat::by_index, {print_some, &left, is_full});
  if (left == 0) lib::print("\n... and more\n");
}

}  // namespace

void set_console_reports() {
  dev::console::set_process_report(print_processes);
  dev::console::set_page_table_report(print_page_tables);
  dev::console::set_foreground(
      {.exists = [] { return process::table().has_foreground(); }, .end = [] { process::table().end_foreground(); }});
}

}  // namespace process
