// SPDX-License-Identifier: MIT
// ls [PATH...]: name, type (1 directory, 2 file, 3 device, 4 symbolic link), inode number and size in bytes.
#include "user/libc/path.hpp"
#include "user/libc/user.hpp"

namespace {

void print_entry(const char* name, const abi::Stat& status) {
  printf("%-14s %d %u %lu\n", name, static_cast<int>(status.type), status.inode,
         static_cast<unsigned long>(status.size));
}

// fstat of the link itself where `path` is a symbolic link.
int stat_no_follow(const char* path, abi::Stat& status) {
  const int fd = open(path, abi::OpenMode::read_only | abi::OpenMode::no_follow);
  if (fd < 0) return -1;
  const int result = fstat(fd, &status);
  close(fd);
  return result;
}

bool list_directory(const char* path, int fd) {
  bool good = true;
  abi::Dirent entry;
  while (read(fd, &entry, sizeof(entry)) == sizeof(entry)) {
    if (entry.inode == 0) continue;
    char name[abi::name_size + 1] = {};
    memcpy(name, entry.name, abi::name_size);
    char full[abi::max_path];
    abi::Stat status;
    if (!join_path(full, path, name) || stat_no_follow(full, status) < 0) {
      fprintf(2, "ls: cannot stat %s/%s\n", path, name);
      good = false;
      continue;
    }
    print_entry(name, status);
  }
  return good;
}

bool list(const char* path) {
  const int fd = open(path, abi::OpenMode::read_only);
  abi::Stat status;
  if (fd < 0) {
    // A link that leads nowhere can still be shown.
    if (stat_no_follow(path, status) == 0) return print_entry(last_component(path), status), true;
    fprintf(2, "ls: cannot open %s\n", path);
    return false;
  }
  if (fstat(fd, &status) < 0) {
    fprintf(2, "ls: cannot stat %s\n", path);
    close(fd);
    return false;
  }
  bool good = true;
  if (status.type == abi::FileType::directory)
    good = list_directory(path, fd);
  else
    print_entry(last_component(path), status);
  close(fd);
  return good;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return list(".") ? 0 : 1;
  int status = 0;
  for (int i = 1; i < argc; ++i)
    if (!list(argv[i])) status = 1;
  return status;
}
