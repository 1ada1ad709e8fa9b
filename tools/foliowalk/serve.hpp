// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "tools/foliowalk/session.hpp"

namespace foliowalk {

struct ServeOptions {
  int port = 25180;
  std::string web_directory;  // empty: beside the installed program, else where the build put it
};

/// Serves the explorer on 127.0.0.1 until the guest is gone. The page and its data come from here alone.
[[nodiscard]] Outcome<int> command_serve(Source& source, const Session& session, const ServeOptions& options);

}  // namespace foliowalk
