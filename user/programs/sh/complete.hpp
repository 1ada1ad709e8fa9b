// SPDX-License-Identifier: MIT
#pragma once
// Completion of the word before the cursor: programs where a command begins, else files.

#include "abi/limits.hpp"
#include "user/programs/sh/line.hpp"

namespace sh {

struct Completion {
  int matches = 0;
  char common[abi::name_size + 1] = {};  // what all names that match begin with
  bool is_directory = false;             // of the only one
  int name_begin = 0;                    // where in the line the name begins that is to be completed
};

Completion complete(const Line& line);

// Prints the names that match, in columns; the cursor is at the beginning of a row before and after.
void print_matches(const Line& line);

}  // namespace sh
