// SPDX-License-Identifier: MIT
#include "user/programs/sh/complete.hpp"

#include "user/libc/path.hpp"
#include "user/libc/user.hpp"

namespace sh {
namespace {

// What is looked for, and where.
struct Query {
  bool is_command;
  char directory[abi::max_path];  // "" where the name alone was typed
  const char* begin;              // of the name
  int length;
  int name_begin;
};

bool ends_word(char c) { return c == ' ' || c == '\t' || strchr("<>|&;()", c) != nullptr; }

// False: no directory has such a long name.
bool make_query(const Line& line, Query& query) {
  const char* text = line.text();
  int word = line.cursor();
  while (word > 0 && !ends_word(text[word - 1])) --word;
  int before = word;
  while (before > 0 && (text[before - 1] == ' ' || text[before - 1] == '\t')) --before;
  int name = line.cursor();
  while (name > word && text[name - 1] != '/') --name;
  if (name - word >= static_cast<int>(abi::max_path)) return false;
  query.is_command = name == word && (before == 0 || strchr("|&;(", text[before - 1]) != nullptr);
  memcpy(query.directory, text + word, static_cast<std::size_t>(name - word));
  query.directory[name - word] = '\0';
  query.begin = text + name;
  query.length = line.cursor() - name;
  query.name_begin = name;
  return query.length <= static_cast<int>(abi::name_size);
}

bool matches(const Query& query, const char* name) {
  if (name[0] == '.' && query.length == 0) return false;
  return memcmp(name, query.begin, static_cast<std::size_t>(query.length)) == 0;
}

enum class Only { all, files };

// Calls take(directory, name) for the entries of a directory that match.
template <typename Take>
void for_each_entry(const Query& query, const char* directory, Only only, Take&& take) {
  const int fd = open(directory, abi::OpenMode::read_only);
  abi::Stat status;
  if (fd >= 0 && fstat(fd, &status) == 0 && status.type == abi::FileType::directory) {
    abi::Dirent entry;
    while (read(fd, &entry, sizeof(entry)) == static_cast<int>(sizeof(entry))) {
      char name[abi::name_size + 1] = {};
      memcpy(name, entry.name, abi::name_size);
      if (entry.inode == 0 || !matches(query, name)) continue;
      char path[abi::max_path];
      const bool is_file = only == Only::all || (join_path(path, directory, name) && stat(path, &status) == 0 &&
                                                 status.type == abi::FileType::file);
      if (is_file) take(directory, name);
    }
  }
  if (fd >= 0) close(fd);
}

// The shell looks for a bare command in the current directory, then in the root.
template <typename Take>
void for_each_match(const Query& query, Take&& take) {
  if (!query.is_command) {
    for_each_entry(query, query.directory[0] == '\0' ? "." : query.directory, Only::all, take);
    return;
  }
  if (matches(query, "cd")) take("", "cd");
  for_each_entry(query, "/", Only::files, take);
  abi::Stat here;
  abi::Stat root;
  if (stat(".", &here) == 0 && stat("/", &root) == 0 && here.inode != root.inode)
    for_each_entry(query, ".", Only::files, take);
}

}  // namespace

Completion complete(const Line& line) {
  Completion result;
  Query query;
  if (!make_query(line, query)) return result;
  result.name_begin = query.name_begin;
  for_each_match(query, [&](const char* directory, const char* name) {
    if (result.matches++ == 0) {
      strcpy(result.common, name);
      char path[abi::max_path];
      result.is_directory = directory[0] != '\0' && join_path(path, directory, name) && is_directory(path);
      return;
    }
    int same = 0;
    while (name[same] != '\0' && name[same] == result.common[same]) ++same;
    result.common[same] = '\0';
  });
  return result;
}

void print_matches(const Line& line) {
  constexpr int names_in_row = 5;
  Query query;
  if (!make_query(line, query)) return;
  int printed = 0;
  for_each_match(query, [&](const char*, const char* name) {
    fprintf(2, ++printed % names_in_row == 0 ? "%s\n" : "%-15s", name);
  });
  if (printed % names_in_row != 0) fprintf(2, "\n");
}

}  // namespace sh
