// SPDX-License-Identifier: MIT
#include "lib/result.hpp"

namespace lib {

std::string_view describe(Error error) {
  switch (error) {
    case Error::no_memory: return "out of memory";
    case Error::bad_address: return "bad address";
    case Error::needs_page_in: return "page must be read from its file first";
    case Error::invalid_argument: return "invalid argument";
    case Error::not_found: return "not found";
    case Error::already_exists: return "already exists";
    case Error::not_a_directory: return "not a directory";
    case Error::is_a_directory: return "is a directory";
    case Error::directory_not_empty: return "directory not empty";
    case Error::name_too_long: return "name too long";
    case Error::too_many_links: return "too many links";
    case Error::no_space: return "no space on the disk";
    case Error::too_big: return "too big";
    case Error::bad_descriptor: return "bad file descriptor";
    case Error::not_permitted: return "not permitted";
    case Error::limit_reached: return "table full";
    case Error::broken_pipe: return "broken pipe";
    case Error::interrupted: return "interrupted";
    case Error::not_executable: return "not an executable";
    case Error::io: return "input/output error";
    case Error::corrupt: return "corrupt data on disk";
    case Error::read_only: return "read-only file system";
    case Error::busy: return "busy";
    case Error::not_supported: return "not supported";
    case Error::timed_out: return "timed out";
  }
  return "unknown error";
}

}  // namespace lib
