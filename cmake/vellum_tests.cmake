# Tests of Vellum's command: beside QEMU, its judges, and Bifolium's suites on it while the judges watch. Registered in
# the release tree.
set(vellum_command ${CMAKE_BINARY_DIR}/tools/vellum)

# vellum_test(NAME SECONDS LABELS... COMMAND script arguments...)
function(vellum_test name seconds)
  cmake_parse_arguments(arg "" "" "LABELS;COMMAND" ${ARGN})
  add_test(NAME vellum/${name} COMMAND python3 ${arg_COMMAND})
  set_tests_properties(vellum/${name} PROPERTIES LABELS "vellum;${arg_LABELS}" TIMEOUT ${seconds})
endfunction()

# Random programs: FIRST_SEED COUNT. QEMU is the judge.
set(equality ${CMAKE_SOURCE_DIR}/tests/vellum/equality.py ${vellum_command})
vellum_test(equality 900 COMMAND ${equality} 1 8)
vellum_test(equality/long 7200 LABELS long COMMAND ${equality} 1000 1000)

vellum_test(judges 900 COMMAND ${CMAKE_SOURCE_DIR}/tests/vellum/judges_test.py ${vellum_command})
vellum_test(command 900 COMMAND ${CMAKE_SOURCE_DIR}/tests/vellum/command_test.py ${CMAKE_BINARY_DIR})

# Bifolium's suites; a word of a judge fails them.
foreach(view IN LISTS BIFOLIUM_VIEWS)
  foreach(harts 1 3)
    foreach(suite systest vmtest "grind 1 1 10000")
      string(REGEX REPLACE " .*" "" suite_name ${suite})
      set(labels long)
      if(view STREQUAL unified AND harts EQUAL 3 AND suite STREQUAL vmtest)
        set(labels "")
      endif()
      vellum_test(${suite_name}/${view}/smp${harts} 7200 LABELS ${labels} COMMAND
        ${CMAKE_SOURCE_DIR}/tests/guest/run_guest.py --build ${CMAKE_BINARY_DIR} --vellum ${vellum_command}
        --view ${view} --smp ${harts} --suite ${suite} --timeout 3600)
    endforeach()
  endforeach()
endforeach()
