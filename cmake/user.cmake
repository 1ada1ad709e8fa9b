# SPDX-License-Identifier: MIT
# The user programs: one ELF for each user/programs/NAME.cpp or folder user/programs/NAME/, over the libc in
# user/libc.
bifolium_glob(libc_sources "user/libc/*.cpp" "user/libc/*.c" "user/libc/*.S")
bifolium_glob(testing_sources "user/testing/*.cpp")
bifolium_glob(program_sources "user/programs/*.cpp" "user/programs/*.c")

set(program_dir ${CMAKE_BINARY_DIR}/user)
set(user_script ${CMAKE_SOURCE_DIR}/user/user.ld)
add_custom_target(programs)

add_library(user-flags INTERFACE)
target_link_libraries(user-flags INTERFACE riscv-flags)
target_include_directories(user-flags INTERFACE ${CMAKE_SOURCE_DIR}/user)

if(libc_sources)
  add_library(user-libc STATIC ${libc_sources})
  set_target_properties(user-libc PROPERTIES UNITY_BUILD ${BIFOLIUM_UNITY})
  target_link_libraries(user-libc PRIVATE user-flags)
endif()

# The frame of the test programs; the others link nothing of it.
if(testing_sources)
  add_library(user-testing STATIC ${testing_sources})
  target_link_libraries(user-testing PRIVATE user-flags)
endif()

set(program_names)
foreach(source IN LISTS program_sources)
  string(REGEX REPLACE "^user/programs/([^/.]+).*" "\\1" name ${source})
  list(APPEND program_names ${name})
  list(APPEND program_${name}_sources ${source})
endforeach()
list(REMOVE_DUPLICATES program_names)
foreach(name IN LISTS program_names)
  add_executable(user-${name} ${program_${name}_sources})
  target_link_libraries(user-${name} PRIVATE user-flags)
  foreach(library user-testing user-libc)
    if(TARGET ${library})
      target_link_libraries(user-${name} PRIVATE ${library})
    endif()
  endforeach()
  target_link_options(user-${name} PRIVATE -T ${user_script})
  set_target_properties(user-${name} PROPERTIES
    OUTPUT_NAME ${name}.sym RUNTIME_OUTPUT_DIRECTORY ${program_dir} LINK_DEPENDS ${user_script})
  list(LENGTH program_${name}_sources source_count)
  if(source_count GREATER 1)  # a folder as one file
    set_target_properties(user-${name} PROPERTIES UNITY_BUILD ${BIFOLIUM_UNITY} UNITY_BUILD_BATCH_SIZE 0)
  endif()
  # The image is small: what goes there has no symbols. NAME.sym beside it is for the debugger. init keeps the names of
  # functions: the kernel reads from them what the image's programs may expect.
  if(name STREQUAL init)
    set(strip --strip-debug --discard-all --remove-section=.riscv.attributes)
    target_link_options(user-${name} PRIVATE -Wl,-u,ugetpid)
  else()
    set(strip --strip-all)
  endif()
  add_custom_command(TARGET user-${name} POST_BUILD
    COMMAND ${BIFOLIUM_OBJCOPY} ${strip} ${program_dir}/${name}.sym ${program_dir}/${name}
    BYPRODUCTS ${program_dir}/${name})
  add_dependencies(programs user-${name})
endforeach()
