// SPDX-License-Identifier: MIT
#pragma once
// Type-safe text output: `print("pid {} at {:x}\n", pid, address)`. The number of `{}` is checked when compiling.
//
//   {}      integers in decimal, text as it is, pointers as 0x...        {:x}  hexadecimal
//   {:8}    padded to 8 (numbers right, text left)     {:016x}  zero-padded     {:p}  0x and 16 digits
// `{{` and `}}` stand for the braces themselves.

#include <concepts>
#include <span>
#include <string_view>
#include <type_traits>

#include "lib/types.hpp"

namespace lib {

/// One value on its way to be printed.
struct FormatArgument {
  enum class Kind : u32 { unsigned_number, signed_number, character, text, pointer };
  Kind kind;
  u64 number;         ///< the value, or the length of the text
  const char* text;   ///< for text
};

/// A type of another layer takes part by an overload of `format_value(const T&)` beside it that returns
/// an integer or a string_view (for instance a PhysAddr its value).
template <class T>
[[nodiscard]] constexpr FormatArgument make_format_argument(const T& value) {
  using Kind = FormatArgument::Kind;
  using Plain = std::remove_cvref_t<T>;
  if constexpr (std::same_as<Plain, char>) {
    return {Kind::character, static_cast<u64>(static_cast<unsigned char>(value)), nullptr};
  } else if constexpr (std::same_as<Plain, bool>) {
    return {Kind::text, value ? 4U : 5U, value ? "true" : "false"};
  } else if constexpr (std::is_enum_v<Plain> && !requires { format_value(value); }) {
    return make_format_argument(static_cast<std::underlying_type_t<Plain>>(value));
  } else if constexpr (std::signed_integral<Plain>) {
    return {Kind::signed_number, static_cast<u64>(static_cast<i64>(value)), nullptr};
  } else if constexpr (std::unsigned_integral<Plain>) {
    return {Kind::unsigned_number, static_cast<u64>(value), nullptr};
  } else if constexpr (std::convertible_to<const T&, std::string_view>) {
    const std::string_view text = value;
    return {Kind::text, text.size(), text.data()};
  } else if constexpr (std::is_pointer_v<Plain>) {
    return {Kind::pointer, reinterpret_cast<u64>(value), nullptr};
  } else {
    return make_format_argument(format_value(value));
  }
}

namespace detail {
[[noreturn]] void format_string_does_not_match_its_arguments();

consteval usize count_fields(std::string_view text) {
  usize fields = 0;
  for (usize i = 0; i < text.size(); ++i) {
    const bool doubled = i + 1 < text.size() && text[i + 1] == text[i];
    if (text[i] == '{') {
      if (doubled) {
        ++i;
        continue;
      }
      ++fields;
      while (i < text.size() && text[i] != '}') ++i;
      if (i == text.size()) format_string_does_not_match_its_arguments();
    } else if (text[i] == '}') {
      if (!doubled) format_string_does_not_match_its_arguments();
      ++i;
    }
  }
  return fields;
}

template <class... Arguments>
struct FormatString {
  std::string_view text;
  template <class Text>
    requires std::convertible_to<const Text&, std::string_view>
  consteval FormatString(const Text& from) : text(from) {  // NOLINT: implicit is the point
    if (count_fields(text) != sizeof...(Arguments)) format_string_does_not_match_its_arguments();
  }
};
}  // namespace detail

template <class... Arguments>
using FormatString = detail::FormatString<std::type_identity_t<Arguments>...>;

/// Where formatted text goes, piece by piece.
struct FormatSink {
  void (*put)(void* context, std::string_view piece);
  void* context;
};

/// The one formatting loop behind all functions here. Surplus fields print as `{}`.
void format_arguments(FormatSink sink, std::string_view text, std::span<const FormatArgument> arguments);

/// Writes into the buffer what fits, always NUL-terminated if the buffer is not empty; returns the text.
std::string_view format_arguments_to(std::span<char> buffer, std::string_view text,
                                     std::span<const FormatArgument> arguments);

/// Prints on the console (one call's text is not torn by another hart's).
void print_arguments(std::string_view text, std::span<const FormatArgument> arguments);

/// Who receives print()'s text; the console driver sets it at boot, a test what it likes. Null: discarded.
using ConsoleWriter = void (*)(std::string_view piece);
void set_console_writer(ConsoleWriter writer);

template <class... Arguments>
void print(FormatString<Arguments...> text, const Arguments&... arguments) {
  const FormatArgument list[sizeof...(Arguments) + 1] = {make_format_argument(arguments)..., {}};
  print_arguments(text.text, {list, sizeof...(Arguments)});
}

/// Formats into a buffer (xv6: none; sprintf's place). Returns the text written, cut to the buffer's size - 1.
template <class... Arguments>
std::string_view format_to(std::span<char> buffer, FormatString<Arguments...> text, const Arguments&... arguments) {
  const FormatArgument list[sizeof...(Arguments) + 1] = {make_format_argument(arguments)..., {}};
  return format_arguments_to(buffer, text.text, {list, sizeof...(Arguments)});
}

}  // namespace lib
