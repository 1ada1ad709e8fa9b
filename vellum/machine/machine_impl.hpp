// SPDX-License-Identifier: MIT
#pragma once
// All of Machine's members. Include it where a Machine with an observer of your own is instantiated.

#include "vellum/dev/device_tree.hpp"
#include "vellum/machine/access_impl.hpp"
#include "vellum/machine/instruction_impl.hpp"
#include "vellum/machine/interpreter.hpp"
#include "vellum/machine/page_impl.hpp"
#include "vellum/machine/schedule_impl.hpp"
#include "vellum/machine/trap_impl.hpp"

namespace vellum {

template <Observer O>
Machine<O>::Machine(const Configuration& configuration, const Storage& storage, O& observer)
    : configuration_(configuration),
      storage_(storage),
      observer_(observer),
      memory_(storage.ram, storage.rom, storage.disk, storage.pages),
      code_(storage.code) {
  reset();
}

template <Observer O>
void Machine<O>::reset() {
  for (PageInfo& info : storage_.pages) info = {};
  for (DecodedPage& page : code_.all()) page.is_in_use = false;
  clint_ = {};
  plic_ = {};
  uart_ = {};
  block_ = VirtioBlock(configuration_.virtio);
  finisher_ = {};
  schedule_ = {};
  schedule_.random = configuration_.seed;
  schedule_.slice_left = configuration_.quantum;
  schedule_.runnable = configuration_.harts;
  devices_touched_ = true;

  // The tree as high as QEMU puts it: below the end of RAM, or of the third gigabyte, at a multiple of 2 MiB.
  constexpr u64 room = u64{64} << 10, alignment = u64{2} << 20, highest = u64{3} << 30;
  const u64 end = std::min(map::ram_base + memory_.ram_bytes(), highest);
  tree_address_ = std::max((end - room) & ~(alignment - 1), map::ram_base);
  (void)write_device_tree({memory_.ram_at(tree_address_), room},
                          {.harts = configuration_.harts,
                           .ram_bytes = memory_.ram_bytes(),
                           .seed = configuration_.seed,
                           .bootargs = configuration_.bootargs,
                           .isa = "rv64imac_zicsr_zifencei_sstc",
                           .mmu = configuration_.widest_mode == satp::sv39   ? "riscv,sv39"
                                  : configuration_.widest_mode == satp::sv48 ? "riscv,sv48"
                                                                             : "riscv,sv57"});

  // What harts execute first: a0 = hart, a1 = tree, a2 = where the addresses are, then to RAM.
  const std::array<u32, 12> boot{0x00000297,  // auipc t0, 0
                                 0x02828613,  // addi a2, t0, 40
                                 0xf1402573,  // csrr a0, mhartid
                                 0x0202b583,  // ld a1, 32(t0)
                                 0x0182b283,  // ld t0, 24(t0)
                                 0x00028067,  // jr t0
                                 static_cast<u32>(map::ram_base),
                                 static_cast<u32>(map::ram_base >> 32),
                                 static_cast<u32>(tree_address_),
                                 static_cast<u32>(tree_address_ >> 32),
                                 0,
                                 0};
  copy_bytes(storage_.rom.data(), boot.data(), sizeof boot);

  for (u32 i = 0; i < max_harts; ++i) {
    Hart& hart = harts_[i];
    hart.state() = HartState{};
    hart.id = i;
    hart.pc = map::boot_rom.base;
    hart.lines = 0;
    hart.translations.clear();
    hart.stop_op.code = code::stop;
    hart.stumble_op.code = code::stumble;
    hart.select_context();
  }
}

template <Observer O>
usize Machine<O>::take_output(std::span<u8> to) {
  const usize count = std::min(to.size(), output_count_);
  std::copy_n(output_.begin(), count, to.begin());
  std::copy(output_.begin() + count, output_.begin() + output_count_, output_.begin());
  output_count_ -= count;
  return count;
}

template <Observer O>
void Machine<O>::save(MachineState& to) const {
  for (u32 i = 0; i < max_harts; ++i) to.harts[i] = harts_[i].state();
  to.clint = clint_;
  to.plic = plic_;
  to.uart = uart_;
  to.block = block_;
  to.finisher = finisher_;
  to.schedule = schedule_;
}

template <Observer O>
void Machine<O>::restore(const MachineState& from) {
  clint_ = from.clint;
  plic_ = from.plic;
  uart_ = from.uart;
  block_ = from.block;
  finisher_ = from.finisher;
  schedule_ = from.schedule;
  for (u32 i = 0; i < max_harts; ++i) {
    harts_[i].state() = from.harts[i];
    harts_[i].broke_at = Hart::nowhere;
    harts_[i].translations.clear();
    harts_[i].select_context();
  }
  devices_touched_ = true;
}

template <Observer O>
u64 Machine<O>::hash() const {
  u64 sum = 0;
  const auto add = [&sum](const void* bytes, usize count) {
    const auto* from = static_cast<const u8*>(bytes);
    for (usize i = 0; i < count; i += 8) {
      u64 word = 0;
      copy_bytes(&word, from + i, std::min<usize>(8, count - i));
      sum = (sum ^ word) * 0x9e3779b97f4a7c15;
      sum ^= sum >> 29;
    }
  };
  MachineState state;
  save(state);
  add(&state, sizeof state);
  add(storage_.ram.data(), storage_.ram.size());
  add(storage_.disk.data(), storage_.disk.size());
  return sum;
}

template <Observer O>
std::optional<u64> Machine<O>::read_csr(u32 hart, u32 number) const {
  return vellum::read_csr(harts_[hart], number, surroundings(harts_[hart], 0));
}

template <Observer O>
void Machine<O>::write_csr(u32 hart, u32 number, u64 value) {
  (void)vellum::write_csr(harts_[hart], number, value, surroundings(harts_[hart], 0));
  harts_[hart].translations.clear();
  harts_[hart].select_context();
}

template <Observer O>
std::optional<Translation> Machine<O>::look_up(u32 hart, u64 address, AccessKind kind) const {
  struct Reader {
    const Memory& memory;
    [[nodiscard]] std::optional<u64> read_entry(const WalkStep& step) const {
      if (!memory.is_ram(step.entry_address, 8)) return std::nullopt;
      u64 value = 0;
      copy_bytes(&value, memory.ram_at(step.entry_address), 8);
      return value;
    }
    static bool update_entry(u64 /*address*/, u64 /*value*/) { return true; }
  } reader{memory_};
  const WalkResult result = walk(reader, address, kind, harts_[hart].regime(kind), configuration_.accessed_dirty);
  return result.failure ? std::nullopt : std::optional(result.translation);
}

template <Observer O>
std::optional<u64> Machine<O>::look_at(u32 hart, u64 address) const {
  const auto place = address % sizeof(u64) == 0 ? look_up(hart, address, AccessKind::load) : std::nullopt;
  u64 word = 0;
  if (!place || !read_physical(place->physical_address, {reinterpret_cast<u8*>(&word), sizeof word})) {
    return std::nullopt;
  }
  return word;
}

template <Observer O>
bool Machine<O>::read_physical(u64 address, std::span<u8> to) const {
  for (usize i = 0; i < to.size();) {
    const u64 page = memory_.page_at(address + i);
    if (page == Memory::not_a_page) return false;
    const u64 offset = (address + i) & (page_bytes - 1);
    const u64 now = std::min<u64>(to.size() - i, page_bytes - offset);
    copy_bytes(to.data() + i, memory_.bytes_of(page) + offset, now);
    i += now;
  }
  return true;
}

template <Observer O>
bool Machine<O>::write_physical(u64 address, std::span<const u8> from) {
  return memory_.is_ram(address, std::max<u64>(from.size(), 1)) && dma_write(address, from.data(), from.size());
}

}  // namespace vellum
