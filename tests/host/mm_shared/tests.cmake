# The address space in the view `shared`: the sources and the tests of mm, compiled once more.
host_subject(mm_shared host-sv39 "kernel/mm/*.cpp" "tests/host/mm/machine.cpp" "tests/host/mm/world.cpp"
  "tests/host/mm/world_operations.cpp")
target_compile_definitions(host-mm_shared PUBLIC BIFOLIUM_VIEW_SHARED=1)
