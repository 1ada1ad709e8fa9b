#include "syscall/call_table.hpp"

#include "abi/syscall_numbers.hpp"
#include "syscall/handlers.hpp"

namespace syscall {

namespace {

using abi::Call;
using process::NumberMap;
using process::StudentCalls;

u64 refuse(process::Process&) { return failed; }

void set(CallTable& table, Call call, const char* name, Handler handler) {
  table[static_cast<usize>(call)] = {handler, name};
}

void set_base(CallTable& table, NumberMap numbers) {
  set(table, Call::fork, "fork", sys_fork);
  set(table, Call::exit, "exit", sys_exit);
  set(table, Call::wait, "wait", sys_wait);
  set(table, Call::pipe, "pipe", sys_pipe);
  set(table, Call::read, "read", sys_read);
  set(table, Call::kill, "kill", sys_kill);
  set(table, Call::exec, "exec", sys_exec);
  set(table, Call::fstat, "fstat", sys_fstat);
  set(table, Call::chdir, "chdir", sys_chdir);
  set(table, Call::dup, "dup", sys_dup);
  set(table, Call::getpid, "getpid", sys_getpid);
  set(table, Call::sbrk, "sbrk", sys_sbrk);
  if (numbers == NumberMap::year_2025 || numbers == NumberMap::automatic_2025) {
    set(table, Call::sleep, "pause", sys_pause);
  } else {
    set(table, Call::sleep, "sleep", sys_sleep);
  }
  set(table, Call::uptime, "uptime", sys_uptime);
  set(table, Call::open, "open", sys_open);
  set(table, Call::write, "write", sys_write);
  set(table, Call::mknod, "mknod", sys_mknod);
  set(table, Call::unlink, "unlink", sys_unlink);
  set(table, Call::link, "link", sys_link);
  set(table, Call::mkdir, "mkdir", sys_mkdir);
  set(table, Call::close, "close", sys_close);
}

/// The labs' calls by MIT's official numbering (xv6-abi.md 2.2). The network's are refused until there is
/// one.
void set_labs(CallTable& table, NumberMap numbers) {
  const bool is_2025 = numbers == NumberMap::year_2025 || numbers == NumberMap::automatic_2025;
  set(table, Call::trace, "trace", sys_trace);
  if (is_2025) {
    set(table, Call::lab23, "interpose", sys_interpose);
  } else {
    set(table, Call::lab23, "sysinfo", sys_sysinfo);
  }
  set(table, Call::sigalarm, "sigalarm", sys_sigalarm);
  set(table, Call::sigreturn, "sigreturn", sys_sigreturn);
  set(table, Call::symlink, "symlink", sys_symlink);
  set(table, Call::mmap, "mmap", sys_mmap);
  set(table, Call::munmap, "munmap", sys_munmap);
  if (numbers != NumberMap::year_2024 && numbers != NumberMap::year_2025) {
    set(table, Call::lab30, "pgaccess", sys_pgaccess);
  }
  if (numbers != NumberMap::up_to_2023) {
    set(table, Call::pgpte, "pgpte", sys_pgpte);
    set(table, Call::kpgtbl, "kpgtbl", sys_kpgtbl);
  }
  // Numbers that nobody used before 2025 mean the same in every year.
  set(table, Call::rwlktest, "rwlktest", sys_rwlktest);
  set(table, Call::cpupin, "cpupin", sys_cpupin);
}

void set_own(CallTable& table) {
  set(table, Call::vmstat, "vmstat", sys_vmstat);
  set(table, Call::check, "check", sys_check);
  set(table, Call::failnth, "failnth", sys_failnth);
  set(table, Call::procinfo, "procinfo", sys_procinfo);
  set(table, Call::freeframes, "freeframes", sys_freeframes);
  set(table, Call::shutdown, "shutdown", sys_shutdown);
  set(table, Call::sync, "sync", sys_sync);
  set(table, Call::copyprobe, "copyprobe", sys_copyprobe);
  set(table, Call::sysinfo, "sysinfo", sys_sysinfo);
  set(table, Call::interpose, "interpose", sys_interpose);
}

/// Student solutions count their one or two additions from 22 (xv6-abi.md 2.2).
void set_student(CallTable& table, StudentCalls calls, NumberMap numbers) {
  const bool is_2025 = numbers == NumberMap::year_2025 || numbers == NumberMap::automatic_2025;
  switch (calls) {
    case StudentCalls::none: break;
    case StudentCalls::syscall:
      if (is_2025) {
        set(table, Call{22}, "interpose", sys_interpose);
      } else {
        set(table, Call{22}, "trace", sys_trace);
        set(table, Call{23}, "sysinfo", sys_sysinfo);
      }
      break;
    case StudentCalls::traps:
      set(table, Call{22}, "sigalarm", sys_sigalarm);
      set(table, Call{23}, "sigreturn", sys_sigreturn);
      break;
    case StudentCalls::fs: set(table, Call{22}, "symlink", sys_symlink); break;
    case StudentCalls::mmap:
      set(table, Call{22}, "mmap", sys_mmap);
      set(table, Call{23}, "munmap", sys_munmap);
      break;
  }
}

}  // namespace

void build_call_table(CallTable& table, const process::Personality& personality) {
  table.fill({refuse, "unknown"});
  set_base(table, personality.numbers);
  set_labs(table, personality.numbers);
  set_own(table);
  set_student(table, personality.student_calls, personality.numbers);
}

}  // namespace syscall
