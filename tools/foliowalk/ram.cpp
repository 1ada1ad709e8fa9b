// SPDX-License-Identifier: MIT
#include "tools/foliowalk/ram.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace foliowalk {

std::optional<u64> Ram::read_u64(u64 pa) const {
  u64 value = 0;
  if (!read(pa, std::as_writable_bytes(std::span(&value, 1)))) return std::nullopt;
  return value;
}

Outcome<std::unique_ptr<FileRam>> FileRam::open(const std::string& path, u64 base) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return fail(fmt::format("cannot open the RAM file {}: {}", path, std::strerror(errno)));
  struct stat status{};
  if (::fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
    ::close(descriptor);
    return fail(fmt::format("{} is not a regular file: give QEMU's memory-backend file or a raw dump", path));
  }
  if (status.st_size < 4096) {
    ::close(descriptor);
    return fail(fmt::format("{} holds {} bytes, less than one page: no RAM image", path, status.st_size));
  }
  return std::unique_ptr<FileRam>(new FileRam(descriptor, base, static_cast<u64>(status.st_size)));
}

FileRam::~FileRam() { ::close(descriptor_); }

bool FileRam::read(u64 pa, std::span<std::byte> out) const {
  if (!contains(pa, out.size())) return false;
  usize done = 0;
  while (done < out.size()) {
    const ssize_t got =
        ::pread(descriptor_, out.data() + done, out.size() - done, static_cast<off_t>(pa - base_ + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    done += static_cast<usize>(got);
  }
  return true;
}

bool BufferRam::read(u64 pa, std::span<std::byte> out) const {
  if (!contains(pa, out.size())) return false;
  std::memcpy(out.data(), bytes_.data() + (pa - base_), out.size());
  return true;
}

std::optional<std::string> PipeRam::answer_to(const std::string& request) const {
  for (usize sent = 0; sent < request.size();) {
    const ssize_t count = ::write(out_, request.data() + sent, request.size() - sent);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return std::nullopt;
    sent += static_cast<usize>(count);
  }
  std::string line;
  for (char chunk[4096];;) {
    const ssize_t count = ::read(in_, chunk, sizeof chunk);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return std::nullopt;
    line.append(chunk, static_cast<usize>(count));
    if (line.back() == '\n') break;
  }
  line.pop_back();
  return line;
}

bool PipeRam::read(u64 pa, std::span<std::byte> out) const {
  if (!contains(pa, out.size())) return false;
  const auto line = answer_to(fmt::format("read {:#x} {}\n", pa, out.size()));
  if (!line || line->size() != out.size() * 2) return false;
  const auto digit = [](char c) -> int {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
  };
  for (usize i = 0; i < out.size(); ++i) {
    const int high = digit((*line)[2 * i]);
    const int low = digit((*line)[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    out[i] = static_cast<std::byte>(high * 16 + low);
  }
  return true;
}

}  // namespace foliowalk
