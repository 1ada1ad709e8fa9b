// SPDX-License-Identifier: MIT
#include "labs/image_facts.hpp"

#include <optional>

#include "fs/volume.hpp"
#include "lib/format.hpp"

namespace lab {

namespace {

constinit std::optional<ImageCalls> image_calls;

usize read_file(void* context, u64 offset, std::span<std::byte> into) {
  const auto got = static_cast<fs::Inode*>(context)->read_at(offset, into);
  return got ? *got : 0;
}

bool exists(const fs::InodeRef& root, std::string_view name) { return fs::root_volume().find(root, name).has_value(); }

bool file_has_symbol(const fs::InodeRef& root, std::string_view name, std::string_view symbol) {
  const auto file = fs::root_volume().find(root, name);
  return file && has_symbol({read_file, &**file}, symbol);
}

/// The util labs' programs recurse deeply since 2024. From 2025 on the lab has files that no other has; the image of
/// 2024 differs from those before it in one test of usertests.
bool has_deep_stacks(const fs::InodeRef& root) {
  if (exists(root, "sixfive.txt") || exists(root, "memdump")) return true;
  return exists(root, "xargstest.sh") && file_has_symbol(root, "usertests", "nowrite");
}

const ImageCalls* read_init(const fs::InodeRef& root) {
  const auto init = fs::root_volume().find(root, "init");
  if (!init) return nullptr;  // and nothing will run
  const auto calls = read_image_calls({read_file, &**init});
  if (!calls) {
    lib::print("/init tells no call numbers, {}: the year's table counts\n", describe(calls.error()));
    return nullptr;
  }
  return &image_calls.emplace(*calls);
}

}  // namespace

ImageFacts look_at_image(const fs::InodeRef& root) {
  const fs::Geometry& geometry = fs::root_volume().geometry();
  return {
      .total_blocks = geometry.size,
      .log_blocks = geometry.log_blocks,
      .has_kalloctest = exists(root, "kalloctest"),
      .has_sync = exists(root, "sync"),
      .has_pgtbltest = exists(root, "pgtbltest"),
      .has_deep_stacks = has_deep_stacks(root),
      .calls = read_init(root),
  };
}

}  // namespace lab
