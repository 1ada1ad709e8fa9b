# The address space in the view `mirrored`: the sources and the tests of mm, compiled once more.
host_subject(mm_mirrored host-sv39 "kernel/mm/*.cpp" "tests/host/mm/machine.cpp" "tests/host/mm/world.cpp"
  "tests/host/mm/world_operations.cpp")
target_compile_definitions(host-mm_mirrored PUBLIC BIFOLIUM_VIEW_MIRRORED=1)
