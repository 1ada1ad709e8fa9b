// SPDX-License-Identifier: MIT
// First fit over a list of free blocks in address order; neighbours are joined when a block comes back.
#include "user/libc/malloc.hpp"

#include <cstdint>

#include "user/libc/calls.hpp"

namespace {

// Stands before every block, free or handed out. Sizes count the header and are multiples of it.
struct alignas(16) Header {
  std::size_t size;
  Header* next;  // meaningful while free

  Header* end() { return reinterpret_cast<Header*>(reinterpret_cast<char*>(this) + size); }
};

constexpr std::size_t smallest_growth = 64 * 1024;
constexpr std::size_t largest_growth = 0x7fffffff & ~std::size_t{15};  // sbrk takes an int

Header* free_blocks = nullptr;

void give_back(Header* block) {
  Header** link = &free_blocks;
  Header* before = nullptr;
  while (*link != nullptr && *link < block) before = *link, link = &before->next;
  block->next = *link;
  *link = block;
  if (block->next != nullptr && block->end() == block->next) {
    block->size += block->next->size;
    block->next = block->next->next;
  }
  if (before != nullptr && before->end() == block) {
    before->size += block->size;
    before->next = block->next;
  }
}

// The first `size` bytes of a block that has them, or nullptr.
Header* take(std::size_t size) {
  for (Header** link = &free_blocks; *link != nullptr; link = &(*link)->next) {
    Header* block = *link;
    if (block->size < size) continue;
    if (block->size - size < 2 * sizeof(Header)) {
      *link = block->next;
      return block;
    }
    auto* rest = reinterpret_cast<Header*>(reinterpret_cast<char*>(block) + size);
    rest->size = block->size - size;
    rest->next = block->next;
    *link = rest;
    block->size = size;
    return block;
  }
  return nullptr;
}

bool grow(std::size_t size) {
  const std::size_t bytes = size < smallest_growth ? smallest_growth : size;
  // The break may stand anywhere: what lies before the next multiple of 16 is left.
  const auto at = reinterpret_cast<std::uintptr_t>(sbrk(0));
  const std::size_t padding = (16 - at % 16) % 16;
  char* memory = sbrk(static_cast<int>(bytes + padding));
  if (memory == reinterpret_cast<char*>(-1)) return false;
  auto* block = reinterpret_cast<Header*>(memory + padding);
  block->size = bytes;
  give_back(block);
  return true;
}

}  // namespace

extern "C" {

void* malloc(std::size_t bytes) {
  if (bytes > largest_growth - 2 * sizeof(Header)) return nullptr;
  const std::size_t size = (bytes + 2 * sizeof(Header) - 1) & ~(sizeof(Header) - 1);
  Header* block = take(size);
  if (block == nullptr && grow(size)) block = take(size);
  return block == nullptr ? nullptr : block + 1;
}

void free(void* memory) {
  if (memory != nullptr) give_back(static_cast<Header*>(memory) - 1);
}

}  // extern "C"
