// SPDX-License-Identifier: MIT
#include "mm/tables.hpp"

#include "lib/bug.hpp"

namespace mm {

std::expected<void, sv39::Error> TableSource::reserve() {
  if (missing() == 0) return {};
  if (auto added = reservation_.add(missing(), FrameState::table, Zero::yes); !added) {
    return std::unexpected(sv39::Error{sv39::ErrorKind::out_of_memory, 0, 0});
  }
  return {};
}

Ppn TableSource::take_frame() {
  count(VmEvent::table_allocated);
  return reservation_.left() != 0 ? reservation_.take() : spares_.take();
}

Ppn TableSource::take(Level level, VirtAddr va) {
  const Ppn ppn = take_frame();
  const Frame::Table table = frames().record(ppn).table();
  table.clear();
  if (u32 limit = View::twin_limit(level, va); limit != 0) {
    const Ppn twin = take_frame();
    frames().record(twin).table().clear();
    table.twin = frames().number_of(twin);
    table.mirrored_entries = static_cast<u16>(limit);
    View::prepare_twin(TableMemory{}.table(twin), limit);
  }
  return ppn;
}

void TableSource::give_back(Ppn ppn) {
  const Frame::Table table = frames().record(ppn).table();
  if (table.deposit != no_frame) lib::bug("page table freed while it holds deposits");
#if BIFOLIUM_DEBUG
  if (!TableMemory{}.table(ppn).is_empty()) lib::bug("page table freed with entries in it");
#endif
  if (table.twin != no_frame) {
    const Ppn twin = frames().ppn_of(table.twin);
    View::clear_twin(TableMemory{}.table(twin), table.mirrored_entries);
    frames().free_zeroed(twin);
    count(VmEvent::table_freed);
  }
  frames().free_zeroed(ppn);
  count(VmEvent::table_freed);
}

void TableSource::deposit(Ppn upper, Ppn table) {
  u32& first = frames().record(upper).table().deposit;
  frames().record(table).table().deposit = first;
  first = frames().number_of(table);
}

Ppn TableSource::withdraw(Ppn upper) {
  u32& first = frames().record(upper).table().deposit;
  if (first == no_frame) lib::bug("superpage without a table in deposit");
  const Ppn table = frames().ppn_of(first);
  u32& next = frames().record(table).table().deposit;
  first = next;
  next = no_frame;
  return table;
}

void TableSource::splitting(Ppn first) {
  frames().convert_compound(first);
  count(VmEvent::superpage_split);
}

}  // namespace mm
