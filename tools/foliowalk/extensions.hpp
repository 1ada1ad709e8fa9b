// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "sv39/pte.hpp"
#include "tools/foliowalk/ram.hpp"

namespace foliowalk {

class Qmp;

/// The extensions that a list of names holds: "svnapot,svpbmt", or an ISA string as device trees have it
/// ("rv64imafdch_zicbom_svnapot"). Names that do not concern page tables are passed over.
[[nodiscard]] sv39::Extensions extensions_in(std::string_view names);

/// The names, for a session file: "svnapot,svpbmt".
[[nodiscard]] std::string names_of(sv39::Extensions extensions);

/// What QEMU says of its first hart.
[[nodiscard]] sv39::Extensions extensions_of(Qmp& qmp);

/// What the device tree says that the firmware left in RAM; nothing where there is none any more (xv6 overwrites it) or
/// where it is damaged.
[[nodiscard]] sv39::Extensions extensions_in_tree(const Ram& ram);

}  // namespace foliowalk
