#pragma once
// The console: UART with line editing (xv6: console.c, uart.c).
//
// Editing: backspace and DEL, Ctrl-U kills the line, Ctrl-D ends input, Ctrl-P lists processes, Ctrl-T shows page
// tables. A line becomes readable at its end, as in xv6.

#include <span>
#include <string_view>

#include "lib/result.hpp"
#include "lib/types.hpp"

namespace dev::console {

/// Waits for a line (or the rest of one, or Ctrl-D) and moves at most buffer.size() bytes of it into `buffer`
/// (kernel memory). Returns the number: 0 means end of input. Error::interrupted if the thread was killed.
/// Bytes that the caller then fails to deliver are gone, as in xv6. At most one line per call.
[[nodiscard]] lib::Result<usize> read(std::span<char> buffer);

/// Writes all of the text at once; never sleeps, may be called under any lock.
void write(std::string_view text);

/// What Ctrl-P and Ctrl-T call, at interrupt time without locks held: set by the process layer; null: nothing.
using Report = void (*)();
void set_process_report(Report report);
void set_page_table_report(Report report);

/// Makes print() and read() work; the UART at this kernel address.
void start(u64 uart_address);

/// Takes what has been typed (UART interrupt).
void handle_interrupt();

}  // namespace dev::console
