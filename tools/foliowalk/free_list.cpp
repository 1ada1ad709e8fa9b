// SPDX-License-Identifier: MIT
#include <algorithm>

#include "tools/foliowalk/scene.hpp"

namespace foliowalk {
namespace {

using sv39::page_size;

/// Follows one list from its head; every free frame holds the address of the next in its first word.
void follow(const KernelMemory& memory, const Ram& ram, const Value& head, FrameRecords& records) {
  u64 next = head.number().value_or(0);
  // A list of a running kernel may change under us, and a broken one may be a circle: no frame is visited twice.
  while (next != 0 && next % page_size == 0) {
    const auto pa = memory.to_physical(next);
    if (!pa || !ram.contains(*pa, page_size)) return;
    const u64 frame = (*pa - ram.base()) / page_size;
    if (records.frames[frame].state == FrameState::free) return;
    const auto word = ram.read_u64(*pa);
    if (!word) return;
    records.frames[frame] = {FrameState::free, 0};
    records.words[frame] = *word;
    next = *word;
  }
}

}  // namespace

void add_free_list(Source& source, Scene& scene) {
  if (!source.image || !source.profile || !scene.records.frames.empty()) return;
  const KernelMemory memory(*source.ram, *source.image);
  const Value kmem = Value::of_variable(memory, "kmem");
  if (!kmem.exists()) return;
  const u64 lists = std::max<u64>(kmem.length(), 1);
  FrameRecords records;
  records.frames.resize(scene.ram_size / page_size);
  records.words.resize(records.frames.size());
  records.first_word = scene.ram_base;
  records.stride = page_size;
  for (u64 i = 0; i < lists; ++i) {
    const Value head = (kmem.length() == 0 ? kmem : kmem.at(i)).member("freelist");
    if (!head.exists()) return;
    follow(memory, *source.ram, head, records);
  }
  scene.records = std::move(records);
}

}  // namespace foliowalk
