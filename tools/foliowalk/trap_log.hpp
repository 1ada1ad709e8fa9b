// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "tools/foliowalk/events.hpp"

namespace foliowalk {

/// Follows QEMU's trace log as it grows, and gives back to the file system what has been read: the log of a busy guest
/// grows by megabytes each second, and QEMU can't be told to cut it.
class TrapLog {
 public:
  explicit TrapLog(const std::string& path);
  ~TrapLog();
  TrapLog(const TrapLog&) = delete;
  TrapLog& operator=(const TrapLog&) = delete;

  [[nodiscard]] bool is_open() const { return descriptor_ >= 0; }
  /// New traps; when there is more than a megabyte of them, only the newest, and `skipped_bytes` says how much was not
  /// looked at.
  [[nodiscard]] std::vector<Trap> poll(u64& skipped_bytes);
  /// Forgets what is in the log so far.
  void skip_to_end();

 private:
  int descriptor_ = -1;
  u64 offset_ = 0;
  std::string partial_;
};

}  // namespace foliowalk
