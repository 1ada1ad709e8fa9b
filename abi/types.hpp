// SPDX-License-Identifier: MIT
#pragma once
// What a program and the kernel exchange by pointer, and the constants they exchange by value.
// Every layout here is xv6's, byte for byte (docs/xv6-contract.md 2.4); the asserts at the end hold it.

#include <cstdint>

#include "abi/limits.hpp"

namespace abi {

/// What an inode is (xv6: T_DIR, T_FILE, T_DEVICE, T_SYMLINK). `free` marks an unused inode on disk.
/// The value may come from a disk and hold anything: compare, never switch without a default.
enum class FileType : std::int16_t { free = 0, directory = 1, file = 2, device = 3, symlink = 4 };

/// Result of fstat (xv6: struct stat). 24 bytes; `size` is in bytes.
struct Stat {
  std::int32_t device;
  std::uint32_t inode;
  FileType type;
  std::int16_t link_count;
  std::uint32_t unused = 0;  ///< xv6's compiler leaves a gap here; named, so that the kernel says what is in it
  std::uint64_t size;
};

/// One directory entry, in memory as on disk (xv6: struct dirent). Inode 0 is a free entry; the name has no
/// terminating NUL when it is `name_size` bytes long.
struct Dirent {
  std::uint16_t inode;
  char name[name_size];
};

/// The page at layout.hpp's `usyscall`, readable by its process (xv6: struct usyscall).
struct Usyscall {
  std::int32_t pid;
};

/// Result of the sysinfo call (xv6: struct sysinfo).
struct Sysinfo {
  std::uint64_t free_bytes;
  std::uint64_t process_count;
};

/// Second argument of open (xv6: O_*). The two low bits are one field, the others are flags.
enum class OpenMode : std::uint32_t {
  read_only = 0x000,
  write_only = 0x001,
  read_write = 0x002,
  create = 0x200,
  truncate = 0x400,
  no_follow = 0x800,
};

/// Third argument of mmap (xv6: PROT_*).
enum class Protection : std::uint32_t { none = 0, read = 1, write = 2, execute = 4 };

/// Fourth argument of mmap (xv6: MAP_*). `anonymous` is Bifolium's own: descriptor -1, zero-filled.
enum class MapFlags : std::uint32_t { shared = 0x01, private_copy = 0x02, anonymous = 0x20 };

/// Second argument of sbrk (xv6: SBRK_*). Older programs leave garbage there: docs/xv6-contract.md 6, item 1.
enum class SbrkMode : std::int32_t { eager = 1, lazy = 2 };

/// Argument of the consolemode call: who edits the line that is typed, the console as in xv6, or the program itself,
/// which then gets every byte at once and echoes what it wants seen.
enum class ConsoleMode : std::uint32_t { edited = 0, raw = 1 };

/// What a process that Ctrl-C has ended leaves for wait (a killed one leaves -1).
inline constexpr std::int32_t interrupted_status = 130;

/// Device numbers (xv6: CONSOLE, STATS).
inline constexpr std::int16_t console_major = 1;
inline constexpr std::int16_t statistics_major = 2;

constexpr OpenMode operator|(OpenMode a, OpenMode b) {
  return static_cast<OpenMode>(static_cast<std::uint32_t>(a) | static_cast<std::uint32_t>(b));
}
constexpr Protection operator|(Protection a, Protection b) {
  return static_cast<Protection>(static_cast<std::uint32_t>(a) | static_cast<std::uint32_t>(b));
}
constexpr MapFlags operator|(MapFlags a, MapFlags b) {
  return static_cast<MapFlags>(static_cast<std::uint32_t>(a) | static_cast<std::uint32_t>(b));
}

/// True when any bit of `flag` is set in `value`. Not for OpenMode::read_only and Protection::none, which are 0.
constexpr bool has(OpenMode value, OpenMode flag) {
  return (static_cast<std::uint32_t>(value) & static_cast<std::uint32_t>(flag)) != 0;
}
constexpr bool has(Protection value, Protection flag) {
  return (static_cast<std::uint32_t>(value) & static_cast<std::uint32_t>(flag)) != 0;
}
constexpr bool has(MapFlags value, MapFlags flag) {
  return (static_cast<std::uint32_t>(value) & static_cast<std::uint32_t>(flag)) != 0;
}

/// What a descriptor opened with `mode` may do.
constexpr bool readable(OpenMode mode) { return !has(mode, OpenMode::write_only); }
constexpr bool writable(OpenMode mode) { return has(mode, OpenMode::write_only) || has(mode, OpenMode::read_write); }

static_assert(sizeof(Stat) == 24 && sizeof(Dirent) == 16 && sizeof(Sysinfo) == 16);

}  // namespace abi
