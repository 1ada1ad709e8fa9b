// SPDX-License-Identifier: MIT
#pragma once
// Which number an image's programs use for which call, read from the stubs in one of them. xv6 links its stubs whole
// into every program, and a program keeps its symbols: a symbol `mmap` at `li a7, 22; ecall; ret` says that this image
// was compiled with mmap at 22, whether that is MIT's number or the student's own. Pure: it sees a file's bytes only.

#include <array>
#include <expected>
#include <span>
#include <string_view>

#include "lib/types.hpp"

namespace lab {

/// A file, wherever it lies: `read` fills `into` from `offset` on and says how many bytes there were.
struct FileBytes {
  usize (*read)(void* context, u64 offset, std::span<std::byte> into);
  void* context;
};

/// Why a program's stubs say nothing that can be believed.
enum class StubProblem : u8 {
  not_elf,
  no_symbols,
  damaged,  ///< a table that lies outside the file, or has no end
  no_stubs,  ///< no symbol stands at a stub of one of xv6's calls
  contradiction,  ///< a base call with another number, or two numbers for a name, or two names for a number
  out_of_range,  ///< a number that no call can have
};

/// As the end of "/init tells no call numbers: ...".
[[nodiscard]] std::string_view describe(StubProblem problem);

/// The labs' calls of an image, by number.
class ImageCalls {
 public:
  /// The numbers that xv6 and its labs use; those from 100 on are Bifolium's own and mean the same in every image.
  static constexpr u64 first_lab_number = 22;
  static constexpr u64 numbers_end = 100;

  /// What the image calls this number: a call's name, `strange` if the name is no call of xv6's or its labs', or
  /// nothing if no stub has the number.
  [[nodiscard]] std::string_view name_of(u64 number) const;
  static constexpr std::string_view strange = "?";

  [[nodiscard]] bool has(std::string_view name) const;
  /// The library has ugetpid, so the page it reads is part of the contract (the page-table labs of 2021 on).
  [[nodiscard]] bool has_ugetpid() const { return has_ugetpid_; }

 private:
  friend class StubReader;
  std::array<u8, numbers_end> names_{};
  bool has_ugetpid_ = false;
};

/// Reads a program's stubs. Nothing in the file is trusted, and the work is bounded whatever it says.
[[nodiscard]] std::expected<ImageCalls, StubProblem> read_image_calls(const FileBytes& program);

/// Whether a program has a symbol of this name, of at most 15 letters. What cannot be read has none.
[[nodiscard]] bool has_symbol(const FileBytes& program, std::string_view name);

}  // namespace lab
