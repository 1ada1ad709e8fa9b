// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

#include "process/process.hpp"

// Every entry of the core's system calls, one name each as in xv6. A handler reads its arguments from the trap frame of
// the process, distrusts all of them, and returns what goes to a0; all failures are calls::failed. C linkage, because
// debuggers and test scripts look the names up.
extern "C" {
/// sysproc.cpp
u64 sys_fork(process::Process& self);
u64 sys_exit(process::Process& self);
u64 sys_wait(process::Process& self);
u64 sys_kill(process::Process& self);
u64 sys_getpid(process::Process& self);
u64 sys_sleep(process::Process& self);
u64 sys_uptime(process::Process& self);
u64 sys_exec(process::Process& self);
u64 sys_execerror(process::Process& self);
u64 sys_cpupin(process::Process& self);
/// sysfile.cpp
u64 sys_pipe(process::Process& self);
u64 sys_read(process::Process& self);
u64 sys_write(process::Process& self);
u64 sys_fstat(process::Process& self);
u64 sys_dup(process::Process& self);
u64 sys_close(process::Process& self);
/// syspath.cpp
u64 sys_open(process::Process& self);
u64 sys_chdir(process::Process& self);
u64 sys_mknod(process::Process& self);
u64 sys_unlink(process::Process& self);
u64 sys_link(process::Process& self);
u64 sys_mkdir(process::Process& self);
u64 sys_symlink(process::Process& self);
/// sysmem.cpp
u64 sys_sbrk(process::Process& self);
u64 sys_mmap(process::Process& self);
u64 sys_munmap(process::Process& self);
u64 sys_pgaccess(process::Process& self);
u64 sys_pgpte(process::Process& self);
u64 sys_kpgtbl(process::Process& self);
/// sysnet.cpp
u64 sys_bind(process::Process& self);
u64 sys_unbind(process::Process& self);
u64 sys_send(process::Process& self);
u64 sys_recv(process::Process& self);
u64 sys_recvfor(process::Process& self);
u64 sys_ping(process::Process& self);
u64 sys_netinfo(process::Process& self);
/// sysdebug.cpp: Bifolium's own
u64 sys_vmstat(process::Process& self);
u64 sys_check(process::Process& self);
u64 sys_failnth(process::Process& self);
u64 sys_procinfo(process::Process& self);
u64 sys_callname(process::Process& self);
u64 sys_freeframes(process::Process& self);
u64 sys_shutdown(process::Process& self);
u64 sys_sync(process::Process& self);
/// sysconsole.cpp
u64 sys_consolemode(process::Process& self);
}

namespace calls {

/// open and exec of a path that the caller has fetched, and perhaps judged: the rest of their arguments is still the
/// program's. What is judged must be what is used, and a program may rewrite its memory between two fetches.
u64 open_path(process::Process& self, std::string_view path);
u64 exec_path(process::Process& self, std::string_view path);

}  // namespace calls
