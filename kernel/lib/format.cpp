// SPDX-License-Identifier: MIT
#include "lib/format.hpp"

#include <algorithm>
#include <array>

namespace lib {

namespace {

ConsoleWriter console_writer = nullptr;

/// What stands between the braces after the colon: [0][width][x|p].
struct Field {
  bool zero_padded = false;
  bool hexadecimal = false;
  bool address = false;
  usize width = 0;
};

Field parse_field(std::string_view spec) {
  Field field;
  usize i = 0;
  if (i < spec.size() && spec[i] == ':') ++i;
  if (i < spec.size() && spec[i] == '0') {
    field.zero_padded = true;
    ++i;
  }
  for (; i < spec.size() && spec[i] >= '0' && spec[i] <= '9'; ++i) {
    field.width = std::min<usize>(field.width * 10 + static_cast<usize>(spec[i] - '0'), 64);
  }
  for (; i < spec.size(); ++i) {
    if (spec[i] == 'x') field.hexadecimal = true;
    if (spec[i] == 'p') field.address = true;
  }
  return field;
}

void put_padding(FormatSink sink, char fill, usize count) {
  for (; count > 0; --count) sink.put(sink.context, {&fill, 1});
}

void put_number(FormatSink sink, u64 value, bool negative, Field field) {
  std::array<char, 24> digits;
  usize at = digits.size();
  const u64 base = field.hexadecimal ? 16 : 10;
  do {
    digits[--at] = "0123456789abcdef"[value % base];
    value /= base;
  } while (value != 0);
  const std::string_view text(digits.data() + at, digits.size() - at);
  const usize length = text.size() + (negative ? 1 : 0);
  const usize padding = field.width > length ? field.width - length : 0;
  if (!field.zero_padded) put_padding(sink, ' ', padding);
  if (negative) sink.put(sink.context, "-");
  if (field.zero_padded) put_padding(sink, '0', padding);
  sink.put(sink.context, text);
}

void put_argument(FormatSink sink, const FormatArgument& argument, Field field) {
  using Kind = FormatArgument::Kind;
  switch (argument.kind) {
    case Kind::signed_number: {
      const auto value = static_cast<i64>(argument.number);
      if (value < 0 && !field.hexadecimal && !field.address) {
        return put_number(sink, u64{0} - argument.number, true, field);
      }
      break;
    }
    case Kind::unsigned_number: break;
    case Kind::pointer: field.address = true; break;
    case Kind::character: {
      const char c = static_cast<char>(argument.number);
      sink.put(sink.context, {&c, 1});
      return;
    }
    case Kind::text:
      sink.put(sink.context, {argument.text, argument.number});
      if (field.width > argument.number) put_padding(sink, ' ', field.width - argument.number);
      return;
  }
  if (field.address) {
    sink.put(sink.context, "0x");
    field = {.zero_padded = true, .hexadecimal = true, .address = false, .width = 16};
  }
  put_number(sink, argument.number, false, field);
}

}  // namespace

void format_arguments(FormatSink sink, std::string_view text, std::span<const FormatArgument> arguments) {
  usize next = 0;
  usize at = 0;
  while (at < text.size()) {
    const usize brace = std::min(text.find_first_of("{}", at), text.size());
    if (brace > at) sink.put(sink.context, text.substr(at, brace - at));
    if (brace == text.size()) break;
    const usize close = text.find('}', brace);
    if (brace + 1 < text.size() && text[brace + 1] == text[brace]) {  // doubled
      sink.put(sink.context, text.substr(brace, 1));
      at = brace + 2;
    } else if (text[brace] == '{' && close != std::string_view::npos && next < arguments.size()) {
      put_argument(sink, arguments[next++], parse_field(text.substr(brace + 1, close - brace - 1)));
      at = close + 1;
    } else {
      sink.put(sink.context, text.substr(brace, 1));
      at = brace + 1;
    }
  }
}

std::string_view format_arguments_to(std::span<char> buffer, std::string_view text,
                                     std::span<const FormatArgument> arguments) {
  if (buffer.empty()) return {};
  struct Target {
    std::span<char> buffer;
    usize used;
  } target{buffer, 0};
  const auto put = [](void* context, std::string_view piece) {
    Target& to = *static_cast<Target*>(context);
    const usize room = to.buffer.size() - 1 - to.used;
    const usize count = std::min(room, piece.size());
    std::copy_n(piece.begin(), count, to.buffer.data() + to.used);
    to.used += count;
  };
  format_arguments({put, &target}, text, arguments);
  buffer[target.used] = '\0';
  return {buffer.data(), target.used};
}

void set_console_writer(ConsoleWriter writer) { console_writer = writer; }

void print_arguments(std::string_view text, std::span<const FormatArgument> arguments) {
  if (console_writer == nullptr) return;
  // Collected, so that a line reaches the console in one piece as long as it is shorter than this.
  struct Line {
    std::array<char, 256> bytes;
    usize used = 0;
    void flush() {
      console_writer({bytes.data(), used});
      used = 0;
    }
  } line;
  const auto put = [](void* context, std::string_view piece) {
    Line& to = *static_cast<Line*>(context);
    for (const char c : piece) {
      if (to.used == to.bytes.size()) to.flush();
      to.bytes[to.used++] = c;
    }
  };
  format_arguments({put, &line}, text, arguments);
  line.flush();
}

}  // namespace lib
