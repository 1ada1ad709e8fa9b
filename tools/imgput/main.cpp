// SPDX-License-Identifier: MIT
// imgput: puts host files into an image that exists already, through the kernel's own file system, log and all.
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include "dev/block_device.hpp"
#include "fs/volume.hpp"

namespace {

constexpr const char* usage =
    "usage: imgput IMAGE {FILE | NAME=FILE}...\n"
    "Writes each FILE into IMAGE's root directory, in place of a file of the same name. The image is changed only\n"
    "when all of them fit.\n";

class Failure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The image's bytes as a disk.
class ImageDisk final : public dev::BlockDevice {
 public:
  explicit ImageDisk(std::vector<std::byte> bytes) : bytes_(std::move(bytes)) {}

  [[nodiscard]] u64 block_count() const override { return bytes_.size() / block_bytes; }
  lib::Result<void> read_many(std::span<const dev::BlockRead> reads) override {
    for (const dev::BlockRead& read : reads) {
      if (read.block >= block_count()) return lib::fail(lib::Error::io);
      std::memcpy(read.data.data(), bytes_.data() + read.block * block_bytes, read.data.size());
    }
    return {};
  }
  lib::Result<void> write_many(std::span<const dev::BlockWrite> writes) override {
    for (const dev::BlockWrite& write : writes) {
      if (write.block >= block_count()) return lib::fail(lib::Error::io);
      std::memcpy(bytes_.data() + write.block * block_bytes, write.data.data(), write.data.size());
    }
    return {};
  }
  lib::Result<void> flush() override { return {}; }

  [[nodiscard]] const std::vector<std::byte>& bytes() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

std::vector<std::byte> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Failure(path + ": cannot read");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

void write_file(const std::string& path, std::span<const std::byte> bytes) {
  // Over the same file, not a new one: links to it and its owner stay.
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  file.flush();
  if (!file) throw Failure(path + ": cannot write");
}

template <class T>
T must(lib::Result<T> result, const std::string& what) {
  if (!result) throw Failure(what + ": " + std::string(lib::describe(result.error())));
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

void put(fs::Volume& volume, const std::string& name, const std::string& path) {
  if (name.empty() || name.size() > abi::name_size || name.find('/') != name.npos)
    throw Failure("'" + name + "': a name has 1 to 14 characters and no slash");
  const std::vector<std::byte> content = read_file(path);
  using Mode = abi::OpenMode;
  const fs::InodeRef file = must(volume.open({}, name, Mode::create | Mode::truncate | Mode::read_write), name);
  fs::MemorySource source(content);
  u64 offset = 0;
  const auto written = must(file->write(source, offset, content.size()), name);
  if (written != content.size()) throw Failure(name + ": does not fit");
}

int run(int count, char** arguments) {
  const std::string image = arguments[1];
  ImageDisk disk(read_file(image));
  // The volume's tables outlive it on purpose: the process ends here, and the image's bytes are all that counts.
  auto* volume = new fs::Volume;
  constexpr usize buffers = 512;
  static std::vector<u64> cache_memory(buffers * fs::BlockCache::bytes_per_buffer() / 8 + 1);
  if (const auto mounted = volume->mount(disk, std::as_writable_bytes(std::span(cache_memory))); !mounted)
    throw Failure(image + ": not a file system that can be mounted (fsck tells more)");
  for (int i = 2; i < count; ++i) {
    const std::string argument = arguments[i];
    const auto equals = argument.find('=');
    const std::string path = equals == argument.npos ? argument : argument.substr(equals + 1);
    const std::string name = equals == argument.npos ? path.substr(path.rfind('/') + 1) : argument.substr(0, equals);
    put(*volume, name, path);
  }
  must(volume->sync(), image);
  write_file(image, disk.bytes());
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 3) {
    std::fputs(usage, stderr);
    return 2;
  }
  try {
    return run(count, arguments);
  } catch (const Failure& failure) {
    std::fprintf(stderr, "imgput: %s\n", failure.what());
    return 1;
  }
}
