// SPDX-License-Identifier: MIT
// Looking at an address space: pgpte, pgaccess, vmprint and figures.
#include "lib/format.hpp"
#include "mm/address_space.hpp"

namespace mm {

Pte AddressSpace::logical_pte(VirtAddr va) {
  if (!va.is_lower_half()) return Pte();
  Cursor cursor = this->cursor();
  const Pte pte = cursor.query(va.align_down(Level::base)).pte;
  if (!pte.is_leaf()) return Pte();
  if (pte.is_copy_on_write()) return pte.as_private();
  const Region* region = regions_.find(va);
  const bool withheld = region != nullptr && region->kind == RegionKind::file && region->sharing == Sharing::shared;
  return withheld ? pte.with_permissions(region->permissions.user()) : pte;
}

u64 AddressSpace::take_accessed(VirtAddr base, u32 pages) {
  if (pages > 64) pages = 64;
  u64 mask = 0;
  TableSource tables(spares_);
  SpaceTlb tlb{view_};
  UserFrameSink sink;
  Batch batch(tlb, sink);
  Cursor cursor = this->cursor();
  for (u32 i = 0; i < pages; ++i) {
    const VirtAddr page = base.align_down(Level::base) + i * sv39::page_size;
    if (page.value() >= limit_ || regions_.find(page) == nullptr) continue;
    // A megapage has one A bit for 512 pages; the question is about each of them.
    cursor.split(page, tables, batch);
    const sv39::Slot slot = cursor.find(page);
    if (!slot.pte.is_leaf() || !slot.pte.is_accessed()) continue;
    mask |= u64{1} << i;
    cursor.replace(slot, slot.pte.without_accessed());
    batch.changed(page);
  }
  return mask;
}

/// Writes the user half of a table, depth first.
class TablePrinter {
 public:
  TablePrinter(TableFormat format, TextSink sink) : format_(format), sink_(sink) {}

  void print(Ppn root) {
    line("page table 0x{:016x}\n", root.address().value());
    node(root, Level::giga, 0, sv39::entries_per_table / 2);
  }

 private:
  void node(Ppn ppn, Level level, u64 begin, unsigned entries) {
    const sv39::PageTable& table = TableMemory{}.table(ppn);
    for (unsigned i = 0; i < entries; ++i) {
      const Pte pte = table.load(i);
      if (!pte.is_valid() || !sink_.wants_more()) continue;
      const u64 va = begin + i * sv39::bytes_of(level);
      const char* dots = level == Level::giga ? ".." : level == Level::mega ? ".. .." : ".. .. ..";
      if (format_ == TableFormat::by_index) {
        line("{}{}: pte 0x{:016x} pa 0x{:016x}\n", dots, i, pte.raw(), pte.ppn().address().value());
      } else {
        line(" {}0x{:016x}: pte 0x{:016x} pa 0x{:016x} {}{}{}{}\n", dots, va, pte.raw(), pte.ppn().address().value(),
             letter("R", pte, sv39::pte_bit::read), letter("W", pte, sv39::pte_bit::write),
             letter("X", pte, sv39::pte_bit::execute), letter("U", pte, sv39::pte_bit::user));
      }
      if (pte.is_table()) node(pte.ppn(), sv39::below(level), va, sv39::entries_per_table);
    }
  }

  static const char* letter(const char* name, Pte pte, u64 bit) { return (pte.raw() & bit) != 0 ? name : ""; }

  template <class... Arguments>
  void line(lib::FormatString<Arguments...> text, const Arguments&... arguments) {
    char buffer[96];
    sink_.put(sink_.context, lib::format_to(buffer, text, arguments...));
  }

  TableFormat format_;
  TextSink sink_;
};

void AddressSpace::print(TableFormat format, TextSink sink) { TablePrinter(format, sink).print(root_); }

namespace {

void add_figures(TableFigures& figures, Ppn ppn, Level level, unsigned entries) {
  ++figures.table_frames;
  const sv39::PageTable& table = TableMemory{}.table(ppn);
  for (unsigned i = 0; i < entries; ++i) {
    const Pte pte = table.load(i);
    if (pte.is_table()) {
      add_figures(figures, pte.ppn(), sv39::below(level), sv39::entries_per_table);
    } else if (pte.is_leaf() && pte.is_user()) {
      figures.resident_pages += sv39::pages_of(level);
      if (level == Level::mega) {
        ++figures.megapages;
        ++figures.table_frames;  // its deposit
      }
    }
  }
}

}  // namespace

TableFigures AddressSpace::figures() {
  TableFigures figures{};
  figures.flat_frames = abi::user_top / sv39::page_size * sizeof(Pte) / sv39::page_size;
  add_figures(figures, root_, Level::giga, sv39::entries_per_table / 2);
  return figures;
}

}  // namespace mm
