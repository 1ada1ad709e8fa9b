// SPDX-License-Identifier: MIT
// Looking at an address space: pgpte, pgaccess, vmprint and figures.
#include "mm/look.hpp"

#include "lib/format.hpp"
#include "sv39/visit.hpp"

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
  TableEdit edit = this->edit();
  for (u32 i = 0; i < pages; ++i) {
    const VirtAddr page = base.align_down(Level::base) + i * sv39::page_size;
    if (page.value() >= limit_ || regions_.find(page) == nullptr) continue;
    // A megapage has one A bit for 512 pages; the question is about each of them.
    edit.split(page);
    const sv39::Slot slot = edit.cursor.find(page);
    if (!slot.pte.is_leaf() || !slot.pte.is_accessed()) continue;
    mask |= u64{1} << i;
    edit.replace(slot, page, slot.pte.without_accessed());
  }
  return mask;
}

namespace {

/// Writes the user half of a table.
class TablePrinter {
 public:
  TablePrinter(TableFormat format, TextSink sink) : format_(format), sink_(sink) {}

  void print(Ppn root) {
    line("page table 0x{:016x}\n", root.address().value());
    sv39::visit_tables(TableMemory{}, root, *this, user_entries);
  }

  bool enter(Ppn, Level, VirtAddr) { return sink_.wants_more(); }
  bool entry(const sv39::TreeEntry& at) {
    if (!at.pte.is_valid() || !sink_.wants_more()) return false;
    const char* dots = at.level == Level::giga ? ".." : at.level == Level::mega ? ".. .." : ".. .. ..";
    const u64 pa = at.pte.ppn().address().value();
    if (format_ == TableFormat::by_index) {
      line("{}{}: pte 0x{:016x} pa 0x{:016x}\n", dots, at.index, at.pte.raw(), pa);
    } else {
      line(" {}0x{:016x}: pte 0x{:016x} pa 0x{:016x} {}{}{}{}\n", dots, at.begin.value(), at.pte.raw(), pa,
           letter("R", at.pte, sv39::pte_bit::read), letter("W", at.pte, sv39::pte_bit::write),
           letter("X", at.pte, sv39::pte_bit::execute), letter("U", at.pte, sv39::pte_bit::user));
    }
    return true;
  }

 private:
  static const char* letter(const char* name, Pte pte, u64 bit) { return (pte.raw() & bit) != 0 ? name : ""; }

  template <class... Arguments>
  void line(lib::FormatString<Arguments...> text, const Arguments&... arguments) {
    char buffer[96];
    sink_.put(sink_.context, lib::format_to(buffer, text, arguments...));
  }

  TableFormat format_;
  TextSink sink_;
};

/// Counts what the user half of a table maps, and its nodes.
struct FigureCounter {
  TableFigures figures{};

  bool enter(Ppn, Level, VirtAddr) {
    ++figures.table_frames;
    return true;
  }
  bool entry(const sv39::TreeEntry& at) {
    if (!at.pte.is_leaf() || !at.pte.is_user()) return true;
    figures.resident_pages += sv39::pages_of(at.level);
    if (at.level == Level::mega) {
      ++figures.megapages;
      ++figures.table_frames;  // its deposit
    }
    return true;
  }
};

}  // namespace

void print_table(const AddressSpace& space, TableFormat format, TextSink sink) {
  TablePrinter(format, sink).print(space.root());
}

TableFigures figures_of(const AddressSpace& space) {
  FigureCounter counter;
  counter.figures.flat_frames = abi::user_top / sv39::page_size * sizeof(Pte) / sv39::page_size;
  sv39::visit_tables(TableMemory{}, space.root(), counter, user_entries);
  return counter.figures;
}

}  // namespace mm
