// SPDX-License-Identifier: MIT
#include "lib/memory.hpp"
#include "mm/tables.hpp"

namespace mm {

namespace {

/// The program's bytes from `va` to the end of its leaf, at most `limit`, as the kernel sees them; null if the leaf
/// does not permit the access.
struct Chunk {
  std::byte* bytes;
  usize size;
};

Chunk chunk_at(Cursor& cursor, VirtAddr va, usize limit, sv39::Access access) {
  sv39::Mapping mapping = cursor.query(va);
  if (!mapping.is_mapped() || !mapping.pte.is_user() || !mapping.pte.allows(access)) return {nullptr, 0};
  const u64 offset = va.offset_in(mapping.level);
  const usize left = mapping.bytes() - offset;
  auto* base = static_cast<std::byte*>(arch::to_kernel(mapping.pte.ppn().address()));
  return {base + offset, left < limit ? left : limit};
}

}  // namespace

usize SoftwareCopy::read(Ppn root, void* to, VirtAddr from, usize bytes) {
  Cursor cursor(TableMemory{}, root);
  auto* destination = static_cast<std::byte*>(to);
  while (bytes != 0) {
    Chunk chunk = chunk_at(cursor, from, bytes, sv39::Access::read);
    if (chunk.bytes == nullptr) break;
    std::memcpy(destination, chunk.bytes, chunk.size);
    destination += chunk.size;
    from = from + chunk.size;
    bytes -= chunk.size;
  }
  return bytes;
}

usize SoftwareCopy::write(Ppn root, VirtAddr to, const void* from, usize bytes) {
  Cursor cursor(TableMemory{}, root);
  auto* source = static_cast<const std::byte*>(from);
  while (bytes != 0) {
    Chunk chunk = chunk_at(cursor, to, bytes, sv39::Access::write);
    if (chunk.bytes == nullptr) break;
    std::memcpy(chunk.bytes, source, chunk.size);
    source += chunk.size;
    to = to + chunk.size;
    bytes -= chunk.size;
  }
  return bytes;
}

usize SoftwareCopy::read_string(Ppn root, char* to, VirtAddr from, usize limit, bool& ended) {
  Cursor cursor(TableMemory{}, root);
  ended = false;
  usize copied = 0;
  while (copied < limit && !ended) {
    Chunk chunk = chunk_at(cursor, from + copied, limit - copied, sv39::Access::read);
    if (chunk.bytes == nullptr) break;
    for (usize i = 0; i < chunk.size && !ended; ++i) {
      char c = static_cast<char>(chunk.bytes[i]);
      to[copied++] = c;
      ended = c == '\0';
    }
  }
  return copied;
}

}  // namespace mm
