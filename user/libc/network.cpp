// SPDX-License-Identifier: MIT
#include "user/libc/network.hpp"

namespace {

using Byte = std::uint8_t;

constexpr std::uint32_t default_server = 10u << 24 | 2u << 8 | 3;
constexpr int dns_port = 53, header_bytes = 12, longest_name = 253, longest_label = 63, tries = 3, ticks_per_try = 20;
constexpr std::uint16_t type_address = 1, class_internet = 1, type_alias = 5;

std::uint16_t read16(const Byte* at) { return static_cast<std::uint16_t>(at[0] << 8 | at[1]); }
void write16(Byte* at, int value) {
  at[0] = static_cast<Byte>(value >> 8);
  at[1] = static_cast<Byte>(value);
}

// Writes "a.bc" as 1 a 2 b c 0; the bytes written, 0 if the name has an empty or too long part.
int write_name(Byte* to, const char* name, int length) {
  int at = 0;
  for (int begin = 0; begin <= length;) {
    int end = begin;
    while (end < length && name[end] != '.') ++end;
    const int label = end - begin;
    if (label == 0 || label > longest_label) return 0;
    to[at++] = static_cast<Byte>(label);
    for (int i = begin; i < end; ++i) to[at++] = static_cast<Byte>(name[i]);
    begin = end + 1;
  }
  to[at++] = 0;
  return at;
}

// The place behind the name at `at`, -1 if it runs out of the message. A pointer ends a name (4.1.4).
int skip_name(const Byte* message, int bytes, int at) {
  while (at < bytes) {
    const int label = message[at];
    if (label == 0) return at + 1;
    if ((label & 0xc0) == 0xc0) return at + 2 <= bytes ? at + 2 : -1;
    if (label > longest_label) return -1;
    at += 1 + label;
  }
  return -1;
}

// The first address in an answer to our question; false if it is none, or has none.
bool find_address(const Byte* message, int bytes, int id, std::uint32_t* address) {
  if (bytes < header_bytes || read16(message) != id || (message[2] & 0x80) == 0 || (message[3] & 0x0f) != 0) {
    return false;
  }
  int at = header_bytes;
  for (int i = read16(message + 4); i > 0; --i) {
    at = skip_name(message, bytes, at);
    if (at < 0 || at + 4 > bytes) return false;
    at += 4;
  }
  for (int i = read16(message + 6); i > 0; --i) {
    at = skip_name(message, bytes, at);
    if (at < 0 || at + 10 > bytes) return false;
    const int type = read16(message + at), length = read16(message + at + 8);
    at += 10;
    if (at + length > bytes) return false;
    if (type == type_address && length == 4) {
      *address = static_cast<std::uint32_t>(read16(message + at)) << 16 | read16(message + at + 2);
      return true;
    }
    if (type != type_alias) return false;  // what else may stand before the address is nothing we asked for
    at += length;
  }
  return false;
}

// A port of our own, bound: any that is free.
int bind_any() {
  for (int port = 40000 + getpid(); port < 65000; port += 64) {
    if (bind(static_cast<std::uint16_t>(port)) == 0) return port;
  }
  return -1;
}

bool ask(std::uint32_t server, const char* name, int length, std::uint32_t* address) {
  static Byte message[1472];
  const int id = (uptime() * 31 + getpid()) & 0xffff;
  memset(message, 0, header_bytes);
  write16(message, id);
  message[2] = 1;  // please ask others in our place
  write16(message + 4, 1);
  int bytes = header_bytes + write_name(message + header_bytes, name, length);
  if (bytes == header_bytes) return false;
  write16(message + bytes, type_address);
  write16(message + bytes + 2, class_internet);
  bytes += 4;
  const int port = bind_any();
  if (port < 0) return false;
  bool found = false;
  for (int i = 0; i < tries && !found; ++i) {
    if (send(static_cast<std::uint16_t>(port), server, dns_port, message, static_cast<std::uint32_t>(bytes)) < 0) break;
    static Byte answer[1472];
    std::uint32_t from;
    std::uint16_t from_port;
    const int n = recvfor(static_cast<std::uint16_t>(port), &from, &from_port, answer, sizeof answer, ticks_per_try);
    found = n > 0 && from == server && from_port == dns_port && find_address(answer, n, id, address);
  }
  unbind(static_cast<std::uint16_t>(port));
  return found;
}

}  // namespace

bool parse_address(const char* text, std::uint32_t* address) {
  std::uint32_t value = 0;
  for (int part = 0; part < 4; ++part) {
    if (*text < '0' || *text > '9') return false;
    std::uint32_t number = 0;
    for (int digits = 0; *text >= '0' && *text <= '9'; ++text) {
      number = number * 10 + static_cast<std::uint32_t>(*text - '0');
      if (++digits > 3 || number > 255) return false;
    }
    value = value << 8 | number;
    if (part < 3 && *text++ != '.') return false;
  }
  *address = value;
  return *text == '\0';
}

void print_address(std::uint32_t address) {
  printf("%u.%u.%u.%u", address >> 24, address >> 16 & 255, address >> 8 & 255, address & 255);
}

bool resolve(const char* program, const char* host, std::uint32_t* address) {
  if (parse_address(host, address)) return true;
  const char* const at = strchr(host, '@');
  std::uint32_t server = default_server;
  if (at != nullptr && !parse_address(at + 1, &server)) {
    fprintf(2, "%s: %s is no address of a server\n", program, at + 1);
    return false;
  }
  const int length = at != nullptr ? static_cast<int>(at - host) : static_cast<int>(strlen(host));
  if (length > 0 && length <= longest_name && ask(server, host, length, address)) return true;
  fprintf(2, "%s: no address for %s\n", program, host);
  return false;
}
