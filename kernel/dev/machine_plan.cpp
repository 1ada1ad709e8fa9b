// SPDX-License-Identifier: MIT
#include "dev/machine_plan.hpp"

#include <algorithm>
#include <span>

namespace dev {

namespace {

using Region = MachineDescription::Region;

constexpr u64 page = 4096;
// The parts of the devices' registers that their drivers use.
constexpr u64 uart_bytes = 8, finisher_bytes = 4, virtio_bytes = 0x200;
constexpr u64 plic_context_base = 0x200000, plic_context_stride = 0x1000;
// Slower, and the tick of a tenth of a second is no whole number of its ticks any more; faster, and sums overflow.
constexpr u64 slowest_timebase = 1000, fastest_timebase = 10'000'000'000;

/// One past the end; only of regions that do not wrap.
u64 end_of(const Region& region) { return region.base + region.size; }
bool wraps(const Region& region) { return region.base + region.size < region.base; }
bool overlap(const Region& a, const Region& b) {
  return a.size != 0 && b.size != 0 && a.base < end_of(b) && b.base < end_of(a);
}
bool holds(const Region& outer, const Region& inner) {
  return inner.base >= outer.base && end_of(inner) <= end_of(outer);
}
Region whole_pages(const Region& region) {
  const u64 begin = region.base / page * page;
  return {begin, (end_of(region) + page - 1) / page * page - begin};
}

/// Whether the first bytes of these registers can be mapped and are nothing but registers.
bool are_usable(const Region& registers, u64 needed, const MachineDescription& described, const BootFacts& facts) {
  if (registers.size < needed || wraps(registers)) return false;
  if (registers.base >= facts.reach || needed > facts.reach - registers.base) return false;
  const Region pages = whole_pages({registers.base, needed});
  if (pages.base == 0) return false;
  if (pages.base < facts.border && end_of(pages) > facts.border) return false;
  for (u32 i = 0; i < described.memory_count; ++i) {
    if (wraps(described.memory[i]) || overlap(pages, described.memory[i])) return false;
  }
  return !overlap(pages, facts.kernel) && !overlap(pages, facts.device_tree);
}

/// Puts a value among the first `count`, which are in the order of `less`. No sort: the standard one calls itself, and
/// the boot stack is small.
template <class Array, class Value, class Less>
void insert(Array& array, u32& count, const Value& value, Less less) {
  u32 at = count++;
  for (; at > 0 && less(value, array[at - 1]); --at) array[at] = array[at - 1];
  array[at] = value;
}

class Planner {
 public:
  Planner(const MachineDescription& described, const BootFacts& facts, MachinePlan& plan)
      : described_(described), facts_(facts), plan_(plan) {}

  std::optional<Refusal> plan() {
    plan_.bootargs = described_.bootargs;
    if (!choose_memory() || !choose_time() || !choose_plics() || !choose_harts() || !choose_devices()) return refusal_;
    add_windows();
    return std::nullopt;
  }

 private:
  [[nodiscard]] bool is_usable(const Region& registers, u64 needed) const {
    return are_usable(registers, needed, described_, facts_);
  }

  bool refuse(std::string_view why, u64 value) {
    refusal_ = {why, value};
    return false;
  }

  /// The bank with the kernel, and what continues it without a gap: NUMA machines list a bank for each node.
  bool choose_memory() {
    Region memory;
    for (u32 i = 0; i < described_.memory_count; ++i) {
      const Region& bank = described_.memory[i];
      if (wraps(bank)) return refuse("the memory that the device tree names ends beyond 2^64, from", bank.base);
      if (holds(bank, {facts_.kernel.base, 1})) memory = bank;
    }
    for (u32 round = 0; round < described_.memory_count; ++round) {
      for (u32 i = 0; i < described_.memory_count; ++i) {
        const Region& bank = described_.memory[i];
        if (memory.size != 0 && bank.base == end_of(memory)) memory.size += bank.size;
        if (memory.size != 0 && end_of(bank) == memory.base) memory = {bank.base, bank.size + memory.size};
      }
    }
    if (memory.size == 0 || !holds(memory, facts_.kernel)) {
      return refuse("no memory that the device tree names holds the kernel, which is at", facts_.kernel.base);
    }
    const u64 begin = (memory.base + page - 1) / page * page;
    const u64 end = std::min(end_of(memory), facts_.reach) / page * page;
    plan_.memory = {begin, end - begin};
    if (end - begin < least_memory) return refuse("less than 32 MiB of memory, in bytes", end - begin);
    if (holds(plan_.memory, facts_.device_tree)) plan_.device_tree = facts_.device_tree;
    return true;
  }

  bool choose_time() {
    const u64 frequency = described_.timebase_frequency;
    if (frequency < slowest_timebase || frequency > fastest_timebase) {
      return refuse("the device tree's timebase-frequency is no clock's, in Hz", frequency);
    }
    plan_.timebase_frequency = frequency;
    plan_.has_sstc = described_.has_sstc;
    return true;
  }

  bool choose_plics() {
    plan_.plics = described_.plics;
    plan_.plic_count = described_.plic_count;
    for (u32 i = 0; i < plan_.plic_count; ++i) {
      if (!is_usable(plan_.plics[i].registers, plic_context_base + plic_context_stride)) plan_.plics[i] = {};
    }
    return true;
  }

  /// Whether this hart can be sent interrupts by devices, by other harts and by a timer.
  [[nodiscard]] bool is_usable(const MachineDescription::Hart& hart) const {
    if (hart.id >= facts_.max_harts || !is_usable(hart.software_interrupt, sizeof(u32))) return false;
    if (!described_.has_sstc && !is_usable(hart.timer_compare, sizeof(u64))) return false;
    if (hart.plic >= plan_.plic_count) return false;
    const u64 end = plic_context_base + plic_context_stride * (u64{hart.plic_context} + 1);
    return is_usable(plan_.plics[hart.plic].registers, end);
  }

  bool choose_harts() {
    bool has_boot_hart = false;
    for (u32 i = 0; i < described_.hart_count; ++i) {
      const MachineDescription::Hart& hart = described_.harts[i];
      const auto chosen = std::span(plan_.harts).first(plan_.hart_count);
      if (std::ranges::find(chosen, hart.id, &MachineDescription::Hart::id) != chosen.end()) continue;
      if (is_usable(hart)) {
        plan_.harts[plan_.hart_count++] = hart;
        has_boot_hart |= hart.id == facts_.boot_hart;
      }
    }
    if (has_boot_hart) return true;
    return refuse("the device tree gives no working plic and clint (or aclint) to the hart that boots, which is",
                  facts_.boot_hart);
  }

  [[nodiscard]] bool is_usable(const MachineDescription::Device& device, u64 needed) const {
    return is_usable(device.registers, needed) && device.interrupt != 0 &&
           device.interrupt < MachineDescription::max_sources && device.plic < plan_.plic_count &&
           device.interrupt <= plan_.plics[device.plic].sources && plan_.plics[device.plic].registers.size != 0;
  }

  bool choose_devices() {
    plan_.uart = described_.uart;
    if (!is_usable(plan_.uart, uart_bytes)) {
      return refuse("the device tree's uart has no usable registers or no interrupt, at", plan_.uart.registers.base);
    }
    // Nobody promises an order of nodes: QEMU lists its slots from the last to the first.
    const auto lower = [](const MachineDescription::Device& a, const MachineDescription::Device& b) {
      return a.registers.base < b.registers.base;
    };
    for (u32 i = 0; i < described_.virtio_count; ++i) {
      const MachineDescription::Device& slot = described_.virtio[i];
      if (is_usable(slot, virtio_bytes)) insert(plan_.virtio, plan_.virtio_count, slot, lower);
    }
    if (is_usable(described_.finisher, finisher_bytes)) plan_.finisher = described_.finisher.base;
    const PciHost& pci = described_.pci;
    const Region config{pci.ecam_base, pci.ecam_size}, window{pci.memory.base, pci.memory.size};
    if (is_usable(config, config.size) && is_usable(window, window.size)) plan_.pci = pci;
    return true;
  }

  void add_window(u64 base, u64 bytes) {
    insert(plan_.windows, plan_.window_count, whole_pages({base, bytes}),
           [](const Region& a, const Region& b) { return a.base < b.base; });
  }

  void add_windows() {
    add_window(plan_.uart.registers.base, uart_bytes);
    if (plan_.finisher != 0) add_window(plan_.finisher, finisher_bytes);
    for (u32 i = 0; i < plan_.virtio_count; ++i) add_window(plan_.virtio[i].registers.base, virtio_bytes);
    for (u32 plic = 0; plic < plan_.plic_count; ++plic) {
      u64 bytes = 0;
      for (u32 i = 0; i < plan_.hart_count; ++i) {
        const MachineDescription::Hart& hart = plan_.harts[i];
        if (hart.plic == plic)
          bytes = std::max(bytes, plic_context_base + plic_context_stride * (hart.plic_context + 1));
      }
      // One that interrupts no hart of ours is of no use, but its sources' enables may be written.
      if (plan_.plics[plic].registers.size != 0) {
        add_window(plan_.plics[plic].registers.base, std::max(bytes, plic_context_base + plic_context_stride));
      }
    }
    for (u32 i = 0; i < plan_.hart_count; ++i) {
      add_window(plan_.harts[i].software_interrupt.base, sizeof(u32));
      if (!plan_.has_sstc) add_window(plan_.harts[i].timer_compare.base, sizeof(u64));
    }
    join_windows();
  }

  /// Those that share a page become one.
  void join_windows() {
    u32 count = 0;
    for (const Region& window : std::span(plan_.windows).first(plan_.window_count)) {
      if (count != 0 && window.base < end_of(plan_.windows[count - 1])) {
        Region& last = plan_.windows[count - 1];
        last.size = std::max(end_of(last), end_of(window)) - last.base;
      } else {
        plan_.windows[count++] = window;
      }
    }
    plan_.window_count = count;
  }

  const MachineDescription& described_;
  const BootFacts& facts_;
  MachinePlan& plan_;
  Refusal refusal_;
};

}  // namespace

std::optional<Refusal> make_plan(const MachineDescription& described, const BootFacts& facts, MachinePlan& plan) {
  return Planner(described, facts, plan).plan();
}

u64 usable_uart(const MachineDescription& described, const BootFacts& facts) {
  const Region& registers = described.uart.registers;
  return are_usable(registers, uart_bytes, described, facts) ? registers.base : 0;
}

u64 usable_finisher(const MachineDescription& described, const BootFacts& facts) {
  return are_usable(described.finisher, finisher_bytes, described, facts) ? described.finisher.base : 0;
}

}  // namespace dev
