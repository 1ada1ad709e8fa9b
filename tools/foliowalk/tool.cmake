# SPDX-License-Identifier: MIT
# foliowalk: the explorer's host program. Everything but main.cpp is a library, so that its tests can link it.
find_package(PkgConfig REQUIRED)
pkg_check_modules(HTTPLIB REQUIRED IMPORTED_TARGET cpp-httplib)
find_package(fmt REQUIRED)
find_package(CLI11 REQUIRED)
find_package(nlohmann_json REQUIRED)

set(foliowalk_core_sources ${tool_foliowalk_sources})
list(REMOVE_ITEM foliowalk_core_sources tools/foliowalk/main.cpp)
list(TRANSFORM foliowalk_core_sources PREPEND ${CMAKE_SOURCE_DIR}/)
add_library(foliowalk-core STATIC ${foliowalk_core_sources})
target_link_libraries(foliowalk-core PUBLIC
  host-flags vellum-command PkgConfig::HTTPLIB fmt::fmt nlohmann_json::nlohmann_json Threads::Threads)
target_compile_definitions(foliowalk-core PRIVATE
  FOLIOWALK_WEB_DIRECTORY="${CMAKE_SOURCE_DIR}/build/explore-web")

set_target_properties(foliowalk PROPERTIES SOURCES ${CMAKE_SOURCE_DIR}/tools/foliowalk/main.cpp)
target_link_libraries(foliowalk PRIVATE foliowalk-core CLI11::CLI11)

if(BIFOLIUM_HOST_TESTS)
  # On a kernel that is not Bifolium, live and from dumps; the page in headless Chromium where npm and Chromium are
  # there.
  enable_testing()
  foreach(kind minimal kernels lint_texts bifolium dumps napot attach gdb browser explore install tour)
    add_test(NAME foliowalk/${kind}
      COMMAND python3 ${CMAKE_SOURCE_DIR}/tests/foliowalk/${kind}_test.py $<TARGET_FILE:foliowalk>)
    set_tests_properties(foliowalk/${kind} PROPERTIES LABELS foliowalk PROCESSORS 2 TIMEOUT 600 SKIP_RETURN_CODE 77)
  endforeach()
  add_test(NAME foliowalk/vellum
    COMMAND python3 ${CMAKE_SOURCE_DIR}/tests/foliowalk/vellum_test.py $<TARGET_FILE:foliowalk> $<TARGET_FILE:vellum>)
  set_tests_properties(foliowalk/vellum PROPERTIES LABELS foliowalk TIMEOUT 600)
  # Arbitrary RAM under libFuzzer: some seconds here, as long as you like by hand.
  if(CMAKE_CXX_COMPILER_ID STREQUAL Clang)
    list(TRANSFORM foliowalk_core_sources REPLACE "^${CMAKE_SOURCE_DIR}/" "" OUTPUT_VARIABLE foliowalk_fuzz_sources)
    list(REMOVE_ITEM foliowalk_fuzz_sources
      tools/foliowalk/attach.cpp tools/foliowalk/serve.cpp tools/foliowalk/live.cpp tools/foliowalk/commands.cpp
      tools/foliowalk/vellum_guest.cpp tools/foliowalk/look_back.cpp)
    list(TRANSFORM foliowalk_fuzz_sources PREPEND ${CMAKE_SOURCE_DIR}/)
    add_executable(foliowalk-fuzz ${CMAKE_SOURCE_DIR}/tests/fuzz/foliowalk_fuzz.cpp ${foliowalk_fuzz_sources})
    target_link_libraries(foliowalk-fuzz PRIVATE host-flags vellum-machine fmt::fmt nlohmann_json::nlohmann_json)
    target_compile_options(foliowalk-fuzz PRIVATE -O1 -fsanitize=fuzzer)
    target_link_options(foliowalk-fuzz PRIVATE -fsanitize=fuzzer)
    add_test(NAME foliowalk/fuzz COMMAND foliowalk-fuzz -max_total_time=20 -max_len=20000 -timeout=60)
    set_tests_properties(foliowalk/fuzz PROPERTIES LABELS foliowalk TIMEOUT 300)
  endif()
endif()
