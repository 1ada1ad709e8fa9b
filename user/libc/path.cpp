// SPDX-License-Identifier: MIT
#include "user/libc/path.hpp"

#include "user/libc/calls.hpp"
#include "user/libc/stdio.hpp"
#include "user/libc/string.hpp"

const char* last_component(const char* path) {
  const char* name = path;
  for (; *path != '\0'; ++path)
    if (*path == '/') name = path + 1;
  return name;
}

bool join_path(char (&out)[abi::max_path], const char* directory, const char* name) {
  const std::size_t length = strlen(directory);
  if (length + 1 + strlen(name) + 1 > abi::max_path) return false;
  memcpy(out, directory, length);
  out[length] = '/';
  strcpy(out + length + 1, name);
  return true;
}

bool is_directory(const char* path) {
  abi::Stat status;
  return stat(path, &status) == 0 && status.type == abi::FileType::directory;
}

namespace {

// The path that `source` gets under `target`. False if it is too long.
bool destination(char (&out)[abi::max_path], const char* source, const char* target) {
  if (is_directory(target)) return join_path(out, target, last_component(source));
  if (strlen(target) + 1 > abi::max_path) return false;
  strcpy(out, target);
  return true;
}

}  // namespace

int for_each_source(const char* program, int argc, char** argv,
                    bool (*operation)(const char* source, const char* target)) {
  if (argc < 3) {
    fprintf(2, "usage: %s source... target\n", program);
    return 1;
  }
  const char* target = argv[argc - 1];
  if (argc > 3 && !is_directory(target)) {
    fprintf(2, "%s: %s is not a directory\n", program, target);
    return 1;
  }
  int status = 0;
  for (int i = 1; i < argc - 1; ++i) {
    char path[abi::max_path];
    if (!destination(path, argv[i], target)) {
      fprintf(2, "%s: the path of %s gets too long\n", program, argv[i]);
      status = 1;
    } else if (!operation(argv[i], path)) {
      status = 1;
    }
  }
  return status;
}
