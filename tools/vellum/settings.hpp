// SPDX-License-Identifier: MIT
#pragma once
// What the command line asks for.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "vellum/meter/tlb.hpp"

namespace vellum_tool {

/// Something the user has to know about; `hint` says what to do, if that can be said.
struct Complaint {
  std::string text;
  std::string hint;
};

/// At what a run ends by itself, apart from the number of instructions.
enum class Until : unsigned char { nothing, trap, page_fault, satp_write, finding, function_return };

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
  std::optional<std::uint64_t>
      rules; // bit n: the judges' rule of number n; nothing: all, and their verdict is no status
  bool json = false;                  // findings as one JSON object a line
  std::string allocate = "kalloc", release = "kfree";  // the functions that hand out frames and take them back
  std::string panic = "panic";
  Until until = Until::nothing;
  std::string until_function;         // whose return ends the run
  std::vector<std::uint64_t> blamed;  // virtual addresses of hart 0: who wrote the entries on the way there
  std::vector<std::uint64_t> dated;   // ... and since when the address leads where it does
  std::string explore;                // a Unix socket through which foliowalk may look
  std::string record, replay;         // files: what was typed when
  std::uint64_t first_seed = 0, last_seed = 0;  // --seeds: a run for each
  std::optional<vellum::TlbShape> tlb;  // caches whose work is counted; no judges then
  bool hash = false;                  // print the machine's hash at the end
  bool speaks_qemu = false;           // the command line is QEMU's
  bool wait_for_gdb = false;          // stopped until it says to go on
  enum class Tell : unsigned char { nothing, help, version, qemu_help } tell = Tell::nothing;
  std::vector<std::string> notes;  // what was asked for and is not there, but does not keep the kernel from booting
};

}  // namespace vellum_tool
