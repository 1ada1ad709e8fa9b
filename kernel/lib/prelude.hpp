// Included before everything else in every kernel and host build (-include). The kernel has a namespace `sync`, the
// C library has a function of that name: <unistd.h>, which some C++ library headers pull in, gets read once with
// it renamed. Nothing calls it.
#pragma once

#if defined(__unix__) && !defined(__ASSEMBLER__)
#define sync posix_sync_of_the_host
#include <unistd.h>
#undef sync
#endif
