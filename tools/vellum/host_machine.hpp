// SPDX-License-Identifier: MIT
#pragma once
// A Vellum machine with memory from this host, a kernel in it and an image file as its disk.

#include <expected>
#include <memory>
#include <vector>

#include "tools/vellum/settings.hpp"
#include "vellum/machine/machine.hpp"

namespace vellum_tool {

/// Bytes of the host's address space that are given back at the end.
class Mapping {
 public:
  Mapping() = default;
  /// Zeros, made when they are touched.
  static Mapping anonymous(std::size_t bytes);
  /// A file's bytes; writes reach the file, or nobody when `is_private`. Empty on errors, with errno set.
  static Mapping file(int descriptor, std::size_t bytes, bool is_private);
  Mapping(Mapping&& other) noexcept;
  Mapping& operator=(Mapping&& other) noexcept;
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping();

  [[nodiscard]] std::span<vellum::u8> bytes() const { return bytes_; }

 private:
  explicit Mapping(std::span<vellum::u8> bytes) : bytes_(bytes) {}
  std::span<vellum::u8> bytes_;
};

/// Everything a machine is made of; outlives it.
struct Parts {
  std::vector<vellum::u8> kernel;
  std::string append;
  Mapping ram, rom, disk, pages, code;

  [[nodiscard]] vellum::Storage storage() const;
  [[nodiscard]] vellum::Configuration configuration(const Settings& settings) const;
};

/// Reads the kernel, opens the image, takes memory. What is wrong with either is said in words.
std::expected<Parts, Complaint> make_parts(const Settings& settings);

/// Writes a whole file.
std::expected<void, Complaint> write_file(const std::string& path, std::span<const vellum::u8> bytes);

/// Puts the kernel into memory, which is zeroed first.
std::expected<void, Complaint> load_kernel(const Parts& parts, const Settings& settings);

}  // namespace vellum_tool
