// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/foliowalk/failure.hpp"

namespace foliowalk {

/// A C or C++ type as the kernel's DWARF describes it. Layouts always come from here; none is written down in
/// foliowalk.
struct Type {
  enum class Kind { integer, pointer, structure, array, enumeration, unknown };

  struct Member {
    std::string name;  // empty for a base class or an anonymous struct
    u64 offset = 0;
    const Type* type = nullptr;
    std::string problem;  // why it cannot be read; empty when all is well
  };
  struct Enumerator {
    std::string name;
    i64 value = 0;
  };

  Kind kind = Kind::unknown;
  std::string name;
  u64 size = 0;
  bool is_signed = false;
  std::vector<Member> members;  // structure
  const Type* element = nullptr;  // array: of what; pointer: to what (null for void)
  u64 count = 0;  // array: how many
  std::vector<Enumerator> enumerators;  // enumeration
};

struct Symbol {
  std::string name;
  u64 address = 0;
  u64 size = 0;
};

/// A global or static variable, named with its namespaces: "process::table".
struct Variable {
  std::string name;
  u64 address = 0;
  const Type* type = nullptr;
};

struct Section {
  std::string name;
  u64 address = 0;
  u64 size = 0;
};

/// The kernel's ELF file: symbols, sections, segments, variables and types.
class KernelImage {
 public:
  [[nodiscard]] static Outcome<std::unique_ptr<KernelImage>> open(const std::string& path);
  /// The same of a file that is in memory already; `name` is what error texts call it.
  [[nodiscard]] static Outcome<std::unique_ptr<KernelImage>> read(std::string name, std::vector<std::byte> file);
  ~KernelImage();
  KernelImage(const KernelImage&) = delete;
  KernelImage& operator=(const KernelImage&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] const Symbol* symbol(std::string_view name) const;
  /// The symbol which covers `address`, or the nearest one below it within 64 KiB.
  [[nodiscard]] const Symbol* symbol_at(u64 address) const;
  /// The address of a function or variable, by its symbol or as C++ has it: "kalloc", "process::the_table",
  /// "kalloc+0x12".
  [[nodiscard]] std::optional<u64> address_of(std::string_view text) const;
  [[nodiscard]] const std::vector<Section>& sections() const { return sections_; }
  [[nodiscard]] const std::vector<Variable>& variables() const { return variables_; }
  /// By full name ("process::table") or, when that is the only one, by last component ("table").
  [[nodiscard]] const Variable* variable(std::string_view name) const;
  /// A class by its full name ("mm::Region"); null when the DWARF defines none.
  [[nodiscard]] const Type* type(const std::string& name) const;
  /// Physical address at which the loader put this link address, from the program headers.
  [[nodiscard]] std::optional<u64> loaded_at(u64 address) const;
  /// Lowest and one-past-highest physical address which the file's segments fill.
  [[nodiscard]] u64 physical_begin() const { return physical_begin_; }
  [[nodiscard]] u64 physical_end() const { return physical_end_; }
  [[nodiscard]] bool has_dwarf() const { return !variables_.empty(); }
  /// The first thing in the debug information that could not be read, or why there is none; empty when all is well.
  [[nodiscard]] const std::string& problem() const;

 private:
  struct Segment {
    u64 virtual_address, physical_address, size;
  };
  struct Reader;  // in the .cpp

  KernelImage() = default;
  [[nodiscard]] const Symbol* mangled_symbol(std::string_view name) const;

  std::string path_;
  std::vector<Symbol> symbols_;  // by address
  std::vector<Section> sections_;
  std::vector<Segment> segments_;
  std::vector<Variable> variables_;
  std::unique_ptr<Reader> reader_;
  u64 physical_begin_ = 0;
  u64 physical_end_ = 0;
};

}  // namespace foliowalk
