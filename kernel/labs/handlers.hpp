// SPDX-License-Identifier: MIT
#pragma once

#include "process/process.hpp"

// The wing's system calls, in C like the core's (syscall/handlers.hpp).
extern "C" {
/// watch.cpp
u64 sys_trace(process::Process& self);
u64 sys_interpose(process::Process& self);
/// alarm.cpp
u64 sys_sigalarm(process::Process& self);
u64 sys_sigreturn(process::Process& self);
/// page_tables.cpp
u64 sys_ksupernpte(process::Process& self);
u64 sys_pgaccess_2026(process::Process& self);
/// flows.cpp
u64 sys_connect(process::Process& self);
u64 sys_connect_or_bind(process::Process& self);
/// rwlktest.cpp
u64 sys_rwlktest(process::Process& self);
u64 sys_rwlktest_2026(process::Process& self);
/// sysproc.cpp
u64 sys_pause(process::Process& self);  ///< sleep's name in 2025
u64 lab_sleep(process::Process& self);
/// figures.cpp
u64 sys_sysinfo(process::Process& self);
u64 sys_copyprobe(process::Process& self);
u64 lab_vmstat(process::Process& self);
}
