// SPDX-License-Identifier: MIT
// Strategy: that of kit.hpp. What others are shown of an address space: logical entries, the printed tables, the
// figures.
#include <algorithm>

#include "mm/address_space/kit.hpp"
#include "mm/fake_file.hpp"

namespace {

using namespace mm_test;

TEST_F(AddressSpaceTest, LogicalPteShowsWhatTheProgramWasPromised) {
  AddressSpace& space = program();
  FakeFile file(page);
  const u64 shared = space.map_file(page, Permissions::read_write(), Sharing::shared, file, 0)->value();
  EXPECT_FALSE(space.logical_pte(VirtAddr(shared)).is_valid());
  EXPECT_EQ(at(space, shared), file.truth(0)[0]);
  EXPECT_TRUE(space.logical_pte(VirtAddr(shared)).allows(Access::write)) << "withheld until the first store";
  AddressSpace* child = fork(space);
  for (AddressSpace* s : {&space, child}) {
    EXPECT_TRUE(s->logical_pte(VirtAddr(page)).allows(Access::write)) << "copy-on-write";
    EXPECT_FALSE(s->logical_pte(VirtAddr(0)).allows(Access::write));
  }
  end(child);
  run(space);
  ASSERT_TRUE(space.unmap(VirtAddr(shared), page));
}

TEST_F(AddressSpaceTest, PrintingShowsEveryEntryInBothFormats) {
  AddressSpace& space = program();
  TextCollector index, address;
  print_table(space, TableFormat::by_index, index.sink());
  print_table(space, TableFormat::by_address, address.sink());
  EXPECT_NE(index.text.find("\n..0: pte 0x"), std::string::npos) << index.text;
  EXPECT_NE(index.text.find("\n.. ..0: pte 0x"), std::string::npos);
  EXPECT_NE(index.text.find("\n.. .. ..511: pte 0x"), std::string::npos) << "the trampoline";
  EXPECT_NE(address.text.find("\n ..0x0000000000000000: pte 0x"), std::string::npos) << address.text;
  EXPECT_NE(address.text.find("\n .. .. ..0x0000003ffffff000: pte 0x"), std::string::npos);
  EXPECT_EQ(std::count(index.text.begin(), index.text.end(), '\n'),
            std::count(address.text.begin(), address.text.end(), '\n'));
  const TableFigures figures = figures_of(space);
  EXPECT_EQ(figures.resident_pages, 4u) << "text, data, stack, USYSCALL";
  EXPECT_EQ(figures.table_frames, 5u);
  EXPECT_EQ(figures.megapages, 0u);
}

}  // namespace
