// SPDX-License-Identifier: MIT
#pragma once

#include "process/process.hpp"

namespace process {

/// Replaces the program of the calling process by the ELF file at `path`. `argument_vector` is the user
/// address of an array of string pointers that ends with null; at most max_arguments - 1 strings, each
/// shorter than a page, all of them together with the pointers within the stack. Returns argc (a0); the frame
/// holds everything else the new program starts with. On any error the old program goes on unchanged. xv6:
/// exec.
[[nodiscard]] lib::Result<u64> exec(Process& self, std::string_view path, u64 argument_vector);

/// The same with one argument, from the kernel: how the first process becomes init.
[[nodiscard]] lib::Result<u64> exec_first(Process& self, std::string_view path);

}  // namespace process
