// SPDX-License-Identifier: MIT
#include "user/libc/stdio.hpp"

#include <cstdarg>
#include <cstdint>

#include "user/libc/calls.hpp"
#include "user/libc/string.hpp"

// The compiler's own idea of printf's result and formats does not apply here.
#pragma GCC diagnostic ignored "-Wformat"

namespace {

// Where characters go: collected, then written at once, so that lines of several processes stay whole.
class Sink {
 public:
  explicit Sink(int fd) : fd_(fd), out_(buffer_), limit_(sizeof(buffer_)) {}
  Sink(char* out, int size) : fd_(-1), out_(out), limit_(size > 0 ? size - 1 : 0) {}

  void put(char c) {
    if (used_ == limit_) {
      if (fd_ < 0) return;
      flush();
    }
    out_[used_++] = c;
  }

  void flush() {
    if (used_ > 0) write(fd_, out_, used_);
    used_ = 0;
  }

  void terminate() { out_[used_] = '\0'; }

 private:
  char buffer_[256];
  int fd_;
  char* out_;
  int limit_;
  int used_ = 0;
};

struct Field {
  int width = 0;
  bool left = false;
  char fill = ' ';
};

void put_padded(Sink& sink, const char* text, int length, const Field& field) {
  int padding = field.width - length;
  // A sign stays in front of filling zeros.
  if (field.fill == '0' && length > 0 && *text == '-') sink.put('-'), ++text, --length;
  for (; !field.left && padding > 0; --padding) sink.put(field.fill);
  for (int i = 0; i < length; ++i) sink.put(text[i]);
  for (; padding > 0; --padding) sink.put(' ');
}

void put_number(Sink& sink, std::uint64_t magnitude, bool negative, unsigned base, const Field& field) {
  char digits[24];
  int at = sizeof(digits);
  do digits[--at] = "0123456789abcdef"[magnitude % base];
  while ((magnitude /= base) != 0);
  if (negative) digits[--at] = '-';
  put_padded(sink, digits + at, static_cast<int>(sizeof(digits)) - at, field);
}

void put_signed(Sink& sink, std::int64_t value, const Field& field) {
  const auto bits = static_cast<std::uint64_t>(value);
  put_number(sink, value < 0 ? -bits : bits, value < 0, 10, field);
}

void put_pointer(Sink& sink, std::uint64_t value) {
  sink.put('0');
  sink.put('x');
  put_number(sink, value, false, 16, Field{.width = 16, .fill = '0'});
}

void put_text(Sink& sink, const char* text, const Field& field) {
  if (text == nullptr) text = "(null)";
  put_padded(sink, text, static_cast<int>(strlen(text)), field);
}

const char* parse_field(const char* p, Field& field) {
  for (; *p == '-' || *p == '0'; ++p) (*p == '-') ? void(field.left = true) : void(field.fill = '0');
  for (; *p >= '0' && *p <= '9'; ++p) field.width = field.width * 10 + (*p - '0');
  if (field.left) field.fill = ' ';
  return p;
}

void format_to(Sink& sink, const char* p, va_list arguments) {
  for (; *p != '\0'; ++p) {
    if (*p != '%') {
      sink.put(*p);
      continue;
    }
    Field field;
    p = parse_field(p + 1, field);
    bool is_long = false;
    const bool bare_long = *p == 'l' && strchr("dux", p[1]) == nullptr && p[1] != 'l';
    while (!bare_long && *p == 'l') is_long = true, ++p;
    switch (*p) {
      case 'd':
      case 'i': put_signed(sink, is_long ? va_arg(arguments, long) : va_arg(arguments, int), field); break;
      case 'l': put_signed(sink, va_arg(arguments, long), field); break;
      case 'u':
      case 'x': {
        const std::uint64_t value = is_long ? va_arg(arguments, unsigned long) : va_arg(arguments, unsigned);
        put_number(sink, value, false, *p == 'x' ? 16 : 10, field);
        break;
      }
      case 'p': put_pointer(sink, va_arg(arguments, unsigned long)); break;
      case 's': put_text(sink, va_arg(arguments, const char*), field); break;
      case 'c': sink.put(static_cast<char>(va_arg(arguments, int))); break;
      case '%': sink.put('%'); break;
      case '\0': sink.put('%'); return;
      default:  // unknown: shown as it stands, so that the mistake is seen
        sink.put('%');
        sink.put(*p);
    }
  }
}

}  // namespace

extern "C" {

void fprintf(int fd, const char* format, ...) {
  Sink sink(fd);
  va_list arguments;
  va_start(arguments, format);
  format_to(sink, format, arguments);
  va_end(arguments);
  sink.flush();
}

void printf(const char* format, ...) {
  Sink sink(1);
  va_list arguments;
  va_start(arguments, format);
  format_to(sink, format, arguments);
  va_end(arguments);
  sink.flush();
}

void snprintf_to(char* out, int size, const char* format, ...) {
  if (size <= 0) return;
  Sink sink(out, size);
  va_list arguments;
  va_start(arguments, format);
  format_to(sink, format, arguments);
  va_end(arguments);
  sink.terminate();
}

char* gets(char* line, int max) {
  int used = 0;
  while (used + 1 < max) {
    char c;
    if (read(0, &c, 1) != 1) break;
    line[used++] = c;
    if (c == '\n' || c == '\r') break;
  }
  line[used] = '\0';
  return line;
}

}  // extern "C"
