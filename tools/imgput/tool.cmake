# SPDX-License-Identifier: MIT
# imgput writes into images with the kernel's own file system: the same lines that run in the kernel, over the host
# twins of the four headers through which they reach the machine.
bifolium_glob(imgput_subject_sources
  "kernel/lib/*.cpp" "kernel/fs/*.cpp" "kernel/mm/*.cpp" "sv39/*.cpp" "tests/host/seam/*.cpp")
add_library(imgput-subject STATIC EXCLUDE_FROM_ALL ${imgput_subject_sources})
target_link_libraries(imgput-subject PUBLIC host-flags)
target_link_libraries(imgput PRIVATE imgput-subject)
