# SPDX-License-Identifier: MIT
# What every piece of host code is compiled with, and the host tools.
#
# tests/host/seam comes first: it holds the host twins of the headers through which kernel/fs and kernel/mm reach
# the machine.
add_library(host-flags INTERFACE)
target_include_directories(host-flags INTERFACE
  ${CMAKE_SOURCE_DIR}/tests/host/seam ${CMAKE_SOURCE_DIR} ${CMAKE_SOURCE_DIR}/kernel)
target_compile_definitions(host-flags INTERFACE
  BIFOLIUM_HOST=1 BIFOLIUM_VIEW_UNIFIED=1 BIFOLIUM_DEBUG=$<BOOL:${BIFOLIUM_DEBUG}>)
target_compile_options(host-flags INTERFACE -Wall -Wextra ${BIFOLIUM_WARNINGS} -fno-omit-frame-pointer)
# Under a sanitizer compiling takes longer than running: -O1 and line numbers alone halve it, and a report still names
# file and line.
if(BIFOLIUM_SANITIZE)
  target_compile_options(host-flags INTERFACE -O1 -gline-tables-only)
elseif(CMAKE_BUILD_TYPE STREQUAL "")
  target_compile_options(host-flags INTERFACE -O2 -g)
endif()
if(BIFOLIUM_SANITIZE)
  target_compile_options(host-flags INTERFACE -fsanitize=${BIFOLIUM_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(host-flags INTERFACE -fsanitize=${BIFOLIUM_SANITIZE})
endif()
if(BIFOLIUM_COVERAGE)
  target_compile_options(host-flags INTERFACE -fprofile-instr-generate -fcoverage-mapping)
  target_link_options(host-flags INTERFACE -fprofile-instr-generate)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL Clang)
  string(REGEX MATCH "^[0-9]+" llvm_version ${CMAKE_CXX_COMPILER_VERSION})
  target_link_options(host-flags INTERFACE -fuse-ld=lld-${llvm_version})
endif()
find_package(Threads REQUIRED)
target_link_libraries(host-flags INTERFACE Threads::Threads)

# The machine: a library of its own, since it uses nothing of the kernel's and takes no part in its seams.
bifolium_glob(vellum_sources "vellum/*.cpp")
add_library(vellum-machine STATIC ${vellum_sources})
target_include_directories(vellum-machine PUBLIC ${CMAKE_SOURCE_DIR})
target_compile_options(vellum-machine PRIVATE -g -O2 -Wall -Wextra -Werror -fno-exceptions -fno-rtti)
if(BIFOLIUM_SANITIZE)
  target_compile_options(vellum-machine PRIVATE -fsanitize=${BIFOLIUM_SANITIZE} -fno-sanitize-recover=all)
endif()
if(BIFOLIUM_COVERAGE)
  target_compile_options(vellum-machine PRIVATE -fprofile-instr-generate -fcoverage-mapping)
endif()

# A folder tools/NAME with sources becomes the program NAME. A tool that needs more than the C++ library
# (libdw, CLI11...) says so in a tools/NAME/tool.cmake, which is included with the target already made.
bifolium_glob(tool_sources "tools/*/*.cpp")
set(tool_names)
foreach(source IN LISTS tool_sources)
  string(REGEX REPLACE "^tools/([^/]+)/.*" "\\1" name ${source})
  list(APPEND tool_names ${name})
  list(APPEND tool_${name}_sources ${source})
endforeach()
list(REMOVE_DUPLICATES tool_names)
if(NOT BIFOLIUM_EXPLORER)
  list(REMOVE_ITEM tool_names foliowalk)
endif()
add_custom_target(tools)
if(BIFOLIUM_HOST_TOOLS)
  foreach(name IN LISTS tool_names)
    add_executable(${name} ${tool_${name}_sources})
    target_link_libraries(${name} PRIVATE host-flags)
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tools)
    if(EXISTS ${CMAKE_SOURCE_DIR}/tools/${name}/tool.cmake)
      include(${CMAKE_SOURCE_DIR}/tools/${name}/tool.cmake)
    endif()
    add_dependencies(tools ${name})
  endforeach()
endif()
