// SPDX-License-Identifier: MIT
#pragma once
// The shell's commands as a tree, and the arena that they are built in: one line at a time, nothing is freed.

#include "abi/limits.hpp"
#include "abi/types.hpp"

namespace sh {

enum class Kind {
  words,  // a program and its arguments
  redirect,  // left, with `fd` opened on `path`
  pipe,  // left's output into right's input
  sequence,  // left, then right
  background,  // left, not waited for
};

enum class Append { no, yes };

struct Command {
  Kind kind;
  Command* left;
  Command* right;
  // words
  char* arguments[abi::max_arguments];
  int argument_count;
  // redirect
  char* path;
  abi::OpenMode mode;
  int fd;
  Append append;
};

// The tree of a line (which is changed: its words are cut apart), or nullptr when it is empty or wrong; what is
// wrong has been printed then.
Command* parse(char* line);

// Does it here and now, if it is a command that must change this process itself (cd). False if it is another.
bool run_builtin(const Command& command);

// Does what the tree says in this process and ends it.
__attribute__((noreturn)) void run(Command* command);

}  // namespace sh
