// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "tools/foliowalk/serve.hpp"

namespace foliowalk {

/// The last command in what `make -n qemu` prints that starts QEMU, cut into words; empty where there is none.
[[nodiscard]] std::vector<std::string> qemu_command_in(std::string_view make_output);

/// Where QEMU and foliowalk meet: files in one directory.
struct MeetingPlace {
  std::string directory;

  [[nodiscard]] std::string ram() const { return directory + "/ram"; }
  [[nodiscard]] std::string trace() const { return directory + "/trace"; }
  [[nodiscard]] std::string server_socket() const { return directory + "/qmp-server"; }
  [[nodiscard]] std::string command_socket() const { return directory + "/qmp"; }
};

/// The command with what foliowalk needs beside it: RAM in a shared file, two QMP sockets, the trace's file. All else
/// stays as it was.
[[nodiscard]] std::vector<std::string> with_windows(std::vector<std::string> command, const MeetingPlace& place);

/// Starts the kernel that was built in an xv6 folder as its own Makefile does (`make qemu`), with the explorer beside
/// it, and ends when QEMU does.
[[nodiscard]] Outcome<int> command_attach(const std::string& folder, Session session, const ServeOptions& options);

}  // namespace foliowalk
