# SPDX-License-Identifier: MIT
# vellum: the machine's command. Everything but main.cpp is a library: foliowalk sees recorded runs again with it.
set(vellum_command_sources ${tool_vellum_sources})
list(REMOVE_ITEM vellum_command_sources tools/vellum/main.cpp)
list(TRANSFORM vellum_command_sources PREPEND ${CMAKE_SOURCE_DIR}/)
add_library(vellum-command STATIC ${vellum_command_sources})
target_link_libraries(vellum-command PUBLIC host-flags vellum-machine)

set_target_properties(vellum PROPERTIES SOURCES ${CMAKE_SOURCE_DIR}/tools/vellum/main.cpp)
target_link_libraries(vellum PRIVATE vellum-command)
