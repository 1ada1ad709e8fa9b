# SPDX-License-Identifier: MIT
# The second leg: GCC 12's cross compiler. It shows that the code is portable C++; it builds the RISC-V side only.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR riscv64)
# 12 is the one that the project is tested with; a later one does where there is no 12.
foreach(version 12 13 14 15)
  find_program(found_cross_gcc_${version} riscv64-linux-gnu-g++-${version})
  if(found_cross_gcc_${version})
    set(CMAKE_C_COMPILER riscv64-linux-gnu-gcc-${version})
    set(CMAKE_CXX_COMPILER riscv64-linux-gnu-g++-${version})
    set(CMAKE_ASM_COMPILER riscv64-linux-gnu-gcc-${version})
    break()
  endif()
endforeach()
set(CMAKE_OBJCOPY riscv64-linux-gnu-objcopy)
set(CMAKE_NM riscv64-linux-gnu-nm)
# There is no libc to link a trial program with.
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
