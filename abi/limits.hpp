// SPDX-License-Identifier: MIT
#pragma once
// Limits that programs can observe (xv6: kernel/param.h). Bounds of the kernel's own tables are not here.

#include <cstddef>
#include <cstdint>

namespace abi {

inline constexpr std::size_t max_processes = 64;  ///< NPROC
inline constexpr std::size_t max_open_files = 16;  ///< NOFILE, per process
inline constexpr std::size_t max_arguments = 32;  ///< MAXARG: exec takes at most max_arguments - 1 strings
inline constexpr std::size_t max_path = 128;  ///< MAXPATH, with the NUL
inline constexpr std::size_t max_devices = 10;  ///< NDEV: majors 0 .. 9
inline constexpr std::size_t max_harts = 8;  ///< NCPU
inline constexpr std::size_t name_size = 14;  ///< DIRSIZ
inline constexpr std::size_t block_size = 1024;  ///< BSIZE
inline constexpr std::size_t pipe_size = 512;  ///< PIPESIZE: a write of this much to an empty pipe never blocks
inline constexpr std::size_t process_name_size = 16;
inline constexpr int max_symlink_depth = 10;
inline constexpr unsigned ticks_per_second = 10;

}  // namespace abi
