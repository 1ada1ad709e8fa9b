// SPDX-License-Identifier: MIT
#pragma once
// Everything a program of this project usually needs.

#include "user/libc/calls.hpp"
#include "user/libc/malloc.hpp"
#include "user/libc/stdio.hpp"
#include "user/libc/string.hpp"
