// SPDX-License-Identifier: MIT
#include "dev/console.hpp"

#include <algorithm>
#include <array>
#include <atomic>

#include "arch/riscv64/csr.hpp"
#include "arch/riscv64/hart.hpp"
#include "arch/riscv64/spin.hpp"
#include "arch/riscv64/start.hpp"
#include "dev/uart.hpp"
#include "lib/format.hpp"
#include "sched/wait_queue.hpp"
#include "sync/spinlock.hpp"

namespace dev::console {

namespace {

constexpr char control(char letter) { return static_cast<char>(letter - '@'); }
constexpr char end_of_input = control('D'), kill_line = control('U'), list_processes = control('P'),
               show_tables = control('T'), interrupt = control('C'), backspace = control('H'), del = '\x7f';

/// What was typed. Positions count up for ever and are taken modulo the size: read <= line end <= edit.
struct Input {
  /// A screenful that is pasted waits here while the commands at its beginning run, and Ctrl-C behind it is seen. Half
  /// of Output's, which takes the echo of it all at once.
  static constexpr u32 size = 8 * 1024;
  locks::SpinLock lock{"console", locks::Rank::console};
  std::array<char, size> bytes SYNC_GUARDED_BY(lock);
  u32 read SYNC_GUARDED_BY(lock) = 0;  ///< next byte for a reader
  u32 line_end SYNC_GUARDED_BY(lock) = 0;  ///< readers may go this far
  u32 edit SYNC_GUARDED_BY(lock) = 0;  ///< where the next typed byte goes
  abi::ConsoleMode mode SYNC_GUARDED_BY(lock) = abi::ConsoleMode::edited;
  i32 raw_reader SYNC_GUARDED_BY(lock) = 0;  ///< raw: whose mode it is
  u32 echoed SYNC_GUARDED_BY(lock) = 0;  ///< raw: what was typed before here was echoed
  sched::WaitQueue readers SYNC_GUARDED_BY(lock);

  [[nodiscard]] char& at(u32 position) SYNC_REQUIRES(lock) { return bytes[position % size]; }
  [[nodiscard]] bool is_raw() const SYNC_REQUIRES(lock) { return mode == abi::ConsoleMode::raw; }
};
Input input;

/// What the transmitter has not taken yet. It takes everything at once under an emulator whose console is read; else
/// the UART interrupts when it has room, and no hart waits for it. Positions as in Input: sent <= end.
struct Output {
  static constexpr u32 size = 16 * 1024;
  locks::SpinLock lock{"uart", locks::Rank::output};
  std::array<char, size> bytes SYNC_GUARDED_BY(lock);
  u32 sent SYNC_GUARDED_BY(lock) = 0;
  u32 end SYNC_GUARDED_BY(lock) = 0;
  u64 lost SYNC_GUARDED_BY(lock) = 0;  ///< bytes of the kernel's since the buffer was last empty
  /// Who has text that does not fit. A lock of their own, since a wake-up takes locks of lower rank than the UART's.
  locks::SpinLock writers_lock{"console writers", locks::Rank::device};
  sched::WaitQueue writers SYNC_GUARDED_BY(writers_lock);
};
Output output;

/// Sends what waits, as far as the transmitter takes it.
void send_waiting() SYNC_REQUIRES(output.lock) {
  while (output.sent != output.end) {
    const u32 begin = output.sent % Output::size;
    const u32 count = std::min(output.end - output.sent, Output::size - begin);
    const usize sent = uart::send({&output.bytes[begin], count});
    if (sent == 0) return uart::ask_for_room();
    output.sent += static_cast<u32>(sent);
  }
}

/// Sends the text or lets it wait; returns what has no room.
[[nodiscard]] std::string_view push(std::string_view text) SYNC_REQUIRES(output.lock) {
  send_waiting();
  while (!text.empty() && output.sent == output.end) {
    const usize sent = uart::send(text);
    if (sent == 0) break;
    text.remove_prefix(sent);
  }
  while (!text.empty() && output.end - output.sent != Output::size) {
    output.bytes[output.end++ % Output::size] = text.front();
    text.remove_prefix(1);
  }
  if (output.sent != output.end) uart::ask_for_room();
  return text;
}

/// What was lost is told as soon as all that waited has gone.
void tell_of_loss() SYNC_REQUIRES(output.lock) {
  if (output.lost == 0 || output.sent != output.end) return;
  std::array<char, 64> line;
  (void)push(lib::format_to(line, "\n[console: {} bytes were lost, nobody took them]\n", output.lost));
  output.lost = 0;
}

/// The transmitter has room again.
void go_on_sending() {
  {
    const locks::Guard guard(output.lock);
    send_waiting();
    tell_of_loss();
    if (output.end - output.sent > Output::size / 2) return;
    if (output.sent == output.end) uart::stop_asking_for_room();
  }
  const locks::Guard guard(output.writers_lock);
  output.writers.wake_all();
}

/// Of the clock, whose frequency is not known yet when boot refuses a machine.
u64 one_second() { return std::max<u64>(arch::timer_frequency(), 10'000'000); }

bool is_full() {
  const locks::Guard guard(output.lock);
  return output.end - output.sent == Output::size;
}

/// After a panic, when nobody may wait for a lock: everything, though nobody may be there to take it.
void put_at_any_rate(std::string_view text) SYNC_NO_ANALYSIS {
  const u64 patience = one_second();
  for (u64 last = arch::read_time(); !text.empty() || output.sent != output.end;) {
    const usize before = text.size() + (output.end - output.sent);
    text = push(text);
    if (text.size() + (output.end - output.sent) != before) last = arch::read_time();
    if (arch::read_time() - last > patience) return;
  }
}

constexpr u64 patience_divisor = 500;  // 2 ms

Report report_processes = nullptr;
Report report_page_tables = nullptr;
Foreground foreground{[] { return false; }, [] {}};

constexpr bool ends_line(char byte) { return byte == '\n' || byte == end_of_input; }

void erase_last() SYNC_REQUIRES(input.lock) {
  --input.edit;
  write("\b \b");
}

/// A byte is lost: who types hears it.
void tell_of_full_input() { write("\a"); }

/// One byte of a line that is edited here.
void edit_line(char byte) SYNC_REQUIRES(input.lock) {
  switch (byte) {
    case kill_line:
      while (input.edit != input.line_end && input.at(input.edit - 1) != '\n') erase_last();
      return;
    case backspace:
    case del:
      if (input.edit != input.line_end) erase_last();
      return;
    default: break;
  }
  // The last place is for the end of the line: lost, it would leave the reader waiting and join the next line to this.
  constexpr u32 most_before_end = Input::size - 1;
  if (input.edit - input.read >= (ends_line(byte) ? Input::size : most_before_end)) return tell_of_full_input();
  write({&byte, 1});
  input.at(input.edit++) = byte;
  if (ends_line(byte) || input.edit - input.read == most_before_end) {
    input.line_end = input.edit;
    input.readers.wake_all();
  }
}

/// One byte for a reader that edits itself.
void take_raw(char byte) SYNC_REQUIRES(input.lock) {
  if (input.edit - input.read == Input::size) return tell_of_full_input();
  input.at(input.edit++) = byte;
  input.line_end = input.edit;
  input.readers.wake_all();
}

void begin_raw(i32 reader) SYNC_REQUIRES(input.lock) {
  input.raw_reader = reader;
  if (input.is_raw()) return;
  input.mode = abi::ConsoleMode::raw;
  input.echoed = input.line_end = input.edit;
}

/// What is unread and was not echoed is edited now, as if it had just been typed; it takes no more room than before.
void end_raw() SYNC_REQUIRES(input.lock) {
  const u32 typed_end = input.edit;
  const bool some_echoed = static_cast<i32>(input.echoed - input.read) > 0;
  input.edit = some_echoed ? input.echoed : input.read;
  input.line_end = input.read;
  for (u32 i = input.read; i != input.edit; ++i) {
    if (ends_line(input.at(i))) input.line_end = i + 1;
  }
  input.mode = abi::ConsoleMode::edited;
  for (u32 i = input.edit; i != typed_end; ++i) edit_line(input.at(i));
  input.readers.wake_all();
}

/// One typed byte. Returns what it asks for beyond editing.
Report take_byte(char byte) {
  if (byte == list_processes) return report_processes;
  if (byte == show_tables) return report_page_tables;
  if (byte == '\0') return nullptr;
  if (byte == '\r') byte = '\n';
  locks::Guard guard(input.lock);
  if (input.is_raw()) {
    take_raw(byte);
  } else {
    edit_line(byte);
  }
  return nullptr;
}

/// Whether Ctrl-C is the kernel's. Who has asked for raw mode gets the key instead, but may not leave it unread: the
/// second one ends such a program too.
bool may_end_foreground() {
  locks::Guard guard(input.lock);
  if (!input.is_raw() || input.edit - input.read == Input::size) return true;
  for (u32 i = input.read; i != input.edit; ++i) {
    if (input.at(i) == interrupt) return true;
  }
  return false;
}

/// What was typed ahead was meant for what ends now.
void forget_input() {
  locks::Guard guard(input.lock);
  input.mode = abi::ConsoleMode::edited;
  input.read = input.line_end = input.edit;
  write("^C\n");
}

/// Ctrl-C. False: it is a byte like any other. The console is made ready before anything ends: the shell may ask for
/// the keys the moment it does.
bool take_interrupt() {
  if (!may_end_foreground() || !foreground.exists()) return false;
  forget_input();
  foreground.end();
  return true;
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
void set_foreground(const Foreground& what) { foreground = what; }

void end_raw_mode_of(i32 pid) {
  locks::Guard guard(input.lock);
  if (input.is_raw() && input.raw_reader == pid) end_raw();
}

lib::Result<u32> set_mode(abi::ConsoleMode mode) {
  const i32 self = sched::current().pid;
  locks::Guard guard(input.lock);
  if (mode == abi::ConsoleMode::raw) {
    begin_raw(self);
  } else if (input.is_raw()) {
    if (input.raw_reader != self) return lib::fail(lib::Error::not_permitted);
    end_raw();
  }
  return input.edit - input.read;
}

void start(u64 uart_address) {
  uart::start(uart_address);
  lib::set_console_writer(write);
}

void move_to(u64 uart_address) { uart::move_to(uart_address); }

void write(std::string_view text) {
  // After a panic the hart that reports prints, whoever held the lock; the others stop.
  const u32 self = arch::current_thread()->hart + 1;
  if (arch::machine_stopped.load(std::memory_order_relaxed) == self) return put_at_any_rate(text);
  locks::Guard guard(output.lock);
  if (arch::machine_stopped.load(std::memory_order_relaxed) != 0) arch::halt();
  text = push(text);
  // A little patience, once: whoever reads may only be slow. Nobody reads at all where it was in vain.
  if (text.empty() || output.lost != 0) {
    output.lost += text.size();
    return;
  }
  const u64 began = arch::read_time();
  const u64 patience = one_second() / patience_divisor;
  while (!text.empty() && arch::read_time() - began < patience) {
    arch::spin_pause();
    text = push(text);
  }
  output.lost = text.size();
}

lib::Result<void> write_all(std::string_view text) {
  for (;;) {
    {
      const locks::Guard guard(output.lock);
      text = push(text);
    }
    if (text.empty()) return {};
    const locks::Guard guard(output.writers_lock);
    while (is_full()) {
      if (output.writers.wait(output.writers_lock, sched::Interruptible::yes) == sched::Woken::killed) {
        return lib::fail(lib::Error::interrupted);
      }
    }
  }
}

bool flush() {
  if (arch::machine_stopped.load(std::memory_order_relaxed) != 0) {  // after a panic: the lock may be held for ever
    put_at_any_rate({});
    return true;
  }
  for (const u64 began = arch::read_time(); arch::read_time() - began < one_second(); arch::spin_pause()) {
    const locks::Guard guard(output.lock);
    send_waiting();
    tell_of_loss();
    if (output.sent == output.end) return true;
  }
  return false;
}

lib::Result<usize> read(std::span<char> buffer) {
  if (buffer.empty()) return 0;
  locks::Guard guard(input.lock);
  while (input.read == input.line_end || (input.is_raw() && input.raw_reader != sched::current().pid)) {
    if (input.readers.wait(input.lock, sched::Interruptible::yes) == sched::Woken::killed) {
      return lib::fail(lib::Error::interrupted);
    }
  }
  usize count = 0;
  while (count < buffer.size() && input.read != input.line_end) {
    const char byte = input.at(input.read);
    if (byte == end_of_input && !input.is_raw()) {
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
  go_on_sending();
  while (const auto byte = uart::get()) {
    if (*byte == interrupt && take_interrupt()) continue;
    if (const Report report = take_byte(*byte); report != nullptr) run_report(report);
  }
}

}  // namespace dev::console
