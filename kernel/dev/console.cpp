#include "dev/console.hpp"

#include <algorithm>
#include <array>
#include <atomic>

#include "arch/riscv64/hart.hpp"
#include "arch/riscv64/spin.hpp"
#include "dev/uart.hpp"
#include "lib/format.hpp"
#include "sched/wait_queue.hpp"
#include "sync/spinlock.hpp"

namespace dev::console {

namespace {

constexpr char control(char letter) { return static_cast<char>(letter - '@'); }
constexpr char end_of_input = control('D'), kill_line = control('U'), list_processes = control('P'),
               show_tables = control('T'), backspace = control('H'), del = '\x7f';

/// What was typed. Positions count up for ever and are taken modulo the size: read <= line end <= edit.
struct Input {
  static constexpr u32 size = 1024;
  sync::SpinLock lock{"console", sync::Rank::console};
  std::array<char, size> bytes SYNC_GUARDED_BY(lock);
  u32 read SYNC_GUARDED_BY(lock) = 0;      ///< next byte for a reader
  u32 line_end SYNC_GUARDED_BY(lock) = 0;  ///< readers may go this far
  u32 edit SYNC_GUARDED_BY(lock) = 0;      ///< where the next typed byte goes
  sched::WaitQueue readers SYNC_GUARDED_BY(lock);
};
Input input;

sync::SpinLock output_lock{"uart", sync::Rank::output};

Report report_processes = nullptr;
Report report_page_tables = nullptr;

void erase_last() SYNC_REQUIRES(input.lock) {
  --input.edit;
  write("\b \b");
}

/// One typed byte. Returns what it asks for beyond editing.
Report take_byte(char byte) {
  sync::Guard guard(input.lock);
  switch (byte) {
    case list_processes: return report_processes;
    case show_tables: return report_page_tables;
    case kill_line:
      while (input.edit != input.line_end && input.bytes[(input.edit - 1) % Input::size] != '\n') erase_last();
      return nullptr;
    case backspace:
    case del:
      if (input.edit != input.line_end) erase_last();
      return nullptr;
    case '\0': return nullptr;
    default: break;
  }
  if (byte == '\r') byte = '\n';
  const bool ends_line = byte == '\n' || byte == end_of_input;
  // The last place is for the end of the line: lost, it would leave the reader waiting and join the next line to this.
  constexpr u32 most_before_end = Input::size - 1;
  if (input.edit - input.read >= (ends_line ? Input::size : most_before_end)) return nullptr;  // full: the byte is lost
  write({&byte, 1});
  input.bytes[input.edit++ % Input::size] = byte;
  if (ends_line || input.edit - input.read == most_before_end) {
    input.line_end = input.edit;
    input.readers.wake_all();
  }
  return nullptr;
}

/// One report a tick: someone who leans on the key must not keep the machine from everything else.
void run_report(Report report) {
  static std::atomic<u64> last_tick{~u64{0}};
  const u64 tick = sched::uptime_ticks();
  if (last_tick.exchange(tick, std::memory_order_relaxed) != tick) report();
}

}  // namespace

void set_process_report(Report report) { report_processes = report; }
void set_page_table_report(Report report) { report_page_tables = report; }

void start(u64 uart_address) {
  uart::start(uart_address);
  lib::set_console_writer(write);
}

void write(std::string_view text) {
  // After a panic the hart that reports prints, whoever held the lock; the others stop.
  const u32 self = arch::current_thread()->hart + 1;
  if (arch::machine_stopped.load(std::memory_order_relaxed) == self) return uart::put(text);
  sync::Guard guard(output_lock);
  while (!text.empty()) {
    if (arch::machine_stopped.load(std::memory_order_relaxed) != 0) arch::halt();
    constexpr usize piece = 16;
    uart::put(text.substr(0, piece));
    text.remove_prefix(std::min(piece, text.size()));
  }
}

lib::Result<usize> read(std::span<char> buffer) {
  if (buffer.empty()) return 0;
  sync::Guard guard(input.lock);
  while (input.read == input.line_end) {
    if (input.readers.wait(input.lock, sched::Interruptible::yes) == sched::Woken::killed) {
      return lib::fail(lib::Error::interrupted);
    }
  }
  usize count = 0;
  while (count < buffer.size() && input.read != input.line_end) {
    const char byte = input.bytes[input.read % Input::size];
    if (byte == end_of_input) {
      if (count == 0) ++input.read;  // else kept, so that the next read finds the end
      break;
    }
    ++input.read;
    buffer[count++] = byte;
    if (byte == '\n') break;
  }
  return count;
}

void handle_interrupt() {
  while (const auto byte = uart::get()) {
    if (const Report report = take_byte(*byte); report != nullptr) run_report(report);
  }
}

}  // namespace dev::console
