// SPDX-License-Identifier: MIT
#include "process/console_file.hpp"

#include <algorithm>
#include <array>

#include "abi/types.hpp"
#include "dev/console.hpp"
#include "fs/device.hpp"
#include "process/argument_counters.hpp"
#include "process/console_pace.hpp"
#include "process/process.hpp"

namespace process {

namespace {

constexpr usize chunk_size = 128;  // xv6: INPUT_BUF; on the kernel stack

class ConsoleFile final : public fs::CharacterDevice {
 public:
  lib::Result<usize> read(fs::DataSink& sink, usize count) override {
    if (count == 0) return 0;
    std::array<char, chunk_size> line;
    const auto length = dev::console::read(std::span(line).first(std::min(count, line.size())));
    if (!length) return length;
    return deliver(sink, std::as_bytes(std::span(line).first(*length)));
  }

  lib::Result<usize> write(fs::DataSource& source, usize count) override {
    std::array<char, chunk_size> chunk;
    usize written = 0;
    ConsolePace pace;
    while (written < count) {
      const auto wanted = std::span(chunk).first(std::min(count - written, chunk.size()));
      const fs::CopyResult got =
          lib::copy_to_end([&](usize done) { return source.take(std::as_writable_bytes(wanted).subspan(done)); },
                           [&](usize) { return source.page_in(); });
      if (!dev::console::write_all({chunk.data(), got.copied})) break;
      count_argument(argument_counters.console_bytes, got.copied);
      written += got.copied;
      if (!got.ok() || current().is_killed()) break;
      pace.printed(got.copied);
    }
    if (written == 0 && count != 0) return lib::fail(lib::Error::bad_address);
    return written;
  }

 private:
  /// What cannot be delivered is gone, as in xv6; a call that delivers nothing has failed.
  static lib::Result<usize> deliver(fs::DataSink& sink, std::span<const std::byte> bytes) {
    return lib::copy_to_end([&](usize done) { return sink.put(bytes.subspan(done)); },
                            [&](usize) { return sink.page_in(); })
        .partial();
  }
};

constinit ConsoleFile console_file;

}  // namespace

void start_console_file() { fs::register_device(abi::console_major, console_file); }

}  // namespace process
