// SPDX-License-Identifier: MIT
#include "tools/vellum/host_machine.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "vellum/machine/elf.hpp"

namespace vellum_tool {

namespace {

using vellum::u8;

constexpr std::size_t decoded_pages = 1024;
constexpr std::size_t sector_bytes = 512;
// The superblock of a file system sits in the second block of 1024 bytes.
constexpr std::size_t smallest_image = 2048;

std::unexpected<Complaint> complain(std::string text, std::string hint = {}) {
  return std::unexpected(Complaint{std::move(text), std::move(hint)});
}

/// A file descriptor that is closed at the end.
class File {
 public:
  File(const std::string& path, int flags) : descriptor_(open(path.c_str(), flags | O_CLOEXEC)) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  [[nodiscard]] int get() const { return descriptor_; }
  [[nodiscard]] bool is_open() const { return descriptor_ >= 0; }

 private:
  int descriptor_;
};

std::expected<std::vector<u8>, Complaint> read_file(const std::string& path, std::string_view what) {
  const File file(path, O_RDONLY);
  struct stat status{};
  const std::string name = std::string(what) + " " + path + ": ";
  if (!file.is_open() || fstat(file.get(), &status) != 0) return complain(name + std::strerror(errno));
  if (!S_ISREG(status.st_mode)) return complain(name + "not a regular file");
  std::vector<u8> bytes(static_cast<std::size_t>(status.st_size));
  std::size_t filled = 0;
  while (filled < bytes.size()) {
    const ssize_t now = read(file.get(), bytes.data() + filled, bytes.size() - filled);
    if (now <= 0) return complain(name + (now < 0 ? std::strerror(errno) : "became shorter while it was read"));
    filled += static_cast<std::size_t>(now);
  }
  return bytes;
}

std::expected<Mapping, Complaint> open_image(const std::string& path, bool snapshot) {
  const File file(path, snapshot ? O_RDONLY : O_RDWR);
  const std::string name = "image " + path + ": ";
  if (!file.is_open()) {
    const bool may_not_write = errno == EACCES && !snapshot;
    return complain(name + std::strerror(errno), may_not_write ? "--snapshot leaves the file as it is" : "");
  }
  struct stat status{};
  if (fstat(file.get(), &status) != 0) return complain(name + std::strerror(errno));
  if (!S_ISREG(status.st_mode)) return complain(name + "not a regular file");
  const auto bytes = static_cast<std::size_t>(status.st_size);
  if (bytes < smallest_image) {
    return complain(name + "too small to hold a file system (" + std::to_string(bytes) + " bytes)");
  }
  Mapping mapping = Mapping::file(file.get(), bytes - bytes % sector_bytes, snapshot);
  if (mapping.bytes().empty()) return complain(name + std::strerror(errno));
  return mapping;
}

}  // namespace

Mapping Mapping::anonymous(std::size_t bytes) {
  void* at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return at == MAP_FAILED ? Mapping() : Mapping({static_cast<u8*>(at), bytes});
}

Mapping Mapping::file(int descriptor, std::size_t bytes, bool is_private) {
  void* at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, is_private ? MAP_PRIVATE : MAP_SHARED, descriptor, 0);
  return at == MAP_FAILED ? Mapping() : Mapping({static_cast<u8*>(at), bytes});
}

Mapping::Mapping(Mapping&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
Mapping& Mapping::operator=(Mapping&& other) noexcept {
  std::swap(bytes_, other.bytes_);
  return *this;
}
Mapping::~Mapping() {
  if (!bytes_.empty()) munmap(bytes_.data(), bytes_.size());
}

vellum::Storage Parts::storage() const {
  const auto as = [](const Mapping& mapping, auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    return std::span<T>(reinterpret_cast<T*>(mapping.bytes().data()), mapping.bytes().size() / sizeof(T));
  };
  return {.ram = ram.bytes(),
          .rom = rom.bytes(),
          .disk = disk.bytes(),
          .pages = as(pages, static_cast<vellum::PageInfo*>(nullptr)),
          .code = as(code, static_cast<vellum::DecodedPage*>(nullptr))};
}

vellum::Configuration Parts::configuration(const Settings& settings) const {
  vellum::Configuration configuration;
  configuration.harts = settings.harts;
  configuration.seed = settings.seed;
  configuration.virtio = settings.legacy_virtio ? vellum::VirtioVersion::legacy : vellum::VirtioVersion::modern;
  configuration.bootargs = append;
  return configuration;
}

std::expected<Parts, Complaint> make_parts(const Settings& settings) {
  Parts parts;
  auto kernel = read_file(settings.kernel, "kernel");
  if (!kernel) return std::unexpected(kernel.error());
  parts.kernel = std::move(*kernel);
  parts.append = settings.append;
  if (settings.image) {
    auto disk = open_image(*settings.image, settings.snapshot);
    if (!disk) return std::unexpected(disk.error());
    parts.disk = std::move(*disk);
  }
  parts.ram = Mapping::anonymous(settings.memory);
  parts.rom = Mapping::anonymous(vellum::page_bytes);
  parts.pages = Mapping::anonymous(vellum::Memory::pages_for(settings.memory, parts.disk.bytes().size()) *
                                   sizeof(vellum::PageInfo));
  parts.code = Mapping::anonymous(decoded_pages * sizeof(vellum::DecodedPage));
  for (const Mapping* part : {&parts.ram, &parts.rom, &parts.pages, &parts.code}) {
    if (part->bytes().empty()) return complain(std::string("memory for the machine: ") + std::strerror(errno));
  }
  return parts;
}

std::expected<void, Complaint> write_file(const std::string& path, std::span<const u8> bytes) {
  const int descriptor = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (descriptor < 0) return complain(path + ": " + std::strerror(errno));
  while (!bytes.empty()) {
    const ssize_t count = write(descriptor, bytes.data(), bytes.size());
    if (count <= 0) break;
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  const bool is_whole = bytes.empty() && close(descriptor) == 0;
  if (!is_whole) return complain(path + ": " + std::strerror(errno));
  return {};
}

std::expected<void, Complaint> load_kernel(const Parts& parts, const Settings& settings) {
  const auto wrong = [&](vellum::ElfError error) {
    std::string hint;
    if (error == vellum::ElfError::outside_memory) hint = "it is linked for another machine, or needs a larger --mem";
    if (error == vellum::ElfError::not_riscv) hint = "build it for riscv64";
    return complain("kernel " + settings.kernel + ": " + std::string(describe(error)), hint);
  };
  const auto image = vellum::read_elf(parts.kernel);
  if (!image) return wrong(image.error());
  // Giving the pages back is the fastest way to zeros.
  madvise(parts.ram.bytes().data(), parts.ram.bytes().size(), MADV_DONTNEED);
  const auto loaded = load_elf(parts.kernel, *image, vellum::map::ram_base, parts.ram.bytes());
  if (!loaded) return wrong(loaded.error());
  return {};
}

}  // namespace vellum_tool
