// SPDX-License-Identifier: MIT
// The operations of World: each calls the kernel as the system call or trap above it would, predicts the answer from
// the oracle, and brings the oracle up to date.
#include <cstdio>
#include <cstring>
#include <set>

#include "mm/world.hpp"

namespace mm_test {

using model::AccessKind;

namespace {

constexpr u64 page_bytes = 4096;
constexpr u64 mega_bytes = u64{2} << 20;
constexpr u64 round_up(u64 value) { return (value + page_bytes - 1) / page_bytes * page_bytes; }

unsigned long long ull(u64 value) { return value; }

bool says(const CopyResult& copy, lib::Error error) { return !copy.ok() && copy.end.error() == error; }

std::string how(const CopyResult& copy) { return std::string(copy.ok() ? "ok" : lib::describe(copy.end.error())); }

/// How a copy ends where the program has no right to be; a page beyond a file's end is first asked for.
bool says_bad_address(const CopyResult& copy) { return says(copy, lib::Error::bad_address) || copy.needs_page_in(); }

const char* name_of(AccessKind kind) {
  return kind == AccessKind::load ? "load" : kind == AccessKind::store ? "store" : "fetch";
}

}  // namespace

Permissions World::any_permissions(RefRegion& region) {
  region.read = true;
  switch (choices_.below(5)) {
    case 0: return Permissions::read_only();
    case 1: region.execute = true; return Permissions::read_execute();
    default: region.write = true; return Permissions::read_write();
  }
}

/// A new program: text, data that may share a page with it, guard, stack. The old one of the chosen process ends only
/// when the new one stands (xv6: exec), or a first process is made.
void World::do_exec() {
  Process* old = processes_.empty() ? nullptr : any_process();
  if (old == nullptr || (processes_.size() < options_.most_spaces && choices_.one_in(3))) {
    Machine::fail_at(0);
    armed_ = false;
    const auto owner = machine_.make_owner();
    if (!owner) return expect(memory_may_fail(2), "no owner although there is memory");
    processes_.push_back(std::make_unique<Process>());
    old = processes_.back().get();
    old->owner = *owner;
    old->marker = static_cast<std::byte>(++exec_count_);
    *static_cast<std::byte*>(frame_bytes(owner->usyscall)) = old->marker;
  }
  arm_failure();
  const u64 free_before = frames().free_count();
  auto created = AddressSpace::create(old->owner);
  say("exec: create %s", created ? "ok" : "fails");
  Process fresh;
  bool built = created.has_value();
  if (built) {
    AddressSpace& space = **created;
    const u64 text_bytes = 1 + choices_.below(5 * page_bytes);
    const bool old_shape = choices_.one_in(3);  // one RWX segment at 0
    const auto text_rights = old_shape ? Permissions::read_write_execute() : Permissions::read_execute();
    built = space.map_segment(VirtAddr(0), text_bytes, text_rights).has_value();
    fresh.regions[0] = RefRegion{
        .end = round_up(text_bytes), .kind = RegionKind::segment, .read = true, .write = old_shape, .execute = true};
    fresh.program_break = text_bytes;
    if (built && !old_shape) {
      const bool shares_page = choices_.one_in(3) && text_bytes % page_bytes != 0;
      const u64 begin = shares_page ? text_bytes : round_up(text_bytes);
      const u64 bytes = 1 + choices_.below(8 * page_bytes);
      built = space.map_segment(VirtAddr(begin), bytes, Permissions::read_write()).has_value();
      if (built) {
        u64 first = begin / page_bytes * page_bytes;
        if (shares_page) {
          // The common page has the rights of both.
          RefRegion& text = fresh.regions[0];
          if (text.end - page_bytes == 0)
            fresh.regions.erase(0);
          else
            text.end -= page_bytes;
          fresh.regions[first] = RefRegion{.begin = first,
                                           .end = first + page_bytes,
                                           .kind = RegionKind::segment,
                                           .read = true,
                                           .write = true,
                                           .execute = true};
          first += page_bytes;
        }
        if (first < round_up(begin + bytes)) {
          fresh.regions[first] = RefRegion{
              .begin = first, .end = round_up(begin + bytes), .kind = RegionKind::segment, .read = true, .write = true};
        }
        fresh.program_break = begin + bytes;
      }
    }
    if (built) {
      const u32 guards = static_cast<u32>(choices_.below(3)), pages = static_cast<u32>(1 + choices_.below(2));
      const u64 guard = round_up(fresh.program_break);
      const auto top = space.map_stack(guards, pages);
      built = top.has_value();
      if (built) {
        expect(top->value() == guard + (guards + pages) * page_bytes, "the stack lies elsewhere");
        if (guards != 0) {
          fresh.regions[guard] =
              RefRegion{.begin = guard, .end = guard + guards * page_bytes, .kind = RegionKind::guard};
        }
        const u64 stack = guard + guards * page_bytes;
        fresh.regions[stack] = RefRegion{
            .begin = stack, .end = stack + pages * page_bytes, .kind = RegionKind::stack, .read = true, .write = true};
        fresh.program_break = stack + pages * page_bytes;
      }
    }
    if (built) {
      // The loader writes some of the program through the kernel's view.
      for (int i = 0; i < 3; ++i) {
        const u64 va = choices_.below(fresh.program_break);
        const auto bytes = space.loaded_bytes(VirtAddr(va));
        RefRegion* region = region_at(fresh, va);
        const bool writable_memory = region != nullptr && region->kind != RegionKind::guard;
        expect(bytes.empty() == !writable_memory, "loaded_bytes disagrees about what is mapped");
        if (bytes.empty()) continue;
        expect(bytes.size() == page_bytes - va % page_bytes, "loaded_bytes gives another length");
        bytes[0] = static_cast<std::byte>(choices_.below(256));
        writable_bytes(fresh, va, *region)[va % page_bytes] = bytes[0];
      }
      space.code_changed();
    }
    if (!built) AddressSpace::destroy(&space);
  }
  if (!built) {
    expect(memory_may_fail(64), "exec fails although there is memory");
    expect(frames().free_count() == free_before, "a failed exec costs frames");
    if (old->space == nullptr) {
      machine_.free_owner(old->owner);
      processes_.pop_back();
    }
    return;
  }
  // Commit: the new space takes the old one's place on its hart before the old one ends.
  AddressSpace* previous = old->space;
  fresh.space = *created;
  fresh.owner = old->owner;
  fresh.marker = old->marker;
  const int hart = old->hart;
  old->space = fresh.space;
  old->regions = std::move(fresh.regions);
  old->pages = std::move(fresh.pages);
  old->program_break = fresh.program_break;
  if (hart >= 0) {
    machine_.become_hart(static_cast<unsigned>(hart));
    machine_.switch_to(old->space);
  }
  if (previous != nullptr) AddressSpace::destroy(previous);
  touched_ = old;
}

void World::do_fork() {
  Process* parent = running_process();
  if (parent == nullptr || processes_.size() >= options_.most_spaces) return do_schedule();
  Machine::fail_at(0);
  const auto owner = machine_.make_owner();
  if (!owner) return expect(memory_may_fail(2), "no owner although there is memory");
  arm_failure();
  const u64 free_before = frames().free_count();
  auto child = parent->space->fork(*owner);
  say("fork of break 0x%llx, %zu regions: %s", ull(parent->program_break), parent->regions.size(),
      child ? "ok" : "fails");
  if (!child) {
    expect(memory_may_fail(64), "fork fails although there is memory");
    expect(frames().free_count() == free_before, "a failed fork costs frames");
    machine_.free_owner(*owner);
    return verify_all();
  }
  auto process = std::make_unique<Process>();
  process->space = *child;
  process->owner = *owner;
  process->regions = parent->regions;
  process->pages = parent->pages;  // shared until one side writes: the Bytes say so by their use count
  process->program_break = parent->program_break;
  process->marker = static_cast<std::byte>(++exec_count_);
  *static_cast<std::byte*>(frame_bytes(owner->usyscall)) = process->marker;
  processes_.push_back(std::move(process));
}

void World::do_exit() {
  if (processes_.size() < 2) return do_fork();
  const std::size_t index = choices_.below(processes_.size());
  say("exit of process %zu", index);
  end(index);
}

void World::do_grow() {
  Process* process = running_process();
  if (process == nullptr) return;
  const auto growth = static_cast<Growth>(choices_.below(3));
  i64 delta;
  switch (choices_.below(10)) {
    case 0: delta = static_cast<i64>(choices_.below(3 * page_bytes)); break;
    case 1: delta = -static_cast<i64>(choices_.below(3 * page_bytes)); break;
    case 2: delta = static_cast<i64>(mega_bytes); break;
    case 3: delta = static_cast<i64>(mega_bytes - process->program_break % mega_bytes); break;  // to a 2 MiB border
    case 4: delta = static_cast<i64>(choices_.below(3 * mega_bytes)); break;
    case 5: delta = -static_cast<i64>(choices_.below(3 * mega_bytes)); break;
    case 6: delta = -static_cast<i64>(process->program_break % mega_bytes); break;
    case 7: delta = static_cast<i64>(interesting_length()); break;
    case 8: delta = static_cast<i64>(u64{0} - interesting_length()); break;
    default: delta = static_cast<i64>(page_bytes); break;
  }
  if (delta < 0) return shrink(*process, u64{0} - static_cast<u64>(delta));
  grow(*process, static_cast<u64>(delta), growth);
}

void World::shrink(Process& process, u64 bytes) {
  const u64 old = process.program_break;
  if (bytes > old) return;  // sbrk's to refuse
  Machine::fail_all(true);  // giving back never needs memory (V17)
  process.space->shrink(bytes);
  Machine::fail_all(false);
  say("shrink 0x%llx from 0x%llx", ull(bytes), ull(old));
  cut_regions(process, round_up(old - bytes), round_up(old));
  process.program_break = old - bytes;
  expect(process.space->program_break() == process.program_break, "another break after shrinking");
}

void World::grow(Process& process, u64 bytes, Growth growth) {
  const u64 old = process.program_break;
  const u64 free_before = frames().free_count();
  const auto result = process.space->grow(bytes, growth);
  say("grow 0x%llx from 0x%llx, %s: %s", ull(bytes), ull(old),
      growth == Growth::eager  ? "eager"
      : growth == Growth::lazy ? "lazy"
                               : "eager if it fits",
      result ? "ok" : "fails");
  const u64 begin = round_up(old), end = round_up(old + bytes);
  const bool fits = bytes <= lowest_mapping(process) - old;
  if (!result) {
    const bool list_full = process.space->regions().size() >= RegionList::limit;
    const u64 wanted = (end - begin) / page_bytes;
    expect(!fits || list_full || (growth != Growth::lazy && memory_may_fail(wanted + wanted / 512 + 4)),
           "grow fails although there is room");
    expect(growth != Growth::eager_if_it_fits || bytes < (u64{16} << 20) || !fits || list_full,
           "a large request is refused");
    expect(process.space->program_break() == old, "a failed grow moves the break");
    // Apart from the last few frames, which the space may keep for its tables (sysinfotest), nothing is lost.
    expect(free_before - frames().free_count() <= 4, "a failed grow costs frames");
    return;
  }
  if (!fits) return fail("grows into a mapping or out of user memory");
  expect(*result == old, "grow returns another old break");
  process.program_break = old + bytes;
  if (begin < end) {
    RefRegion* below = begin == 0 ? nullptr : region_at(process, begin - 1);
    if (below != nullptr && below->kind == RegionKind::heap) {
      below->end = end;
    } else {
      process.regions[begin] =
          RefRegion{.begin = begin, .end = end, .kind = RegionKind::heap, .read = true, .write = true};
    }
  }
  if (growth == Growth::eager) {
    // Memory now: the program's first touch must not fault.
    for (u64 i = 0; i < 4 && begin < end; ++i) {
      const u64 va = i == 0 ? begin : i == 1 ? end - 1 : begin + choices_.below(end - begin);
      const auto walk = model::translate([this](u64 at) { return machine_.arena().word(at); },
                                         process.space->root().address().value(), va, AccessKind::store, {});
      expect(walk.ok(), "eager memory is not there");
    }
  }
}

void World::do_map_anonymous() {
  Process* process = running_process();
  if (process == nullptr) return;
  RefRegion region;
  const bool inaccessible = choices_.one_in(8);
  region.sharing = !inaccessible && choices_.one_in(3) ? Sharing::shared : Sharing::private_copy;
  u64 bytes = choices_.one_in(10) ? interesting_length()
                                  : 1 + choices_.below(choices_.one_in(4) ? 3 * mega_bytes : 9 * page_bytes);
  const u64 free_before = frames().free_count();
  Permissions permissions = any_permissions(region);
  if (inaccessible) region.read = region.write = region.execute = false;
  const auto result = inaccessible ? process->space->map_inaccessible(bytes)
                                   : process->space->map_anonymous(bytes, permissions, region.sharing);
  say("map_anonymous 0x%llx %s: %s 0x%llx", ull(bytes), region.sharing == Sharing::shared ? "shared" : "private",
      result ? "at" : "fails", ull(result ? result->value() : 0));
  if (bytes == 0) return expect(!result && result.error() == lib::Error::invalid_argument, "maps nothing at all");
  if (!result) {
    const bool list_full = process->space->regions().size() >= RegionList::limit;
    const bool too_large = bytes > u64{1} << 36;
    const u64 wanted = region.sharing == Sharing::shared ? bytes / page_bytes + 8 : 0;
    expect(list_full || too_large || (wanted != 0 && memory_may_fail(wanted)),
           "map_anonymous fails although there is room");
    return expect(frames().free_count() == free_before, "a failed mapping costs frames");
  }
  region.begin = result->value();
  region.end = region.begin + round_up(bytes);
  expect(region.begin % page_bytes == 0 && region.begin >= process->program_break && region.end > region.begin &&
             region.end <= AddressSpace::user_limit && !overlaps(*process, region.begin, region.end),
         "a mapping is placed where it must not be");
  process->regions[region.begin] = region;
  if (region.sharing == Sharing::shared) {
    for (u64 page = region.begin / page_bytes; page < region.end / page_bytes; ++page) {
      process->pages[page] = std::make_shared<PageBytes>();
    }
  }
}

void World::do_map_file() {
  Process* process = running_process();
  if (process == nullptr) return;
  RefRegion region{.kind = RegionKind::file};
  region.file = files_[choices_.below(files_.size())].get();
  region.sharing = choices_.one_in(2) ? Sharing::shared : Sharing::private_copy;
  const Permissions permissions = any_permissions(region);
  region.first_page = choices_.one_in(2) ? 0 : choices_.below(region.file->page_count() + 1);
  u64 offset = region.first_page * page_bytes;
  const bool bad_offset = choices_.one_in(12);
  if (bad_offset) offset += 1 + choices_.below(4095);
  const bool overflow = choices_.one_in(16);
  if (overflow) offset = ~u64{0} / page_bytes * page_bytes;
  const u64 bytes = overflow ? 2 * page_bytes : 1 + choices_.below(region.file->size() + 2 * page_bytes);
  const u64 holders = region.file->holders();
  const auto result = process->space->map_file(bytes, permissions, region.sharing, *region.file, offset);
  say("map_file 0x%llx from page %llu %s%s: %s 0x%llx", ull(bytes), ull(region.first_page),
      region.sharing == Sharing::shared ? "shared" : "private", region.write ? " rw" : "", result ? "at" : "fails",
      ull(result ? result->value() : 0));
  if (bad_offset || overflow) {
    expect(!result && result.error() == lib::Error::invalid_argument, "a bad file offset is accepted");
    return expect(region.file->holders() == holders, "a failed mapping holds the file");
  }
  if (!result) {
    expect(process->space->regions().size() >= RegionList::limit, "map_file fails although there is room");
    return expect(region.file->holders() == holders, "a failed mapping holds the file");
  }
  region.begin = result->value();
  region.end = region.begin + round_up(bytes);
  expect(!overlaps(*process, region.begin, region.end) && region.begin >= process->program_break &&
             region.end <= AddressSpace::user_limit,
         "a mapping is placed where it must not be");
  process->regions[region.begin] = region;
}

World::RefRegion* World::any_mmap(Process& process) {
  std::vector<RefRegion*> all;
  for (auto& [at, region] : process.regions) {
    if (region.is_mmap()) all.push_back(&region);
  }
  return all.empty() ? nullptr : all[choices_.below(all.size())];
}

void World::do_unmap() {
  Process* process = running_process();
  if (process == nullptr) return;
  u64 begin = interesting_address(*process), bytes = interesting_length();
  if (RefRegion* region = any_mmap(*process); region != nullptr && !choices_.one_in(6)) {
    const u64 pages = (region->end - region->begin) / page_bytes;
    const u64 from = choices_.one_in(2) ? 0 : choices_.below(pages);
    const u64 to = choices_.one_in(2) ? pages : from + 1 + choices_.below(pages - from);
    begin = region->begin + from * page_bytes;
    bytes = (to - from) * page_bytes - (choices_.one_in(4) ? choices_.below(page_bytes) : 0);
    if (choices_.one_in(8)) bytes += choices_.below(8) * page_bytes;  // on into the neighbours
  }
  const u64 limit = AddressSpace::user_limit;
  bool legal = begin % page_bytes == 0 && bytes != 0 && begin < limit && bytes <= limit - begin;
  const u64 end = legal ? round_up(begin + bytes) : 0;
  bool any = false, hole = false;
  for (const auto& [at, region] : process->regions) {
    if (!legal || region.begin >= end || region.end <= begin) continue;
    any = true;
    legal = legal && region.is_mmap();
    hole = hole || (region.begin < begin && region.end > end);
  }
  legal = legal && any;
  Machine::fail_all(true);  // giving back never needs memory
  const bool list_full = process->space->regions().size() >= RegionList::limit;
  const auto result = process->space->unmap(VirtAddr(begin), bytes);
  Machine::fail_all(false);
  say("unmap 0x%llx + 0x%llx: %s", ull(begin), ull(bytes), result ? "ok" : "refused");
  if (!legal) return expect(!result && result.error() == lib::Error::invalid_argument, "a bad munmap is accepted");
  if (!result) return expect(hole && list_full, "a good munmap is refused");
  cut_regions(*process, begin, end);
}

void World::do_access() {
  Process* process = running_process();
  if (process == nullptr) return;
  const u64 va = interesting_address(*process);
  const auto kind = static_cast<AccessKind>(choices_.below(8) < 4 ? 1 : choices_.below(3));
  RefRegion* region = va < AddressSpace::user_limit ? region_at(*process, va) : nullptr;
  const bool file_error = region != nullptr && region->kind == RegionKind::file && choices_.one_in(20);
  const u64 errors_before = file_error ? region->file->read_errors() : 0;
  if (file_error) region->file->fail_read(1);
  std::byte* byte = nullptr;
  const u64 free_before = frames().free_count();
  const Outcome outcome = machine_.access(va, kind, &byte);
  if (region != nullptr && region->kind == RegionKind::file) region->file->fail_read(0);
  const bool read_failed = file_error && region->file->read_errors() != errors_before;
  say("%s 0x%llx: %s", name_of(kind), ull(va),
      outcome == Outcome::done             ? "done"
      : outcome == Outcome::killed_refused ? "killed"
                                           : "no memory");
  if (va / page_bytes == abi::usyscall / page_bytes) {
    expect((outcome == Outcome::done) == (kind == AccessKind::load), "USYSCALL has other rights than reading");
    if (outcome == Outcome::done && va % page_bytes == 0)
      expect(*byte == process->marker, "USYSCALL shows another process");
    return;
  }
  const bool allowed = region != nullptr && region->allows(kind) && !beyond_file(*region, va);
  if (!allowed)
    return expect(outcome == Outcome::killed_refused, "an access beyond the program's rights is not refused");
  if (outcome == Outcome::killed_no_memory) return expect(memory_may_fail(8), "no memory although there is some");
  if (outcome == Outcome::killed_refused) return expect(read_failed, "a rightful access is refused");
  // A page and two tables, each with its twin in the mirrored view; or a few pages ahead.
  expect(free_before - frames().free_count() <= 8 || free_before < frames().free_count(),
         "one access costs many frames");
  const PageBytes* expected = bytes_at(*process, va, *region);
  const std::byte value = expected != nullptr ? (*expected)[va % page_bytes] : std::byte{0};
  if (*byte != value) return fail("an access meets another byte than the oracle's");
  if (kind == AccessKind::store) {
    const auto written = static_cast<std::byte>(choices_.below(256));
    *byte = written;
    writable_bytes(*process, va, *region)[va % page_bytes] = written;
  }
}

void World::do_copy_out() {
  Process* process = running_process();
  if (process == nullptr) return;
  const u64 to = interesting_address(*process);
  const u64 bytes = choices_.below(choices_.one_in(5) ? 5 * page_bytes : 100);
  std::vector<std::byte> data(bytes + 1);
  const u64 pattern = choices_.below(251);
  for (u64 i = 0; i < bytes; ++i) data[i] = static_cast<std::byte>(pattern + i * 13);
  const u64 allowed = allowed_run(*process, to, bytes, AccessKind::store);
  u64 done = 0;
  CopyResult result{};
  for (int tries = 0; tries < 40; ++tries) {
    result = process->space->copy_out(VirtAddr(to + done), data.data() + done, bytes - done);
    done += result.copied;
    if (!result.needs_page_in()) break;
    if (!process->space->page_in(VirtAddr(to + done), Access::write)) break;
  }
  say("copy_out 0x%llx + %llu: %llu, %s", ull(to), ull(bytes), ull(done), how(result).c_str());
  if (done > allowed) return fail("copy_out goes beyond the program's rights");
  if (done < allowed) {
    expect(says(result, lib::Error::no_memory) || result.needs_page_in(), "copy_out stops early");
    expect(memory_may_fail(16), "copy_out stops for memory although there is some");
  } else if (done < bytes) {
    expect(says_bad_address(result), "copy_out does not say that the address is bad");
  } else {
    expect(result.ok(), "a whole copy_out is not ok");
  }
  for (u64 i = 0; i < done; ++i) {
    writable_bytes(*process, to + i, *region_at(*process, to + i))[(to + i) % page_bytes] = data[i];
  }
}

void World::do_copy_in() {
  Process* process = running_process();
  if (process == nullptr) return;
  const u64 from = interesting_address(*process);
  const u64 bytes = choices_.below(choices_.one_in(5) ? 5 * page_bytes : 100);
  std::vector<std::byte> data(bytes + 1, std::byte{0xee});
  const u64 allowed = allowed_run(*process, from, bytes, AccessKind::load);
  u64 done = 0;
  CopyResult result{};
  for (int tries = 0; tries < 40; ++tries) {
    result = process->space->copy_in(data.data() + done, VirtAddr(from + done), bytes - done);
    done += result.copied;
    if (!result.needs_page_in()) break;
    if (!process->space->page_in(VirtAddr(from + done), Access::read)) break;
  }
  say("copy_in 0x%llx + %llu: %llu, %s", ull(from), ull(bytes), ull(done), how(result).c_str());
  if (done > allowed) return fail("copy_in goes beyond the program's rights");
  if (done < allowed) {
    expect(memory_may_fail(16), "copy_in stops although everything is allowed and there is memory");
  } else if (done < bytes) {
    expect(says_bad_address(result), "copy_in does not say that the address is bad");
  } else {
    expect(result.ok(), "a whole copy_in is not ok");
  }
  for (u64 i = 0; i < done; ++i) {
    const PageBytes* expected = bytes_at(*process, from + i, *region_at(*process, from + i));
    if (data[i] != (expected != nullptr ? (*expected)[(from + i) % page_bytes] : std::byte{0})) {
      return fail("copy_in brings another byte than the oracle's");
    }
  }
  expect(data[bytes] == std::byte{0xee}, "copy_in writes past its buffer");
}

void World::do_copy_string() {
  Process* process = running_process();
  if (process == nullptr) return;
  const u64 from = interesting_address(*process);
  const u64 limit = choices_.below(300);
  std::vector<char> text(limit + 1, 'x');
  const u64 allowed = allowed_run(*process, from, limit, AccessKind::load);
  u64 expected = 0;
  bool ended = false;
  while (expected < allowed && !ended) {
    const PageBytes* bytes = bytes_at(*process, from + expected, *region_at(*process, from + expected));
    ended = bytes == nullptr || (*bytes)[(from + expected) % page_bytes] == std::byte{0};
    ++expected;
  }
  u64 done = 0;
  CopyResult result{};
  for (int tries = 0; tries < 40; ++tries) {
    result = process->space->copy_in_string(text.data() + done, VirtAddr(from + done), limit - done);
    done += result.copied;
    if (!result.needs_page_in()) break;
    if (!process->space->page_in(VirtAddr(from + done), Access::read)) break;
  }
  say("copy_in_string 0x%llx limit %llu: %llu, %s", ull(from), ull(limit), ull(done), how(result).c_str());
  if (done > expected) return fail("copy_in_string goes too far");
  if (done < expected) return expect(memory_may_fail(16), "copy_in_string stops early");
  if (ended) {
    expect(result.ok() && text[done - 1] == '\0', "a string's end is not seen");
  } else if (done == limit) {
    expect(says(result, lib::Error::too_big), "a string that is too long is not called so");
  } else {
    expect(says_bad_address(result), "a string that leaves the program's memory is not refused");
  }
  expect(text[limit] == 'x', "copy_in_string writes past its buffer");
}

void World::do_schedule() {
  Process* process = any_process();
  if (process == nullptr) return;
  const auto hart = static_cast<unsigned>(choices_.below(options_.harts));
  if (choices_.one_in(4)) {
    say("process leaves its hart");
    return stop(*process);
  }
  say("process to hart %u", hart);
  run_on(*process, hart);
}

void World::do_take_accessed() {
  Process* process = running_process();
  if (process == nullptr) return;
  const u64 base = interesting_address(*process);
  const u32 pages = static_cast<u32>(choices_.below(70));
  const u64 first = process->space->take_accessed(VirtAddr(base), pages);
  const u64 second = process->space->take_accessed(VirtAddr(base), pages);
  say("take_accessed 0x%llx %u: 0x%llx", ull(base), pages, ull(first));
  expect(second == 0, "take_accessed leaves an A bit");
  if (pages < 64) expect((first >> pages) == 0, "take_accessed tells about pages that it was not asked about");
  if (pages == 0) return;
  // A touch shows.
  const u64 page = choices_.below(pages < 64 ? pages : 64);
  const u64 va = base / page_bytes * page_bytes + page * page_bytes;
  RefRegion* region =
      va < AddressSpace::user_limit && va >= base / page_bytes * page_bytes ? region_at(*process, va) : nullptr;
  if (region == nullptr || !region->read || beyond_file(*region, va)) return;
  std::byte* byte = nullptr;
  if (machine_.access(va, AccessKind::load, &byte) != Outcome::done) return;
  expect((process->space->take_accessed(VirtAddr(base), pages) >> page & 1) == 1,
         "a touched page does not show as accessed");
}

void World::do_logical_pte() {
  Process* process = running_process();
  if (process == nullptr) return;
  const u64 va = interesting_address(*process);
  const Pte pte = process->space->logical_pte(VirtAddr(va));
  RefRegion* region = va < AddressSpace::user_limit ? region_at(*process, va) : nullptr;
  if (region == nullptr) {
    const bool fixed = va / page_bytes >= abi::usyscall / page_bytes && va < abi::user_top;
    return expect(pte.is_valid() == fixed, "a hole has a PTE");
  }
  if (!pte.is_valid())
    return expect(!process->pages.contains(va / page_bytes) || region->file != nullptr ||
                      *process->pages[va / page_bytes] == PageBytes{},
                  "a page with contents has no PTE");
  if (region->kind == RegionKind::guard) return expect(!pte.is_user(), "a guard page is the program's");
  expect(pte.is_user() && pte.allows(Access::read) == region->read && pte.allows(Access::write) == region->write &&
             pte.allows(Access::execute) == region->execute,
         "the logical PTE does not show the region's rights");
  expect(!pte.is_copy_on_write(), "the logical PTE shows the copy-on-write mark");
}

void World::do_write_file() {
  FakeFile& file = *files_[choices_.below(files_.size())];
  const u64 offset = choices_.below(file.size());
  say("file write at %llu", ull(offset));
  file.write(offset, static_cast<std::byte>(choices_.below(256)));
}

void World::do_look() {
  Process* process = any_process();
  if (process == nullptr) return;
  TextCollector text;
  print_table(*process->space, choices_.one_in(2) ? TableFormat::by_index : TableFormat::by_address, text.sink());
  expect(text.text.starts_with("page table 0x"), "the printed table has no heading");
  const TableFigures figures = figures_of(*process->space);
  u64 lines = 0;
  for (const char c : text.text) lines += c == '\n' ? 1 : 0;
  // Every leaf is a line; USYSCALL counts as the program's, guards, trapframe and trampoline do not.
  expect(lines >= figures.resident_pages - figures.megapages * 511, "the printed table misses leaves");
  expect(figures.flat_frames == 131072, "the flat table's size is wrong");
}

/// Many short-lived spaces run here, so that ASIDs wrap (V33).
void World::do_asid_churn() {
  const auto hart = static_cast<unsigned>(choices_.below(options_.harts));
  for (const auto& process : processes_) {
    if (process->hart == static_cast<int>(hart)) stop(*process);
  }
  machine_.become_hart(hart);
  Machine::fail_at(0);
  const u64 rounds = 1 + choices_.below(6);
  say("%llu short-lived spaces on hart %u", ull(rounds), hart);
  for (u64 i = 0; i < rounds; ++i) {
    const auto owner = machine_.make_owner();
    if (!owner) return;
    auto space = AddressSpace::create(*owner);
    if (space) {
      if ((*space)->grow(page_bytes, Growth::lazy)) {
        machine_.switch_to(*space);
        std::byte seen{};
        const Outcome outcome = machine_.load(5, seen);
        expect(outcome == Outcome::killed_no_memory || (outcome == Outcome::done && seen == std::byte{0}),
               "a new space shows another one's memory");
        if (outcome == Outcome::done) (void)machine_.store(5, std::byte{0x77});
        machine_.switch_to(nullptr);
      }
      AddressSpace::destroy(*space);
    }
    machine_.free_owner(*owner);
  }
}

}  // namespace mm_test
