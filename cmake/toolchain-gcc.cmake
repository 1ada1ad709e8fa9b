# The second leg: GCC 12's cross compiler. It shows that the code is portable C++; it builds the RISC-V side only.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR riscv64)
set(CMAKE_C_COMPILER riscv64-linux-gnu-gcc-12)
set(CMAKE_CXX_COMPILER riscv64-linux-gnu-g++-12)
set(CMAKE_ASM_COMPILER riscv64-linux-gnu-gcc-12)
# There is no libc to link a trial program with.
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
