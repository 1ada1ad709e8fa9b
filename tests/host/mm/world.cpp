// SPDX-License-Identifier: MIT
#include "mm/world.hpp"

#include <algorithm>
#include <bit>
#include <cstdarg>
#include <cstdio>
#include <cstring>

#include "arch/riscv64/csr.hpp"
#include "mm/check.hpp"
#include "mm/counters.hpp"
#include "mm/space_list.hpp"
#include "model/paging_kit.hpp"
#include "sched/thread.hpp"

namespace mm_test {

using model::AccessKind;

namespace {

constexpr u64 page_bytes = 4096;

/// give_way() is a plain function; the world that exists now looks at what it would let others see.
World* witness = nullptr;

}  // namespace

bool World::RefRegion::allows(AccessKind kind_of_access) const {
  if (kind == RegionKind::guard) return false;
  switch (kind_of_access) {
    case AccessKind::load: return read;
    case AccessKind::store: return write;
    case AccessKind::fetch: return execute;
  }
  return false;
}

World::World(Choices& choices, WorldOptions options)
    : choices_(choices), options_(options), machine_([&] {
        options.machine.speculates = true;
        return options.machine;
      }()) {
  for (const u64 size : {u64{1}, u64{4096}, u64{10000}, u64{150 * 1024}})
    files_.push_back(std::make_unique<FakeFile>(size));
  free_at_start_ = frames().free_count();
  witness = this;
  sched::others_run = [] { witness->see_between_parts(); };
  do_exec();
}

World::~World() {
  sched::others_run = nullptr;
  // Whatever was found, the globals of the kernel must not point into a dead machine.
  for (unsigned hart = 0; hart < arch::max_harts; ++hart) machine_.become_hart(hart), machine_.switch_to(nullptr);
}

// The oracle.

World::RefRegion* World::region_at(Process& process, u64 va) {
  auto at = process.regions.upper_bound(va);
  if (at == process.regions.begin()) return nullptr;
  --at;
  return va < at->second.end ? &at->second : nullptr;
}

bool World::overlaps(const Process& process, u64 begin, u64 end) const {
  for (const auto& [at, region] : process.regions) {
    if (region.begin < end && begin < region.end) return true;
  }
  return false;
}

u64 World::lowest_mapping(const Process& process) const {
  for (const auto& [at, region] : process.regions) {
    if (region.is_mmap()) return at;
  }
  return AddressSpace::user_limit;
}

void World::erase_pages(Process& process, u64 begin, u64 end) {
  process.pages.erase(process.pages.lower_bound(begin / page_bytes), process.pages.lower_bound(end / page_bytes));
}

void World::cut_regions(Process& process, u64 begin, u64 end) {
  std::map<u64, RefRegion> left;
  for (const auto& [at, region] : process.regions) {
    if (region.end <= begin || region.begin >= end) {
      left[at] = region;
      continue;
    }
    if (region.begin < begin) {
      RefRegion lower = region;
      lower.end = begin;
      left[at] = lower;
    }
    if (region.end > end) {
      RefRegion upper = region;
      upper.begin = end;
      upper.first_page += (end - region.begin) / page_bytes;
      left[end] = upper;
    }
  }
  process.regions = std::move(left);
  erase_pages(process, begin, end);
}

bool World::beyond_file(const RefRegion& region, u64 va) const {
  return region.kind == RegionKind::file &&
         region.first_page + (va - region.begin) / page_bytes >= region.file->page_count();
}

/// What the page of `va` holds; null: all zero.
const PageBytes* World::bytes_at(Process& process, u64 va, RefRegion& region) {
  if (const auto found = process.pages.find(va / page_bytes); found != process.pages.end()) return found->second.get();
  if (region.kind != RegionKind::file) return nullptr;
  return &region.file->truth(region.first_page + (va - region.begin) / page_bytes);
}

PageBytes& World::writable_bytes(Process& process, u64 va, RefRegion& region) {
  const u64 index = region.first_page + (va - region.begin) / page_bytes;
  if (region.kind == RegionKind::file && region.sharing == Sharing::shared) return region.file->truth(index);
  Bytes& bytes = process.pages[va / page_bytes];
  if (!bytes) {
    bytes = std::make_shared<PageBytes>();
    if (region.kind == RegionKind::file) *bytes = region.file->truth(index);
  } else if (region.sharing == Sharing::private_copy && bytes.use_count() > 1) {
    bytes = std::make_shared<PageBytes>(*bytes);
  }
  return *bytes;
}

/// How many of the bytes from `va` on the program may touch in this way.
u64 World::allowed_run(Process& process, u64 va, u64 bytes, AccessKind kind) {
  u64 done = 0;
  while (done < bytes) {
    const u64 at = va + done;
    if (at < va || at >= AddressSpace::user_limit) break;
    RefRegion* region = region_at(process, at);
    if (region == nullptr || !region->allows(kind) || beyond_file(*region, at)) break;
    done += page_bytes - at % page_bytes;
  }
  return done < bytes ? done : bytes;
}

// Running processes.

World::Process* World::any_process() {
  touched_ = processes_.empty() ? nullptr : processes_[choices_.below(processes_.size())].get();
  return touched_;
}

World::Process* World::running_process() {
  Process* process = any_process();
  if (process == nullptr) return nullptr;
  if (process->hart < 0 || choices_.one_in(16)) run_on(*process, static_cast<unsigned>(choices_.below(options_.harts)));
  machine_.become_hart(static_cast<unsigned>(process->hart));
  return process;
}

void World::stop(Process& process) {
  if (process.hart < 0) return;
  machine_.become_hart(static_cast<unsigned>(process.hart));
  machine_.switch_to(nullptr);
  process.hart = -1;
}

void World::run_on(Process& process, unsigned hart) {
  if (process.hart == static_cast<int>(hart)) return;
  stop(process);
  for (const auto& other : processes_) {
    if (other->hart == static_cast<int>(hart)) other->hart = -1;
  }
  machine_.become_hart(hart);
  machine_.switch_to(process.space);
  process.hart = static_cast<int>(hart);
}

void World::end(std::size_t index) {
  Process& process = *processes_[index];
  if (process.hart >= 0 && choices_.one_in(2)) {
    machine_.become_hart(static_cast<unsigned>(process.hart));
    machine_.end_program();
  }
  stop(process);
  AddressSpace::destroy(process.space);
  machine_.free_owner(process.owner);
  processes_.erase(processes_.begin() + static_cast<std::ptrdiff_t>(index));
}

bool World::finish() {
  Machine::fail_at(0);
  armed_ = false;
  while (!processes_.empty()) end(processes_.size() - 1);
  expect(frames().free_count() == free_at_start_, "frames are missing, or too many, when every process has ended");
  for (const auto& file : files_) {
    expect(file->holders() == 0, "a file is still held");
    expect(file->cached_pages() == 0, "a file still has pages in memory");
    expect(file->matches_disk(), "a file's bytes did not reach the disk");
  }
  frames().drain_caches();
  return problem_.empty();
}

// Addresses that matter.

u64 World::interesting_address(Process& process) {
  touched_address_ = any_address(process);
  machine_.note_address(touched_address_);
  return touched_address_;
}

u64 World::any_address(Process& process) {
  if (choices_.one_in(24)) {
    static constexpr u64 edges[] = {0,
                                    4095,
                                    4096,
                                    0xC000000 - 4096,
                                    0xC000000,
                                    AddressSpace::user_limit - 1,
                                    AddressSpace::user_limit,
                                    abi::usyscall,
                                    abi::trapframe,
                                    abi::trampoline,
                                    abi::user_top - 1,
                                    abi::user_top,
                                    u64{1} << 39,
                                    u64{1} << 63,
                                    ~u64{0}};
    return edges[choices_.below(std::size(edges))];
  }
  if (process.regions.empty()) return choices_.below(abi::user_top);
  auto at = process.regions.begin();
  std::advance(at, choices_.below(process.regions.size()));
  const RefRegion& region = at->second;
  const u64 span = region.end - region.begin;
  switch (choices_.below(6)) {
    case 0: return region.begin - choices_.below(2);
    case 1: return region.end - choices_.below(3);
    case 2: {  // around a 2 MiB border inside
      const u64 border = (region.begin + choices_.below(span)) / (u64{2} << 20) * (u64{2} << 20);
      return border - choices_.below(3) * 2048;
    }
    default: return region.begin + choices_.below(span);
  }
}

u64 World::interesting_length() {
  switch (choices_.below(12)) {
    case 0: return 0;
    case 1: return 1;
    case 2: return page_bytes;
    case 3: return page_bytes + 1;
    case 4: return u64{2} << 20;
    case 5: return (u64{2} << 20) + choices_.below(5) * page_bytes;
    case 6: return choices_.below(u64{5} << 20);
    case 7: {
      static constexpr u64 extreme[] = {~u64{0}, u64{1} << 38, u64{1} << 40, u64{1} << 63, ~u64{0} - 4094};
      return extreme[choices_.below(std::size(extreme))];
    }
    default: return choices_.below(12 * page_bytes);
  }
}

// Checks.

void World::verify_region(Process& process, const RefRegion& region) {
  const auto& real = process.space->regions();
  u64 at = region.begin;
  // The kernel may keep one region of ours in several parts; together they must say the same.
  while (at < region.end) {
    const u32 index = real.first_above(VirtAddr(at));
    if (index == real.size() || real[index].begin.value() > at) return fail("the kernel misses a region");
    const Region& part = real[index];
    if (part.kind != region.kind || part.sharing != region.sharing || part.backing != region.file) {
      return fail("the kernel has another kind of region");
    }
    if (region.kind != RegionKind::guard) {
      if (part.allows(Access::read) != region.read || part.allows(Access::write) != region.write ||
          part.allows(Access::execute) != region.execute) {
        return fail("the kernel gives a region other rights");
      }
    }
    if (region.kind == RegionKind::file &&
        part.file_page(VirtAddr(at)) != region.first_page + (at - region.begin) / page_bytes) {
      return fail("the kernel maps another page of the file");
    }
    at = part.end.value();
    if (at > region.end) return fail("a region of the kernel goes too far");
  }
}

/// Compares the page at `va`, which lies in `region`, with the oracle's. False if it is not mapped now.
bool World::verify_page(Process& process, u64 va, RefRegion& region) {
  const auto read = [this](u64 at) { return machine_.arena().word(at); };
  const auto walk = model::translate(read, process.space->root().address().value(), va, AccessKind::load,
                                     {model::Privilege::supervisor, true, true});
  const bool mapped = walk.ok() || walk.fault == model::FaultKind::accessed_dirty;
  static constexpr PageBytes zero{};
  if (!mapped) {
    // What has contents must be there, unless they are the file's.
    const auto found = process.pages.find(va / page_bytes);
    expect(found == process.pages.end() || *found->second == zero, "a page with contents is no longer mapped");
    return false;
  }
  const u64 span = model::span_of(walk.last().level);
  const u64 frame = ((walk.last().pte >> 10) << 12) + va % span / page_bytes * page_bytes;
  const PageBytes* expected = bytes_at(process, va, region);
  if (std::memcmp(machine_.arena().at(frame), expected != nullptr ? expected->data() : zero.data(), page_bytes) != 0) {
    char text[120];
    std::snprintf(text, sizeof text, "page 0x%llx holds other bytes than the oracle's",
                  static_cast<unsigned long long>(va));
    fail(text);
  }
  expect((walk.last().pte & model::bit::w) == 0 || region.write, "a leaf grants a right the region has not");
  return true;
}

void World::verify_bytes(Process& process) {
  for (auto& [begin, region] : process.regions) {
    if (region.kind == RegionKind::guard) continue;
    // Large lazy regions: only pages that either side knows. First those that are mapped,
    sv39::Cursor<model::HostMemory> cursor(model::HostMemory{&machine_.arena(), nullptr}, process.space->root());
    cursor.for_each_leaf(VirtRange::pages(VirtAddr(begin).floor(), (region.end - begin) / page_bytes),
                         [&](const sv39::Slot& slot, VirtAddr first) {
                           const u64 leaf_end = first.value() + sv39::bytes_of(slot.level);
                           const u64 to = std::min(leaf_end, region.end);
                           for (u64 va = std::max(first.value(), begin); va < to && problem_.empty(); va += page_bytes)
                             expect(verify_page(process, va, region), "a leaf of the kernel cannot be read by the MMU");
                         });
    // then those that the oracle holds.
    for (auto at = process.pages.lower_bound(begin / page_bytes);
         at != process.pages.end() && at->first < region.end / page_bytes; ++at) {
      (void)verify_page(process, at->first * page_bytes, region);
    }
  }
}

void World::verify_regions(Process& process) {
  u64 total = 0;
  for (const auto& [at, region] : process.regions) {
    verify_region(process, region);
    total += region.end - region.begin;
  }
  u64 real_total = 0;
  for (const Region& region : process.space->regions()) real_total += region.bytes();
  expect(total == real_total, "the kernel has regions that the oracle has not");
  expect(process.space->program_break() == process.program_break, "another program break");
}

void World::verify_all() {
  for (const auto& process : processes_) {
    verify_regions(*process);
    if (problem_.empty()) verify_bytes(*process);
    if (!problem_.empty()) return;
  }
}

/// After an operation: the process that it worked on has the regions that it should have, and the page that was named
/// and one more of each region, another one each time, hold what they should.
void World::verify_touched() {
  const auto is_touched = [this](const auto& process) { return process.get() == touched_; };
  if (std::none_of(processes_.begin(), processes_.end(), is_touched)) return;  // it has ended
  verify_regions(*touched_);
  for (auto& [begin, region] : touched_->regions) {
    if (region.kind == RegionKind::guard) continue;
    const u64 pages = (region.end - begin) / page_bytes;
    (void)verify_page(*touched_, begin + (steps_ * 0x9e3779b97f4a7c15) % pages * page_bytes, region);
  }
  RefRegion* named = region_at(*touched_, touched_address_);
  if (named != nullptr && named->kind != RegionKind::guard)
    (void)verify_page(*touched_, touched_address_ / page_bytes * page_bytes, *named);
}

/// An operation gives way: whoever runs now finds all spaces sound, also those that are being built and taken apart.
void World::see_between_parts() {
  ++coverage_["(between parts)"];
  if (armed_ || !problem_.empty()) return;  // the checker's own memory must not be the allocation that fails
  TextCollector text;
  const auto violations = check_all_spaces(text.sink());
  if (violations && *violations != 0) fail("invariants violated between two parts: " + text.text);
}

void World::check_invariants_now() {
  struct Iteration {
    World* world;
    std::size_t next = 0;
  } iteration{this};
  const SpaceIterator spaces{[](void* context) -> AddressSpace* {
                               auto& it = *static_cast<Iteration*>(context);
                               if (it.next >= it.world->processes_.size()) return nullptr;
                               return it.world->processes_[it.next++]->space;
                             },
                             &iteration};
  Machine::fail_at(0);
  TextCollector text;
  const auto violations = check_invariants(spaces, text.sink());
  if (!violations) {
    const u64 wanted = std::bit_ceil((frames().ram_count() * sizeof(u16) + page_bytes - 1) / page_bytes);
    expect(!has_free_run(wanted), "the checker found no memory although there is some");
  } else if (*violations != 0) {
    fail("invariants violated: " + text.text);
  }
}

void World::speculate() {
  for (unsigned hart = 0; hart < options_.harts; ++hart) {
    for (const auto& process : processes_) {
      if (process->hart != static_cast<int>(hart)) continue;
      for (int i = 0; i < 3; ++i) machine_.note_address(any_address(*process));
      machine_.speculate(hart);
    }
  }
}

bool World::arm_failure() {
  armed_ = options_.inject_failures && choices_.one_in(6);
  Machine::fail_at(armed_ ? static_cast<unsigned>(1 + choices_.below(8)) : 0);
  return armed_;
}

/// Whether `count` frames, a power of two, are free side by side so that the allocator can make one block of them.
bool World::has_free_run(u64 count) {
  u64 run = 0;
  for (u64 i = 0; i < machine_.arena().frame_count() && run < count; ++i) {
    if (i % count == 0) run = 0;
    run = Machine::is_free_frame(machine_.arena().base() + i * page_bytes) ? run + 1 : 0;
  }
  return run >= count;
}

bool World::memory_may_fail(u64 wanted) { return armed_ || frames().free_count() < wanted + 8; }

void World::fail(std::string what) {
  if (!problem_.empty()) return;
  problem_ = what + "\nafter:\n";
  const std::size_t first = log_.size() > 40 ? log_.size() - 40 : 0;
  for (std::size_t i = first; i < log_.size(); ++i) problem_ += "  " + log_[i] + "\n";
}

void World::expect(bool condition, const char* what) {
  if (!condition) fail(what);
}

void World::say(const char* format, ...) {
  char line[240];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  log_.emplace_back(line);
  if (log_.size() > 400) log_.erase(log_.begin(), log_.begin() + 200);
}

bool World::step() {
  struct Operation {
    const char* name;
    unsigned weight;
    void (World::*run)();
  };
  static constexpr Operation operations[] = {
      {"exec", 2, &World::do_exec},
      {"fork", 6, &World::do_fork},
      {"exit", 4, &World::do_exit},
      {"grow", 12, &World::do_grow},
      {"map_anonymous", 6, &World::do_map_anonymous},
      {"map_file", 6, &World::do_map_file},
      {"unmap", 8, &World::do_unmap},
      {"access", 60, &World::do_access},
      {"copy_out", 12, &World::do_copy_out},
      {"copy_in", 8, &World::do_copy_in},
      {"copy_string", 4, &World::do_copy_string},
      {"schedule", 8, &World::do_schedule},
      {"take_accessed", 3, &World::do_take_accessed},
      {"logical_pte", 4, &World::do_logical_pte},
      {"write_file", 3, &World::do_write_file},
      {"look", 1, &World::do_look},
      {"asid_churn", 1, &World::do_asid_churn},
  };
  unsigned sum = 0;
  for (const Operation& operation : operations) sum += operation.weight;
  u64 pick = choices_.below(sum);
  const Operation* chosen = operations;
  while (pick >= chosen->weight) pick -= chosen++->weight;

  ++steps_;
  speculate();
  arm_failure();
  (this->*chosen->run)();
  ++coverage_[chosen->name];
  Machine::fail_at(0);
  armed_ = false;
  for (const auto& file : files_) file->forget_tail();

  machine_.check_tlbs();
  if (const std::string complaint = machine_.complaints(); !complaint.empty()) fail("TLB: " + complaint);
  if (problem_.empty()) verify_touched();
  if (problem_.empty() && options_.check_every != 0 && steps_ % options_.check_every == 0) check_invariants_now();
  if (problem_.empty() && steps_ % options_.verify_every == 0) verify_all();
  return problem_.empty();
}

}  // namespace mm_test
