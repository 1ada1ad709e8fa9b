# foliowalk: the explorer's host program. Everything but main.cpp is a library, so that its tests can link it.
find_package(PkgConfig REQUIRED)
pkg_check_modules(LIBDW REQUIRED IMPORTED_TARGET libdw libelf)
pkg_check_modules(HTTPLIB REQUIRED IMPORTED_TARGET cpp-httplib)
find_package(fmt REQUIRED)
find_package(CLI11 REQUIRED)
find_package(nlohmann_json REQUIRED)

set(foliowalk_core_sources ${tool_foliowalk_sources})
list(REMOVE_ITEM foliowalk_core_sources tools/foliowalk/main.cpp)
list(TRANSFORM foliowalk_core_sources PREPEND ${CMAKE_SOURCE_DIR}/)
add_library(foliowalk-core STATIC ${foliowalk_core_sources})
target_link_libraries(foliowalk-core PUBLIC host-flags PkgConfig::LIBDW PkgConfig::HTTPLIB fmt::fmt nlohmann_json::nlohmann_json Threads::Threads)
target_compile_definitions(foliowalk-core PRIVATE
  FOLIOWALK_WEB_DIRECTORY="${CMAKE_SOURCE_DIR}/build/explore-web")
target_compile_options(foliowalk-core PRIVATE -O2)

set_target_properties(foliowalk PROPERTIES SOURCES ${CMAKE_SOURCE_DIR}/tools/foliowalk/main.cpp)
target_link_libraries(foliowalk PRIVATE foliowalk-core CLI11::CLI11)

# Tests of foliowalk (tests/host/foliowalk) become targets later in the configuration; they get the library then.
function(foliowalk_link_tests)
  get_property(targets DIRECTORY ${CMAKE_SOURCE_DIR} PROPERTY BUILDSYSTEM_TARGETS)
  foreach(target IN LISTS targets)
    if(target MATCHES "^test-foliowalk")
      target_link_libraries(${target} PRIVATE foliowalk-core)
    endif()
  endforeach()
endfunction()
cmake_language(DEFER DIRECTORY ${CMAKE_SOURCE_DIR} CALL foliowalk_link_tests)
