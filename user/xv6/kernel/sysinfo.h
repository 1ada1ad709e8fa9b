// SPDX-License-Identifier: MIT
// What sysinfo() tells; laid out as abi::Sysinfo.
#pragma once

struct sysinfo {
  uint64 freemem;  // bytes
  uint64 nproc;
};
