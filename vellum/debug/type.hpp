// SPDX-License-Identifier: MIT
#pragma once
// Types as the DWARF of C and C++ describes them: sizes, members, bounds. Everything is read when it is asked for.

#include "vellum/debug/location.hpp"

namespace vellum::debug {

enum class TypeKind : u8 {
  nothing,  // void
  integer,
  character,
  boolean,
  floating,
  pointer,    // to an object, a function or a member
  reference,
  structure,  // struct, class
  union_,
  array,
  enumeration,
  function,
  alias,      // typedef
  qualified,  // const, volatile, restrict, _Atomic
  unknown,
};

/// A member of a structure, or a class that it is derived from.
struct Member {
  std::string_view name;  // empty for a base class and for an anonymous structure or union
  Result<u64> offset = 0;  // in bytes from the start of the structure; for a bit-field, of the byte of its first bit
  bool is_base = false;
  struct Bits {
    u64 first = 0;  // from the start of the structure, counted from the lowest bit of the lowest byte
    u64 count = 0;
  };
  std::optional<Bits> bits;  // only bit-fields have them
  Entry entry;
};

struct Enumerator {
  std::string_view name;
  Result<i64> value = 0;
};

/// How many elements an array's dimension has.
struct Bound {
  enum class Kind : u8 {
    known,
    open,      // `int a[];`: as many as there is room for
    run_time,  // as many as a variable says
  };
  Kind kind = Kind::open;
  u64 count = 0;
};

class Type {
 public:
  /// The type that the entry's DW_AT_type names (its own or its origin's); TypeKind::nothing where it names none.
  [[nodiscard]] static Result<Type> of(const Dwarf& dwarf, const Entry& entry);
  /// The type that an entry itself describes.
  [[nodiscard]] static Type described_by(const Dwarf& dwarf, const Entry& entry);

  [[nodiscard]] TypeKind kind() const { return kind_; }
  /// The entry; nothing for void.
  [[nodiscard]] const std::optional<Entry>& entry() const { return entry_; }
  [[nodiscard]] Result<std::string_view> name() const;
  /// Whether the number is signed: of integers, characters and enumerations.
  [[nodiscard]] bool is_signed() const;
  /// A structure that was only announced here; its members stand elsewhere, if anywhere.
  [[nodiscard]] bool is_declaration() const;

  /// In bytes. Errors: an incomplete type, an open array, a type chain that is a circle.
  [[nodiscard]] Result<u64> size() const;
  /// What an alias, qualified type or pointer stands for or leads to, an array holds, or an enumeration is made of.
  [[nodiscard]] Result<Type> target() const;
  /// The type behind all aliases and qualifiers. Errors: a chain that is a circle.
  [[nodiscard]] Result<Type> stripped() const;

  /// An array's number of dimensions.
  [[nodiscard]] Result<usize> dimensions() const;
  /// Errors: no such dimension; a bound in a form that cannot be read; elements that do not lie side by side.
  [[nodiscard]] Result<Bound> bound(usize dimension) const;

 private:
  friend class Members;
  friend class Enumerators;

  [[nodiscard]] Result<u64> size_within(int steps) const;
  [[nodiscard]] Result<u64> array_size(int steps) const;

  const Dwarf* dwarf_ = nullptr;
  TypeKind kind_ = TypeKind::nothing;
  std::optional<Entry> entry_;
};

/// Goes through the members of a structure or union, in the order of the source. Static members are left out: they have
/// no place in the object.
class Members {
 public:
  explicit Members(const Type& type);
  /// False when there are no more.
  [[nodiscard]] Result<bool> next();
  [[nodiscard]] const Member& member() const { return member_; }

 private:
  const Dwarf* dwarf_;
  bool in_union_;
  std::optional<Walk> walk_;
  Member member_;
};

class Enumerators {
 public:
  explicit Enumerators(const Type& type);
  [[nodiscard]] Result<bool> next();
  [[nodiscard]] const Enumerator& enumerator() const { return enumerator_; }

 private:
  const Dwarf* dwarf_;
  std::optional<Walk> walk_;
  Enumerator enumerator_;
};

}  // namespace vellum::debug
