// SPDX-License-Identifier: MIT
#pragma once
// The machine: harts, memory and devices, run one instruction at a time in one order.
//
// All memory comes from whoever makes it (Storage); nothing is allocated while it runs. What a Machine does depends on
// its configuration, the bytes in its memory and on its disk, and on what is fed to it at which moment: nothing else.
// Include machine/machine_impl.hpp where a Machine<O> of your own is instantiated.

#include <array>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>

#include "vellum/dev/clint.hpp"
#include "vellum/dev/finisher.hpp"
#include "vellum/dev/plic.hpp"
#include "vellum/dev/uart.hpp"
#include "vellum/dev/virtio_block.hpp"
#include "vellum/machine/csr_file.hpp"
#include "vellum/machine/hart.hpp"
#include "vellum/machine/observer.hpp"

namespace vellum {

constexpr u32 max_harts = 8;

struct Configuration {
  u32 harts = 1;
  /// 0: each hart runs `quantum` instructions in turn. Others: lengths and order vary, each seed in its own way.
  u64 seed = 0;
  u32 quantum = 1000;
  VirtioVersion virtio = VirtioVersion::modern;
  AccessedDirty accessed_dirty = AccessedDirty::update;
  u32 asid_bits = 16;
  u64 widest_mode = satp::sv57;  // of satp
  u64 disk_latency_ns = 20'000;
  std::string_view bootargs;     // for the device tree
};

/// The memory that a machine lives in. The spans outlive it.
struct Storage {
  std::span<u8> ram;            // a multiple of 4 KiB, zero at reset
  std::span<u8> rom;            // 4 KiB
  std::span<u8> disk;           // empty: no disk
  std::span<PageInfo> pages;    // Memory::pages_for(ram, disk) of them
  std::span<DecodedPage> code;  // some hundred
};

/// Why run() came back.
enum class StopReason : u8 {
  steps_done,
  idle,         // every hart waits; see next_event()
  powered_off,  // see exit_status()
  reset,        // the guest asked for it
  output_full,  // take_output() first
  asked,        // request_stop()
};

/// What to do when every hart waits and something will happen later: go there, or come back to whoever called.
enum class WhenIdle : u8 { jump, stop };

/// Where in a run the machine stands. Equal for equal machines, whatever they were asked in between.
struct Schedule {
  u64 steps = 0;        // instructions begun by all harts
  u64 nanoseconds = 0;  // virtual time since reset
  u64 remainder = 0;    // instructions not yet a whole nanosecond
  u64 runnable = 1;     // harts that shared the time when this slice began
  u64 slice_left = 0;   // instructions until the next hart's turn
  u32 turn = 0;
  u32 idle_turns = 0;   // harts in a row that had nothing to do
  u64 random = 0;
  u64 disk_due = 0;     // when the disk looks at its queue, in ns; 0: not at all
};

/// What save() and restore() carry. It can be kept, compared and written out as bytes.
struct MachineState {
  std::array<HartState, max_harts> harts;
  Clint<max_harts> clint;
  Plic<max_harts> plic;
  Uart uart;
  VirtioBlock block;
  Finisher finisher;
  Schedule schedule;
};
static_assert(std::is_trivially_copyable_v<MachineState> && std::has_unique_object_representations_v<MachineState>);

template <Observer O>
class Interpreter;

template <Observer O = Unobserved>
class Machine {
 public:
  Machine(const Configuration& configuration, const Storage& storage, O& observer);
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;
  ~Machine() = default;

  /// Harts at the boot ROM, the device tree in memory; RAM otherwise as it is (load the kernel before or after).
  void reset();

  /// Executes at most so many instructions, of all harts together.
  StopReason run(u64 steps, WhenIdle when_idle = WhenIdle::jump);
  /// Makes run() come back before the next instruction; for observers.
  void request_stop() {
    stop_requested_ = true;
    interrupt_slice();
  }

  /// Types on the serial line; returns how many bytes there was room for.
  usize feed(std::span<const u8> bytes);
  /// Moves what was printed to `to`; returns how many bytes. What is printed is no part of the machine's state.
  usize take_output(std::span<u8> to);

  /// When every hart waits: the virtual time of the next event in ns, nothing if only input can wake them.
  [[nodiscard]] std::optional<u64> next_event() const;
  /// Lets virtual time pass while every hart waits.
  void advance_to(u64 nanoseconds);

  [[nodiscard]] u32 hart_count() const { return configuration_.harts; }
  [[nodiscard]] Hart& hart(u32 index) { return harts_[index]; }
  [[nodiscard]] const Hart& hart(u32 index) const { return harts_[index]; }
  [[nodiscard]] const Schedule& schedule() const { return schedule_; }
  /// Instructions that all harts have begun, the one that `hart` is executing among them.
  [[nodiscard]] u64 moment(const Hart& hart) const { return schedule_.steps + hart.granted - hart.left; }
  [[nodiscard]] u32 exit_status() const { return finisher_.status; }
  [[nodiscard]] Memory& memory() { return memory_; }
  [[nodiscard]] const Memory& memory() const { return memory_; }
  [[nodiscard]] const Configuration& configuration() const { return configuration_; }
  [[nodiscard]] u64 device_tree_address() const { return tree_address_; }

  /// A CSR as the hart itself would read it in machine mode.
  [[nodiscard]] std::optional<u64> read_csr(u32 hart, u32 number) const;
  /// Writes one from outside.
  void write_csr(u32 hart, u32 number, u64 value);
  /// After registers of a hart were changed from outside.
  void note_registers_changed(u32 hart) { harts_[hart].select_context(); }

  /// Where an address of a hart leads, without any effect on the machine; nothing if it leads nowhere.
  [[nodiscard]] std::optional<Translation> look_up(u32 hart, u64 address, AccessKind kind) const;
  /// The 8 bytes at a virtual address, a multiple of 8, as the hart could load them now, without any effect on the
  /// machine; nothing where it could not, or where they are neither in RAM nor ROM.
  [[nodiscard]] std::optional<u64> look_at(u32 hart, u64 address) const;
  /// RAM and ROM from outside; false when some of it is neither. Devices are not touched.
  bool read_physical(u64 address, std::span<u8> to) const;
  bool write_physical(u64 address, std::span<const u8> from);

  /// Accesses to the page at this physical address are shown to the observer (on_watched) from now on, or no longer.
  void watch(u64 address, bool loads, bool stores);

  /// For observers that see code. A hart that runs in this page (Memory's number) is shown again (on_fetch_page).
  void forget_fetches(u64 page);
  /// ... and its instructions are decoded again (on_decode).
  void forget_decoded(u64 page);

  /// All of the machine but the content of its pages. Restoring is exact: what follows is what followed before.
  void save(MachineState& to) const;
  void restore(const MachineState& from);
  /// From now on the first store into each page of RAM and disk is shown (on_first_store) before it is done.
  void begin_epoch();
  /// This page's first store has been shown already.
  void note_kept(u64 page) { memory_.info(page).flags &= static_cast<u8>(~page_flag::unsaved); }
  /// Exchanges a page's content (for going to another moment); `with` is as long as memory().content_of(page).
  void swap_page(u64 page, std::span<u8> with);
  /// A number that equal machines have in common, and others hardly: registers, devices, RAM, disk.
  [[nodiscard]] u64 hash() const;

  /// The observer's on_break is called before an instruction at this virtual address, or no longer. False: too many.
  bool break_at(u64 pc, bool is_on);
  static constexpr usize max_breaks = 64;

  // For devices.
  bool dma_read(u64 address, void* to, u64 bytes);
  bool dma_write(u64 address, const void* from, u64 bytes);
  [[nodiscard]] u64 disk_bytes() const { return storage_.disk.size(); }
  void disk_read(u64 offset, std::span<u8> to) { copy_bytes(to.data(), storage_.disk.data() + offset, to.size()); }
  void disk_write(u64 offset, std::span<const u8> from);

 private:
  friend class Interpreter<O>;
  // Room for what one slice can print, whoever takes it how seldom.
  static constexpr usize output_capacity = 8192;
  struct WalkMemory;

  // Running (schedule_impl.hpp).
  void interrupt_slice() {
    for (Hart& hart : harts_) hart.leave = true;
  }
  void next_turn();
  u64 random();
  bool slice_begins(WhenIdle when_idle, StopReason& reason);
  u64 steps_until_event(const Hart& hart) const;
  void run_slice(Hart& hart, u64 steps);
  void settle_devices();
  void pass_time(u64 steps);
  [[nodiscard]] u64 time_in_slice(u64 steps) const;  // ns after so many more instructions of this slice
  [[nodiscard]] u64 ticks(u64 nanoseconds) const { return nanoseconds / map::nanoseconds_per_tick; }
  [[nodiscard]] u64 lines_of(const Hart& hart, u64 nanoseconds) const;
  [[nodiscard]] std::optional<u64> timer_of(const Hart& hart) const;
  [[nodiscard]] CsrSurroundings surroundings(const Hart& hart, u64 left) const;
  [[nodiscard]] u64 now(const Hart& hart, u64 left) const { return time_in_slice(hart.granted - left); }

  // Traps (trap_impl.hpp).
  Op* raise(Hart& hart, Cause cause, u64 tval, u64 pc);
  void take_trap(Hart& hart, u64 cause, u64 tval, u64 pc);
  bool take_interrupt(Hart& hart, u64 pc, u64 left);
  void return_from_trap(Hart& hart, bool from_machine);

  // Instructions that need more than registers (instruction_impl.hpp).
  Op* enter(Hart& hart, u64 pc);
  Op* leave_at(Hart& hart, u64 pc);
  Op* go_on(Hart& hart, Op* next, u64 next_pc);
  Op* decode_at(Hart& hart, Op* op);
  Op* decode_crossing(Hart& hart, u64 pc);
  Op* execute_alone(Hart& hart, u64 pc, u32 word);
  Op* stop_at_break(Hart& hart, Op* op);
  [[nodiscard]] bool may_break_at(u64 offset) const;
  [[nodiscard]] u32 word_at(u64 page, u64 offset) const;
  void print(u8 byte) {
    if (output_count_ < output_.size()) output_[output_count_++] = byte;
  }
  Op* csr_instruction(Hart& hart, Operation operation, const Op& op, u64 pc, u64 length, u64 left);
  Op* system_instruction(Hart& hart, Operation operation, const Op& op, u64 pc, u64 length, u64 left);
  Op* atomic_instruction(Hart& hart, Operation operation, const Op& op, u64 pc, u64 length);

  // Memory as a hart's instructions see it (access_impl.hpp). False: the trap has been taken.
  bool load(Hart& hart, u64 address, u32 bytes, u64 pc, u64 left, u64& value);
  bool store(Hart& hart, u64 address, u32 bytes, u64 value, u64 pc, u64 left);
  bool resolve(Hart& hart, u64 address, u32 bytes, AccessKind kind, u64 pc, u64& physical);
  bool resolve_or_cause(Hart& hart, u64 address, u32 bytes, AccessKind kind, u64& physical, Cause& cause);
  bool load_piece(Hart& hart, u64 address, u64 physical, u32 bytes, u64 left, u64& value);
  bool store_piece(Hart& hart, u64 address, u64 physical, u32 bytes, u64 value, u64 left);
  /// All stores into RAM that do not take the short way come through here; hart null: a device.
  void store_ram(Hart* hart, u64 address, u64 physical, const void* from, u64 bytes);
  void note_entry_stores(Hart* hart, u64 physical, const u8* from, u64 bytes);
  void note_code_store(Hart* hart, u64 physical, u64 bytes);
  void remember(Hart& hart, u64 address, u64 physical, AccessKind kind);
  bool device_read(Hart& hart, u64 physical, u32 bytes, u64 left, u64& value);
  bool device_write(Hart& hart, u64 physical, u32 bytes, u64 value, u64 left);

  // Pages (page_impl.hpp).
  void mark(u64 page, u8 flag);
  void note_first_store(u64 page);
  DecodedPage& decoded(u64 page);
  void drop_code(u64 page);
  void forget_translations();

  Configuration configuration_;
  Storage storage_;
  O& observer_;
  Memory memory_;
  CodeCache code_;
  std::array<Hart, max_harts> harts_;
  Clint<max_harts> clint_;
  Plic<max_harts> plic_;
  Uart uart_;
  VirtioBlock block_;
  Finisher finisher_;
  Schedule schedule_;
  u64 tree_address_ = 0;
  std::array<u64, max_breaks> breaks_{};
  usize break_count_ = 0;
  std::array<u8, output_capacity> output_{};
  usize output_count_ = 0;
  bool devices_touched_ = true;
  bool stop_requested_ = false;
};

extern template class Machine<Unobserved>;

}  // namespace vellum
