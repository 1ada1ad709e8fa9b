// SPDX-License-Identifier: MIT
#pragma once
// Checks a file system image; trusts nothing in it. Shares no code with kernel/fs, so that tests can hold one against
// the other.

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "abi/disk.hpp"

namespace fsck {

struct Options {
  /// What files look like; by default as the size of the image says.
  enum class Layout { by_size, single, double_indirect } layout = Layout::by_size;
  /// Unlinked inodes that are still allocated are legal after a crash, but not in an image that was closed.
  bool orphans_are_problems = false;
};

struct Report {
  std::vector<std::string> problems;
  std::vector<std::string> notes;
  std::uint32_t files = 0, directories = 0, devices = 0, links = 0, used_blocks = 0, free_blocks = 0;
};

class Checker {
 public:
  Checker(std::span<const std::byte> image, const Options& options)
      : image_(image.begin(), image.end()), options_(options) {}

  Report run() {
    if (check_superblock() && check_log()) {
      read_bitmap();
      for (std::uint32_t number = 1; number < super_.inode_count; ++number) check_inode(number);
      check_directories();
      check_link_counts();
      check_bitmap();
    }
    return std::move(report_);
  }

 private:
  static constexpr std::size_t max_problems = 1000;  // a hostile image must not fill the memory

  template <class... Arguments>
  void problem(std::string_view text, const Arguments&... arguments) {
    if (report_.problems.size() < max_problems) report_.problems.push_back(compose(text, arguments...));
  }
  template <class... Arguments>
  void note(std::string_view text, const Arguments&... arguments) {
    if (report_.notes.size() < max_problems) report_.notes.push_back(compose(text, arguments...));
  }

  static std::string text_of(std::integral auto number) { return std::to_string(number); }
  static std::string text_of(std::string_view text) { return std::string(text); }
  /// The text with each {} replaced by the next argument.
  template <class... Arguments>
  static std::string compose(std::string_view text, const Arguments&... arguments) {
    std::string result;
    const auto put = [&](const std::string& value) {
      const std::size_t field = text.find("{}");
      result += text.substr(0, field);
      result += value;
      text.remove_prefix(field + 2);
    };
    (put(text_of(arguments)), ...);
    return result += text;
  }

  [[nodiscard]] std::uint64_t block_count() const { return image_.size() / abi::block_size; }
  [[nodiscard]] std::byte* block(std::uint32_t number) { return image_.data() + std::size_t{number} * abi::block_size; }
  template <class T>
  [[nodiscard]] T load(std::uint32_t number, std::size_t index) {
    T value;
    std::memcpy(&value, block(number) + index * sizeof(T), sizeof(T));
    return value;
  }

  bool check_superblock() {
    if (block_count() <= abi::superblock_block) {
      problem("the image has no superblock");
      return false;
    }
    super_ = load<abi::Superblock>(abi::superblock_block, 0);
    if (super_.magic != abi::superblock_magic) {
      problem("superblock.magic is {}, not {}", super_.magic, abi::superblock_magic);
      return false;
    }
    const std::size_t before = report_.problems.size();
    const std::uint64_t inode_blocks =
        (std::uint64_t{super_.inode_count} + abi::inodes_per_block - 1) / abi::inodes_per_block;
    const std::uint64_t bitmap_blocks = (std::uint64_t{super_.size} + abi::bits_per_block - 1) / abi::bits_per_block;
    if (super_.size > block_count())
      problem("superblock.size is {}, but the image has {} blocks", super_.size, block_count());
    if (super_.log_start < 2)
      problem("superblock.logstart is {}, inside the boot block or superblock", super_.log_start);
    if (super_.log_blocks < 2) problem("superblock.nlog is {}: no log", super_.log_blocks);
    if (std::uint64_t{super_.log_start} + super_.log_blocks > super_.inode_start) {
      problem("superblock.inodestart is {}, inside the log", super_.inode_start);
    }
    if (super_.inode_count < 2) problem("superblock.ninodes is {}: no root", super_.inode_count);
    if (super_.inode_start + inode_blocks > super_.bitmap_start) {
      problem("superblock.bmapstart is {}, inside the inodes", super_.bitmap_start);
    }
    if (super_.bitmap_start + bitmap_blocks >= super_.size) {
      problem("superblock.size is {}: the bitmap does not fit", super_.size);
    } else if (super_.data_blocks == 0 || super_.data_blocks > super_.size - super_.bitmap_start - bitmap_blocks) {
      problem("superblock.nblocks is {}", super_.data_blocks);
    }
    if (report_.problems.size() != before) return false;
    data_start_ = super_.size - super_.data_blocks;
    using Layout = Options::Layout;
    layout_ = options_.layout == Layout::by_size  ? abi::inode_layout(super_.size)
              : options_.layout == Layout::single ? abi::InodeLayout::single
                                                  : abi::InodeLayout::double_indirect;
    return true;
  }

  // What the log holds counts as written: every kernel installs it before it looks at the rest.
  bool check_log() {
    const auto header = load<abi::LogHeader>(super_.log_start, 0);
    if (header.count < 0 || static_cast<std::uint32_t>(header.count) >= super_.log_blocks ||
        static_cast<std::size_t>(header.count) > std::size(header.blocks)) {
      problem("log header: n is {}, the log has {} slots", header.count, super_.log_blocks - 1);
      return false;
    }
    for (std::int32_t i = 0; i < header.count; ++i) {
      const auto home = static_cast<std::uint32_t>(header.blocks[i]);
      if (home < super_.inode_start || home >= super_.size) {
        problem("log header: block[{}] is {}, outside inodes, bitmap and data", i, home);
        return false;
      }
    }
    for (std::int32_t i = 0; i < header.count; ++i) {
      std::memcpy(block(static_cast<std::uint32_t>(header.blocks[i])),
                  block(super_.log_start + 1 + static_cast<std::uint32_t>(i)), abi::block_size);
    }
    if (header.count != 0) note("log: {} blocks, checked as if installed", header.count);
    return true;
  }

  void read_bitmap() {
    marked_.resize(super_.size);
    owner_.resize(super_.size);
    for (std::uint32_t b = 0; b < super_.size; ++b) {
      const auto byte = load<std::uint8_t>(super_.bitmap_start + b / abi::bits_per_block, b % abi::bits_per_block / 8);
      marked_[b] = (byte >> (b % 8) & 1) != 0;
    }
  }

  struct Inode {
    abi::DiskInode disk;
    std::vector<std::uint32_t> blocks;  // a directory's, up to the first hole
    std::uint32_t entries = 0;          // that name it, "." and ".." not counted
    std::uint32_t parent = 0;           // a directory's, by the entry that names it
    std::uint32_t subdirectories = 0;
  };

  void claim(std::uint32_t number, std::uint32_t block_number, const char* what) {
    if (block_number < data_start_ || block_number >= super_.size) {
      problem("inode {}: {} {} is outside the data area {} .. {}", number, what, block_number, data_start_,
              super_.size - 1);
    } else if (owner_[block_number] == number) {
      problem("inode {}: block {} is used twice", number, block_number);
    } else if (owner_[block_number] != 0) {
      problem("inode {}: block {} belongs to inode {} too", number, block_number, owner_[block_number]);
    } else {
      owner_[block_number] = number;
      if (!marked_[block_number]) problem("inode {}: block {} is marked free in the bitmap", number, block_number);
    }
  }

  [[nodiscard]] bool is_usable(std::uint32_t number, std::uint32_t block_number) const {
    return block_number >= data_start_ && block_number < super_.size && owner_[block_number] == number;
  }

  /// Claims the next of a file's blocks and keeps it if it is a directory's. What is kept is bounded by the image:
  /// entries come from tables, and no table is followed twice.
  class BlockWalk {
   public:
    BlockWalk(Checker& checker, std::uint32_t number, Inode& inode)
        : checker_(checker), number_(number), inode_(inode) {}
    void entry(std::uint32_t block) {
      if (block != 0) checker_.claim(number_, block, "block");
      const bool kept = block != 0 && inode_.disk.type == abi::FileType::directory && inode_.blocks.size() == index_;
      if (kept) inode_.blocks.push_back(block);
      ++index_;
    }
    void table(std::uint32_t table, int levels) {
      const bool fresh = table != 0 && table < checker_.super_.size && checker_.owner_[table] == 0;
      if (table != 0) checker_.claim(number_, table, "table");
      if (!fresh || !checker_.is_usable(number_, table)) {
        index_ += levels == 1 ? abi::addresses_per_block : abi::addresses_per_block * abi::addresses_per_block;
        return;
      }
      for (std::uint32_t i = 0; i < abi::addresses_per_block; ++i) {
        const auto next = checker_.load<std::uint32_t>(table, i);
        levels > 1 ? this->table(next, levels - 1) : entry(next);
      }
    }

   private:
    Checker& checker_;
    std::uint32_t number_;
    Inode& inode_;
    std::size_t index_ = 0;
  };

  void check_inode(std::uint32_t number) {
    const auto disk =
        load<abi::DiskInode>(super_.inode_start + number / abi::inodes_per_block, number % abi::inodes_per_block);
    if (disk.type == abi::FileType::free) return;
    if (disk.type < abi::FileType::directory || disk.type > abi::FileType::symlink) {
      problem("inode {}: type is {}", number, static_cast<int>(disk.type));
      return;
    }
    Inode inode{.disk = disk, .blocks = {}};
    if (disk.link_count < 0) problem("inode {}: link count is {}", number, disk.link_count);
    if (disk.link_count == 0) {
      if (options_.orphans_are_problems)
        problem("inode {}: orphan (allocated, no link)", number);
      else
        note("inode {}: orphan (allocated, no link), freed by the next mount", number);
    }
    if (disk.size > std::uint64_t{abi::max_file_blocks(layout_)} * abi::block_size) {
      problem("inode {}: size is {}, more than any file has", number, disk.size);
      inode.disk.size = 0;
    }
    if (disk.type == abi::FileType::directory && disk.size % sizeof(abi::Dirent) != 0) {
      problem("inode {}: directory of {} bytes, not a multiple of {}", number, disk.size, sizeof(abi::Dirent));
    }
    if (disk.type == abi::FileType::device &&
        (disk.major < 0 || static_cast<std::size_t>(disk.major) >= abi::max_devices || disk.minor < 0)) {
      note("inode {}: device {}, {} exists on no machine", number, disk.major, disk.minor);  // any program may make it
    }
    const std::uint32_t direct = abi::direct_count(layout_);
    BlockWalk walk(*this, number, inode);
    for (std::uint32_t i = 0; i < direct; ++i) walk.entry(disk.addresses[i]);
    walk.table(disk.addresses[direct], 1);
    if (layout_ == abi::InodeLayout::double_indirect) walk.table(disk.addresses[direct + 1], 2);
    // Blocks beyond the size are legal: a write that failed leaves them to the file.
    const std::size_t in_use = (std::size_t{inode.disk.size} + abi::block_size - 1) / abi::block_size;
    if (disk.type == abi::FileType::directory && inode.blocks.size() < in_use) {
      problem("inode {}: directory with a hole", number);
    }
    inodes_.emplace(number, std::move(inode));
  }

  void check_directories() {
    const auto root = inodes_.find(abi::root_inode);
    if (root == inodes_.end() || root->second.disk.type != abi::FileType::directory) {
      problem("inode {}: the root is not a directory", abi::root_inode);
      return;
    }
    for (auto& [number, inode] : inodes_) {
      switch (inode.disk.type) {
        case abi::FileType::directory:
          ++report_.directories;
          check_entries(number, inode);
          break;
        case abi::FileType::device: ++report_.devices; break;
        default: ++report_.files;
      }
    }
    for (auto& [number, inode] : inodes_) check_reachable(number, inode);
  }

  void check_entries(std::uint32_t number, const Inode& directory) {
    std::set<std::string> names;
    constexpr std::uint32_t per_block = abi::block_size / sizeof(abi::Dirent);
    const std::uint32_t count = static_cast<std::uint32_t>(
        std::min<std::size_t>(directory.disk.size / sizeof(abi::Dirent), directory.blocks.size() * per_block));
    for (std::uint32_t i = 0; i < count; ++i) {
      const std::uint32_t home = directory.blocks[i / per_block];
      if (!is_usable(number, home)) continue;  // reported already
      const auto entry = load<abi::Dirent>(home, i % per_block);
      if (entry.inode == 0) {
        if (i < 2) problem("inode {}: directory without entry {}", number, i == 0 ? "." : "..");
        continue;
      }
      const std::string name(entry.name, strnlen(entry.name, sizeof entry.name));
      const auto shown = printable(name);
      if (name.empty() || name.find('/') != name.npos) problem("inode {}: entry {} is named '{}'", number, i, shown);
      if (!names.insert(name).second) problem("inode {}: two entries are named '{}'", number, shown);
      const auto target = inodes_.find(entry.inode);
      if (target == inodes_.end()) {
        problem("inode {}: '{}' names inode {}, which is {}", number, shown, entry.inode,
                entry.inode < super_.inode_count ? "free" : "not one of the volume's");
        continue;
      }
      if (i == 0 || i == 1) {
        check_dot_entry(number, i, name, entry.inode, target->second);
        continue;
      }
      if (name == "." || name == "..") problem("inode {}: '{}' is entry {}", number, shown, i);
      count_entry(number, shown, entry.inode, target->second);
    }
    if (count < 2) problem("inode {}: directory without . and ..", number);
  }

  void check_dot_entry(std::uint32_t number, std::uint32_t index, const std::string& name, std::uint32_t to,
                       Inode& target) {
    const char* const expected = index == 0 ? "." : "..";
    if (name != expected) {
      problem("inode {}: entry {} is '{}', not '{}'", number, index, printable(name), expected);
    } else if (index == 0 && to != number) {
      problem("inode {}: '.' names inode {}", number, to);
    } else if (index == 1) {
      if (target.disk.type != abi::FileType::directory)
        problem("inode {}: '..' names inode {}, not a directory", number, to);
      dot_dot_[number] = to;
    }
  }

  void count_entry(std::uint32_t number, const std::string& shown, std::uint32_t to, Inode& target) {
    ++report_.links;
    ++target.entries;
    if (target.disk.type != abi::FileType::directory) return;
    if (to == abi::root_inode) {
      problem("inode {}: '{}' names the root", number, shown);
    } else if (target.parent != 0) {
      problem("inode {}: '{}' names directory {}, which inode {} names too", number, shown, to, target.parent);
    } else {
      target.parent = number;
      ++inodes_.at(number).subdirectories;
    }
  }

  void check_reachable(std::uint32_t number, const Inode& inode) {
    if (inode.disk.type != abi::FileType::directory || number == abi::root_inode) return;
    const auto dot_dot = dot_dot_.find(number);
    if (inode.parent != 0 && dot_dot != dot_dot_.end() && dot_dot->second != inode.parent) {
      problem("inode {}: '..' names inode {}, but inode {} holds it", number, dot_dot->second, inode.parent);
    }
    std::uint32_t at = number;
    for (std::size_t steps = 0; at != abi::root_inode && at != 0; ++steps) {
      if (steps > inodes_.size()) {
        problem("inode {}: directory in a cycle, not below the root", number);
        return;
      }
      at = inodes_.at(at).parent;
    }
  }

  void check_link_counts() {
    for (const auto& [number, inode] : inodes_) {
      std::uint32_t expected = inode.entries;
      if (inode.disk.type == abi::FileType::directory) {
        // A directory counts the entry that names it, and the ".." of each below it; the root counts one for itself.
        expected = (number == abi::root_inode ? 1 : inode.entries) + inode.subdirectories;
      }
      if (inode.disk.link_count == 0 && expected == 0) continue;  // an orphan
      if (expected == 0) {
        problem("inode {}: link count {}, but no entry names it", number, inode.disk.link_count);
      } else if (static_cast<std::int64_t>(expected) != inode.disk.link_count) {
        problem("inode {}: link count is {}, counted {}", number, inode.disk.link_count, expected);
      }
    }
  }

  void check_bitmap() {
    for (std::uint32_t b = 0; b < super_.size; ++b) {
      if (b < data_start_ && !marked_[b]) problem("bitmap: block {}, which is not for files, is marked free", b);
      if (b >= data_start_ && marked_[b] && owner_[b] == 0)
        problem("bitmap: block {} is marked used, but no file has it", b);
      ++(marked_[b] ? report_.used_blocks : report_.free_blocks);
    }
  }

  static std::string printable(const std::string& name) {
    std::string text;
    for (const char c : name) text += c >= ' ' && c <= '~' ? c : '?';
    return text;
  }

  std::vector<std::byte> image_;
  Options options_;
  Report report_;
  abi::Superblock super_{};
  abi::InodeLayout layout_ = abi::InodeLayout::single;
  std::uint32_t data_start_ = 0;
  std::vector<bool> marked_;
  std::vector<std::uint32_t> owner_;
  std::map<std::uint32_t, Inode> inodes_;
  std::map<std::uint32_t, std::uint32_t> dot_dot_;
};

/// Everything that is wrong with an image.
inline Report check(std::span<const std::byte> image, const Options& options = {}) {
  return Checker(image, options).run();
}

}  // namespace fsck
