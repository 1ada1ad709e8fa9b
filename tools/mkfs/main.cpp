// SPDX-License-Identifier: MIT
// mkfs: makes a file system image that Bifolium and xv6 mount.
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>

#include "tools/mkfs/image_builder.hpp"

namespace {

constexpr const char* usage =
    "usage: mkfs [options] IMAGE [FILE | NAME=FILE]...\n"
    "Makes IMAGE and puts the files into its root directory, a leading '_' of FILE's own name left out.\n"
    "  --class C     the geometry of xv6's images: A, B, C, D (default), E, F or G\n"
    "  --size N      blocks of 1 KiB            --nlog N     blocks of the log, header included\n"
    "  --inodes N    inodes                     --layout L   single or double (double-indirect inodes)\n"
    "  --quiet       no report\n"
    "Give --class before what it is to be changed by. A size of 200000 means double-indirect inodes to every kernel;\n"
    "another size with --layout double must be mounted by a kernel that is told so.\n";

struct Options {
  mkfs::Plan plan;
  bool layout_given = false;
  bool quiet = false;
  std::string image;
  std::vector<std::string> files;
};

std::optional<mkfs::Plan> plan_of_class(std::string_view name) {
  using enum abi::InodeLayout;
  if (name == "A") return mkfs::Plan{1000, 30, 200, single};
  if (name == "B") return mkfs::Plan{10000, 30, 200, single};
  if (name == "C") return mkfs::Plan{2000, 30, 200, single};
  if (name == "D") return mkfs::Plan{2000, 31, 200, single};
  if (name == "E") return mkfs::Plan{200000, 30, 200, double_indirect};
  if (name == "F") return mkfs::Plan{200000, 31, 200, double_indirect};
  if (name == "G") return mkfs::Plan{10000, 31, 200, single};
  return std::nullopt;
}

std::uint32_t number_of(std::string_view option, std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) {
    throw mkfs::Failure(std::string(option) + ": '" + std::string(text) + "' is not a number");
  }
  return value;
}

Options parse(int count, char** arguments) {
  Options options;
  for (int i = 1; i < count; ++i) {
    const std::string_view argument = arguments[i];
    const auto value = [&]() -> std::string_view {
      if (i + 1 == count) throw mkfs::Failure(std::string(argument) + " needs a value");
      return arguments[++i];
    };
    if (argument == "--help" || argument == "-h") {
      std::fputs(usage, stdout);
      std::exit(0);
    } else if (argument == "--size") {
      options.plan.blocks = number_of(argument, value());
    } else if (argument == "--nlog") {
      options.plan.log_blocks = number_of(argument, value());
    } else if (argument == "--inodes") {
      options.plan.inodes = number_of(argument, value());
    } else if (argument == "--layout") {
      const std::string_view layout = value();
      if (layout != "single" && layout != "double") throw mkfs::Failure("--layout is single or double");
      options.plan.layout = layout == "double" ? abi::InodeLayout::double_indirect : abi::InodeLayout::single;
      options.layout_given = true;
    } else if (argument == "--class") {
      const auto plan = plan_of_class(value());
      if (!plan) throw mkfs::Failure("--class is A, B, C, D, E, F or G");
      options.plan = *plan;
      options.layout_given = false;
    } else if (argument == "--quiet") {
      options.quiet = true;
    } else if (argument.starts_with("--")) {
      throw mkfs::Failure("unknown option " + std::string(argument));
    } else if (options.image.empty()) {
      options.image = argument;
    } else {
      options.files.emplace_back(argument);
    }
  }
  if (options.image.empty()) throw mkfs::Failure("no image named\n" + std::string(usage));
  if (!options.layout_given) options.plan.layout = abi::inode_layout(options.plan.blocks);
  return options;
}

std::vector<std::byte> read_whole(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw mkfs::Failure(path + ": cannot be read");
  const std::vector<char> text{std::istreambuf_iterator<char>(file), {}};
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

void add(mkfs::ImageBuilder& builder, const std::string& argument) {
  const std::size_t equals = argument.find('=');
  const std::string path = equals == argument.npos ? argument : argument.substr(equals + 1);
  std::string name =
      equals == argument.npos ? std::filesystem::path(path).filename().string() : argument.substr(0, equals);
  if (equals == argument.npos && name.starts_with('_')) name.erase(0, 1);
  try {
    builder.add_file(name, read_whole(path));
  } catch (const mkfs::Failure& failure) {
    throw mkfs::Failure(argument + ": " + failure.what());
  }
}

// Zero blocks stay holes of the image file.
void write_image(const std::string& path, std::span<const std::byte> bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  static constexpr std::byte zeros[abi::block_size] = {};
  for (std::size_t at = 0; at < bytes.size(); at += abi::block_size) {
    if (std::memcmp(bytes.data() + at, zeros, abi::block_size) == 0) continue;
    file.seekp(static_cast<std::streamoff>(at));
    file.write(reinterpret_cast<const char*>(bytes.data() + at), abi::block_size);
  }
  file.close();
  if (!file) throw mkfs::Failure(path + ": cannot be written");
  std::filesystem::resize_file(path, bytes.size());
}

void report(const mkfs::ImageBuilder& builder, const Options& options) {
  const abi::Superblock& super = builder.superblock();
  std::printf("%s: %u blocks (log %u at %u, inodes %u at %u, bitmap at %u, data %u), %s inodes\n",
              options.image.c_str(), super.size, super.log_blocks, super.log_start, super.inode_count,
              super.inode_start, super.bitmap_start, super.data_blocks,
              options.plan.layout == abi::InodeLayout::single ? "12+1" : "11+1+1");
  std::printf("%zu files; %u of %u blocks and %u of %u inodes used\n", options.files.size(), builder.used_blocks(),
              super.size, builder.used_inodes(), super.inode_count - 1);
}

}  // namespace

int main(int count, char** arguments) {
  try {
    const Options options = parse(count, arguments);
    mkfs::ImageBuilder builder(options.plan);
    for (const std::string& file : options.files) add(builder, file);
    write_image(options.image, builder.finish());
    if (!options.quiet) report(builder, options);
    return 0;
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "mkfs: %s\n", failure.what());
    return 1;
  }
}
