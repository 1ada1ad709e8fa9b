// SPDX-License-Identifier: MIT
#pragma once
// The console: UART with line editing (xv6: console.c, uart.c).
//
// Editing: backspace and DEL, Ctrl-U kills the line, Ctrl-D ends input, Ctrl-P lists processes, Ctrl-T shows page
// tables. A line becomes readable at its end, as in xv6. Ctrl-C ends what runs in the foreground; where nothing does
// it is a byte like any other, as in xv6.
//
// A shell that edits lines itself asks for raw mode: then every byte is readable at once, and nothing is echoed. It
// lasts until the shell gives it back or ends; whoever else reads has to wait for that.

#include <span>
#include <string_view>

#include "abi/types.hpp"
#include "lib/result.hpp"
#include "lib/types.hpp"

namespace dev::console {

/// Waits for a line (or the rest of one, or Ctrl-D) and moves at most buffer.size() bytes of it into `buffer`
/// (kernel memory). Returns the number: 0 means end of input. Error::interrupted if the thread was killed.
/// Bytes that the caller then fails to deliver are gone, as in xv6. At most one line per call.
[[nodiscard]] lib::Result<usize> read(std::span<char> buffer);

/// Who edits from now on; raw mode is the calling thread's own. Returns the number of bytes that wait to be read: those
/// that wait when it becomes raw have been echoed, and what is unread when it is edited again is echoed then.
/// Error::not_permitted: another's raw mode is not the caller's to end.
[[nodiscard]] lib::Result<u32> set_mode(abi::ConsoleMode mode);

/// The process has ended: if it had raw mode, lines are edited here again.
void end_raw_mode_of(i32 pid);

/// The kernel's own words: all of the text at once; never sleeps, may be called under any lock. While nobody takes what
/// the machine says the text waits in a buffer; what does not fit is lost, and the console says how much when it can.
void write(std::string_view text);

/// The same for a program's text, which is never lost: where it does not fit the thread sleeps. No lock may be held.
/// Error::interrupted if it was killed; a part may have been written.
[[nodiscard]] lib::Result<void> write_all(std::string_view text);

/// Before the machine goes: waits until everything was taken, but no longer than a second. Whether it was.
bool flush();

/// What Ctrl-P and Ctrl-T call, at interrupt time without locks held: set by the process layer; null: nothing.
using Report = void (*)();
void set_process_report(Report report);
void set_page_table_report(Report report);

/// What Ctrl-C asks, likewise, and then does.
struct Foreground {
  bool (*exists)();
  void (*end)();
};
void set_foreground(const Foreground& foreground);

/// Makes print() and read() work; the UART at this kernel address.
void start(u64 uart_address);
/// The same UART, after boot's page table came on.
void move_to(u64 uart_address);

/// Takes what has been typed, and sends what waits (UART interrupt).
void handle_interrupt();

}  // namespace dev::console
