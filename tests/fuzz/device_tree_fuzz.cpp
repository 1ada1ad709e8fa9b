// SPDX-License-Identifier: MIT
// Fuzzes what boot does with a device tree: the reader, and the plan of what of it is used. The input is applied as
// edits to a good tree, or taken as a tree itself. The reader must stay inside the blob (ASan: the copy has exactly its
// size) and inside the description, and where it and libfdt both accept the tree it must not miss the memory that
// libfdt finds. A plan that is not refused must be one that can be carried out: plan_oracle.hpp. Run by tests/fuzz/run.
#include <cstdlib>
#include <cstring>

#include "dev/plan_oracle.hpp"
#include "dev/tree_builder.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::vector<std::uint8_t> good = dev_test::machine_tree({});
  std::vector<std::uint8_t> blob;
  if (size != 0 && data[0] % 4 == 0) {
    blob.assign(data + 1, data + size);
  } else {
    blob = good;
    for (std::size_t i = 1; i + 3 <= size; i += 3) blob[(data[i] << 8 | data[i + 1]) % blob.size()] = data[i + 2];
  }
  dev::MachineDescription machine;
  const auto result = dev::read_device_tree(dev_test::as_bytes(blob), machine);
  if (machine.hart_count > dev::MachineDescription::max_harts ||
      machine.virtio_count > dev::MachineDescription::max_virtio ||
      std::memchr(machine.bootargs.data(), 0, machine.bootargs.size()) == nullptr) {
    std::abort();
  }
  if (result == dev::DeviceTreeError::none && blob.size() >= sizeof(fdt_header)) {
    const dev_test::Oracle oracle = dev_test::ask_libfdt(blob);
    if (oracle.readable && oracle.memory_size != 0 && machine.memory_count == 0) std::abort();
  }
  dev::MachinePlan plan;
  if (result != dev::DeviceTreeError::none || dev::make_plan(machine, dev_test::qemu_facts, plan)) return 0;
  if (dev_test::what_is_wrong(plan, machine, dev_test::qemu_facts) != nullptr) std::abort();
  return 0;
}
