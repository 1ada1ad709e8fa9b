// SPDX-License-Identifier: MIT
#pragma once

namespace lab {

/// If this image's programs have the calls of the network lab of 2024 and later: the first ARP packet and the first IP
/// packet are said on the console. After the calls have their numbers.
void say_first_packets();

}  // namespace lab
