// SPDX-License-Identifier: MIT
// Which extensions a machine has, from names and from a device tree that may be damaged.

#include "tools/foliowalk/extensions.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace foliowalk {
namespace {

using sv39::Extension;
using sv39::Extensions;

const Extensions both = Extensions().with(Extension::contiguous_pages).with(Extension::memory_types);

/// A tree of one node with one property.
std::vector<std::byte> tree_with(const std::string& name, const std::string& value) {
  std::string blob;
  const auto word = [&](u32 number) {
    for (int shift = 24; shift >= 0; shift -= 8) blob += static_cast<char>(number >> shift);
  };
  const auto padded = [&](const std::string& text) {
    blob += text;
    blob.append((4 - blob.size() % 4) % 4, '\0');
  };
  const u32 structure_bytes = 4 + 4 + 12 + static_cast<u32>((value.size() + 3) & ~3U) + 8;
  const u32 strings_at = 40 + structure_bytes;
  word(0xd00dfeed);
  word(strings_at + static_cast<u32>(name.size()) + 1);
  word(40);
  word(strings_at);
  for (int i = 0; i < 6; ++i) word(0);
  word(1);
  word(0);  // the root node's name
  word(3);
  word(static_cast<u32>(value.size()));
  word(0);
  padded(value);
  word(2);
  word(9);
  blob += name + '\0';
  const auto* begin = reinterpret_cast<const std::byte*>(blob.data());
  return {begin, begin + blob.size()};
}

BufferRam ram_with(const std::vector<std::byte>& tree, u64 at = 6 << 20) {
  std::vector<std::byte> bytes(8 << 20);
  std::ranges::copy(tree, bytes.begin() + static_cast<std::ptrdiff_t>(at));
  return {default_ram_base, std::move(bytes)};
}

TEST(ExtensionsOf, names_are_whole_words) {
  EXPECT_EQ(extensions_in("rv64imafdch_zicbom_svnapot_svpbmt"), both);
  EXPECT_EQ(extensions_in("svnapot,svpbmt"), both);
  EXPECT_EQ(extensions_in("svnapot"), Extensions().with(Extension::contiguous_pages));
  EXPECT_EQ(extensions_in("rv64_svnapots_xsvpbmt"), Extensions());
  EXPECT_EQ(extensions_in(""), Extensions());
  EXPECT_EQ(extensions_in(names_of(both)), both);
}

TEST(ExtensionsOf, a_tree_in_ram) {
  EXPECT_EQ(extensions_in_tree(ram_with(tree_with("riscv,isa", "rv64imac_svnapot_svpbmt"))), both);
  EXPECT_EQ(extensions_in_tree(ram_with(tree_with("riscv,isa-extensions", std::string("i\0svpbmt\0", 9)))),
            Extensions().with(Extension::memory_types));
  EXPECT_EQ(extensions_in_tree(ram_with(tree_with("compatible", "svnapot"))), Extensions());
  EXPECT_EQ(extensions_in_tree(ram_with({})), Extensions());
}

TEST(ExtensionsOf, a_damaged_tree_ends) {
  const std::vector<std::byte> whole = tree_with("riscv,isa", "rv64imac_svnapot_svpbmt");
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const unsigned value : {0U, 1U, 3U, 0x7fU, 0xffU}) {
      std::vector<std::byte> damaged = whole;
      damaged[at] = std::byte{static_cast<unsigned char>(value)};
      const Extensions found = extensions_in_tree(BufferRam(default_ram_base, std::move(damaged)));
      EXPECT_TRUE(found == both || names_of(found).size() < names_of(both).size());
    }
  }
}

}  // namespace
}  // namespace foliowalk
