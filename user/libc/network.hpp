// SPDX-License-Identifier: MIT
#pragma once
// What the network's programs share: addresses as text, and names to addresses (DNS, RFC 1035).

#include "abi/network.hpp"
#include "user/libc/user.hpp"

// "10.0.2.2" as a number in host byte order; false if it is not an address.
bool parse_address(const char* text, std::uint32_t* address);
void print_address(std::uint32_t address);

// An address, or a name that the DNS server knows (10.0.2.3, QEMU's; NAME@SERVER asks another one). Says on descriptor
// 2 what failed.
bool resolve(const char* program, const char* host, std::uint32_t* address);
