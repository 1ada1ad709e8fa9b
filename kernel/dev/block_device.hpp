// SPDX-License-Identifier: MIT
#pragma once
// A disk, as the file system sees it.

#include <cstddef>
#include <span>

#include "lib/result.hpp"
#include "lib/types.hpp"

namespace dev {

/// One block on its way to or from the disk. The bytes lie in RAM that the device can reach: direct-mapped memory
/// (frames, the block cache, .bss), never a stack.
struct BlockRead {
  u64 block;                     ///< in units of block_bytes
  std::span<std::byte> data;     ///< a multiple of block_bytes long: consecutive blocks from `block` on
};
struct BlockWrite {
  u64 block;
  std::span<const std::byte> data;
};

/// Blocks of 1 KiB. All calls may be made by several threads at a time and sleep until the device has answered;
/// never under a spin lock. On the host a test supplies its own.
class BlockDevice {
 public:
  static constexpr usize block_bytes = 1024;

  /// Whole blocks on the device.
  [[nodiscard]] virtual u64 block_count() const = 0;

  /// Reads all, many in flight at once; Error::io if any failed or lies beyond the end (the others may be done).
  [[nodiscard]] virtual lib::Result<void> read_many(std::span<const BlockRead> reads) = 0;

  /// Writes all, many in flight at once, in no particular order; Error::io if any failed.
  /// Done means that the device has them, perhaps in a volatile cache: see flush().
  [[nodiscard]] virtual lib::Result<void> write_many(std::span<const BlockWrite> writes) = 0;

  /// Returns when every write that was complete before the call survives a power cut (VIRTIO_BLK_F_FLUSH; nothing to
  /// do on a device without a write cache).
  [[nodiscard]] virtual lib::Result<void> flush() = 0;

  [[nodiscard]] lib::Result<void> read(u64 block, std::span<std::byte> data) {
    const BlockRead one{block, data};
    return read_many({&one, 1});
  }
  [[nodiscard]] lib::Result<void> write(u64 block, std::span<const std::byte> data) {
    const BlockWrite one{block, data};
    return write_many({&one, 1});
  }

 protected:
  ~BlockDevice() = default;
};

}  // namespace dev
