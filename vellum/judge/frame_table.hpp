// SPDX-License-Identifier: MIT
#pragma once
// A kernel's own table of frames: one record for each, in which a byte says what the frame is (Bifolium:
// mm::the_frames). Where its parts lie comes from the kernel's debug information; the judges see each store to it.

#include <array>
#include <span>

#include "vellum/judge/frames.hpp"

namespace vellum {

/// What a number in a record's state byte means.
enum class FrameUse : u8 {
  inside,       // part of a block whose first frame tells
  free_block,   // first frame of a free block of 2^order frames
  free_single,  // one free frame
  free_clear,   // the same, and all its bytes are zero
  in_use,       // handed out
  of_file,      // handed out, to the file system
  of_kernel,    // handed out, to the kernel itself
  apart,        // never handed out
};

/// How to find and to read such a table; `allocator` 0: there is none.
struct FrameTable {
  u64 allocator = 0;  // virtual address of the object that has the three members below
  u64 records = 0;    // offsets in it: a pointer to the first record, ...
  u64 base = 0;       // ... the number of the first frame, counted in pages from address 0, ...
  u64 count = 0;      // ... and how many frames there are
  u64 stride = 0;     // bytes of a record
  u64 state = 0, order = 0;  // offsets of two bytes in it
  std::array<u64, 2> links{};  // ... and of two numbers of other frames, four bytes each; 0: there are none
  std::array<FrameUse, 16> uses{};  // by the number in the state byte
  std::span<const CodeRange> code{};  // the allocator's functions
};

/// Such a table where it lies in memory.
struct PlacedFrameTable {
  u64 begin = 0, end = 0;  // physical; begin 0: not known yet
  u64 first_frame = 0;     // the physical address of frame 0
  u64 to_virtual = 0;      // what the kernel adds to a physical address to see memory there
  [[nodiscard]] bool contains(u64 physical) const { return physical - begin < end - begin; }
};

}  // namespace vellum
