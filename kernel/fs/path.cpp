// SPDX-License-Identifier: MIT
// Operations by path (xv6: namex, create, and the path half of sysfile.c).

#include <algorithm>
#include <cstring>
#include <utility>

#include "fs/directory.hpp"
#include "fs/volume.hpp"

namespace fs {
namespace {

using lib::Error;
using lib::fail;
using lib::Result;

constexpr i16 max_link_count = 32767;

// The first component of a path, and what follows it without leading slashes (xv6: skipelem).
struct Component {
  std::string_view name;
  std::string_view rest;
};

std::string_view skip_slashes(std::string_view path) {
  usize begin = 0;
  while (begin < path.size() && path[begin] == '/') ++begin;
  return path.substr(begin);
}

Component first_component(std::string_view path) {
  usize end = 0;
  while (end < path.size() && path[end] != '/') ++end;
  return {path.substr(0, end), skip_slashes(path.substr(end))};
}

}  // namespace

Result<InodeRef> Volume::start_of(const InodeRef& current, std::string_view path) {
  if (!mounted_) return fail(Error::not_found);
  if (!current || path.starts_with('/')) return root();
  return current.clone();
}

// The text of a locked symbolic link, which ends at a NUL or at the end of the file.
Result<std::string_view> Volume::read_link(Inode& link, PathText& text) {
  if (link.size() >= sizeof text.text) return fail(Error::corrupt);
  const usize length = LIB_TRY(link.read_locked(0, std::as_writable_bytes(std::span(text.text))));
  return std::string_view(text.text, strnlen(text.text, length));
}

// Walks along `path` (xv6: namex). With Stop::parent, `name` is the last component.
Result<InodeRef> Volume::walk(const InodeRef& current, std::string_view path, Stop stop, EntryName& name) {
  InodeRef at = LIB_TRY(start_of(current, path));
  InodeRef base;  // the directory in which `at` was found: where the target of a symbolic link starts
  PathText spliced;
  int links_left = abi::max_symlink_depth;
  std::string_view rest = skip_slashes(path);
  if (rest.empty() && stop == Stop::parent) return fail(Error::not_found);

  for (;;) {
    if (rest.empty() && (stop == Stop::link || !base)) return at;
    InodeRef next;
    {
      const InodeLock lock(*at);
      LIB_TRY(lock.status());
      if (at->type() == abi::FileType::symlink) {
        // Goes on with the link's target and then what is left of the path, from the link's directory.
        if (links_left-- == 0) return fail(Error::too_many_links);
        PathText text;
        const std::string_view target = LIB_TRY(read_link(*at, text));
        if (target.empty()) return fail(Error::not_found);
        if (target.size() + 1 + rest.size() > sizeof text.text) return fail(Error::name_too_long);
        std::memmove(text.text + target.size() + 1, rest.data(), rest.size());
        text.text[target.size()] = '/';
        const usize length = target.size() + 1 + rest.size();
        std::memcpy(spliced.text, text.text, length);
        rest = std::string_view(spliced.text, length);
      } else {
        if (rest.empty()) return at;
        const Component component = first_component(rest);
        if (!at->is_directory()) return fail(Error::not_a_directory);
        if (component.rest.empty() && stop == Stop::parent) {
          name = EntryName(component.name);
          return at;
        }
        const DirectoryEntry entry = LIB_TRY(find_entry(*at, EntryName(component.name)));
        next = LIB_TRY(inodes_.get(entry.inode));
        rest = component.rest;
      }
    }
    if (next) {
      base = std::move(at);
      at = std::move(next);
    } else {
      InodeRef directory = std::exchange(base, InodeRef());
      at = rest.starts_with('/') ? LIB_TRY(root()) : std::move(directory);
      rest = skip_slashes(rest);
    }
  }
}

Result<InodeRef> Volume::find(const InodeRef& current, std::string_view path, LastLink last) {
  EntryName name;
  return walk(current, path, last == LastLink::follow ? Stop::target : Stop::link, name);
}

Result<InodeRef> Volume::find_directory(const InodeRef& current, std::string_view path) {
  InodeRef found = LIB_TRY(find(current, path));
  bool is_directory;
  {
    const InodeLock lock(*found);
    LIB_TRY(lock.status());
    is_directory = found->is_directory() && found->link_count() != 0;
  }
  if (!is_directory) return fail(Error::not_a_directory);
  return found;
}

// --- Creation ---

Result<InodeRef> Volume::create(const InodeRef& current, std::string_view path, NewInode what) {
  EntryName name;
  const InodeRef directory = LIB_TRY(walk(current, path, Stop::parent, name));
  return create_in(*directory, name, what);
}

Result<void> Volume::symlink(const InodeRef& current, std::string_view target, std::string_view path) {
  if (target.empty() || target.size() >= abi::max_path) return fail(Error::invalid_argument);
  LIB_TRY(create(current, path, {.type = abi::FileType::symlink, .target = target}));
  return {};
}

// already_exists tells the caller that it may look the name up instead.
Result<InodeRef> Volume::create_in(Inode& directory, const EntryName& name, const NewInode& what) {
  const bool is_directory = what.type == abi::FileType::directory;
  const bool has_content = is_directory || what.type == abi::FileType::symlink;
  InodeRef child;  // dropped after the transaction: if it could not be entered, that frees it again
  Result<void> result;
  {
    // The new inode, its one block and that block's bitmap, and the new entry.
    Transaction transaction(log_, 1 + (has_content ? 2 : 0) + geometry_.write_room());
    LIB_TRY(transaction.begun());
    {
      const InodeLock lock(directory);
      LIB_TRY(lock.status());
      const auto existing = find_entry(directory, name);
      if (existing) return fail(Error::already_exists);
      if (existing.error() != Error::not_found) return fail(existing.error());
      if (directory.link_count() == 0) return fail(Error::not_found);
      if (is_directory && directory.link_count() == max_link_count) return fail(Error::too_many_links);

      const u32 number = LIB_TRY(allocate_inode(transaction, what.type));
      auto handle = inodes_.get(number);
      if (!handle) {
        LIB_TRY(free_inode_slot(transaction, number));
        result = fail(handle.error());
      } else {
        child = std::move(*handle);
        result = fill_new(transaction, directory, name, *child, what);
      }
    }
    LIB_TRY(transaction.commit());
  }
  LIB_TRY(std::move(result));
  return child;
}

// Makes the allocated inode what it is to be, and enters it. On an error its link count is 0.
Result<void> Volume::fill_new(Transaction& transaction, Inode& directory, const EntryName& name, Inode& child,
                              const NewInode& what) {
  const InodeLock lock(child);
  LIB_TRY(lock.status());
  LIB_TRY(child.initialise(transaction, what.type, what.major, what.minor, 1));
  const auto enter = [&]() -> Result<void> {
    if (what.type == abi::FileType::directory) {
      LIB_TRY(add_entry(transaction, child, EntryName("."), child.number()));
      LIB_TRY(add_entry(transaction, child, EntryName(".."), directory.number()));
    }
    if (!what.target.empty()) LIB_TRY(child.write_locked(transaction, 0, std::as_bytes(std::span(what.target))));
    return add_entry(transaction, directory, name, child.number());
  };
  const auto entered = enter();
  if (entered) {
    if (what.type != abi::FileType::directory) return {};
    return directory.set_link_count(transaction, static_cast<i16>(directory.link_count() + 1));
  }
  if (what.type == abi::FileType::directory) {
    names_.forget(child.number(), EntryName("."));
    names_.forget(child.number(), EntryName(".."));
  }
  LIB_TRY(child.set_link_count(transaction, 0));
  return entered;
}

Result<void> Volume::free_inode_slot(Transaction& transaction, u32 number) {
  const BufferRef block = LIB_TRY(cache_.read(geometry_.inode_block(number)));
  store_slot(block, number, {});
  transaction.add(block);
  note_free_inode(number);
  return {};
}

// --- open ---

Result<InodeRef> Volume::open(const InodeRef& current, std::string_view path, abi::OpenMode mode) {
  const LastLink last = abi::has(mode, abi::OpenMode::no_follow) ? LastLink::keep : LastLink::follow;
  InodeRef inode = abi::has(mode, abi::OpenMode::create) ? LIB_TRY(open_or_create(current, path, last))
                                                         : LIB_TRY(find(current, path, last));
  abi::FileType type;
  bool has_content;
  {
    const InodeLock lock(*inode);
    LIB_TRY(lock.status());
    type = inode->type();
    has_content = inode->size() != 0;
  }
  const bool truncate = abi::has(mode, abi::OpenMode::truncate);
  if (type == abi::FileType::directory && (abi::writable(mode) || truncate || abi::has(mode, abi::OpenMode::create))) {
    return fail(Error::is_a_directory);
  }
  if (type == abi::FileType::symlink && abi::writable(mode)) return fail(Error::not_permitted);
  if (truncate && has_content && type == abi::FileType::file) LIB_TRY(inode->truncate());
  return inode;
}

Result<InodeRef> Volume::open_or_create(const InodeRef& current, std::string_view path, LastLink last) {
  InodeRef from = current.clone();
  PathText link_text;
  for (int links_left = abi::max_symlink_depth;; --links_left) {
    EntryName name;
    InodeRef directory = LIB_TRY(walk(from, path, Stop::parent, name));
    auto made = create_in(*directory, name, {});
    if (made || made.error() != Error::already_exists) return made;

    InodeRef existing;
    {
      const InodeLock lock(*directory);
      LIB_TRY(lock.status());
      const auto entry = find_entry(*directory, name);
      if (!entry && entry.error() == Error::not_found) continue;  // unlinked meanwhile
      if (!entry) return fail(entry.error());
      existing = LIB_TRY(inodes_.get(entry->inode));
    }
    {
      const InodeLock lock(*existing);
      LIB_TRY(lock.status());
      if (existing->type() != abi::FileType::symlink || last == LastLink::keep) return existing;
      if (links_left == 0) return fail(Error::too_many_links);
      path = LIB_TRY(read_link(*existing, link_text));
    }
    from = std::move(directory);
  }
}

// --- Links ---

Result<void> Volume::link(const InodeRef& current, std::string_view existing, std::string_view added) {
  const InodeRef target = LIB_TRY(find(current, existing, LastLink::keep));
  EntryName name;
  const InodeRef directory = LIB_TRY(walk(current, added, Stop::parent, name));

  Transaction transaction(log_, 1 + geometry_.write_room());
  LIB_TRY(transaction.begun());
  {
    const InodeLock lock(*target);
    LIB_TRY(lock.status());
    if (target->is_directory()) return fail(Error::not_permitted);
    if (target->link_count() == 0) return fail(Error::not_found);
    if (target->link_count() == max_link_count) return fail(Error::too_many_links);
    LIB_TRY(target->set_link_count(transaction, static_cast<i16>(target->link_count() + 1)));
  }
  // The target is not locked meanwhile (it may be found under any directory); its count is one too high at worst.
  const auto entered = enter_link(transaction, *directory, name, target->number());
  if (!entered) {
    const InodeLock lock(*target);
    LIB_TRY(target->set_link_count(transaction, static_cast<i16>(target->link_count() - 1)));
  }
  LIB_TRY(transaction.commit());
  return entered;
}

Result<void> Volume::enter_link(Transaction& transaction, Inode& directory, const EntryName& name, u32 number) {
  const InodeLock lock(directory);
  LIB_TRY(lock.status());
  const auto present = find_entry(directory, name);
  if (present) return fail(Error::already_exists);
  if (present.error() != Error::not_found) return fail(present.error());
  if (directory.link_count() == 0) return fail(Error::not_found);  // removed meanwhile (A13)
  return add_entry(transaction, directory, name, number);
}

Result<void> Volume::unlink(const InodeRef& current, std::string_view path) {
  EntryName name;
  const InodeRef directory = LIB_TRY(walk(current, path, Stop::parent, name));
  if (name.is_dot() || name.is_dot_dot()) return fail(Error::not_permitted);
  for (;;) {
    InodeRef child;  // dropped after the transaction: that may free it
    const auto removed = unlink_in(*directory, name, child);
    if (removed || removed.error() != Error::busy) return removed;
    // Someone holds the child. Waiting for it with the directory locked could deadlock on a damaged volume whose
    // directories contain each other; so wait for it alone, then try again.
    const InodeLock wait(*child);
  }
}

Result<void> Volume::unlink_in(Inode& directory, const EntryName& name, InodeRef& child) {
  // The entry's block, the inode, and the directory's own inode if a directory is removed.
  Transaction transaction(log_, 3);
  LIB_TRY(transaction.begun());
  {
    const InodeLock lock(directory);
    LIB_TRY(lock.status());
    const DirectoryEntry entry = LIB_TRY(find_entry(directory, name));
    if (entry.inode == directory.number()) return fail(Error::corrupt);
    child = LIB_TRY(inodes_.get(entry.inode));
    const InodeLock child_lock(*child, InodeLock::WhenBusy::give_up);
    LIB_TRY(child_lock.status());
    if (child->link_count() < 1) return fail(Error::corrupt);
    if (child->is_directory()) {
      if (!LIB_TRY(is_empty(*child))) return fail(Error::directory_not_empty);
      LIB_TRY(remove_entry(transaction, directory, name, entry.offset));
      LIB_TRY(directory.set_link_count(transaction, static_cast<i16>(directory.link_count() - 1)));
      names_.forget(child->number(), EntryName("."));
      names_.forget(child->number(), EntryName(".."));
      // A directory has one name; its own "." is not counted.
      LIB_TRY(child->set_link_count(transaction, 0));
    } else {
      LIB_TRY(remove_entry(transaction, directory, name, entry.offset));
      LIB_TRY(child->set_link_count(transaction, static_cast<i16>(child->link_count() - 1)));
    }
  }
  return transaction.commit();
}

}  // namespace fs
