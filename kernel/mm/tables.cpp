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
  Ppn ppn = take_frame();
  Frame& frame = frames().record(ppn);
  frame.first = frame.second = no_frame;
  if (u32 limit = View::twin_limit(level, va); limit != 0) {
    Ppn twin = take_frame();
    frames().record(twin).first = frames().record(twin).second = no_frame;
    frame.first = frames().number_of(twin);
    frame.limit = static_cast<u16>(limit);
    View::prepare_twin(TableMemory{}.table(twin), limit);
  }
  return ppn;
}

void TableSource::give_back(Ppn ppn) {
  Frame& frame = frames().record(ppn);
  if (frame.second != no_frame) lib::bug("page table freed while it holds deposits");
#if BIFOLIUM_DEBUG
  if (!TableMemory{}.table(ppn).is_empty()) lib::bug("page table freed with entries in it");
#endif
  if (frame.first != no_frame) {
    Ppn twin = frames().ppn_of(frame.first);
    View::clear_twin(TableMemory{}.table(twin), frame.limit);
    frames().free_zeroed(twin);
    count(VmEvent::table_freed);
  }
  frames().free_zeroed(ppn);
  count(VmEvent::table_freed);
}

void TableSource::deposit(Ppn upper, Ppn table) {
  frames().record(table).second = frames().record(upper).second;
  frames().record(upper).second = frames().number_of(table);
}

Ppn TableSource::withdraw(Ppn upper) {
  u32 number = frames().record(upper).second;
  if (number == no_frame) lib::bug("superpage without a table in deposit");
  Ppn table = frames().ppn_of(number);
  frames().record(upper).second = frames().record(table).second;
  frames().record(table).second = no_frame;
  return table;
}

void TableSource::splitting(Ppn first) {
  frames().convert_compound(first);
  count(VmEvent::superpage_split);
}

}  // namespace mm
