# SPDX-License-Identifier: MIT
# machine.wasm: the machine, its judges and the explorer's engine for the page (page/). Chosen by the preset `wasm`.
bifolium_glob(page_sources "page/machine/*.cpp" "vellum/*.cpp" "sv39/*.cpp" "tools/foliowalk/*.cpp")
# What needs files, sockets or threads stays outside of the browser.
list(FILTER page_sources EXCLUDE REGEX
  "tools/foliowalk/(main|attach|commands|serve|live|session|qmp|trap_log|text|vellum_guest|look_back)\\.cpp$")
list(TRANSFORM page_sources PREPEND ${CMAKE_SOURCE_DIR}/)

# -I/usr/include would bring the C library of this computer along: only these two are wanted from there.
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/include)
foreach(library nlohmann fmt)
  file(CREATE_LINK /usr/include/${library} ${CMAKE_BINARY_DIR}/include/${library} SYMBOLIC)
endforeach()

add_executable(machine.wasm ${page_sources})
target_include_directories(machine.wasm PRIVATE
  ${CMAKE_SOURCE_DIR}/tests/host/seam ${CMAKE_SOURCE_DIR} ${CMAKE_SOURCE_DIR}/kernel)
target_include_directories(machine.wasm SYSTEM PRIVATE ${CMAKE_BINARY_DIR}/include)
target_compile_definitions(machine.wasm PRIVATE
  BIFOLIUM_HOST=1 BIFOLIUM_VIEW_UNIFIED=1 BIFOLIUM_DEBUG=0 JSON_NOEXCEPTION FMT_HEADER_ONLY FMT_EXCEPTIONS=0)
target_compile_options(machine.wasm PRIVATE -stdlib=libc++ -O2 -fno-exceptions -fno-rtti -Wall -Wextra -Werror)
# A module that is called, not a program that ends. The guest's memory is inside the module's.
target_link_options(machine.wasm PRIVATE -stdlib=libc++ -mexec-model=reactor
  -Wl,--strip-all -Wl,--max-memory=1073741824 -Wl,-z,stack-size=1048576)

# The page in node and in headless Chromium, where npm and Chromium are there; with the kernels of the release tree.
enable_testing()
add_test(NAME page COMMAND python3 ${CMAKE_SOURCE_DIR}/tests/page/page_test.py $<TARGET_FILE:machine.wasm>)
set_tests_properties(page PROPERTIES LABELS page PROCESSORS 2 TIMEOUT 900 SKIP_RETURN_CODE 77)
