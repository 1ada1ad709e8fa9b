# SPDX-License-Identifier: MIT
# Every tests/host/FOLDER/NAME_test.cpp is one GoogleTest program. What else lies in FOLDER is shared by the tests
# there and above: a test of fs may use the models of mm, a test of sv39 does not wait for fs to compile.
enable_testing()
find_package(GTest REQUIRED)
find_package(rapidcheck CONFIG REQUIRED)
include(GoogleTest)
# <cxxabi.h>, which GoogleTest would demangle names with, declares an `abi` that is not ours.
add_compile_definitions(GTEST_HAS_CXXABI_H_=0)

bifolium_glob(host_test_sources "tests/host/*.cpp")
set(shared_sources ${host_test_sources})
list(FILTER shared_sources EXCLUDE REGEX "_test\\.cpp$")
list(FILTER host_test_sources INCLUDE REGEX "_test\\.cpp$")
if(BIFOLIUM_TEST_PATTERN)
  list(FILTER host_test_sources INCLUDE REGEX "${BIFOLIUM_TEST_PATTERN}")
endif()

# host_subject(LAYER below sources...): the kernel's own sources of a layer, unchanged, with tests/host/LAYER's helpers.
function(host_subject layer below)
  set(sources)
  if(ARGN)
    bifolium_glob(sources ${ARGN})
  endif()
  set(helpers ${shared_sources})
  list(FILTER helpers INCLUDE REGEX "^tests/host/${layer}/")
  add_library(host-${layer} STATIC ${CMAKE_SOURCE_DIR}/cmake/empty.cpp ${sources} ${helpers})
  target_link_libraries(host-${layer} PUBLIC ${below})
  target_include_directories(host-${layer} PUBLIC ${CMAKE_SOURCE_DIR}/tests/host)
endfunction()

host_subject(seam host-flags)
host_subject(lib host-seam "kernel/lib/*.cpp")
host_subject(model host-lib)
host_subject(sv39 host-model "sv39/*.cpp")
host_subject(mm host-sv39 "kernel/mm/*.cpp")
host_subject(fs host-mm "kernel/fs/*.cpp")
host_subject(net host-mm "kernel/net/*.cpp" "kernel/dev/packet.cpp")
host_subject(dev host-lib "kernel/dev/device_tree.cpp" "kernel/dev/machine_plan.cpp" "kernel/dev/pci_host.cpp")
target_link_libraries(host-dev PUBLIC fdt)  # Debian's libfdt: the oracle of the device-tree reader
host_subject(process host-mm "kernel/process/elf.cpp")
host_subject(boot host-lib "kernel/boot/options.cpp")
host_subject(report host-lib)
host_subject(labs host-boot "kernel/labs/edition.cpp" "kernel/labs/image_calls.cpp")
host_subject(vellum "vellum-machine;host-flags")
target_compile_definitions(host-vellum PUBLIC VELLUM_CORPUS="${CMAKE_SOURCE_DIR}/tests/guests/debug")
# libdw: the oracle of the reader of ELF and DWARF.
find_package(PkgConfig REQUIRED)
pkg_check_modules(LIBDW REQUIRED IMPORTED_TARGET GLOBAL libdw libelf)
target_link_libraries(host-vellum PUBLIC PkgConfig::LIBDW)

# The address space in the other two views: its sources and its tests' helpers, compiled once more.
foreach(view mirrored shared)
  host_subject(mm_${view} host-sv39 "kernel/mm/*.cpp" "tests/host/mm/machine.cpp" "tests/host/mm/world.cpp"
    "tests/host/mm/world_operations.cpp")
  string(TOUPPER ${view} upper)
  target_compile_definitions(host-mm_${view} PUBLIC BIFOLIUM_VIEW_${upper}=1)
endforeach()

# Tests of a host tool lie in tests/host/TOOL; its tools/TOOL/tool.cmake makes the library TOOL-core for them.
foreach(tool IN LISTS tool_names)
  if(TARGET ${tool}-core AND NOT TARGET host-${tool})
    add_library(host-${tool} INTERFACE)
    target_link_libraries(host-${tool} INTERFACE ${tool}-core)
  endif()
endforeach()

# What ./test --quick takes: each layer once. The other views and the tools are for the whole run, and so are the
# sanitizers' other trees.
set(quick_layers lib model sv39 mm fs net dev report process boot labs vellum)

# Under libFuzzer, some seconds here, as long as you like with tests/fuzz/run: the reader of ELF and DWARF (debug_info),
# a file as Vellum's kernel (kernel), and Vellum's devices, CSRs and tables (devices).
if(CMAKE_CXX_COMPILER_ID STREQUAL Clang AND BIFOLIUM_SANITIZE MATCHES address)
  # vellum_fuzz(NAME EXECUTABLE SECONDS LONGEST "command that makes seeds" SOURCES...)
  function(vellum_fuzz name target seconds longest seeds)
    add_executable(${target} tests/fuzz/${name}_fuzz.cpp ${ARGN})
    target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR}/tests/host)
    target_link_libraries(${target} PRIVATE host-flags)
    target_compile_options(${target} PRIVATE -O1 -fsanitize=fuzzer)
    target_link_options(${target} PRIVATE -fsanitize=fuzzer)
    add_test(NAME ${BIFOLIUM_TEST_PREFIX}/vellum-${name}-fuzz COMMAND sh -c
      "${seeds} && mkdir -p found-${name} && \
       $<TARGET_FILE:${target}> found-${name} seeds-${name} -seed=1 -max_total_time=${seconds} -max_len=${longest} \
       -timeout=30")
    set_tests_properties(${BIFOLIUM_TEST_PREFIX}/vellum-${name}-fuzz PROPERTIES
      LABELS ${BIFOLIUM_TEST_PREFIX} TIMEOUT 300 WORKING_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  endfunction()
  bifolium_glob(debug_info_sources "vellum/debug/*.cpp")
  vellum_fuzz(debug_info debug-info-fuzz 10 40000 "${CMAKE_SOURCE_DIR}/tests/fuzz/debug_info_seeds seeds-debug_info"
    tests/host/vellum/debug_exercise.cpp ${debug_info_sources})
  bifolium_glob(words_sources "vellum/words/*.cpp")
  # Who tells the judges is no reader.
  list(REMOVE_ITEM words_sources vellum/words/acquaint.cpp)
  vellum_fuzz(kernel kernel-fuzz 5 40000 "${CMAKE_SOURCE_DIR}/tests/fuzz/debug_info_seeds seeds-kernel"
    vellum/machine/elf.cpp ${debug_info_sources} ${words_sources})
  bifolium_glob(machine_sources "vellum/machine/*.cpp" "vellum/dev/*.cpp")
  vellum_fuzz(devices devices-fuzz 5 4096 "mkdir -p seeds-devices && head -c 4000 /dev/zero > seeds-devices/zeros"
    ${machine_sources})
endif()

add_custom_target(host-tests-quick)
add_custom_target(host-tests)
foreach(source IN LISTS host_test_sources)
  string(REGEX REPLACE "^tests/host/([^/]+)/(.*)_test\\.cpp$" "\\1" layer ${source})
  string(REGEX REPLACE "^tests/host/(.*)_test\\.cpp$" "\\1" name ${source})
  string(REPLACE "/" "-" name ${name})
  if(NOT TARGET host-${layer})
    message(WARNING "${source}: no layer ${layer} to test; left out")
    continue()
  endif()
  add_executable(test-${name} ${source})
  target_link_libraries(test-${name} PRIVATE host-${layer} GTest::gtest GTest::gtest_main rapidcheck)
  set_target_properties(test-${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  # The reader of ELF and DWARF compiles its corpus in each test: that is for the whole run.
  if(BIFOLIUM_TEST_PREFIX STREQUAL host AND layer IN_LIST quick_layers AND NOT name MATCHES "^vellum-debug")
    set(label quick)
    add_dependencies(host-tests-quick test-${name})
  else()
    set(label ${BIFOLIUM_TEST_PREFIX})
  endif()
  # The random tests do as many operations as BIFOLIUM_OPS says; ./test --long asks for ten million.
  if(name MATCHES "world|random")
    set(timeout 7200)
  else()
    set(timeout 900)
  endif()
  gtest_discover_tests(test-${name} TEST_PREFIX "${BIFOLIUM_TEST_PREFIX}/${name}/" DISCOVERY_TIMEOUT 60
    PROPERTIES TIMEOUT ${timeout} LABELS ${label})
  add_dependencies(host-tests test-${name})
endforeach()
