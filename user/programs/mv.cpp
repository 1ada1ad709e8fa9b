// SPDX-License-Identifier: MIT
// mv SOURCE TARGET, mv SOURCE... DIRECTORY: gives files new names. The system has no rename call, so a file is
// linked under the new name before the old one goes: it is never without a name. Directories cannot be linked
// and therefore not moved.
#include "user/libc/path.hpp"
#include "user/libc/user.hpp"

namespace {

bool move_file(const char* source, const char* target) {
  abi::Stat from, to;
  if (stat(source, &from) < 0) {
    fprintf(2, "mv: cannot open %s\n", source);
    return false;
  }
  if (from.type == abi::FileType::directory) {
    fprintf(2, "mv: %s is a directory\n", source);
    return false;
  }
  if (stat(target, &to) == 0) {
    if (from.device == to.device && from.inode == to.inode) {
      fprintf(2, "mv: %s and %s are the same file\n", source, target);
      return false;
    }
    if (unlink(target) < 0) {
      fprintf(2, "mv: cannot replace %s\n", target);
      return false;
    }
  }
  if (link(source, target) < 0 || unlink(source) < 0) {
    fprintf(2, "mv: cannot move %s to %s\n", source, target);
    return false;
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) { return for_each_source("mv", argc, argv, move_file); }
