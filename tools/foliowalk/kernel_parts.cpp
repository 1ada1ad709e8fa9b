// SPDX-License-Identifier: MIT
#include "tools/foliowalk/kernel_parts.hpp"

#include <algorithm>

namespace foliowalk {
namespace {

constexpr u64 most_pipes = 4096, longest_buffers = u64{1} << 32;

class Parts {
 public:
  explicit Parts(const KernelMemory& memory) : memory_(memory) {}

  std::vector<KernelPart> run() {
    for (const Section& section : memory_.image().sections()) {
      const bool is_text = section.name == ".text" || section.name.starts_with(".text.");
      if (is_text && section.size != 0) add(section.address, section.size, PartKind::text);
    }
    for (const Variable& variable : memory_.image().variables()) {
      const Value value(memory_, variable.type, variable.address);
      if (variable.name == "bcache" && value.member("buf").exists()) {
        add(value.address(), value.type()->size, PartKind::buffers);
      }
      if (variable.name == "ftable") pipes_of_files(value.member("file"));
      pipes_of_pool(value.member("value_.pipes_"));
      buffers_of_cache(value.member("value_.cache_"));
    }
    return std::move(parts_);
  }

 private:
  /// `address` is the kernel's; the piece lies in one piece in RAM.
  void add(u64 address, u64 bytes, PartKind kind) {
    if (const auto pa = memory_.to_physical(address)) parts_.push_back({*pa, *pa + bytes, kind});
  }

  void pipes_of_files(const Value& files) {
    for (u64 i = 0; i < std::min(files.length(), most_pipes); ++i) {
      const Value file = files.at(i);
      if (file.member("type").enumerator() != "FD_PIPE" || file.member("ref").number().value_or(0) == 0) continue;
      const auto pipe = file.member("pipe").number();
      if (pipe && *pipe != 0) add(*pipe, sv39::page_size, PartKind::pipe);
    }
  }

  void pipes_of_pool(const Value& pipes) {
    for (u64 i = 0; i < std::min(pipes.length(), most_pipes); ++i) {
      const Value pipe = pipes.at(i);
      const bool is_open =
          pipe.member("read_open_").number().value_or(0) != 0 || pipe.member("write_open_").number().value_or(0) != 0;
      const auto ring = pipe.member("ring_").number();
      if (is_open && ring && *ring != 0) add(*ring, sv39::page_size, PartKind::pipe);
    }
  }

  void buffers_of_cache(const Value& cache) {
    const auto first = cache.member("buffers_").pointee().member("bytes").number();
    const auto records = cache.member("buffers_").number();
    // The blocks, and behind them the records.
    if (!first || !records || *records <= *first || *records - *first > longest_buffers) return;
    add(*first, *records - *first, PartKind::buffers);
  }

  const KernelMemory& memory_;
  std::vector<KernelPart> parts_;
};

}  // namespace

std::vector<KernelPart> kernel_parts(const KernelMemory& memory) { return Parts(memory).run(); }

}  // namespace foliowalk
