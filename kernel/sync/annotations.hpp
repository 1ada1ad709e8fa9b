// SPDX-License-Identifier: MIT
#pragma once
// Clang's thread-safety attributes: lock contracts that the compiler checks (-Wthread-safety). Empty with GCC.

#if defined(__clang__)
#define SYNC_ATTRIBUTE(x) __attribute__((x))
#else
#define SYNC_ATTRIBUTE(x)
#endif

#define SYNC_CAPABILITY(name) SYNC_ATTRIBUTE(capability(name))
#define SYNC_SCOPED_CAPABILITY SYNC_ATTRIBUTE(scoped_lockable)
#define SYNC_GUARDED_BY(lock) SYNC_ATTRIBUTE(guarded_by(lock))
#define SYNC_ACQUIRE(...) SYNC_ATTRIBUTE(acquire_capability(__VA_ARGS__))
#define SYNC_RELEASE(...) SYNC_ATTRIBUTE(release_capability(__VA_ARGS__))
#define SYNC_TRY_ACQUIRE(...) SYNC_ATTRIBUTE(try_acquire_capability(__VA_ARGS__))
#define SYNC_REQUIRES(...) SYNC_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define SYNC_EXCLUDES(...) SYNC_ATTRIBUTE(locks_excluded(__VA_ARGS__))
#define SYNC_NO_ANALYSIS SYNC_ATTRIBUTE(no_thread_safety_analysis)
