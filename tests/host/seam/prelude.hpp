// Included before everything else in every host build (-include). The kernel has a namespace `sync`, the C library
// has a function of that name: <unistd.h>, which most library headers pull in, gets read once with it renamed.
#pragma once

#if defined(__unix__) && !defined(_UNISTD_H)
#define sync posix_sync_of_the_host
#include <unistd.h>
#undef sync
#endif
