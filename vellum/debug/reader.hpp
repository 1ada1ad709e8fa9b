// SPDX-License-Identifier: MIT
#pragma once
// Reads little-endian numbers, LEB128 and strings from bytes that nobody vouches for.

#include <optional>

#include "vellum/debug/result.hpp"

namespace vellum::debug {

/// A place in a section from which one reads on.
///
/// Reading past the end fails for good: from then on everything reads as 0 and ok() is false. Whoever reads several
/// things asks once, before using any of them.
class Reader {
 public:
  Reader() = default;
  /// Reads `bytes` from `offset` on; an offset outside fails at once.
  explicit Reader(Bytes bytes, std::string_view section, u64 offset = 0)
      : bytes_(bytes), section_(section), at_(offset), ok_(offset <= bytes.size()) {}

  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool at_end() const { return !ok_ || at_ == bytes_.size(); }
  /// Offset in the section of what is read next.
  [[nodiscard]] u64 offset() const { return at_; }
  [[nodiscard]] u64 left() const { return ok_ ? bytes_.size() - at_ : 0; }
  [[nodiscard]] std::string_view section() const { return section_; }
  [[nodiscard]] std::unexpected<Error> error(std::string_view words) const { return fail(words, section_, at_); }

  [[nodiscard]] u8 byte() { return static_cast<u8>(number(1)); }
  [[nodiscard]] u16 half() { return static_cast<u16>(number(2)); }
  [[nodiscard]] u32 word() { return static_cast<u32>(number(4)); }
  [[nodiscard]] u64 giant() { return number(8); }
  /// A number of 1 to 8 bytes, zero-extended.
  [[nodiscard]] u64 number(unsigned size);
  [[nodiscard]] u64 uleb();
  [[nodiscard]] i64 sleb();
  /// The characters up to a NUL, which must come before the end.
  [[nodiscard]] std::string_view string();
  [[nodiscard]] Bytes block(u64 length);
  void skip(u64 length) { (void)block(length); }

  /// Reads no further than `length` bytes from here.
  [[nodiscard]] Reader part(u64 length) const;

 private:
  [[nodiscard]] bool has(u64 length) {
    ok_ = ok_ && length <= bytes_.size() - at_;
    return ok_;
  }

  Bytes bytes_;
  std::string_view section_;
  u64 at_ = 0;
  bool ok_ = true;
};

/// The NUL-terminated string at `offset` of a string table; nothing when it begins or ends outside.
[[nodiscard]] std::optional<std::string_view> string_at(Bytes table, u64 offset);

}  // namespace vellum::debug
