// SPDX-License-Identifier: MIT
#pragma once

#include "fs/inode_table.hpp"
#include "labs/edition.hpp"

namespace lab {

/// Looks at the mounted root file system: superblock, root directory, and the stubs of /init. Says on the console, in
/// one line, if those tell nothing. What `calls` points to lives for ever.
[[nodiscard]] ImageFacts look_at_image(const fs::InodeRef& root);

}  // namespace lab
