#include "user/libc/path.hpp"

#include "user/libc/calls.hpp"
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

bool destination(char (&out)[abi::max_path], const char* source, const char* target) {
  if (is_directory(target)) return join_path(out, target, last_component(source));
  if (strlen(target) + 1 > abi::max_path) return false;
  strcpy(out, target);
  return true;
}
