// SPDX-License-Identifier: MIT
#include "tools/foliowalk/profile.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "tools/foliowalk/bifolium.hpp"

namespace foliowalk {
namespace {

// The names under which kernels keep these things, the likeliest first.
constexpr std::array pid_names = {"pid", "id", "tid", "pid_"};
constexpr std::array name_names = {"name", "comm", "label", "title", "name_"};
constexpr std::array state_names = {"life", "state", "phase", "status", "state_"};
constexpr std::array size_names = {"sz", "size", "brk", "heap_end"};
constexpr std::array root_names = {"pagetable",      "page_table",  "pgdir",      "pgtbl",  "pt",
                                   "satp",           "root",        "root_ppn",   "root_",  "space.root",
                                   "space.root_ppn", "space.root_", "space.satp", "mm.pgd", "mm.root",
                                   "vm.root",        "aspace.root", "memory.root"};
constexpr std::array kernel_root_names = {
    "kpagetable",        "kernel_pagetable", "kpgtbl",      "k_pagetable", "kernelpt",    "kpt",
    "proc_kpagetable",   "kpagetbl",         "pagetable_k", "kernelpgtbl", "kernel_root", "space.kernel_root",
    "space.kernel_root_"};
constexpr std::array global_root_names = {"kernel_pagetable", "kernel_root",  "kernel_page_table",
                                          "kpgdir",           "kernel_pgdir", "swapper_pg_dir"};
constexpr std::array next_pid_names = {"nextpid", "next_pid", "pid_counter"};
constexpr std::array unused_states = {"unused", "vacant", "free", "empty", "none", "dead", "invalid"};

const Type* element_of(const Type* type) {
  while (type && type->kind == Type::Kind::structure && type->members.size() == 1) type = type->members[0].type;
  if (!type || type->kind != Type::Kind::array || type->count < 2) return nullptr;
  const Type* element = type->element;
  if (element && element->kind == Type::Kind::pointer) element = element->element;
  return element && element->kind == Type::Kind::structure ? element : nullptr;
}

/// Whether a path of members leads somewhere in a type; pointers count as leading on.
const Type* type_at(const Type* type, std::string_view path) {
  while (type && !path.empty()) {
    if (type->kind == Type::Kind::pointer) type = type->element;
    if (!type || type->kind != Type::Kind::structure) return nullptr;
    const usize dot = path.find('.');
    const std::string_view name = path.substr(0, dot);
    const Type* found = nullptr;
    for (const Type::Member& member : type->members) {
      if (!member.problem.empty()) continue;
      if (member.name == name)
        found = member.type;
      else if (member.name.empty() && !found)
        found = type_at(member.type, name);
    }
    type = found;
    path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
  }
  return type;
}

/// The element type of a table given as a variable or as a member of one.
const Type* table_element(const Variable& variable, std::string_view path) {
  const usize dot = path.find('.');
  return element_of(dot == std::string_view::npos ? variable.type : type_at(variable.type, path.substr(dot + 1)));
}

template <usize n>
std::string first_of(const std::array<const char*, n>& names, const Type* type) {
  const auto found = std::ranges::find_if(names, [&](const char* name) { return type_at(type, name) != nullptr; });
  return found == names.end() ? "" : *found;
}

/// A pointer to 8-byte numbers is what xv6 calls a pagetable_t.
bool is_table_pointer(const Type* type) {
  return type && type->kind == Type::Kind::pointer && type->element && type->element->kind == Type::Kind::integer &&
         type->element->size == 8 && !type->element->is_signed;
}

/// The first member that points to a table, whatever it is called.
std::string member_of_tables_type(const Type* type) {
  const auto found =
      std::ranges::find_if(type->members, [](const Type::Member& member) { return is_table_pointer(member.type); });
  return found == type->members.end() ? "" : found->name;
}

/// The member that was asked for by name, or the likeliest.
template <usize n>
std::string chosen(const std::string& wanted, const std::array<const char*, n>& names, const Type* element) {
  if (wanted.empty()) return first_of(names, element);
  return type_at(element, wanted) ? wanted : "";
}

std::string root_member(const std::string& wanted, const Type* element) {
  std::string named = chosen(wanted, root_names, element);
  return named.empty() && wanted.empty() ? member_of_tables_type(element) : named;
}

/// How sure we may be that a variable is the process table; 0 when it can't be.
int score(const Variable& variable, const Type* element, const ProfileNames& wanted) {
  if (chosen(wanted.pid, pid_names, element).empty() || root_member(wanted.root, element).empty()) return 0;
  int points = 1;
  points += !chosen(wanted.root, root_names, element).empty();
  points += !first_of(name_names, element).empty();
  points += !first_of(state_names, element).empty();
  points += variable.name == "proc" || variable.name == "tasks";
  return points;
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

void adopt(std::string& wanted, std::string found) {
  if (wanted.empty()) wanted = std::move(found);
}

}  // namespace

std::optional<u64> root_address(const KernelMemory& memory, const Value& value, std::string_view path) {
  const auto raw = value.number();
  if (!raw || *raw == 0) return std::nullopt;
  const std::string name = lower(std::string(path.substr(path.rfind('.') + 1)));
  if (name.find("satp") != std::string::npos) return Satp{*raw}.root();
  if (name.find("ppn") != std::string::npos || value.type()->name == "Ppn") return *raw << sv39::page_shift;
  if (value.type()->kind == Type::Kind::pointer) return memory.to_physical(*raw);
  return *raw;
}

Outcome<Profile> Profile::detect(const KernelImage& image, const ProfileNames& wanted) {
  Profile profile;
  profile.names_ = wanted;
  if (wanted.table.empty() && is_bifolium(image)) {
    profile.family_ = Family::bifolium;
    profile.names_ = bifolium_names();
    return profile;
  }
  const Variable* table = nullptr;
  if (!wanted.table.empty()) {
    table = image.variable(std::string_view(wanted.table).substr(0, wanted.table.find('.')));
    if (!table) return fail(fmt::format("{} has no variable `{}` in its DWARF", image.path(), wanted.table));
    if (!table_element(*table, wanted.table))
      return fail(fmt::format("`{}` is not an array of structures", wanted.table));
  } else {
    int best = 0;
    for (const Variable& variable : image.variables()) {
      const Type* element = element_of(variable.type);
      const int points = element ? score(variable, element, wanted) : 0;
      if (points > best) best = points, table = &variable;
    }
  }
  if (!table && (!wanted.root.empty() || !wanted.pid.empty())) {
    return fail(fmt::format("{} has no array of structures with the members {} and {}", image.path(),
                            wanted.pid.empty() ? "pid" : wanted.pid, wanted.root.empty() ? "pagetable" : wanted.root));
  }
  ProfileNames& names = profile.names_;
  if (table) {
    const Type* element = table_element(*table, names.table);
    if (names.table.empty()) names.table = table->name;
    adopt(names.pid, first_of(pid_names, element));
    adopt(names.name, first_of(name_names, element));
    adopt(names.state, first_of(state_names, element));
    adopt(names.size, first_of(size_names, element));
    adopt(names.root, root_member("", element));
    adopt(names.kernel_root, first_of(kernel_root_names, element));
    if (names.table == "proc" && names.root == "pagetable") profile.family_ = Family::xv6;
  }
  if (table) {
    const Type* element = table_element(*table, names.table);
    for (const std::string& given :
         {wanted.pid, wanted.name, wanted.state, wanted.root, wanted.kernel_root, wanted.size}) {
      if (!given.empty() && !type_at(element, given))
        return fail(fmt::format("the elements of `{}` have no member `{}`", names.table, given));
    }
  }
  if (!wanted.global_root.empty() &&
      !image.variable(std::string_view(wanted.global_root).substr(0, wanted.global_root.find('.')))) {
    return fail(fmt::format("--kernel-root: {} has no variable `{}`", image.path(), wanted.global_root));
  }
  for (const char* name : global_root_names) {
    if (names.global_root.empty() && image.variable(name)) names.global_root = name;
  }
  // Under another name: the only variable of a table's type.
  if (names.global_root.empty()) {
    const auto is_root = [](const Variable& variable) { return is_table_pointer(variable.type); };
    if (std::ranges::count_if(image.variables(), is_root) == 1)
      names.global_root = std::ranges::find_if(image.variables(), is_root)->name;
  }
  for (const char* name : next_pid_names) {
    if (image.variable(name)) adopt(names.next_pid, name);
  }
  profile.note_what_is_missing(image);
  return profile;
}

void Profile::note_what_is_missing(const KernelImage& image) {
  if (!image.problem().empty()) notes_.push_back(fmt::format("the kernel's file: {}", image.problem()));
  if (names_.table.empty()) {
    notes_.push_back(
        "no process table: no array of structures has a process number and a root table under a name or of a type that "
        "I know; --procs, --pid-member and --root-member say which");
  } else if (names_.root.empty() || names_.pid.empty()) {
    notes_.push_back(fmt::format("in `{}` I find no {}: --{}-member says which member it is", names_.table,
                                 names_.root.empty() ? "root table" : "process number",
                                 names_.root.empty() ? "root" : "pid"));
  }
  if (names_.global_root.empty()) {
    std::string candidates;
    for (const Variable& variable : image.variables()) {
      if (is_table_pointer(variable.type)) candidates += (candidates.empty() ? "" : ", ") + variable.name;
    }
    notes_.push_back(fmt::format("no root table of the kernel's own: --kernel-root says which variable it is{}",
                                 candidates.empty() ? "" : " (of the right type: " + candidates + ")"));
  }
}

u64 Profile::slots(const KernelMemory& memory) const {
  return names_.table.empty() ? 0 : std::min<u64>(Value::of_variable(memory, names_.table).length(), 65536);
}

std::optional<ProcessRecord> Profile::process(const KernelMemory& memory, u64 slot) const {
  Value entry = Value::of_variable(memory, names_.table).at(slot);
  if (entry.exists() && entry.type()->kind == Type::Kind::pointer) entry = entry.pointee();
  if (!entry.exists()) return std::nullopt;

  ProcessRecord record;
  record.slot = slot;
  if (!names_.state.empty()) {
    record.state = lower(entry.member(names_.state).enumerator());
    if (std::ranges::find(unused_states, record.state) != unused_states.end()) return std::nullopt;
  }
  if (family_ == Family::bifolium && !describe_bifolium(memory, entry, record)) return std::nullopt;
  const auto root = root_address(memory, entry.member(names_.root), names_.root);
  record.root = root.value_or(0);
  record.pid = static_cast<i64>(entry.member(names_.pid).number().value_or(0));
  if (record.root == 0 && (names_.state.empty() || record.pid == 0)) return std::nullopt;
  record.name = entry.member(names_.name).text();
  if (!names_.kernel_root.empty()) {
    record.kernel_root = root_address(memory, entry.member(names_.kernel_root), names_.kernel_root).value_or(0);
  }
  if (!names_.size.empty()) record.size = entry.member(names_.size).number().value_or(0);
  return record;
}

std::optional<u64> Profile::kernel_root(const KernelMemory& memory) const {
  if (names_.global_root.empty()) return std::nullopt;
  const Value value = Value::of_variable(memory, names_.global_root);
  // An array is the table itself; anything else tells where the table is.
  if (value.length() == sv39::entries_per_table) return memory.to_physical(value.address());
  return root_address(memory, value, names_.global_root);
}

std::optional<i64> Profile::next_pid(const KernelMemory& memory) const {
  if (names_.next_pid.empty()) return std::nullopt;
  const auto number = Value::of_variable(memory, names_.next_pid).number();
  return number ? std::optional(static_cast<i64>(*number)) : std::nullopt;
}

}  // namespace foliowalk
