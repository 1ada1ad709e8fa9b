# SPDX-License-Identifier: MIT
# fs.img: README and the programs, under the names a user types.
set(fs_image ${CMAKE_BINARY_DIR}/fs.img)
if(TARGET mkfs AND program_names)
  set(image_files ${CMAKE_SOURCE_DIR}/README.md)
  set(image_arguments README=${CMAKE_SOURCE_DIR}/README.md)
  foreach(name IN LISTS program_names)
    list(APPEND image_files ${program_dir}/${name})
    list(APPEND image_arguments ${name}=${program_dir}/${name})
  endforeach()
  add_custom_command(OUTPUT ${fs_image}
    COMMAND mkfs --quiet ${fs_image} ${image_arguments}
    DEPENDS mkfs programs ${image_files} COMMENT "fs.img" VERBATIM)
  add_custom_target(image ALL DEPENDS ${fs_image})
endif()
