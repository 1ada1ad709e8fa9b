// A guest that does its worst: every device register with every width, rings of garbage, every CSR, tables that lead in
// circles. Nothing of it may hurt the host (this runs under ASan and UBSan) or keep the machine from coming back, and
// the same malice must lead to the same state twice. The seed is fixed; BIFOLIUM_SEED=n takes another.

#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <random>
#include <vector>

#include "vellum/machine/machine.hpp"

namespace vellum {
namespace {

constexpr u64 ram_bytes = u64{32} << 20, disk_bytes = u64{64} << 10;
constexpr u64 code_at = map::ram_base, data_at = map::ram_base + 0x10000;

u64 seed_of_test() {
  const char* given = std::getenv("BIFOLIUM_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 0) : 20260101;
}

/// A machine of one hart in machine mode, which executes one instruction at a time, made up here.
class HostileGuest {
 public:
  explicit HostileGuest(u64 seed, VirtioVersion version) : random_(seed) {
    machine_ = std::make_unique<Machine<>>(
        Configuration{.harts = 2, .virtio = version, .bootargs = {}},
        Storage{.ram = ram_, .rom = rom_, .disk = disk_, .pages = pages_, .code = code_}, nobody_);
  }

  u64 draw() {
    const u64 word = random_();
    switch (random_() % 5) {
      case 0: return word;
      case 1: return word % 16;
      case 2: return u64{1} << word % 64;
      case 3: return data_at + word % 0x10000;
      default: return word % 0x1'0000'0000;
    }
  }

  /// Executes `instruction` with these values in a0 and a1.
  void execute(u32 instruction, u64 a0, u64 a1) {
    (void)machine_->write_physical(code_at, {reinterpret_cast<const u8*>(&instruction), 4});
    Hart& hart = machine_->hart(0);
    hart.x[10] = a0;
    hart.x[11] = a1;
    hart.pc = code_at;
    hart.is_waiting = false;
    machine_->hart(1).is_waiting = true;
    machine_->note_registers_changed(0);
    const StopReason reason = machine_->run(1 + random_() % 2000, WhenIdle::stop);
    std::array<u8, 4096> out{};
    while (machine_->take_output(out) != 0) {
    }
    if (reason == StopReason::powered_off || reason == StopReason::reset) machine_->reset();
    machine_->hart(0).privilege = Privilege::machine;
    machine_->note_registers_changed(0);
  }

  void touch_device() {
    constexpr std::array windows{map::boot_rom, map::finisher, map::clock, map::clint,
                                 map::plic,     map::uart,     map::virtio};
    const map::Window& window = windows[random_() % windows.size()];
    u64 offset = random_() % window.size;
    if (random_() % 2 == 0) offset %= 0x200;
    if (random_() % 4 != 0) offset &= ~u64{3};
    if (random_() % 16 == 0) offset = window.size - 1 - random_() % 8;
    constexpr u32 a0 = 10 << 15;
    const u32 width = random_() % 2 == 0 ? 2 : static_cast<u32>(random_() % 4);
    const bool is_store = random_() % 3 != 0;
    const u32 instruction = is_store ? 0x23U | 11 << 20 | a0 | width << 12 : 0x03U | 12 << 7 | a0 | width << 12;
    execute(instruction, window.base + offset, draw());
  }

  void spoil_memory() {
    for (int i = 0; i < 64; ++i) {
      const u64 word = draw();
      (void)machine_->write_physical(data_at + random_() % 0x3000 / 8 * 8, {reinterpret_cast<const u8*>(&word), 8});
    }
  }

  void set_up_disk() {
    const auto reg = [this](u64 offset, u64 value) { execute(0x00b52023, map::virtio.base + offset, value); };
    for (const u64 status : {0, 1, 3}) reg(0x70, status);
    reg(0x24, random_() % 2);
    reg(0x20, random_());
    reg(0x70, 11);
    reg(0x28, 4096);
    reg(0x30, 0);
    reg(0x38, random_() % 4 == 0 ? draw() : 8);
    reg(0x3c, 4096);
    reg(0x40, data_at >> 12);
    for (const u64 ring : {0x80, 0x90, 0xa0}) {
      reg(ring, random_() % 8 == 0 ? draw() : data_at + random_() % 0x3000);
      reg(ring + 4, random_() % 16 == 0 ? draw() : 0);
    }
    reg(0x44, 1);
    reg(0x70, 15);
    spoil_memory();
    reg(0x50, random_() % 8 == 0 ? draw() : 0);
    if (const auto next = machine_->next_event()) machine_->advance_to(*next);
    reg(0x64, 3);
  }

  void touch_csr() {
    const u32 number = static_cast<u32>(random_() % 4096), funct3 = 1 + static_cast<u32>(random_() % 3);
    execute(0x73U | 12 << 7 | funct3 << 12 | 11 << 15 | number << 20, 0, draw());
    machine_->hart(0).mie = 0;
  }

  /// Tables of garbage, some of which lead to themselves; then an access in supervisor mode.
  void get_lost() {
    for (int i = 0; i < 512; ++i) {
      const u64 entry = random_() % 3 == 0 ? random_() : ((data_at >> 12) + random_() % 4) << 10 | 1 | random_() % 256;
      (void)machine_->write_physical(data_at + random_() % 0x4000 / 8 * 8, {reinterpret_cast<const u8*>(&entry), 8});
    }
    Hart& hart = machine_->hart(0);
    hart.satp = (8 + random_() % 3) << 60 | data_at >> 12;
    hart.mstatus = (hart.mstatus & ~(u64{3} << 11)) | status::mprv | u64{1} << 11;
    execute(random_() % 2 == 0 ? 0x00b53023 : 0x00053603, random_() % 3 == 0 ? random_() : random_() % (u64{1} << 38),
            1);
    machine_->hart(0).mstatus &= ~status::mprv;
    machine_->hart(0).satp = 0;
    machine_->note_registers_changed(0);
  }

  [[nodiscard]] u64 hash() const { return machine_->hash(); }

 private:
  std::mt19937_64 random_;
  std::vector<u8> ram_ = std::vector<u8>(ram_bytes), rom_ = std::vector<u8>(page_bytes),
                  disk_ = std::vector<u8>(disk_bytes);
  std::vector<PageInfo> pages_ = std::vector<PageInfo>(Memory::pages_for(ram_bytes, disk_bytes));
  std::vector<DecodedPage> code_ = std::vector<DecodedPage>(16);
  Unobserved nobody_;
  std::unique_ptr<Machine<>> machine_;
};

u64 run_hostile(VirtioVersion version, int rounds) {
  HostileGuest guest(seed_of_test(), version);
  for (int i = 0; i < rounds; ++i) {
    for (int k = 0; k < 20; ++k) guest.touch_device();
    for (int k = 0; k < 10; ++k) guest.touch_csr();
    guest.set_up_disk();
    guest.get_lost();
  }
  return guest.hash();
}

TEST(HostileGuest, ModernDisk) {
  EXPECT_EQ(run_hostile(VirtioVersion::modern, 300), run_hostile(VirtioVersion::modern, 300));
}
TEST(HostileGuest, LegacyDisk) {
  EXPECT_EQ(run_hostile(VirtioVersion::legacy, 300), run_hostile(VirtioVersion::legacy, 300));
}

}  // namespace
}  // namespace vellum
