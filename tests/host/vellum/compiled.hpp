#pragma once
// Programs for the reader of ELF and DWARF to read: tests/guests/debug, compiled as students' kernels are.

#include <gtest/gtest.h>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "vellum/debug/arena.hpp"

namespace vellum::debug::test {

/// Memory that grows as the reader asks for it, up to a limit.
class Memory {
 public:
  explicit Memory(usize limit = usize{1} << 30) : left_(limit), arena_({}, more, this) {}
  [[nodiscard]] Arena& arena() { return arena_; }

 private:
  static std::span<std::byte> more(void* owner, usize bytes);

  usize left_;
  std::vector<std::vector<std::byte>> pieces_;
  Arena arena_;
};

/// One way of compiling the corpus.
struct Build {
  std::string name;
  std::string source;   // "c" or "c++"
  std::string command;  // the compiler with its options; sources and output follow
  bool oracle_can_read = true;  // libdw 0.188 does not know GCC's view numbers in location lists
};

/// How GoogleTest names one.
inline void PrintTo(const Build& build, std::ostream* out) { *out << build.name; }

/// Every way that is tried here: GCC 12 and clang for RISC-V, DWARF 2 to 5, with and without optimisation, and the
/// rarer ways to write things.
[[nodiscard]] const std::vector<Build>& builds();

/// The program's file; compiled once in each test program, and gone with it. Nothing when the compiler is not there or
/// does not want to; `complaint` then says why.
[[nodiscard]] std::optional<std::vector<std::byte>> compiled(const Build& build, std::string& complaint);

/// Where the compiled file lies, for readers that want a path.
[[nodiscard]] std::string path_of(const Build& build);

[[nodiscard]] std::optional<std::vector<std::byte>> file_at(const std::string& path);

}  // namespace vellum::debug::test
