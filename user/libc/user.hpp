// Everything a program of this project usually needs.
#pragma once

#include "user/libc/calls.hpp"
#include "user/libc/malloc.hpp"
#include "user/libc/stdio.hpp"
#include "user/libc/string.hpp"
