#pragma once

using Word = unsigned long;

inline constexpr Word page = 4096;
inline constexpr Word megapage = Word{2} << 20;

// PTE bits. A and D are set by the one who maps, so that a hart never has to.
inline constexpr Word valid = 1, readable = 2, writable = 4, executable = 8, user = 16, accessed = 64, dirty = 128;
inline constexpr Word read_only = valid | readable | accessed;
inline constexpr Word read_write = valid | readable | writable | accessed | dirty;
inline constexpr Word read_execute = valid | readable | executable | accessed;
