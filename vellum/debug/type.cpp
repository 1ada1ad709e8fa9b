// SPDX-License-Identifier: MIT
#include "vellum/debug/type.hpp"

namespace vellum::debug {
namespace {

constexpr std::string_view section = ".debug_info";
/// Chains of aliases, qualifiers and arrays of arrays in real programs have a few links; a circle has no end.
constexpr int most_links = 256;

std::optional<u64> number_of(const Dwarf& dwarf, const Entry& entry, u16 name) {
  const auto attribute = entry.find(name);
  if (!attribute) return std::nullopt;
  const auto value = dwarf.number(entry.unit(), *attribute);
  return value ? std::optional(*value) : std::nullopt;
}

TypeKind kind_of_base(u64 encoding) {
  switch (encoding) {
    case ate::boolean: return TypeKind::boolean;
    case ate::float_: return TypeKind::floating;
    case ate::signed_char:
    case ate::unsigned_char:
    case ate::utf: return TypeKind::character;
    case ate::signed_:
    case ate::unsigned_: return TypeKind::integer;
    default: return TypeKind::unknown;
  }
}

TypeKind kind_of(const Dwarf& dwarf, const Entry& entry) {
  switch (entry.tag()) {
    case tag::base_type: return kind_of_base(number_of(dwarf, entry, at::encoding).value_or(0));
    case tag::pointer_type:
    case tag::pointer_to_member: return TypeKind::pointer;
    case tag::reference_type:
    case tag::rvalue_reference_type: return TypeKind::reference;
    case tag::structure_type:
    case tag::class_type:
    case tag::interface_type: return TypeKind::structure;
    case tag::union_type: return TypeKind::union_;
    case tag::array_type: return TypeKind::array;
    case tag::enumeration_type: return TypeKind::enumeration;
    case tag::subroutine_type: return TypeKind::function;
    case tag::type_alias:
    case tag::template_alias: return TypeKind::alias;
    case tag::const_type:
    case tag::volatile_type:
    case tag::restrict_type:
    case tag::atomic_type:
    case tag::immutable_type:
    case tag::shared_type: return TypeKind::qualified;
    default: return TypeKind::unknown;  // DW_TAG_unspecified_type (nullptr_t) too
  }
}

/// A member's offset: a number, or (always in DWARF 2) an expression that adds to the structure's address.
Result<u64> offset_of(const Dwarf& dwarf, const Entry& member, bool in_union) {
  const auto attribute = member.find(at::data_member_location);
  if (!attribute) {
    // In a union every member is at the beginning; so is a sole member of a structure to some compilers.
    if (in_union || member.find(at::data_bit_offset)) return 0;
    return fail("a member has no offset (DW_AT_data_member_location)", section, member.offset());
  }
  const auto block = Dwarf::block(*attribute);
  if (!block) {
    const auto number = dwarf.number(member.unit(), *attribute);
    if (!number) return fail("a member's offset is in a form that cannot be read", section, member.offset());
    return *number;
  }
  const auto location = evaluate(dwarf, member.unit(), *block, 0);
  if (!location) return fail("a member's offset depends on the object: a virtual base", section, member.offset());
  if (location->kind != Location::Kind::address)
    return fail("a member's offset is an expression that gives none", section, member.offset());
  return location->value;
}

/// The bits of a bit-field. DWARF 2 and 3 count from the highest bit of a storage unit, DWARF 4 from the start of the
/// structure.
Result<std::optional<Member::Bits>> bits_of(const Dwarf& dwarf, const Entry& entry, u64 offset) {
  const auto count = number_of(dwarf, entry, at::bit_size);
  if (!count) {
    if (entry.has(at::bit_size))
      return fail("a bit-field's width is in a form that cannot be read", section, entry.offset());
    return std::nullopt;
  }
  if (const auto first = number_of(dwarf, entry, at::data_bit_offset)) return Member::Bits{offset * 8 + *first, *count};
  const auto from_top = number_of(dwarf, entry, at::bit_offset);
  if (!from_top) return Member::Bits{offset * 8, *count};
  auto storage = number_of(dwarf, entry, at::byte_size);
  if (!storage) {
    const auto type = Type::of(dwarf, entry);
    const auto size = type ? type->size() : Result<u64>(std::unexpected(type.error()));
    if (!size) return std::unexpected(size.error());
    storage = *size;
  }
  // DW_AT_bit_offset may be negative for a field that reaches beyond its unit: the sum is what counts.
  return Member::Bits{offset * 8 + *storage * 8 - *from_top - *count, *count};
}

}  // namespace

Type Type::described_by(const Dwarf& dwarf, const Entry& entry) {
  Type type;
  type.dwarf_ = &dwarf;
  type.kind_ = kind_of(dwarf, entry);
  type.entry_ = entry;
  return type;
}

Result<Type> Type::of(const Dwarf& dwarf, const Entry& entry) {
  const Unit* where = nullptr;
  const auto attribute = dwarf.integrated(entry, at::type, where);
  if (!attribute) return std::unexpected(attribute.error());
  if (!*attribute) {
    Type none;
    none.dwarf_ = &dwarf;
    return none;
  }
  auto target = dwarf.reference(*where, **attribute);
  if (!target) return std::unexpected(target.error());
  // A declaration may name the unit that holds the definition by its signature.
  if (const auto signature = target->find(at::signature)) {
    target = dwarf.reference(target->unit(), *signature);
    if (!target) return std::unexpected(target.error());
  }
  return described_by(dwarf, *target);
}

Result<std::string_view> Type::name() const {
  if (!entry_) return std::string_view("void");
  return dwarf_->name(*entry_);
}

bool Type::is_declaration() const { return entry_ && entry_->flag(at::declaration); }

bool Type::is_signed() const {
  if (!entry_) return false;
  if (kind_ == TypeKind::enumeration) {
    // What it is made of says so; compilers of DWARF 2 leave that out, and the values say.
    if (const auto base = target(); base && base->entry_) {
      const auto plain = base->stripped();
      return plain && plain->kind_ != TypeKind::enumeration && plain->is_signed();
    }
    Enumerators all(*this);
    for (auto more = all.next(); more && *more; more = all.next()) {
      if (all.enumerator().value.value_or(0) < 0) return true;
    }
    return false;
  }
  const u64 encoding = number_of(*dwarf_, *entry_, at::encoding).value_or(0);
  return encoding == ate::signed_ || encoding == ate::signed_char;
}

Result<Type> Type::target() const {
  if (!entry_) return fail("void leads nowhere", section);
  return of(*dwarf_, *entry_);
}

Result<Type> Type::stripped() const {
  Type type = *this;
  for (int link = 0; link < most_links; ++link) {
    if (type.kind_ != TypeKind::alias && type.kind_ != TypeKind::qualified) return type;
    const auto next = type.target();
    if (!next) return next;
    type = *next;
  }
  return fail("a type is an alias of itself", section, entry_ ? entry_->offset() : 0);
}

Result<u64> Type::size() const { return size_within(most_links); }

Result<u64> Type::size_within(int steps) const {
  if (!entry_) return fail("void has no size", section);
  if (steps == 0) return fail("a type contains itself", section, entry_->offset());
  if (const auto attribute = entry_->find(at::byte_size)) {
    const auto size = dwarf_->number(entry_->unit(), *attribute);
    if (!size) return fail("a type's size is in a form that cannot be read", section, entry_->offset());
    return *size;
  }
  switch (kind_) {
    case TypeKind::pointer:
    case TypeKind::reference:
      if (entry_->tag() == tag::pointer_to_member) break;
      return 8;
    case TypeKind::alias:
    case TypeKind::qualified:
    case TypeKind::enumeration: {
      const auto next = target();
      if (!next) return std::unexpected(next.error());
      return next->size_within(steps - 1);
    }
    case TypeKind::array: return array_size(steps);
    default: break;
  }
  if (is_declaration()) return fail("the type is only declared here, not defined", section, entry_->offset());
  return fail("the type has no size", section, entry_->offset());
}

Result<u64> Type::array_size(int steps) const {
  const auto element = target();
  if (!element) return std::unexpected(element.error());
  auto size = element->size_within(steps - 1);
  if (!size) return size;
  const auto count = dimensions();
  if (!count) return std::unexpected(count.error());
  for (usize i = 0; i < *count; ++i) {
    const auto dimension = bound(i);
    if (!dimension) return std::unexpected(dimension.error());
    if (dimension->kind != Bound::Kind::known)
      return fail("an array without bounds has no size", section, entry_->offset());
    if (__builtin_mul_overflow(*size, dimension->count, &*size))
      return fail("an array is larger than the address space", section, entry_->offset());
  }
  return size;
}

namespace {

/// Moves to the next subrange of an array; false when there is none.
Result<bool> next_dimension(Walk& walk) {
  for (;;) {
    const auto more = walk.next();
    if (!more || !*more) return more;
    const Entry entry = walk.entry();
    if (const auto skipped = walk.skip_children(); !skipped) return std::unexpected(skipped.error());
    // An enumeration may stand for a dimension (Pascal); C and C++ have only subranges.
    if (entry.tag() == tag::subrange_type || entry.tag() == tag::enumeration_type) return true;
  }
}

/// A bound's number. Errors: a form that cannot be read. Nothing: it is known only while the program runs.
Result<std::optional<u64>> bound_number(const Dwarf& dwarf, const Entry& entry, const Attribute& attribute) {
  if (const auto expression = Dwarf::block(attribute)) {
    const auto location = evaluate(dwarf, entry.unit(), *expression);
    // A constant may be written as an expression; anything that looks at registers or memory is not one.
    if (location && (location->kind == Location::Kind::address || location->kind == Location::Kind::constant))
      return location->value;
    return std::nullopt;
  }
  if (const auto number = dwarf.number(entry.unit(), attribute); number && attribute.form != form::sec_offset)
    return *number;
  const bool elsewhere = attribute.form == form::loclistx || attribute.form == form::sec_offset ||
                         dwarf.reference(entry.unit(), attribute).has_value();
  if (elsewhere) return std::nullopt;
  return fail("an array's bound is in a form that cannot be read", section, entry.offset());
}

Result<Bound> bound_of(const Dwarf& dwarf, const Entry& entry) {
  const auto count = entry.find(at::count);
  const auto last = entry.find(at::upper_bound);
  if (!count && !last) return Bound{};
  const auto value = bound_number(dwarf, entry, count ? *count : *last);
  if (!value) return std::unexpected(value.error());
  if (!*value) return Bound{Bound::Kind::run_time, 0};
  if (count) return Bound{Bound::Kind::known, **value};
  u64 first = 0;
  if (const auto lower = entry.find(at::lower_bound)) {
    const auto low = bound_number(dwarf, entry, *lower);
    if (!low) return std::unexpected(low.error());
    if (!*low) return Bound{Bound::Kind::run_time, 0};
    first = **low;
  }
  // GCC writes `int a[0]` with the upper bound -1, in as many bytes as an index has: the sum is 0.
  return Bound{Bound::Kind::known, **value + 1 - first};
}

}  // namespace

Result<usize> Type::dimensions() const {
  if (kind_ != TypeKind::array) return fail("not an array", section, entry_ ? entry_->offset() : 0);
  Walk walk = Walk::below(*dwarf_, *entry_);
  for (usize count = 0;; ++count) {
    const auto more = next_dimension(walk);
    if (!more) return std::unexpected(more.error());
    if (!*more) return count;
  }
}

Result<Bound> Type::bound(usize dimension) const {
  if (kind_ != TypeKind::array) return fail("not an array", section, entry_ ? entry_->offset() : 0);
  if (entry_->has(at::bit_stride) || entry_->has(at::byte_stride))
    return fail("an array's elements do not lie side by side", section, entry_->offset());
  Walk walk = Walk::below(*dwarf_, *entry_);
  for (usize i = 0;; ++i) {
    const auto more = next_dimension(walk);
    if (!more) return std::unexpected(more.error());
    if (!*more) return fail("an array does not have so many dimensions", section, entry_->offset());
    if (i == dimension) return bound_of(*dwarf_, walk.entry());
  }
}

Members::Members(const Type& type) : dwarf_(type.dwarf_), in_union_(type.kind_ == TypeKind::union_) {
  if (type.kind_ == TypeKind::structure || in_union_) walk_ = Walk::below(*dwarf_, *type.entry_);
}

Result<bool> Members::next() {
  while (walk_) {
    const auto more = walk_->next();
    if (!more || !*more) return more;
    const Entry entry = walk_->entry();
    if (const auto skipped = walk_->skip_children(); !skipped) return std::unexpected(skipped.error());
    if (entry.tag() != tag::member && entry.tag() != tag::inheritance) continue;
    if (entry.has(at::external) || entry.flag(at::declaration)) continue;  // static
    member_ = {};
    member_.entry = entry;
    member_.is_base = entry.tag() == tag::inheritance;
    const auto name = dwarf_->name(entry);
    if (!name) return std::unexpected(name.error());
    if (!member_.is_base) member_.name = *name;
    member_.offset = offset_of(*dwarf_, entry, in_union_);
    if (!member_.offset) return true;
    const auto bits = bits_of(*dwarf_, entry, *member_.offset);
    if (!bits) {
      member_.offset = std::unexpected(bits.error());
    } else if (*bits) {
      member_.bits = **bits;
      member_.offset = (*bits)->first / 8;
    }
    return true;
  }
  return false;
}

Enumerators::Enumerators(const Type& type) : dwarf_(type.dwarf_) {
  if (type.kind_ == TypeKind::enumeration) walk_ = Walk::below(*dwarf_, *type.entry_);
}

Result<bool> Enumerators::next() {
  while (walk_) {
    const auto more = walk_->next();
    if (!more || !*more) return more;
    const Entry entry = walk_->entry();
    if (entry.tag() != tag::enumerator) continue;
    const auto name = dwarf_->name(entry);
    if (!name) return std::unexpected(name.error());
    enumerator_ = {*name, fail("an enumerator has no value", section, entry.offset())};
    if (const auto value = entry.find(at::const_value)) {
      // GCC and clang write what is negative as signed LEB128; the forms of fixed size are for the others.
      const auto number = dwarf_->number(entry.unit(), *value);
      if (number)
        enumerator_.value = static_cast<i64>(*number);
      else
        enumerator_.value = std::unexpected(number.error());
    }
    return true;
  }
  return false;
}

}  // namespace vellum::debug
