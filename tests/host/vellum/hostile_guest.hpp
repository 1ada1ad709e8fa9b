// SPDX-License-Identifier: MIT
#pragma once
// A guest that does its worst: every device register with every width, rings of garbage, every CSR, tables that lead in
// circles. What it does is made of words that the caller gives: from a generator in the test, from libFuzzer's input in
// tests/fuzz/devices_fuzz.cpp.

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "vellum/judge/judge_memory.hpp"

namespace vellum::test {

/// Whoever watches the machine, with the memory that takes.
template <class O>
struct Watcher {
  O observer;
};

template <>
struct Watcher<Judges> {
  explicit Watcher(u64 ram_bytes)
      : memory({.changes = 256, .change_buckets = 64, .code_stores = 64, .findings = 50, .traps = 16}, ram_bytes),
        observer(memory.storage()) {}
  JudgeMemory memory;
  Judges observer;
};

/// A machine whose hart 0, in machine mode, executes one instruction at a time, made up here.
template <class O>
class HostileGuest {
 public:
  /// `next` gives the words that all decisions come from.
  HostileGuest(std::function<u64()> next, VirtioVersion version) : next_(std::move(next)), watcher_(make_watcher()) {
    machine_ = std::make_unique<Machine<O>>(
        Configuration{.harts = 2, .virtio = version, .bootargs = {}},
        Storage{.ram = ram_, .rom = rom_, .disk = disk_, .pages = pages_, .code = code_}, watcher_->observer);
    if constexpr (std::is_same_v<O, Judges>) {
      watcher_->observer.attach(*machine_);
      // An allocator that the guest runs into now and then, with whatever stands in its registers.
      watcher_->observer.know_allocator({{code_at + 4, code_at + 8}, {code_at, code_at + 4}});
    }
  }

  /// From the beginning, with other words.
  void start_anew(std::function<u64()> next) {
    next_ = std::move(next);
    std::ranges::fill(ram_, u8{0});
    std::ranges::fill(disk_, u8{0});
    machine_->reset();
  }

  /// Some of everything.
  void do_something() {
    switch (draw() % 8) {
      case 0: return set_up_disk();
      case 1: return get_lost();
      case 2: return touch_csr(static_cast<u32>(draw() % csr_count));
      case 3: return come_and_go();
      default: return touch_device();
    }
  }

  void touch_device() {
    constexpr std::array windows{map::boot_rom, map::finisher, map::clock, map::clint,
                                 map::plic,     map::uart,     map::virtio};
    const map::Window& window = windows[draw() % windows.size()];
    u64 offset = draw() % window.size;
    if (draw() % 2 == 0) offset %= 0x200;
    if (draw() % 4 != 0) offset &= ~u64{3};
    if (draw() % 16 == 0) offset = window.size - 1 - draw() % 8;
    access(window.base + offset, draw() % 2 == 0 ? word_width : static_cast<u32>(draw() % 4), draw() % 3 != 0);
  }

  /// Each register of each device, read and written in each width.
  void touch_every_register() {
    for (const map::Window& window : {map::finisher, map::clock, map::uart, map::virtio}) {
      for (u64 offset = 0; offset < std::min<u64>(window.size, 0x200); ++offset) touch_thoroughly(window.base + offset);
    }
    for (const u64 offset : {0x0, 0x4, 0x3ffc, 0x4000, 0x4004, 0x4008, 0x7ff8, 0xbff8, 0xbffc, 0xfff8}) {
      touch_thoroughly(map::clint.base + offset);
    }
    for (const u64 offset : {0x0, 0x4, 0x17c, 0x180, 0x1000, 0x1008, 0x100c, 0x2000, 0x2008, 0x200c, 0x2080, 0x200000,
                             0x200004, 0x200008, 0x203000, 0x203004, 0x5ffffc}) {
      touch_thoroughly(map::plic.base + offset);
    }
  }
  void touch_every_csr() {
    for (u32 number = 0; number < csr_count; ++number) touch_csr(number);
  }

  void touch_csr(u32 number) {
    const u32 funct3 = 1 + static_cast<u32>(draw() % 3);
    execute(0x73U | 12 << 7 | funct3 << 12 | 11 << 15 | number << 20, 0, wild());
    machine_->hart(0).mie = 0;
  }

  /// Brings the disk up, more or less as a driver does, with rings of garbage, and lets it look at them.
  void set_up_disk() {
    const auto reg = [this](u64 offset, u64 value) { execute(0x00b52023, map::virtio.base + offset, value); };
    for (const u64 status : {0, 1, 3}) reg(0x70, status);
    reg(0x24, draw() % 2);
    reg(0x20, draw());
    reg(0x70, 11);
    reg(0x28, page_bytes);
    reg(0x30, 0);
    reg(0x38, draw() % 4 == 0 ? wild() : 8);
    reg(0x3c, page_bytes);
    reg(0x40, data_at / page_bytes);
    for (const u64 ring : {0x80, 0x90, 0xa0}) {
      reg(ring, draw() % 8 == 0 ? wild() : data_at + draw() % 0x3000);
      reg(ring + 4, draw() % 16 == 0 ? wild() : 0);
    }
    reg(0x44, 1);
    reg(0x70, 15);
    spoil_memory();
    reg(0x50, draw() % 8 == 0 ? wild() : 0);
    if (const auto next = machine_->next_event()) machine_->advance_to(*next);
    reg(0x64, 3);
  }

  /// Tables of garbage, some of which lead to themselves; then an access with supervisor's rights.
  void get_lost() {
    for (int i = 0; i < 128; ++i) {
      const u64 entry =
          draw() % 3 == 0 ? wild() : (data_at / page_bytes + draw() % 4) << 10 | entry::valid | draw() % 256;
      write(data_at + draw() % 0x4000 / 8 * 8, entry);
    }
    Hart& hart = machine_->hart(0);
    machine_->write_csr(0, satp_csr, (satp::sv39 + draw() % 3) << 60 | data_at / page_bytes);
    hart.mstatus = (hart.mstatus & ~(u64{3} << status::mpp_shift)) | status::mprv | u64{1} << status::mpp_shift;
    access(draw() % 3 == 0 ? wild() : draw() % (u64{1} << 38), static_cast<u32>(draw() % 4), draw() % 2 == 0);
    machine_->hart(0).mstatus &= ~status::mprv;
    machine_->write_csr(0, satp_csr, 0);
    machine_->note_registers_changed(0);
  }

  /// Saves all, types something, does something, and goes back.
  void come_and_go() {
    machine_->save(saved_);
    const std::array<u8, 4> typed{static_cast<u8>(draw()), 3, 4, static_cast<u8>(draw())};
    (void)machine_->feed(typed);
    touch_device();
    machine_->restore(saved_);
  }

  [[nodiscard]] u64 hash() const { return machine_->hash(); }

 private:
  static constexpr u64 ram_bytes = u64{4} << 20, disk_bytes = u64{64} << 10;
  static constexpr u64 code_at = map::ram_base, data_at = map::ram_base + 0x10000;
  static constexpr u32 csr_count = 4096, satp_csr = 0x180, word_width = 2;

  static std::unique_ptr<Watcher<O>> make_watcher() {
    if constexpr (std::is_same_v<O, Judges>) {
      return std::make_unique<Watcher<O>>(ram_bytes);
    } else {
      return std::make_unique<Watcher<O>>();
    }
  }

  u64 draw() { return next_(); }
  /// A number that hits something more often than a random one.
  u64 wild() {
    const u64 word = draw();
    switch (draw() % 5) {
      case 0: return word;
      case 1: return word % 16;
      case 2: return u64{1} << word % 64;
      case 3: return data_at + word % 0x10000;
      default: return word % 0x1'0000'0000;
    }
  }

  void write(u64 address, u64 word) {
    (void)machine_->write_physical(address, {reinterpret_cast<const u8*>(&word), sizeof word});
  }
  void spoil_memory() {
    for (int i = 0; i < 64; ++i) write(data_at + draw() % 0x3000 / 8 * 8, wild());
  }

  void touch_thoroughly(u64 address) {
    for (u32 width = 0; width < 4; ++width) {
      access(address, width, false);
      access(address, width, true);
    }
  }
  /// A load or store of 2^width bytes; what the guest lost is left where it is.
  void access(u64 address, u32 width, bool is_store) {
    constexpr u32 base = 10 << 15;
    execute(is_store ? 0x23U | 11 << 20 | base | width << 12 : 0x03U | 12 << 7 | base | width << 12, address, wild());
  }

  /// Executes `instruction` with these values in a0 and a1, and whatever follows it.
  void execute(u32 instruction, u64 a0, u64 a1) {
    (void)machine_->write_physical(code_at, {reinterpret_cast<const u8*>(&instruction), sizeof instruction});
    Hart& hart = machine_->hart(0);
    hart.x[10] = a0;
    hart.x[11] = a1;
    hart.pc = code_at;
    hart.is_waiting = false;
    machine_->hart(1).is_waiting = true;
    machine_->note_registers_changed(0);
    const StopReason reason = machine_->run(draw() % 16 == 0 ? 200 : 1, WhenIdle::stop);
    std::array<u8, 4096> out{};
    while (machine_->take_output(out) != 0) {
    }
    if (reason == StopReason::powered_off || reason == StopReason::reset) machine_->reset();
    machine_->hart(0).privilege = Privilege::machine;
    machine_->note_registers_changed(0);
  }

  std::function<u64()> next_;
  std::vector<u8> ram_ = std::vector<u8>(ram_bytes), rom_ = std::vector<u8>(page_bytes),
                  disk_ = std::vector<u8>(disk_bytes);
  std::vector<PageInfo> pages_ = std::vector<PageInfo>(Memory::pages_for(ram_bytes, disk_bytes));
  std::vector<DecodedPage> code_ = std::vector<DecodedPage>(16);
  MachineState saved_{};
  std::unique_ptr<Watcher<O>> watcher_;
  std::unique_ptr<Machine<O>> machine_;
};

}  // namespace vellum::test
