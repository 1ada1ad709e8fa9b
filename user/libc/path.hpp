// SPDX-License-Identifier: MIT
#pragma once
// Path names: what cp, mv and ls need of them.

#include "abi/limits.hpp"

// The part behind the last slash; the whole text if there is none. "a/" gives "".
const char* last_component(const char* path);

// Writes "directory/name" to `out`. False if it does not fit into abi::max_path.
bool join_path(char (&out)[abi::max_path], const char* directory, const char* name);

bool is_directory(const char* path);

// What `cp` and `mv` have in common: PROGRAM SOURCE TARGET, or PROGRAM SOURCE... DIRECTORY. Calls `operation` for each
// source with the path it is to get: target itself, or target/its own name when that is a directory. The operation
// reports what it could not do. Returns the exit status.
int for_each_source(const char* program, int argc, char** argv,
                    bool (*operation)(const char* source, const char* target));
