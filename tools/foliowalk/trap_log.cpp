// SPDX-License-Identifier: MIT
#include "tools/foliowalk/trap_log.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace foliowalk {

TrapLog::TrapLog(const std::string& path) : descriptor_(::open(path.c_str(), O_RDWR | O_CLOEXEC)) {
  if (descriptor_ < 0) descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  skip_to_end();
}

TrapLog::~TrapLog() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void TrapLog::skip_to_end() {
  struct stat status{};
  if (descriptor_ >= 0 && ::fstat(descriptor_, &status) == 0) offset_ = static_cast<u64>(status.st_size);
  partial_.clear();
}

std::vector<Trap> TrapLog::poll(u64& skipped_bytes) {
  constexpr u64 most_at_once = 1 << 20;
  skipped_bytes = 0;
  std::vector<Trap> traps;
  struct stat status{};
  if (descriptor_ < 0 || ::fstat(descriptor_, &status) != 0) return traps;
  const u64 end = static_cast<u64>(status.st_size);
  if (end < offset_) offset_ = 0;  // a new log
  if (end - offset_ > most_at_once) {
    skipped_bytes = end - offset_ - most_at_once;
    offset_ = end - most_at_once;
    partial_.clear();
  }
  std::string text(end - offset_, '\0');
  const ssize_t count = ::pread(descriptor_, text.data(), text.size(), static_cast<off_t>(offset_));
  if (count <= 0) return traps;
  offset_ += static_cast<u64>(count);
  text.resize(static_cast<usize>(count));
  // Fails where holes aren't known; then the log merely keeps its size.
  (void)::fallocate(descriptor_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
                    static_cast<off_t>(offset_ & ~u64{4095}));
  text.insert(0, partial_);
  usize line = 0;
  for (usize newline; (newline = text.find('\n', line)) != std::string::npos; line = newline + 1) {
    if (auto trap = parse_trap(text.substr(line, newline - line))) traps.push_back(std::move(*trap));
  }
  partial_ = text.substr(line);
  return traps;
}

}  // namespace foliowalk
