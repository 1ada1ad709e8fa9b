# SPDX-License-Identifier: MIT
# kernel-shared, kernel-mirrored, kernel-unified: the same sources, compiled once for each view.
bifolium_glob(kernel_sources "kernel/*.cpp" "kernel/*.S" "sv39/*.cpp")

# The linker script may be a template (kernel.ld.in, run through the preprocessor with the view's macro),
# or one plain file for each view (kernel-VIEW.ld), or one for all (kernel.ld).
function(bifolium_linker_script view macro out)
  set(dir ${CMAKE_SOURCE_DIR}/kernel/arch/riscv64)
  if(EXISTS ${dir}/kernel.ld.in)
    set(script ${CMAKE_BINARY_DIR}/kernel-${view}.ld)
    add_custom_command(OUTPUT ${script}
      COMMAND ${CMAKE_C_COMPILER} -E -P -x c -undef -D${macro}=1 -I${CMAKE_SOURCE_DIR} -I${CMAKE_SOURCE_DIR}/kernel
              ${dir}/kernel.ld.in -o ${script}
      DEPENDS ${dir}/kernel.ld.in ${dir}/layout.hpp COMMENT "Linker script for the ${view} view" VERBATIM)
  elseif(EXISTS ${dir}/kernel-${view}.ld)
    set(script ${dir}/kernel-${view}.ld)
  else()
    set(script ${dir}/kernel.ld)
  endif()
  set(${out} ${script} PARENT_SCOPE)
endfunction()

# The core and the labs' wing are compiled apart, so that a kernel without the wing costs one more link.
set(core_sources ${kernel_sources})
list(FILTER core_sources EXCLUDE REGEX "^kernel/labs/")
set(labs_sources ${kernel_sources})
list(FILTER labs_sources INCLUDE REGEX "^kernel/labs/")

# kernel_objects(NAME macro sources...): a part of a kernel for one view.
function(kernel_objects name macro)
  add_library(${name} OBJECT ${ARGN})
  target_link_libraries(${name} PRIVATE riscv-flags)
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/kernel)
  target_compile_definitions(${name} PRIVATE ${macro}=1)
  set_target_properties(${name} PROPERTIES UNITY_BUILD ${BIFOLIUM_UNITY} UNITY_BUILD_MODE GROUP)
  # GCC takes the files of a folder for headers of the file that names them, and warns of members whose types are local
  # to a file: they are, in each of them.
  if(BIFOLIUM_UNITY)
    target_compile_options(${name} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
    # What the library's headers cost is more than half of a short file's time. The other trees see that nobody forgets
    # to include them.
    if(CMAKE_CXX_COMPILER_ID STREQUAL Clang)
      target_precompile_headers(${name} PRIVATE
        <algorithm> <array> <atomic> <bit> <expected> <optional> <span> <string_view> <utility>)
    endif()
  endif()
endfunction()

# A folder is compiled as one file where that is wanted (BIFOLIUM_UNITY): the headers are read once for all of it. Left
# alone are lib, whose runtime.cpp defines the C functions that the other headers declare, and what has siblings of one
# shape, with the same names inside: the drivers, and the threads that keep something. What runtime.cpp defines must not
# come to it precompiled either.
set_source_files_properties(kernel/lib/runtime.cpp PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
set(drivers "console|uart|virtio_block|virtio_net|e1000")
set(compiled_alone "^kernel/(lib/.*|dev/(${drivers})|process/(network|log_keeper))\\.cpp$")
foreach(source IN LISTS kernel_sources)
  cmake_path(GET source PARENT_PATH folder)
  string(MAKE_C_IDENTIFIER ${folder} folder)
  if(source MATCHES "^kernel/.*\\.cpp$" AND NOT source MATCHES "${compiled_alone}")
    set_source_files_properties(${source} PROPERTIES UNITY_GROUP ${folder})
  endif()
endforeach()

# kernel_program(NAME script parts...): the ELF file of these parts.
function(kernel_program name script)
  add_executable(${name} ${script})
  set_target_properties(${name} PROPERTIES LINKER_LANGUAGE CXX LINK_DEPENDS ${script})
  target_link_libraries(${name} PRIVATE riscv-flags ${ARGN})
  target_link_options(${name} PRIVATE -T ${script})
  # Names for the panic screen's backtrace (kernel/lib/symbols.hpp).
  add_custom_command(TARGET ${name} POST_BUILD
    COMMAND python3 ${CMAKE_SOURCE_DIR}/tools/guest/symbols.py $<TARGET_FILE:${name}> ${BIFOLIUM_NM} VERBATIM)
  add_dependencies(kernels ${name})
endfunction()

add_custom_target(kernels)
foreach(view IN LISTS BIFOLIUM_VIEWS)
  string(TOUPPER ${view} upper)
  set(macro BIFOLIUM_VIEW_${upper})
  bifolium_linker_script(${view} ${macro} script)
  kernel_objects(core-${view} ${macro} ${core_sources})
  if(BIFOLIUM_LABS)
    kernel_objects(labs-${view} ${macro} ${labs_sources})
    kernel_program(kernel-${view} ${script} core-${view} labs-${view})
  else()
    kernel_program(kernel-${view} ${script} core-${view})
  endif()
endforeach()

# The core alone, for the test that it needs nobody.
if(BIFOLIUM_LABS AND BIFOLIUM_DEBUG AND TARGET core-unified)
  kernel_program(kernel-unified-nolabs ${CMAKE_BINARY_DIR}/kernel-unified.ld core-unified)
endif()
