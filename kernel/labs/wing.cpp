// SPDX-License-Identifier: MIT
// The labs' wing: what MIT's labs, their graders and benchmarks want of a kernel, and nobody else. Built unless
// BIFOLIUM_LABS is off; the core works without it.

#include "boot/wing.hpp"

#include "labs/alarm.hpp"
#include "labs/crash_test.hpp"
#include "labs/edition.hpp"
#include "labs/figures.hpp"
#include "labs/flows.hpp"
#include "labs/handlers.hpp"
#include "labs/image_facts.hpp"
#include "labs/statistics.hpp"
#include "labs/unknown_call.hpp"
#include "labs/watch.hpp"
#include "process/console_sink.hpp"
#include "process/lifecycle.hpp"
#include "syscall/handlers.hpp"
#include "syscall/syscall.hpp"

namespace lab {

namespace {

using abi::Call;

constexpr calls::NamedCall calls[] = {
    {"trace", sys_trace, Call::trace},
    {"sigalarm", sys_sigalarm, Call::sigalarm},
    {"sigreturn", sys_sigreturn, Call::sigreturn},
    {"rwlktest", sys_rwlktest, Call::rwlktest},
    {"sysinfo", sys_sysinfo, Call::sysinfo},
    {"interpose", sys_interpose, Call::interpose},
    {"copyprobe", sys_copyprobe, Call::copyprobe},
    {"pause", sys_pause, calls::unnumbered},
    {"vmprint", sys_kpgtbl, calls::unnumbered},  // kpgtbl's name since 2026
    {"ksupernpte", sys_ksupernpte, calls::unnumbered},
    {"connect", sys_connect, Call::udp_connect},
    {"connect or bind", sys_connect_or_bind, calls::unnumbered},
    // In the place of the core's.
    {"sleep", lab_sleep, Call::sleep},
    {"vmstat", lab_vmstat, Call::vmstat},
};

constinit calls::CallBlock block{calls};

// Calls whose arguments and answers changed with the year.
constexpr calls::NamedCall calls_of_2026[] = {
    {"pgaccess", sys_pgaccess_2026, calls::unnumbered},
    {"rwlktest", sys_rwlktest_2026, calls::unnumbered},
};
constinit calls::CallBlock block_of_2026{calls_of_2026};

constinit bool shows_first_table = false;
constinit Wishes wishes;

constexpr boot::Option options[] = {
    {"lab", "YEAR-NAME, 2020 to 2026", [](std::string_view value) { return wishes.take_lab(value); }},
    {"calls", "syscall|traps|fs|mmap|official", [](std::string_view value) { return wishes.take_calls(value); }},
    {"stats", "copyin|locks|vm", [](std::string_view value) { return wishes.take_statistics(value); }},
    {"crash", crash_kinds, choose_crash},
};

void start(process::Process& first) {
  crash_on_purpose();
  const Edition edition = choose_edition(look_at_image(first.current_directory), wishes);
  shows_first_table = edition.shows_first_table();
  process::set_personality(edition.personality);
  calls::register_calls(block);
  if (edition.is_2026()) calls::register_calls(block_of_2026);
  number_calls(edition);
  tell_unknown_calls(edition);
  say_first_packets();
  calls::set_watched_call(call_watched);
  process::set_tick_hook(count_alarm_tick);
  start_statistics(edition.statistics);
  watch_console();
}

/// The page-table lab's graders read the first program's table off the console.
void show_first_program(process::Process& first) {
  if (shows_first_table) mm::print_table(*first.memory, mm::TableFormat::by_index, process::console_sink);
  note_first_program();
}

}  // namespace

BOOT_WING(wing) = {
    .name = "labs",
    .options = options,
    .boot = start_counting_waits,
    .start = start,
    .first_program = show_first_program,
};

}  // namespace lab
