#pragma once
// What the command line asks for.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace vellum_tool {

/// Something the user has to know about; `hint` says what to do, if that can be said.
struct Complaint {
  std::string text;
  std::string hint;
};

struct Settings {
  std::string kernel;                 // empty: kernel/kernel
  std::optional<std::string> image;   // nothing: fs.img if it is there
  bool snapshot = false;              // the image file is left as it is
  bool legacy_virtio = false;
  unsigned harts = 3;
  std::uint64_t memory = std::uint64_t{128} << 20;
  std::uint64_t seed = 0;
  std::string append;
  std::optional<std::vector<std::string>> commands;  // --exec
  std::uint64_t budget = 0;           // instructions after which to give up; 0: never
  std::optional<unsigned> gdb_port;   // a debugger may connect there
  std::string dump;                   // a file for the memory's content at the end
  bool hash = false;                  // print the machine's hash at the end
  bool speaks_qemu = false;           // the command line is QEMU's
  bool wait_for_gdb = false;          // stopped until it says to go on
  enum class Tell : unsigned char { nothing, help, version, qemu_help } tell = Tell::nothing;
  std::vector<std::string> notes;  // what was asked for and is not there, but does not keep the kernel from booting
};

}  // namespace vellum_tool
