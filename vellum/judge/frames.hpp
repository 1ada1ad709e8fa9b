// SPDX-License-Identifier: MIT
#pragma once
// The judge of frames: what a kernel may do with a frame between its freeing and its next allocation is nothing.
//
// Of a kernel like xv6 it knows no more than where two functions stand: one that is given a frame's address (kfree)
// and one that returns it (kalloc). Of a kernel with a record for each frame, in which it says whether the frame is
// free, it knows that table (frame_table.hpp). While a frame is free, only code of the allocator may touch it, or a
// function that this calls and that calls nothing itself (memset), which has its return address in ra.
//
// A frame that was handed out is followed until each of its words has been stored to: what nobody wrote since then was
// left there by whoever had the frame before. So it is known when user mode reads such a word, or when a table has such
// an entry. One that holds nothing but zeros then is followed again until user mode has it: so it is seen how a program
// is loaded. A frame into whose words much is stored twice, or that is used much, serves the kernel's own work (a
// stack): it is left alone, since to follow it costs time.

#include <array>
#include <span>

#include "vellum/isa/privileged.hpp"
#include "vellum/judge/moment.hpp"

namespace vellum {

/// Where the code of one function stands.
struct CodeRange {
  u64 begin = 0, end = 0;
  [[nodiscard]] constexpr bool contains(u64 pc) const { return pc - begin < end - begin; }
};

/// A kernel's allocator of frames; all zero: none is known.
struct FrameAllocator {
  CodeRange allocate;  // returns the address of a frame
  CodeRange release;  // is given one
};

enum class FrameState : u8 { unknown, in_use, free };

enum class Stored : u8 { zeros, content };

struct FrameRecord {
  FrameState state = FrameState::unknown;
  bool is_followed = false;  // in use, and not all of it has been stored to since it was handed out
  bool was_clear = false;  // ... and it was all zero then
  bool has_content = false;  // something other than zeros was stored since it is followed
  bool is_reached = false, is_searched = false;  // by the search for leaks
  u16 words_written = 0;
  u16 last_word = 0;  // stored to
  u16 rewritten = 0;  // how often a word was stored to that had been already
  u16 accesses = 0;
  Moment changed{};  // when it was freed or handed out
  CallChain callers{};  // of the call that did
};

/// A bit for each word of a frame.
using WrittenWords = std::array<u64, page_bytes / sizeof(u64) / 64>;

/// The frames of RAM and whether the kernel has given them back.
class Frames {
 public:
  /// `records`: one for each page of RAM; none: nothing is judged. `written`: the same; none: no frame is followed.
  Frames(std::span<FrameRecord> records, std::span<WrittenWords> written) : records_(records), written_(written) {}

  void know(const FrameAllocator& allocator) { allocator_ = allocator; }
  [[nodiscard]] const FrameAllocator& allocator() const { return allocator_; }

  [[nodiscard]] usize size() const { return records_.size(); }
  /// The record of a page of RAM (Memory's number); null where there is none.
  [[nodiscard]] FrameRecord* at(u64 page) { return page < records_.size() ? &records_[page] : nullptr; }

  /// Whether code at pc, which returns to `return_address`, is the allocator at work.
  [[nodiscard]] bool is_allocator(Privilege privilege, u64 pc, u64 return_address) const {
    if (privilege == Privilege::user) return false;
    const auto within = [this](u64 at) {
      if (allocator_.allocate.contains(at) || allocator_.release.contains(at)) return true;
      for (const CodeRange& range : code_) {
        if (range.contains(at)) return true;
      }
      return false;
    };
    return within(pc) || within(return_address);
  }
  /// The code of an allocator that is more than two functions.
  void know_code(std::span<const CodeRange> code) { code_ = code; }

  enum class Before : u8 { unknown, zeros };
  /// From now on it is known which words of the frame have been stored to. False: there is no memory for that.
  bool follow(u64 page, Before content) {
    if (page >= written_.size()) return false;
    written_[page] = {};
    FrameRecord& frame = records_[page];
    frame.is_followed = true;
    frame.was_clear = content == Before::zeros;
    frame.has_content = false;
    frame.words_written = frame.rewritten = frame.accesses = 0;
    frame.last_word = none;
    return true;
  }
  /// A store to the words from `first` to `last`. Whether the frame has to be followed any longer.
  bool note_store(u64 page, u32 first, u32 last, Stored what) {
    FrameRecord& frame = records_[page];
    frame.has_content |= what == Stored::content;
    bool is_new = false;
    for (u32 word = first; word <= last; ++word) {
      u64& bits_of = written_[page][word / 64];
      const u64 bit = u64{1} << word % 64;
      if ((bits_of & bit) != 0) continue;
      bits_of |= bit;
      ++frame.words_written;
      is_new = true;
    }
    // A word is often filled by several stores, one beside the other.
    if (!is_new && first != frame.last_word) ++frame.rewritten;
    frame.last_word = static_cast<u16>(last);
    if (frame.rewritten >= much_rewritten || !note_access(page)) return false;
    if (frame.words_written < page_bytes / sizeof(u64)) return true;
    return !frame.has_content && follow(page, Before::zeros);
  }
  /// Any access. Whether the frame has to be followed any longer.
  bool note_access(u64 page) { return ++records_[page].accesses < much_used; }
  /// Whether nobody has stored to the word since the frame was handed out. (False where that is not known.)
  [[nodiscard]] bool is_unwritten(u64 page, u32 word) const {
    return page < written_.size() && records_[page].is_followed && (written_[page][word / 64] >> word % 64 & 1) == 0;
  }

 private:
  static constexpr u16 none = 0xffff, much_rewritten = 64, much_used = 8192;
  std::span<FrameRecord> records_;
  std::span<WrittenWords> written_;
  std::span<const CodeRange> code_;
  FrameAllocator allocator_{};
};

}  // namespace vellum
