// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "tools/foliowalk/number.hpp"
#include "tools/foliowalk/scene.hpp"

namespace foliowalk {

/// Where a guest is to be found, as the command line or a session file says it. Empty means "not given".
struct Session {
  std::string ram;
  std::string base;    // "0x80000000"
  std::string kernel;
  std::string qmp;
  std::string trace;   // QEMU's log with riscv_trap events
  std::string mode;    // "sv39", "sv48", "sv57"
  std::string extensions;  // "svnapot,svpbmt"; empty: QEMU or the device tree in RAM says
  std::string ram_pipe;  // size in bytes: RAM is read through stdin and stdout, for gdb
  double wait_seconds = 0;  // for a guest that is just being started
  std::vector<std::string> satps;
  ProfileNames names;
};

/// Fills what is not given from FILE (or DIR/session.json), which `run --explore` and `snapshot` write. Relative paths
/// in it are relative to the file.
[[nodiscard]] Outcome<void> complete_from_file(Session& session, const std::string& path);

/// The session to take when none is named: $FOLIOWALK_SESSION or build/explore, where that exists.
[[nodiscard]] std::string default_session();

/// Opens RAM, kernel and QMP. RAM is the only one that must be there.
[[nodiscard]] Outcome<Source> open_source(const Session& session);

/// Gives a source that has its RAM and its machine, if any, the kernel's file and what else the session says.
[[nodiscard]] Outcome<void> complete_source(Source& source, const Session& session);

/// Saves the guest's RAM (holes stay holes), each hart's satp and the kernel file in `directory`, to be looked at later
/// with --session.
[[nodiscard]] Outcome<void> save_snapshot(Source& source, const Session& session, const std::string& directory);

}  // namespace foliowalk
