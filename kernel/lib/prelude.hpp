// Included before everything else in every kernel and host build (-include). The kernel has the namespaces `sync` and
// `syscall`, the C library has functions of these names: <unistd.h> gets read once with them renamed. Only the kernel
// proper has the second namespace; the host's C++ library calls syscall(), so there it keeps its name.
#pragma once

#if defined(__unix__) && !defined(__ASSEMBLER__)
#define sync posix_sync_of_the_host
#if defined(BIFOLIUM_KERNEL)
#define syscall posix_syscall_of_the_host
#endif
#include <unistd.h>
#include <atomic>
#undef sync
#undef syscall
#endif
