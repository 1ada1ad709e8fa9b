// SPDX-License-Identifier: MIT
// fsck: says what is wrong with a file system image. Changes nothing.
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <string_view>

#include "tools/fsck/checker.hpp"

namespace {

constexpr const char* usage =
    "usage: fsck [--layout single|double] [--strict] [--quiet] IMAGE\n"
    "Exit status: 0 no problem, 1 problems (one line each), 2 the image cannot be read.\n"
    "What a crash may leave is no problem: a full log (checked as if installed), allocated inodes without a link\n"
    "(orphans), blocks of a file beyond its size. --strict counts orphans as problems.\n";

enum ExitStatus { clean = 0, problems = 1, unreadable = 2 };

std::optional<std::vector<std::byte>> read_whole(const char* path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  file.seekg(0, std::ios::end);
  const std::streamoff size = file.tellg();
  if (size < 0) return std::nullopt;
  std::vector<std::byte> bytes(static_cast<std::size_t>(size));
  file.seekg(0);
  file.read(reinterpret_cast<char*>(bytes.data()), size);
  if (!file) return std::nullopt;
  return bytes;
}

}  // namespace

int main(int count, char** arguments) {
  fsck::Options options;
  const char* image = nullptr;
  bool quiet = false;
  for (int i = 1; i < count; ++i) {
    const std::string_view argument = arguments[i];
    if (argument == "--strict") {
      options.orphans_are_problems = true;
    } else if (argument == "--quiet") {
      quiet = true;
    } else if (argument == "--layout" && i + 1 < count) {
      const std::string_view layout = arguments[++i];
      options.layout = layout == "double" ? fsck::Options::Layout::double_indirect : fsck::Options::Layout::single;
    } else if (argument == "--help" || argument == "-h") {
      std::fputs(usage, stdout);
      return clean;
    } else if (argument.starts_with("-") || image != nullptr) {
      std::fputs(usage, stderr);
      return unreadable;
    } else {
      image = arguments[i];
    }
  }
  if (image == nullptr) {
    std::fputs(usage, stderr);
    return unreadable;
  }
  const auto bytes = read_whole(image);
  if (!bytes) {
    std::fprintf(stderr, "fsck: %s: cannot be read\n", image);
    return unreadable;
  }
  const fsck::Report report = fsck::check(*bytes, options);
  for (const std::string& problem : report.problems) std::printf("%s\n", problem.c_str());
  if (!quiet) {
    for (const std::string& note : report.notes) std::printf("note: %s\n", note.c_str());
    std::printf("%s: %zu problems; %u files, %u directories, %u devices, %u links; %u blocks used, %u free\n", image,
                report.problems.size(), report.files, report.directories, report.devices, report.links,
                report.used_blocks, report.free_blocks);
  }
  return report.problems.empty() ? clean : problems;
}
