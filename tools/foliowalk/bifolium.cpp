// SPDX-License-Identifier: MIT
#include "tools/foliowalk/bifolium.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "abi/vmstat.hpp"

namespace foliowalk {
namespace {

constexpr const char* table_variable = "process::the_table";
constexpr const char* frames_variable = "mm::the_frames";

std::string region_name(const std::string& kind, u64 permissions) {
  if (kind == "segment")
    return permissions & sv39::pte_bit::execute ? permissions & sv39::pte_bit::write ? "program" : "text" : "data";
  if (kind == "anonymous") return "mmap";
  if (kind == "file") return "mmap file";
  return kind;
}

std::vector<RegionRecord> regions_of(const KernelMemory& memory, const Value& list) {
  std::vector<RegionRecord> regions;
  const Type* type = memory.image().type("mm::Region");
  const Value storage = list.member("storage_");
  const u64 count = list.member("size_").number().value_or(0);
  if (!type || !storage.exists() || type->size == 0 || count > storage.length() / type->size) return regions;
  for (u64 i = 0; i < count; ++i) {
    const Value region(memory, type, storage.address() + i * type->size);
    RegionRecord& record = regions.emplace_back();
    record.begin = region.member("begin").number().value_or(0);
    record.end = region.member("end").number().value_or(0);
    const std::string kind = region.member("kind").enumerator();
    record.name = region_name(kind, region.member("permissions").number().value_or(0));
    record.shared = region.member("sharing").enumerator() == "shared";
    record.backing = kind == "file"  ? record.shared ? "file, shared" : "file, private"
                     : record.shared ? "anonymous, shared"
                                     : "anonymous";
  }
  return regions;
}

FrameState state_from(std::string_view name) {
  if (name == "reserved") return FrameState::reserved;
  if (name == "free" || name == "cached" || name == "cached_zero") return FrameState::free;
  if (name == "user" || name == "compound") return FrameState::user;
  if (name == "file") return FrameState::file;
  if (name == "table") return FrameState::table;
  if (name == "kernel") return FrameState::kernel;
  return FrameState::unknown;
}

/// Offset and type of a member, by path from a type. The record table is read in one go, so offsets are wanted once.
std::optional<std::pair<u64, const Type*>> offset_of(const Type* type, std::string_view name) {
  for (const Type::Member& member : type->members) {
    if (member.name == name) return std::pair(member.offset, member.type);
  }
  return std::nullopt;
}

/// The enumeration inside a wrapper such as std::atomic<FrameState>.
const Type* enumeration_in(const Type* type) {
  while (type && type->kind == Type::Kind::structure) {
    const Type* inner = nullptr;
    for (const Type::Member& member : type->members) {
      if (member.type && member.type->size == type->size) inner = member.type;
    }
    type = inner;
  }
  return type && type->kind == Type::Kind::enumeration ? type : nullptr;
}

u64 field(const std::byte* record, u64 offset, u64 size) {
  u64 value = 0;
  std::memcpy(&value, record + offset, std::min<u64>(size, 8));
  return value;
}

}  // namespace

bool is_bifolium(const KernelImage& image) { return image.variable(table_variable) != nullptr; }

ProfileNames bifolium_names() {
  return {.table = "process::the_table.value_.slots_",
          .pid = "pid",
          .name = "program_",
          .state = "life_",
          .root = "memory.root_",
          .kernel_root = "memory.view_.kernel_root",
          .size = "memory.break_",
          .global_root = "mm::the_kernel_space.root_",
          .next_pid = "process::the_table.value_.pids_.next_"};
}

bool describe_bifolium(const KernelMemory& memory, const Value& entry, ProcessRecord& record) {
  if (record.state == "embryo") return false;
  // Of a living process the thread's state says more.
  if (record.state == "alive") record.state = entry.member("state").enumerator();
  record.regions = regions_of(memory, entry.member("memory.regions_"));
  return true;
}

std::vector<Counter> bifolium_counters(const KernelMemory& memory) {
  std::vector<Counter> counters;
  const Value harts = Value::of_variable(memory, "arch::hart_counters");
  const u64 events = std::min<u64>(harts.at(0).member("events").length(), abi::vm_event_count);
  for (u64 event = 0; event < events; ++event) {
    Counter& counter = counters.emplace_back(Counter{std::string(abi::vm_event_names[event]), 0});
    for (u64 hart = 0; hart < harts.length(); ++hart) {
      counter.value += harts.at(hart).member("events").at(event).number().value_or(0);
    }
  }
  return counters;
}

FrameRecords bifolium_frames(const KernelMemory& memory, const Ram& ram) {
  FrameRecords records;
  const Value allocator = Value::of_variable(memory, frames_variable);
  const Value first = allocator.member("table_").pointee();
  const auto base = allocator.member("base_").number();
  const auto count = allocator.member("count_").number();
  if (!first.exists() || !base || !count || *count > ram.size() / sv39::page_size ||
      *base != ram.base() / sv39::page_size)
    return records;
  const auto references = offset_of(first.type(), "refs");
  const auto state = offset_of(first.type(), "state");
  const auto order = offset_of(first.type(), "order");
  const Type* states = state ? enumeration_in(state->second) : nullptr;
  const auto pa = memory.to_physical(first.address());
  if (!references || !order || !states || !pa) return records;

  const u64 stride = first.type()->size;
  std::vector<std::byte> bytes(*count * stride);
  if (!ram.read(*pa, bytes)) return records;
  // There are tens of thousands of records: a state is found by its number.
  std::array<FrameState, 256> state_of_number{};
  u64 inside = ~u64{0};  // the number of the state "inside"
  for (const Type::Enumerator& known : states->enumerators) {
    const auto number = static_cast<u64>(known.value);
    if (number < state_of_number.size()) state_of_number[number] = state_from(known.name);
    if (known.name == "inside") inside = number;
  }

  const u64 word = references->first & ~u64{7};
  records.first_word = *pa + word;
  records.stride = stride;
  records.words.resize(*count);
  records.frames.resize(*count);
  const auto number_of = [&](u64 frame) {
    return field(bytes.data() + frame * stride, state->first, state->second->size) % state_of_number.size();
  };
  for (u64 i = 0; i < *count; ++i) {
    const std::byte* record = bytes.data() + i * stride;
    records.words[i] = field(record, word, std::min<u64>(stride - word, 8));
    const u64 number = number_of(i);
    if (number == inside) continue;  // told by its block's head
    const FrameRecord known{state_of_number[number],
                            static_cast<u32>(field(record, references->first, references->second->size))};
    records.frames[i] = known;
    const u64 block = u64{1} << std::min<u64>(field(record, order->first, order->second->size), 18);
    for (u64 j = i + 1; j < i + block && j < *count && number_of(j) == inside; ++j) records.frames[j] = known;
  }
  return records;
}

}  // namespace foliowalk
