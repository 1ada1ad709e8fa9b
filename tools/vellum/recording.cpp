// SPDX-License-Identifier: MIT
#include "tools/vellum/recording.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace vellum_tool {

namespace {

using vellum::u64;
constexpr std::string_view first_line = "vellum-recording 1";

/// FNV-1a, over words of eight bytes where there are as many.
u64 hash_of(std::span<const vellum::u8> bytes) {
  u64 hash = 0xcbf29ce484222325;
  const auto mix = [&hash](u64 word) { hash = (hash ^ word) * 0x100000001b3 ^ hash >> 29; };
  while (bytes.size() >= 8) {
    u64 word = 0;
    std::copy_n(bytes.begin(), 8, reinterpret_cast<vellum::u8*>(&word));
    mix(word);
    bytes = bytes.subspan(8);
  }
  for (const vellum::u8 byte : bytes) mix(byte);
  return hash;
}

std::string hex_of(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string hex;
  for (const char c : text) {
    hex += digits[static_cast<unsigned char>(c) >> 4];
    hex += digits[static_cast<unsigned char>(c) & 15];
  }
  return hex;
}

std::optional<std::string> from_hex(std::string_view hex) {
  const auto digit = [](char c) -> int {
    if (c >= '0' && c <= '9') return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
  };
  if (hex.size() % 2 != 0) return std::nullopt;
  std::string text;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    const int high = digit(hex[i]), low = digit(hex[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    text += static_cast<char>(high << 4 | low);
  }
  return text;
}

/// One line after the first; false if it is none of a recording's.
bool read_line(const std::string& line, Recording& recording, bool& has_end) {
  std::istringstream in(line);
  std::string key;
  in >> key;
  if (key == "kernel") return static_cast<bool>(in >> recording.kernel_hash);
  if (key == "image") return static_cast<bool>(in >> recording.image_hash);
  if (key == "harts") return in >> recording.harts && recording.harts >= 1 && recording.harts <= vellum::max_harts;
  if (key == "memory") return static_cast<bool>(in >> recording.memory) && recording.memory % vellum::page_bytes == 0;
  if (key == "seed") return static_cast<bool>(in >> recording.seed);
  if (key == "legacy") return static_cast<bool>(in >> recording.legacy_virtio);
  std::string hex;
  std::string* const plain = key == "append"        ? &recording.append
                             : key == "kernel-file" ? &recording.kernel
                             : key == "image-file"  ? &recording.image
                                                    : nullptr;
  if (plain != nullptr) {
    in >> hex;
    const auto text = from_hex(hex);
    if (text) *plain = *text;
    return text.has_value();
  }
  RunMoment moment;
  if (!(in >> moment.restarts >> moment.steps >> moment.idles >> moment.nanoseconds)) return false;
  if (key == "end") {
    recording.end = moment;
    has_end = true;
    return static_cast<bool>(in >> recording.status);
  }
  if (key != "typed" || !(in >> hex)) return false;
  const auto text = from_hex(hex);
  if (text) recording.inputs.push_back({moment, *text});
  return text.has_value();
}

}  // namespace

Recording begin_recording(const Parts& parts, const Settings& settings) {
  Recording recording;
  recording.kernel_hash = hash_of(parts.kernel);
  recording.image_hash = hash_of(parts.disk.bytes());
  std::error_code unknown;  // then the name as it was given is the best there is
  recording.kernel = std::filesystem::absolute(settings.kernel, unknown).string();
  if (settings.image) recording.image = std::filesystem::absolute(*settings.image, unknown).string();
  recording.harts = settings.harts;
  recording.memory = settings.memory;
  recording.seed = settings.seed;
  recording.legacy_virtio = settings.legacy_virtio;
  recording.append = settings.append;
  return recording;
}

std::string text_of(const Recording& recording) {
  std::ostringstream out;
  const auto moment = [&out](const RunMoment& at) -> std::ostream& {
    return out << at.restarts << ' ' << at.steps << ' ' << at.idles << ' ' << at.nanoseconds;
  };
  out << first_line << "\nkernel " << recording.kernel_hash << "\nimage " << recording.image_hash << "\nharts "
      << recording.harts << "\nmemory " << recording.memory << "\nseed " << recording.seed << "\nlegacy "
      << recording.legacy_virtio << "\nappend " << hex_of(recording.append) << "\nkernel-file "
      << hex_of(recording.kernel) << "\nimage-file " << hex_of(recording.image) << '\n';
  for (const TypedInput& input : recording.inputs) {
    out << "typed ";
    moment(input.at) << ' ' << hex_of(input.text) << '\n';
  }
  out << "end ";
  moment(recording.end) << ' ' << recording.status << '\n';
  return out.str();
}

std::expected<void, Complaint> write_recording(const std::string& path, const Recording& recording) {
  const std::string text = text_of(recording);
  return write_file(path, {reinterpret_cast<const vellum::u8*>(text.data()), text.size()});
}

std::expected<Recording, Complaint> read_recording(const std::string& path) {
  std::ifstream in(path);
  if (!in) return std::unexpected(Complaint{"recording " + path + ": cannot be read", ""});
  return parse_recording(in, path);
}

std::expected<Recording, Complaint> parse_recording(std::istream& in, const std::string& name) {
  std::string line;
  if (!std::getline(in, line) || line != first_line) {
    return std::unexpected(Complaint{"recording " + name + ": not a recording", "vellum --record makes one"});
  }
  Recording recording;
  bool has_end = false;
  while (std::getline(in, line)) {
    if (!read_line(line, recording, has_end)) {
      return std::unexpected(
          Complaint{"recording " + name + ": a line that makes no sense: " + line.substr(0, 60), ""});
    }
  }
  if (!has_end) return std::unexpected(Complaint{"recording " + name + ": its end is missing", ""});
  return recording;
}

void apply(const Recording& recording, Settings& settings) {
  settings.harts = recording.harts;
  settings.memory = recording.memory;
  settings.seed = recording.seed;
  settings.legacy_virtio = recording.legacy_virtio;
  settings.append = recording.append;
  // A kernel that was named goes with its own image, or with none.
  if (settings.kernel.empty() && !settings.image && !recording.image.empty()) settings.image = recording.image;
  if (settings.kernel.empty()) settings.kernel = recording.kernel;
}

std::expected<void, Complaint> check_same(const Recording& recording, const Parts& parts) {
  if (recording.kernel_hash != hash_of(parts.kernel)) {
    return std::unexpected(Complaint{"the kernel is not the one that was recorded", ""});
  }
  if (recording.image_hash != hash_of(parts.disk.bytes())) {
    return std::unexpected(Complaint{"the image is not as it was when the recording began",
                                     "record with --snapshot, which leaves it as it is"});
  }
  return {};
}

}  // namespace vellum_tool
