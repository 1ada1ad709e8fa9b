// SPDX-License-Identifier: MIT
// The core's calls: names, handlers, default numbers.

#include "syscall/call_table.hpp"
#include "syscall/handlers.hpp"
#include "syscall/syscall.hpp"

namespace calls {

namespace {

using abi::Call;

constexpr NamedCall core_calls[] = {
    {"fork", sys_fork, Call::fork},
    {"exit", sys_exit, Call::exit},
    {"wait", sys_wait, Call::wait},
    {"pipe", sys_pipe, Call::pipe},
    {"read", sys_read, Call::read},
    {"kill", sys_kill, Call::kill},
    {"exec", sys_exec, Call::exec},
    {"execerror", sys_execerror, Call::execerror},
    {"fstat", sys_fstat, Call::fstat},
    {"chdir", sys_chdir, Call::chdir},
    {"dup", sys_dup, Call::dup},
    {"getpid", sys_getpid, Call::getpid},
    {"sbrk", sys_sbrk, Call::sbrk},
    {"sleep", sys_sleep, Call::sleep},
    {"uptime", sys_uptime, Call::uptime},
    {"open", sys_open, Call::open},
    {"write", sys_write, Call::write},
    {"mknod", sys_mknod, Call::mknod},
    {"unlink", sys_unlink, Call::unlink},
    {"link", sys_link, Call::link},
    {"mkdir", sys_mkdir, Call::mkdir},
    {"close", sys_close, Call::close},

    {"symlink", sys_symlink, Call::symlink},
    {"mmap", sys_mmap, Call::mmap},
    {"munmap", sys_munmap, Call::munmap},
    {"pgaccess", sys_pgaccess, Call::pgaccess},
    {"pgpte", sys_pgpte, Call::pgpte},
    {"kpgtbl", sys_kpgtbl, Call::kpgtbl},
    {"cpupin", sys_cpupin, Call::cpupin},

    {"vmstat", sys_vmstat, Call::vmstat},
    {"check", sys_check, Call::check},
    {"failnth", sys_failnth, Call::failnth},
    {"procinfo", sys_procinfo, Call::procinfo},
    {"freeframes", sys_freeframes, Call::freeframes},
    {"shutdown", sys_shutdown, Call::shutdown},
    {"sync", sys_sync, Call::sync},
    {"consolemode", sys_consolemode, Call::consolemode},
    {"callname", sys_callname, Call::callname},

    {"bind", sys_bind, Call::udp_bind},
    {"unbind", sys_unbind, Call::udp_unbind},
    {"send", sys_send, Call::udp_send},
    {"recv", sys_recv, Call::udp_recv},
    {"recvfor", sys_recvfor, Call::recvfor},
    {"ping", sys_ping, Call::ping},
    {"netinfo", sys_netinfo, Call::netinfo},
};

constinit CallBlock block{core_calls};

}  // namespace

void register_core_calls() { register_calls(block); }

}  // namespace calls
