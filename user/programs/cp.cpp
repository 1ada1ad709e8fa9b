// SPDX-License-Identifier: MIT
// cp SOURCE TARGET, cp SOURCE... DIRECTORY: copies files.
#include "user/libc/path.hpp"
#include "user/libc/user.hpp"

namespace {

char buffer[4096];

bool same_file(int a, int b) {
  abi::Stat first, second;
  return fstat(a, &first) == 0 && fstat(b, &second) == 0 && first.device == second.device &&
         first.inode == second.inode && first.type == abi::FileType::file;
}

bool copy_contents(int from, int to) {
  int n;
  while ((n = read(from, buffer, sizeof(buffer))) > 0)
    if (write(to, buffer, n) != n) return false;
  return n == 0;
}

bool copy_file(const char* source, const char* target) {
  if (is_directory(source)) {
    fprintf(2, "cp: %s is a directory\n", source);
    return false;
  }
  const int from = open(source, abi::OpenMode::read_only);
  if (from < 0) {
    fprintf(2, "cp: cannot open %s\n", source);
    return false;
  }
  // Truncated only once it is known not to be the source itself.
  int to = open(target, abi::OpenMode::create | abi::OpenMode::write_only);
  bool good = to >= 0;
  if (good && same_file(from, to)) {
    fprintf(2, "cp: %s and %s are the same file\n", source, target);
    close(to);
    close(from);
    return false;
  }
  if (good) {
    close(to);
    to = open(target, abi::OpenMode::write_only | abi::OpenMode::truncate);
    good = to >= 0 && copy_contents(from, to);
    if (to >= 0) close(to);
  }
  close(from);
  if (!good) fprintf(2, "cp: cannot write %s\n", target);
  return good;
}

}  // namespace

int main(int argc, char** argv) { return for_each_source("cp", argc, argv, copy_file); }
