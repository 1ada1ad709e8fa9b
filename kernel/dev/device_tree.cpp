// SPDX-License-Identifier: MIT
#include "dev/device_tree.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "dev/cells.hpp"

namespace dev {

namespace {

// Devicetree Specification 0.4, 5.2: header fields, big-endian words.
constexpr u32 magic_number = 0xd00dfeed;
constexpr usize header_bytes = 40;
constexpr usize at_magic = 0, at_total_size = 4, at_structure = 8, at_strings = 12, at_last_compatible = 24,
                at_strings_size = 32, at_structure_size = 36;
// 5.4: structure tokens.
constexpr u32 begin_node = 1, end_node = 2, property = 3, nop = 4, end_of_structure = 9;

constexpr usize max_depth = 10;  // the nodes lie on the boot stack
// Cause numbers in interrupts-extended: of the CLINT and ACLINT, and of the PLIC.
constexpr u32 machine_software = 3, machine_timer = 7, supervisor_external = 9;
constexpr u64 clint_timer_offset = 0x4000;  // the timers' part of a CLINT
constexpr usize max_interruptors = 16;      // CLINTs, or both halves of ACLINTs

std::string_view text_of(std::span<const std::byte> bytes) {
  const auto* begin = reinterpret_cast<const char*>(bytes.data());
  usize length = 0;
  while (length < bytes.size() && begin[length] != '\0') ++length;
  return {begin, length};
}

/// What has been seen of one node; its meaning is decided when it ends, since properties come in any order.
struct Node {
  std::string_view name;
  std::span<const std::byte> compatible, device_type, reg, isa, interrupts, interrupts_extended, phandle, sources,
      timebase, bootargs, status, bus_range, ranges, interrupt_map, interrupt_map_mask;
  u32 address_cells = 2, size_cells = 1;  // for its children (2.3.5)
  u32 interrupt_address_cells = 0;        // of an interrupt controller, in an interrupt-map
  u32 interrupt_parent = 0;               // phandle; its own or that of the node around it (2.4.1)

  [[nodiscard]] bool is_compatible(std::string_view wanted, bool prefix = false) const {
    for (auto rest = compatible; !rest.empty();) {
      const std::string_view one = text_of(rest);
      if (prefix ? one.starts_with(wanted) : one == wanted) return true;
      rest = rest.subspan(std::min(one.size() + 1, rest.size()));
    }
    return false;
  }
  /// An entry of reg, in the parent's cells; nothing where reg ends before.
  [[nodiscard]] std::optional<MachineDescription::Region> region_at(const Node& parent, usize index) const {
    if (parent.address_cells > 2 || parent.size_cells > 2) return std::nullopt;
    const usize at = index * 4 * (parent.address_cells + parent.size_cells);
    const auto base = cells_at(reg, at, parent.address_cells);
    const auto size = cells_at(reg, at + 4 * usize{parent.address_cells}, parent.size_cells);
    if (!base || !size) return std::nullopt;
    return MachineDescription::Region{*base, *size};
  }
  [[nodiscard]] MachineDescription::Region region(const Node& parent) const {
    return region_at(parent, 0).value_or(MachineDescription::Region());
  }
  [[nodiscard]] u32 number(std::span<const std::byte> value) const { return value.size() >= 4 ? word_at(value, 0) : 0; }
};

class Reader {
 public:
  Reader(std::span<const std::byte> blob, MachineDescription& machine) : blob_(blob), machine_(machine) {}

  DeviceTreeError read() {
    if (blob_.size() < header_bytes) return DeviceTreeError::too_small;
    if (word_at(blob_, at_magic) != magic_number) return DeviceTreeError::bad_magic;
    if (word_at(blob_, at_last_compatible) > 17) return DeviceTreeError::bad_version;
    const usize total = word_at(blob_, at_total_size);
    if (total < header_bytes || total > blob_.size()) return DeviceTreeError::bad_layout;
    blob_ = blob_.first(total);
    if (!part(word_at(blob_, at_structure), word_at(blob_, at_structure_size), structure_) ||
        !part(word_at(blob_, at_strings), word_at(blob_, at_strings_size), strings_)) {
      return DeviceTreeError::bad_layout;
    }
    machine_.device_tree_size = static_cast<u32>(total);
    if (!walk()) return DeviceTreeError::bad_structure;
    for (u32 plic = 0; plic < machine_.plic_count; ++plic) connect_plic(plic);
    for (u32 i = 0; i < interruptor_count_; ++i) connect_interruptor(interruptors_[i]);
    connect_device(machine_.uart);
    for (u32 i = 0; i < machine_.virtio_count; ++i) connect_device(machine_.virtio[i]);
    machine_.pci = read_pci_host(pci_, plic_);
    return complaint();
  }

 private:
  bool part(usize offset, usize size, std::span<const std::byte>& to) const {
    if (offset > blob_.size() || size > blob_.size() - offset) return false;
    to = blob_.subspan(offset, size);
    return true;
  }

  bool walk() {
    usize at = 0;
    usize depth = 0;  // open nodes
    while (at + 4 <= structure_.size()) {
      const u32 token = word_at(structure_, at);
      at += 4;
      if (token == nop) continue;
      if (token == end_of_structure) return depth == 0;
      if (token == begin_node) {
        const std::string_view name = text_of(structure_.subspan(at));
        if (depth == max_depth || at + name.size() >= structure_.size()) return false;
        nodes_[depth] = Node{};
        nodes_[depth].interrupt_parent = depth > 0 ? nodes_[depth - 1].interrupt_parent : 0;
        nodes_[depth++].name = name;
        at = (at + name.size() + 1 + 3) & ~usize{3};
      } else if (token == property) {
        if (depth == 0 || at + 8 > structure_.size()) return false;
        const usize length = word_at(structure_, at);
        const usize name = word_at(structure_, at + 4);
        at += 8;
        if (at > structure_.size() || length > structure_.size() - at || name >= strings_.size()) return false;
        note_property(nodes_[depth - 1], text_of(strings_.subspan(name)), structure_.subspan(at, length));
        at = (at + length + 3) & ~usize{3};
      } else if (token == end_node) {
        if (depth == 0) return false;
        --depth;
        note_node(nodes_[depth], depth);
      } else {
        return false;
      }
    }
    return false;
  }

  static void note_property(Node& node, std::string_view name, std::span<const std::byte> value) {
    const struct {
      std::string_view name;
      std::span<const std::byte> Node::* member;
    } wanted[] = {{"compatible", &Node::compatible},
                  {"device_type", &Node::device_type},
                  {"reg", &Node::reg},
                  {"riscv,isa", &Node::isa},
                  {"interrupts", &Node::interrupts},
                  {"interrupts-extended", &Node::interrupts_extended},
                  {"phandle", &Node::phandle},
                  {"riscv,ndev", &Node::sources},
                  {"timebase-frequency", &Node::timebase},
                  {"bootargs", &Node::bootargs},
                  {"status", &Node::status},
                  {"bus-range", &Node::bus_range},
                  {"ranges", &Node::ranges},
                  {"interrupt-map", &Node::interrupt_map},
                  {"interrupt-map-mask", &Node::interrupt_map_mask}};
    for (const auto& candidate : wanted) {
      if (name == candidate.name) node.*candidate.member = value;
    }
    if (name == "#address-cells") node.address_cells = node.interrupt_address_cells = node.number(value);
    if (name == "#size-cells") node.size_cells = node.number(value);
    if (name == "interrupt-parent") node.interrupt_parent = node.number(value);
  }

  /// The node at this depth is complete; its ancestors are nodes_[0] to nodes_[depth - 1].
  void note_node(const Node& node, usize depth) {
    const Node nothing;
    const Node& parent = depth > 0 ? nodes_[depth - 1] : nothing;
    const std::string_view type = text_of(node.device_type);
    if (node.timebase.size() >= 4) {
      machine_.timebase_frequency =
          node.timebase.size() >= 8 ? *cells_at(node.timebase, 0, 2) : node.number(node.timebase);
    }
    if (node.name == "chosen") note_boot_arguments(text_of(node.bootargs));
    if (type == "memory") note_memory(node, parent);
    if (type == "cpu") note_hart(node, parent);
    if (node.is_compatible("riscv,cpu-intc") && parent.name.starts_with("cpu@")) {
      pending_interrupt_phandle_ = node.number(node.phandle);
    }
    note_device(node, parent);
  }

  void note_device(const Node& node, const Node& parent) {
    if (node.is_compatible("ns16550a") && machine_.uart.registers.size == 0) machine_.uart = device(node, parent);
    if ((node.is_compatible("riscv,plic0") || node.is_compatible("sifive,plic-1.0.0")) &&
        machine_.plic_count < MachineDescription::max_plics) {
      // The PCI host's interrupt map is read for the first of them.
      if (machine_.plic_count == 0) {
        plic_ = {.phandle = node.number(node.phandle), .address_cells = node.interrupt_address_cells};
      }
      plic_targets_[machine_.plic_count] = node.interrupts_extended;
      machine_.plics[machine_.plic_count++] = {node.region(parent), node.number(node.sources),
                                               node.number(node.phandle)};
    }
    if (node.is_compatible("riscv,clint0") || node.is_compatible("sifive,clint0")) {
      note_interruptor(node.region(parent), 0, machine_software, node);
      note_interruptor(node.region(parent), clint_timer_offset, machine_timer, node);
    }
    if (node.is_compatible("riscv,aclint-mswi")) note_interruptor(node.region(parent), 0, machine_software, node);
    // The time itself is read by its CSR; the comparators are the second entry.
    if (node.is_compatible("riscv,aclint-mtimer")) {
      note_interruptor(node.region_at(parent, 1).value_or(MachineDescription::Region()), 0, machine_timer, node);
    }
    if (node.is_compatible("sifive,test", true)) machine_.finisher = node.region(parent);
    if (node.is_compatible("pci-host-ecam-generic")) note_pci_host(node, parent);
    if (node.is_compatible("virtio,mmio") && machine_.virtio_count < MachineDescription::max_virtio) {
      machine_.virtio[machine_.virtio_count++] = device(node, parent);
    }
  }

  /// The first of them. What its interrupt map means is known when the interrupt controller has been seen.
  void note_pci_host(const Node& node, const Node& parent) {
    if (!pci_.reg.empty()) return;
    pci_ = {.reg = node.reg,
            .bus_range = node.bus_range,
            .ranges = node.ranges,
            .interrupt_map = node.interrupt_map,
            .interrupt_map_mask = node.interrupt_map_mask,
            .parent_address_cells = parent.address_cells,
            .parent_size_cells = parent.size_cells};
  }

  /// The controller is known by its phandle until all nodes have been seen (connect_device).
  static MachineDescription::Device device(const Node& node, const Node& parent) {
    return {node.region(parent), node.number(node.interrupts), node.interrupt_parent};
  }

  void note_memory(const Node& node, const Node& parent) {
    for (usize i = 0; machine_.memory_count < MachineDescription::max_banks; ++i) {
      const auto bank = node.region_at(parent, i);
      if (!bank || parent.address_cells + parent.size_cells == 0) return;
      if (bank->size != 0) machine_.memory[machine_.memory_count++] = *bank;
    }
  }

  void note_interruptor(MachineDescription::Region registers, u64 offset, u32 cause, const Node& node) {
    if (interruptor_count_ == max_interruptors || registers.base == 0 || registers.size <= offset) return;
    const MachineDescription::Region part{registers.base + offset, registers.size - offset};
    interruptors_[interruptor_count_++] = {part, cause, node.interrupts_extended};
  }

  void note_boot_arguments(std::string_view text) {
    const usize length = std::min(text.size(), MachineDescription::max_bootargs - 1);
    std::copy_n(text.begin(), length, machine_.bootargs.data());
    machine_.bootargs[length] = '\0';
  }

  void note_hart(const Node& node, const Node& parent) {
    // The interrupt controller is the cpu node's child, so it has been seen just before.
    const u32 phandle = std::exchange(pending_interrupt_phandle_, 0);
    if (parent.address_cells == 0 || parent.address_cells > 2 || text_of(node.status) == "disabled") return;
    const auto id = cells_at(node.reg, 0, parent.address_cells);
    if (!id || *id > ~u32{0} || machine_.hart_count == MachineDescription::max_harts) return;
    MachineDescription::Hart& hart = machine_.harts[machine_.hart_count++];
    hart.id = static_cast<u32>(*id);
    hart.interrupt_phandle = phandle;
    const bool named = text_of(node.isa).find("_sstc") != std::string_view::npos;
    machine_.has_sstc = named && (machine_.hart_count == 1 || machine_.has_sstc);
  }

  /// interrupts-extended lists (controller phandle, cause) for each context in order: visit(context, cause, hart), with
  /// a null hart where no cpu node has that controller.
  template <class Visitor>
  void for_each_target(std::span<const std::byte> targets, Visitor&& visit) {
    const usize contexts = std::min<usize>(targets.size() / 8, MachineDescription::max_plic_contexts);
    for (usize context = 0; context < contexts; ++context) {
      MachineDescription::Hart* found = nullptr;
      for (u32 hart = 0; hart < machine_.hart_count; ++hart) {
        if (machine_.harts[hart].interrupt_phandle == word_at(targets, context * 8)) found = &machine_.harts[hart];
      }
      visit(static_cast<u32>(context), word_at(targets, context * 8 + 4), found);
    }
  }

  void connect_plic(u32 plic) {
    for_each_target(plic_targets_[plic], [&](u32 context, u32 cause, MachineDescription::Hart* hart) {
      if (cause != supervisor_external || hart == nullptr) return;
      hart->plic = plic;
      hart->plic_context = context;
    });
  }

  struct Interruptor {
    MachineDescription::Region registers;
    u32 cause;
    std::span<const std::byte> targets;
  };

  /// One register for each of its harts, in the order of its own list; another's cause is none of it.
  void connect_interruptor(const Interruptor& from) {
    u32 index = 0;
    for_each_target(from.targets, [&](u32, u32 cause, MachineDescription::Hart* hart) {
      if (cause != from.cause) return;
      const u64 width = cause == machine_timer ? 8 : 4;
      const u64 offset = width * index++;
      if (hart == nullptr || offset + width > from.registers.size) return;
      (cause == machine_timer ? hart->timer_compare : hart->software_interrupt) = {from.registers.base + offset, width};
    });
  }

  void connect_device(MachineDescription::Device& device) const {
    const u32 phandle = std::exchange(device.plic, 0);
    for (u32 i = 0; i < machine_.plic_count; ++i) {
      if (machine_.plics[i].phandle == phandle) device.plic = i;
    }
  }

  [[nodiscard]] DeviceTreeError complaint() const {
    if (machine_.memory_count == 0) return DeviceTreeError::no_memory;
    if (machine_.hart_count == 0) return DeviceTreeError::no_harts;
    if (machine_.timebase_frequency == 0) return DeviceTreeError::no_timebase;
    if (machine_.uart.registers.base == 0) return DeviceTreeError::no_uart;
    if (machine_.plic_count == 0) return DeviceTreeError::no_plic;
    return DeviceTreeError::none;
  }

  std::span<const std::byte> blob_, structure_, strings_;
  std::array<std::span<const std::byte>, MachineDescription::max_plics> plic_targets_;
  std::array<Interruptor, max_interruptors> interruptors_;
  u32 interruptor_count_ = 0;
  std::array<Node, max_depth> nodes_;
  u32 pending_interrupt_phandle_ = 0;
  PciHostNode pci_;
  PciInterruptParent plic_;
  MachineDescription& machine_;
};

}  // namespace

std::string_view describe(DeviceTreeError error) {
  switch (error) {
    case DeviceTreeError::none: return "no error";
    case DeviceTreeError::too_small: return "device tree: too small for a header";
    case DeviceTreeError::bad_magic: return "device tree: bad magic number (no tree where a1 points)";
    case DeviceTreeError::bad_version: return "device tree: version is too new";
    case DeviceTreeError::bad_layout: return "device tree: a block lies outside the tree";
    case DeviceTreeError::bad_structure: return "device tree: damaged structure block";
    case DeviceTreeError::no_memory: return "device tree: no memory node with a size";
    case DeviceTreeError::no_harts: return "device tree: no cpu nodes";
    case DeviceTreeError::no_timebase: return "device tree: no timebase-frequency";
    case DeviceTreeError::no_uart: return "device tree: no ns16550a uart";
    case DeviceTreeError::no_plic: return "device tree: no interrupt controller (plic)";
  }
  return "device tree: unknown error";
}

u32 device_tree_size(std::span<const std::byte> header) {
  if (header.size() < 8 || word_at(header, at_magic) != magic_number) return 0;
  return word_at(header, at_total_size);
}

DeviceTreeError read_device_tree(std::span<const std::byte> blob, MachineDescription& machine) {
  return Reader(blob, machine).read();
}

}  // namespace dev
