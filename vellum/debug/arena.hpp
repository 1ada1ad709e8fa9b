// SPDX-License-Identifier: MIT
#pragma once
// Memory for the reader's indexes, given by the caller.

#include <new>
#include <type_traits>

#include "vellum/debug/result.hpp"

namespace vellum::debug {

/// Takes memory piece by piece from what the caller gives, and never gives any back: the caller frees all at once, when
/// the reader is no longer in use.
class Arena {
 public:
  /// Asked for another piece of at least `bytes` bytes; an empty span says that there is no more.
  using More = std::span<std::byte> (*)(void* owner, usize bytes);

  explicit Arena(std::span<std::byte> first, More more = nullptr, void* owner = nullptr)
      : rest_(first), more_(more), owner_(owner) {}
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  /// Room for `count` objects, each made anew.
  template <typename T>
  [[nodiscard]] Result<std::span<T>> take(usize count) {
    static_assert(std::is_trivially_destructible_v<T>);
    if (count == 0) return std::span<T>();
    if (count > ~usize{0} / 2 / sizeof(T)) return fail(no_memory);
    std::byte* const at = take_bytes(count * sizeof(T), alignof(T));
    if (!at) return fail(no_memory);
    T* const first = reinterpret_cast<T*>(at);
    for (usize i = 0; i < count; ++i) new (first + i) T();
    return std::span<T>(first, count);
  }

 private:
  static constexpr std::string_view no_memory = "the memory given for the debug information's index is too small";

  [[nodiscard]] std::byte* take_bytes(usize bytes, usize alignment) {
    for (int attempt = 0; attempt < 2; ++attempt) {
      const auto address = reinterpret_cast<std::uintptr_t>(rest_.data());
      const usize padding = (alignment - address % alignment) % alignment;
      if (rest_.size() >= padding && rest_.size() - padding >= bytes) {
        std::byte* const at = rest_.data() + padding;
        rest_ = rest_.subspan(padding + bytes);
        return at;
      }
      if (!more_ || attempt == 1) break;
      rest_ = more_(owner_, bytes + alignment);
    }
    return nullptr;
  }

  std::span<std::byte> rest_;
  More more_;
  void* owner_;
};

}  // namespace vellum::debug
