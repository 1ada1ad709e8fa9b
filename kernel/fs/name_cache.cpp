// SPDX-License-Identifier: MIT
#include "fs/name_cache.hpp"

namespace fs {

NameCache::NameCache() = default;

usize NameCache::set_of(u32 directory, const EntryName& name) {
  u64 hash = (name.word(0) ^ directory) * 0x9e3779b97f4a7c15u;
  hash = (hash ^ name.word(1) ^ (hash >> 29)) * 0xbf58476d1ce4e5b9u;
  return static_cast<usize>(hash >> 40) % sets;
}

std::optional<NameCache::Found> NameCache::find(u32 directory, const EntryName& name) {
  const usize index = set_of(directory, name);
  const locks::Guard guard(locks_[index % lock_count]);
  for (const Entry& entry : sets_[index].entries) {
    if (entry.directory == directory && entry.name == name) return Found{entry.inode, entry.offset};
  }
  return std::nullopt;
}

void NameCache::remember(u32 directory, const EntryName& name, Found found) {
  const usize index = set_of(directory, name);
  const locks::Guard guard(locks_[index % lock_count]);
  Set& set = sets_[index];
  Entry* place = nullptr;
  for (Entry& entry : set.entries) {
    if (entry.directory == directory && entry.name == name) {
      place = &entry;
      break;
    }
    if (entry.directory == 0) place = &entry;
  }
  if (place == nullptr) place = &set.entries[set.next_victim++ % ways];
  *place = {name, directory, found.inode, found.offset};
}

void NameCache::forget(u32 directory, const EntryName& name) {
  const usize index = set_of(directory, name);
  const locks::Guard guard(locks_[index % lock_count]);
  for (Entry& entry : sets_[index].entries) {
    if (entry.directory == directory && entry.name == name) entry.directory = 0;
  }
}

std::optional<EntryName> NameCache::name_of(u32 inode) {
  for (usize index = 0; index < sets; ++index) {
    const locks::Guard guard(locks_[index % lock_count]);
    for (const Entry& entry : sets_[index].entries) {
      if (entry.directory != 0 && entry.inode == inode && !entry.name.is_dot() && !entry.name.is_dot_dot()) {
        return entry.name;
      }
    }
  }
  return std::nullopt;
}

void NameCache::clear() {
  for (Set& set : sets_) set = {};
}

}  // namespace fs
