// Path names: what cp, mv and ls need of them.
#pragma once

#include "abi/limits.hpp"

// The part behind the last slash; the whole text if there is none. "a/" gives "".
const char* last_component(const char* path);

// Writes "directory/name" to `out`. False if it does not fit into abi::max_path.
bool join_path(char (&out)[abi::max_path], const char* directory, const char* name);

bool is_directory(const char* path);

// Where a file goes that is copied, moved or linked to `target`: target itself, or target/its own name when
// that is a directory. False if the path gets too long.
bool destination(char (&out)[abi::max_path], const char* source, const char* target);
