#pragma once
// Asks the reader everything that it can be asked of a file, whatever the file is: for damaged files and the fuzzer.

#include "vellum/debug/debug_info.hpp"

namespace vellum::debug::test {

/// Goes through the whole file. Ends, stays inside the file and crashes nothing, or the reader is wrong. Returns how
/// many entries could be read.
usize exercise(Bytes file, Arena& arena);

}  // namespace vellum::debug::test
