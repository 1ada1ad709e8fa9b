# SPDX-License-Identifier: MIT
# Tests of Vellum's command: beside QEMU, and its judges. Registered in the release tree.
set(vellum_command ${CMAKE_BINARY_DIR}/tools/vellum)

# vellum_test(NAME SECONDS LABELS... COMMAND script arguments...)
function(vellum_test name seconds)
  cmake_parse_arguments(arg "" "" "LABELS;COMMAND" ${ARGN})
  add_test(NAME vellum/${name} COMMAND python3 ${arg_COMMAND})
  set_tests_properties(vellum/${name} PROPERTIES LABELS "vellum;${arg_LABELS}" TIMEOUT ${seconds})
endfunction()

# Random programs: FIRST_SEED and how many, or how many instructions. QEMU is the judge.
set(equality ${CMAKE_SOURCE_DIR}/tests/vellum/equality.py ${vellum_command})
vellum_test(equality 900 COMMAND ${equality} 1 8)
vellum_test(equality/long 7200 LABELS long COMMAND ${equality} 5000 1000000000i 200)

vellum_test(judges 900 COMMAND ${CMAKE_SOURCE_DIR}/tests/vellum/judges_test.py ${vellum_command})
vellum_test(command 900 COMMAND ${CMAKE_SOURCE_DIR}/tests/vellum/command_test.py ${CMAKE_BINARY_DIR})
vellum_test(tlb 600 COMMAND ${CMAKE_SOURCE_DIR}/tests/vellum/tlb_test.py ${CMAKE_BINARY_DIR})
vellum_test(determinism 900 COMMAND ${CMAKE_SOURCE_DIR}/tests/vellum/determinism_test.py ${CMAKE_BINARY_DIR})
set_tests_properties(vellum/determinism PROPERTIES SKIP_RETURN_CODE 77)
vellum_test(make 600 COMMAND ${CMAKE_SOURCE_DIR}/tests/vellum/make_test.py ${vellum_command})

# Healthy kernels, each edited to be wrong in one way: five of the edits, and all.
set(seeded ${CMAKE_SOURCE_DIR}/tests/vellum/seeded_test.py ${vellum_command})
vellum_test(seeded 900 COMMAND ${seeded} few)
vellum_test(seeded/long 7200 LABELS long COMMAND ${seeded} all)

# Bifolium's own views, with instructions replaced in the built kernels: three of the edits, and all.
set(bifolium_faults ${CMAKE_SOURCE_DIR}/tests/vellum/bifolium_faults_test.py ${CMAKE_BINARY_DIR})
vellum_test(bifolium-faults 900 COMMAND ${bifolium_faults} few)
vellum_test(bifolium-faults/long 7200 LABELS long COMMAND ${bifolium_faults} all)

# The suites on it, with all judges listening: a word of theirs is a failure.
function(vellum_suite name view suite)
  add_test(NAME vellum/${name}/${view} COMMAND ${guest_driver} --view ${view} --smp 3 --timeout 3600
    --vellum ${vellum_command} --suite ${suite})
  set_tests_properties(vellum/${name}/${view} PROPERTIES LABELS "vellum;${ARGN}" TIMEOUT 7200)
endfunction()

foreach(view IN LISTS BIFOLIUM_VIEWS)
  vellum_suite(grind ${view} "grind 1 1 1000")
  foreach(suite systest vmtest)
    vellum_suite(${suite} ${view} ${suite} long)
  endforeach()
  vellum_suite(grind/long ${view} "grind 3 5 20000" long)
endforeach()

# Random system calls and power cuts, each run from the same booted machine: KIND VIEW RUNS.
add_executable(vellum-campaign ${CMAKE_SOURCE_DIR}/tests/vellum/campaign.cpp)
target_link_libraries(vellum-campaign PRIVATE vellum-command)
function(vellum_campaign name kind view runs)
  add_test(NAME vellum/${name}/${view} COMMAND vellum-campaign ${kind} ${CMAKE_BINARY_DIR}/kernel-${view}
    ${CMAKE_BINARY_DIR}/fs.img --runs ${runs})
  set_tests_properties(vellum/${name}/${view} PROPERTIES LABELS "vellum;${ARGN}" TIMEOUT 3600)
endfunction()

vellum_campaign(cuts cuts unified 200)
vellum_campaign(calls calls unified 5)
foreach(view IN LISTS BIFOLIUM_VIEWS)
  vellum_campaign(cuts/long cuts ${view} 5000 long)
  vellum_campaign(calls/long calls ${view} 200 long)
endforeach()
