// SPDX-License-Identifier: MIT
#pragma once
// How far a copy between kernel and program came, and how it goes on when a page must first come from a file.

#include <type_traits>

#include "lib/result.hpp"

namespace lib {

/// `copied` bytes went over, whatever came then. `end` tells why no more did: nothing was wrong, all did that could;
/// Error::needs_page_in, the next byte lies on a page that must first come from a file; or another error.
struct [[nodiscard]] CopyResult {
  usize copied = 0;
  Status end;

  constexpr CopyResult() = default;
  constexpr CopyResult(usize count, Status why) : copied(count), end(why) {}
  /// Nothing was copied.
  constexpr CopyResult(std::unexpected<Error> why) : end(why) {}  // NOLINT: as for a Result

  [[nodiscard]] constexpr bool ok() const { return end.has_value(); }
  [[nodiscard]] constexpr bool needs_page_in() const { return !ok() && end.error() == Error::needs_page_in; }
  /// The bytes copied, unless something was wrong.
  [[nodiscard]] constexpr Result<usize> whole() const {
    if (ok()) [[likely]]
      return copied;
    return fail(end.error());
  }
  /// The same for pipes and the console, where what went over counts although the program's memory then ended.
  [[nodiscard]] constexpr Result<usize> partial() const {
    if (ok()) [[likely]]
      return copied;
    if (copied != 0 && (end.error() == Error::bad_address || end.error() == Error::no_memory)) return copied;
    return fail(end.error());
  }
};
static_assert(sizeof(CopyResult) == 16 && std::is_trivially_copy_constructible_v<CopyResult> &&
                  std::is_trivially_move_constructible_v<CopyResult> && std::is_trivially_destructible_v<CopyResult>,
              "returned in two registers");

/// Does copy(done), which goes on after `done` bytes, and as often as it needs a page brought in page_in(done) and
/// copy(done) again. Both return without a lock: bringing a page in may sleep.
template <class Copy, class PageIn>
[[gnu::always_inline]] inline CopyResult copy_to_end(Copy&& copy, PageIn&& page_in) {
  for (usize done = 0;;) {
    const CopyResult part = copy(done);
    done += part.copied;
    if (!part.needs_page_in()) [[likely]]
      return {done, part.end};
    if (const Result<void> brought = page_in(done); !brought) return {done, brought};
  }
}

}  // namespace lib
