// SPDX-License-Identifier: MIT
#include "vellum/debug/reader.hpp"

namespace vellum::debug {

u64 Reader::number(unsigned size) {
  if (!has(size)) return 0;
  u64 value = 0;
  for (unsigned i = 0; i < size; ++i) value |= static_cast<u64>(bytes_[at_ + i]) << (8 * i);
  at_ += size;
  return value;
}

u64 Reader::uleb() {
  u64 value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    const u64 next = byte();
    const u64 bits = next & 0x7f;
    if (shift == 63 && bits > 1) break;
    value |= bits << shift;
    if (!(next & 0x80)) return ok_ ? value : 0;
  }
  ok_ = false;
  return 0;
}

i64 Reader::sleb() {
  u64 value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    const u64 next = byte();
    value |= (next & 0x7f) << shift;
    if (next & 0x80) continue;
    if (shift + 7 < 64 && (next & 0x40)) value |= ~u64{0} << (shift + 7);
    return ok_ ? static_cast<i64>(value) : 0;
  }
  ok_ = false;
  return 0;
}

std::optional<std::string_view> string_at(Bytes table, u64 offset) {
  if (offset >= table.size()) return std::nullopt;
  const char* const first = reinterpret_cast<const char*>(table.data()) + offset;
  const std::string_view rest(first, table.size() - offset);
  const usize length = rest.find('\0');
  if (length == std::string_view::npos) return std::nullopt;
  return rest.substr(0, length);
}

std::string_view Reader::string() {
  const auto text = ok_ ? string_at(bytes_, at_) : std::nullopt;
  ok_ = text.has_value();
  if (!ok_) return {};
  at_ += text->size() + 1;
  return *text;
}

Bytes Reader::block(u64 length) {
  if (!has(length)) return {};
  const Bytes taken = bytes_.subspan(at_, length);
  at_ += length;
  return taken;
}

Reader Reader::part(u64 length) const {
  Reader rest = *this;
  if (rest.has(length)) rest.bytes_ = bytes_.first(at_ + length);
  return rest;
}

}  // namespace vellum::debug
