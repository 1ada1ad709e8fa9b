# Every tests/host/**/NAME_test.cpp is one GoogleTest program; every other file below tests/host is shared by all.
enable_testing()
find_package(GTest REQUIRED)
find_package(rapidcheck CONFIG REQUIRED)
include(GoogleTest)

# The kernel's own sources that run on the host unchanged.
bifolium_glob(subject_sources "sv39/*.cpp" "kernel/lib/*.cpp" "kernel/mm/*.cpp" "kernel/fs/*.cpp"
  # Pure functions of the upper layers.
  "kernel/process/elf.cpp" "kernel/process/personality.cpp" "kernel/dev/device_tree.cpp")
bifolium_glob(host_test_sources "tests/host/*.cpp")
set(shared_sources ${host_test_sources})
list(FILTER shared_sources EXCLUDE REGEX "_test\\.cpp$")
list(FILTER host_test_sources INCLUDE REGEX "_test\\.cpp$")
if(BIFOLIUM_TEST_PATTERN)
  list(FILTER host_test_sources INCLUDE REGEX "${BIFOLIUM_TEST_PATTERN}")
endif()

add_custom_target(host-tests)
add_library(host-subject STATIC ${CMAKE_SOURCE_DIR}/cmake/empty.cpp ${subject_sources} ${shared_sources})
target_link_libraries(host-subject PUBLIC host-flags)
target_include_directories(host-subject PUBLIC ${CMAKE_SOURCE_DIR}/tests/host)

foreach(source IN LISTS host_test_sources)
  string(REGEX REPLACE "^tests/host/(.*)_test\\.cpp$" "\\1" name ${source})
  string(REPLACE "/" "-" name ${name})
  add_executable(test-${name} ${source})
  # Under TSan only what has threads is worth its time, and none of it is quick.
  if(BIFOLIUM_TEST_PREFIX STREQUAL host)
    set(quick quick)
  else()
    set(quick "")
  endif()
  target_link_libraries(test-${name} PRIVATE host-subject GTest::gtest GTest::gtest_main rapidcheck)
  set_target_properties(test-${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  gtest_discover_tests(test-${name} TEST_PREFIX "${BIFOLIUM_TEST_PREFIX}/${name}/" DISCOVERY_TIMEOUT 60
    PROPERTIES TIMEOUT 900 LABELS "host;${quick}")
  add_dependencies(host-tests test-${name})
endforeach()
