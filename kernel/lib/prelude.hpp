// Included before everything else in every kernel and host build (-include). Some of our namespaces have the names of
// things in the system's headers, so those headers get read once, here, with theirs renamed.
#pragma once

#if defined(__unix__) && !defined(__ASSEMBLER__)
#define sync posix_sync_of_the_host
#if defined(BIFOLIUM_KERNEL)
// Only the kernel proper has the namespace syscall; the host's C++ library calls the function.
#define syscall posix_syscall_of_the_host
#endif
#include <unistd.h>
#include <atomic>
#undef sync
#undef syscall

#if !defined(BIFOLIUM_KERNEL)
#define abi cxxabi_of_the_host
#include <cxxabi.h>
#undef abi
// What GoogleTest looks for under the old name.
namespace abi {
using __cxxabiv1::__cxa_demangle;
}
#endif
#endif
