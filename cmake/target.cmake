# SPDX-License-Identifier: MIT
# What every piece of RISC-V code is compiled and linked with: kernels and user programs alike.
# The oldest that is there: 12 is the one that the project is tested with.
file(GLOB cross_gccs LIST_DIRECTORIES true "/usr/lib/gcc-cross/riscv64-linux-gnu/1[2-9]")
list(SORT cross_gccs)
list(APPEND cross_gccs /usr/lib/gcc-cross/riscv64-linux-gnu/12)
list(GET cross_gccs 0 cross_gcc)
set(BIFOLIUM_CROSS_GCC ${cross_gcc} CACHE PATH "Cross GCC whose libstdc++ headers are used")

if(CMAKE_CXX_COMPILER_ID STREQUAL Clang)
  string(REGEX MATCH "^[0-9]+" llvm_version ${CMAKE_CXX_COMPILER_VERSION})
  set(BIFOLIUM_OBJCOPY llvm-objcopy-${llvm_version})
  set(BIFOLIUM_NM llvm-nm-${llvm_version})
else()
  set(BIFOLIUM_OBJCOPY ${CMAKE_OBJCOPY})
  set(BIFOLIUM_NM ${CMAKE_NM})
endif()

add_library(riscv-flags INTERFACE)
target_include_directories(riscv-flags INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_definitions(riscv-flags INTERFACE BIFOLIUM_DEBUG=$<BOOL:${BIFOLIUM_DEBUG}>)
target_compile_options(riscv-flags INTERFACE
  -march=rv64gc -mabi=lp64d -mcmodel=medany -ffreestanding -fno-pic -fno-stack-protector
  -fno-omit-frame-pointer -ffunction-sections -fdata-sections -O2 -g -Wall -Wextra ${BIFOLIUM_WARNINGS}
  $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions -fno-rtti -fno-threadsafe-statics -fno-asynchronous-unwind-tables>)
# --build-id=none: the note would land in front of the entry point and hang a `-bios none` boot.
target_link_options(riscv-flags INTERFACE
  -nostdlib -static -Wl,--build-id=none -Wl,--gc-sections -Wl,-z,max-page-size=4096)

if(CMAKE_CXX_COMPILER_ID STREQUAL Clang)
  set(cross --target=riscv64-linux-gnu)
  # -mno-implicit-float: the compiler must not save itself a move through an F register that no one switched.
  target_compile_options(riscv-flags INTERFACE ${cross} -mno-implicit-float -Wthread-safety
    $<$<COMPILE_LANGUAGE:CXX>:--gcc-install-dir=${BIFOLIUM_CROSS_GCC}>)
  target_link_options(riscv-flags INTERFACE ${cross} --gcc-install-dir=${BIFOLIUM_CROSS_GCC}
    -fuse-ld=lld-${llvm_version})
  if(BIFOLIUM_LTO)
    target_compile_options(riscv-flags INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-flto=full>)
    target_link_options(riscv-flags INTERFACE -flto=full -Wl,--lto-O2)
  endif()
else()
  # GNU ld gives its RWX-segment warning for the one-segment programs that xv6 of 2020 has; it is meant so.
  target_link_options(riscv-flags INTERFACE -Wl,--no-warn-rwx-segments)
  # Without the bit-manipulation extension GCC counts zeros by a call.
  target_link_libraries(riscv-flags INTERFACE gcc)
endif()
