# SPDX-License-Identifier: MIT
# What the second compiler made is booted too: its kernels with its programs. mkfs and fsck come from the debug tree,
# which ./test builds first.
enable_testing()
set(leg_driver python3 ${CMAKE_SOURCE_DIR}/tests/guest/run_guest.py
  --build ${CMAKE_SOURCE_DIR}/build/debug --leg ${CMAKE_BINARY_DIR})
foreach(view IN LISTS BIFOLIUM_VIEWS)
  add_test(NAME gcc/smoke/${view} COMMAND ${leg_driver} --view ${view} --exec "ls" "echo hello | wc" "cat README")
  set_tests_properties(gcc/smoke/${view} PROPERTIES LABELS guest PROCESSORS 2 TIMEOUT 330)
  foreach(suite systest vmtest)
    add_test(NAME gcc/${suite}/${view} COMMAND ${leg_driver} --view ${view} --suite ${suite} --timeout 600)
    set_tests_properties(gcc/${suite}/${view} PROPERTIES LABELS "guest;long" PROCESSORS 2 TIMEOUT 630)
  endforeach()
endforeach()
