// SPDX-License-Identifier: MIT
#pragma once
// Device files: major numbers to drivers (xv6: devsw).

#include "abi/limits.hpp"
#include "fs/copy.hpp"
#include "lib/result.hpp"

namespace fs {

/// What a device file reads from and writes to.
class CharacterDevice {
 public:
  /// Up to `count` bytes; 0 at the end. May sleep. interrupted: the reader was killed.
  [[nodiscard]] virtual lib::Result<usize> read(DataSink& sink, usize count) = 0;
  [[nodiscard]] virtual lib::Result<usize> write(DataSource& source, usize count) = 0;
  /// The file was opened; a device whose text is made for each reader starts over.
  virtual void opened() {}
  /// The last handle of a file that open_device() made is gone.
  virtual void closed() {}

 protected:
  ~CharacterDevice() = default;
};

/// Gives `major` its driver; at boot, before any program runs.
void register_device(i16 major, CharacterDevice& device);
/// The driver, or null for a number without one (any value is allowed).
[[nodiscard]] CharacterDevice* find_device(i16 major);

}  // namespace fs
