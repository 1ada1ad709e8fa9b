// SPDX-License-Identifier: MIT
#include "tools/foliowalk/extensions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

#include "tools/foliowalk/qmp.hpp"

namespace foliowalk {
namespace {

using sv39::Extension;

struct Named {
  const char* name;
  Extension extension;
};
constexpr std::array named = {Named{"svnapot", Extension::contiguous_pages}, Named{"svpbmt", Extension::memory_types}};

// The flattened device tree, as far as it takes to find two properties (Devicetree Specification 0.4, chapter 5).
constexpr u32 magic = 0xd00dfeed;
constexpr u64 header_bytes = 40;
constexpr u64 most_bytes = 1 << 20;  // what firmware and kernels accept as well
// QEMU and firmware put the tree at a multiple of this.
constexpr u64 tree_alignment = 2 << 20;
enum class Token : u32 { begin_node = 1, end_node = 2, property = 3, nop = 4, end = 9 };

/// The tree's bytes; reads outside them give nothing.
class Blob {
 public:
  explicit Blob(std::vector<std::byte> bytes) : bytes_(std::move(bytes)) {}

  [[nodiscard]] std::optional<u32> word(u64 at) const {
    if (at > bytes_.size() || bytes_.size() - at < 4) return std::nullopt;
    u32 value = 0;
    for (u64 i = 0; i < 4; ++i) value = value << 8 | std::to_integer<u32>(bytes_[at + i]);
    return value;
  }
  [[nodiscard]] std::string_view text(u64 at, u64 length) const {
    if (at > bytes_.size() || length > bytes_.size() - at) return {};
    return {reinterpret_cast<const char*>(bytes_.data()) + at, static_cast<usize>(length)};
  }
  /// The characters up to the next NUL.
  [[nodiscard]] std::string_view string(u64 at) const {
    if (at >= bytes_.size()) return {};
    const std::string_view rest = text(at, bytes_.size() - at);
    return rest.substr(0, rest.find('\0'));
  }

 private:
  std::vector<std::byte> bytes_;
};

/// Every token is at least four bytes further than the one before, so the walk ends.
sv39::Extensions extensions_in_blob(const Blob& blob) {
  const auto structure = blob.word(8);
  const auto strings = blob.word(12);
  sv39::Extensions found;
  if (!structure || !strings) return found;
  for (u64 at = *structure;;) {
    const auto token = blob.word(at);
    if (!token) return found;
    at += 4;
    switch (static_cast<Token>(*token)) {
      case Token::begin_node: at += (blob.string(at).size() + 4) & ~u64{3}; break;
      case Token::end_node:
      case Token::nop: break;
      case Token::property: {
        const auto length = blob.word(at);
        const auto name = blob.word(at + 4);
        if (!length || !name) return found;
        // "riscv,isa" is one string, "riscv,isa-extensions" a list of them.
        if (blob.string(u64{*strings} + *name).starts_with("riscv,isa"))
          found = found.with(extensions_in(blob.text(at + 8, *length)));
        at += 8 + ((u64{*length} + 3) & ~u64{3});
        break;
      }
      default: return found;
    }
  }
}

}  // namespace

sv39::Extensions extensions_in(std::string_view names) {
  sv39::Extensions found;
  const auto is_letter = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; };
  for (auto at = names.begin(); at != names.end();) {
    const auto begin = std::find_if(at, names.end(), is_letter);
    const auto end = std::find_if_not(begin, names.end(), is_letter);
    for (const Named& one : named) {
      if (std::string_view(begin, end) == one.name) found = found.with(one.extension);
    }
    at = end;
  }
  return found;
}

std::string names_of(sv39::Extensions extensions) {
  std::string names;
  for (const Named& one : named) {
    if (extensions.has(one.extension)) names += (names.empty() ? "" : ",") + std::string(one.name);
  }
  return names;
}

sv39::Extensions extensions_of(Qmp& qmp) {
  sv39::Extensions found;
  for (const Named& one : named) {
    const auto answer = qmp.execute("qom-get", {{"path", "/machine/soc0/harts[0]"}, {"property", one.name}});
    if (answer && answer->is_boolean() && answer->get<bool>()) found = found.with(one.extension);
  }
  return found;
}

sv39::Extensions extensions_in_tree(const Ram& ram) {
  for (u64 at = 0; at < ram.size(); at += tree_alignment) {
    const u64 pa = ram.base() + at;
    std::vector<std::byte> bytes(header_bytes);
    if (!ram.read(pa, bytes)) continue;
    const Blob header(bytes);
    const u64 size = header.word(4).value_or(0);
    if (header.word(0) != magic || size < header_bytes || size > most_bytes || !ram.contains(pa, size)) continue;
    bytes.resize(size);
    if (ram.read(pa, bytes)) return extensions_in_blob(Blob(std::move(bytes)));
  }
  return {};
}

}  // namespace foliowalk
