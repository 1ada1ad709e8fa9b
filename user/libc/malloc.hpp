// SPDX-License-Identifier: MIT
#pragma once
// The heap: malloc and free over sbrk (xv6: umalloc.c). C linkage.

#include <cstddef>

extern "C" {

// `bytes` aligned to 16, or nullptr when sbrk gives no more. The heap grows by 64 KiB at least.
void* malloc(std::size_t bytes);
void free(void* memory);

}  // extern "C"
