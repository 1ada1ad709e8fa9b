# SPDX-License-Identifier: MIT
# Tests that boot the machine, and checks of the source as a whole. Registered in the debug tree (every check on in
# the kernel) and, a few of them, in the release tree (what users run). Labels: `quick` belongs to ./test --quick,
# `long` runs only in ./test --long.
enable_testing()
set(stack_check python3 ${CMAKE_SOURCE_DIR}/tests/check_stacks.py ${CMAKE_BINARY_DIR}/kernel-unified
  ${CMAKE_BINARY_DIR}/kernel-mirrored ${CMAKE_BINARY_DIR}/kernel-shared)
set(guest_driver python3 ${CMAKE_SOURCE_DIR}/tests/guest/run_guest.py --build ${CMAKE_BINARY_DIR})

# guest_test(NAME view harts LABELS... EXEC commands... | SUITE program [TIMES n] [TIMEOUT s] [MEMORY m] [APPEND args])
function(guest_test name view harts)
  cmake_parse_arguments(arg "" "SUITE;TIMES;TIMEOUT;MEMORY;APPEND" "LABELS;EXEC" ${ARGN})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  set(options --view ${view} --smp ${harts} --timeout ${arg_TIMEOUT})
  if(arg_MEMORY)
    list(APPEND options --mem ${arg_MEMORY})
  endif()
  if(arg_APPEND)
    list(APPEND options --append ${arg_APPEND})
  endif()
  if(arg_TIMES)
    list(APPEND options --times ${arg_TIMES})
  endif()
  if(arg_SUITE)
    list(APPEND options --suite ${arg_SUITE})
  else()
    list(APPEND options --exec ${arg_EXEC})
  endif()
  add_test(NAME ${name} COMMAND ${guest_driver} ${options})
  # A machine with several harts uses several of this one's: it counts as two of ctest's jobs.
  if(harts GREATER 1)
    set(processors 2)
  else()
    set(processors 1)
  endif()
  math(EXPR ctest_timeout "${arg_TIMEOUT} * 20")
  set_tests_properties(${name} PROPERTIES
    LABELS "guest;${arg_LABELS}" PROCESSORS ${processors} TIMEOUT ${ctest_timeout})
endfunction()

# network_test(NAME label COMMAND...)
function(network_test name label)
  add_test(NAME ${name} COMMAND ${ARGN})
  set_tests_properties(${name} PROPERTIES
    LABELS "guest;${label}" PROCESSORS 2 TIMEOUT 900 SKIP_RETURN_CODE 77)
endfunction()

if(BIFOLIUM_DEBUG)
  foreach(view IN LISTS BIFOLIUM_VIEWS)
    foreach(harts 1 3 8)
      foreach(suite systest vmtest)
        set(labels "")
        if(view STREQUAL unified AND harts EQUAL 3)
          set(labels quick)
        endif()
        guest_test(guest/${suite}/${view}/smp${harts} ${view} ${harts} SUITE ${suite} LABELS ${labels})
        guest_test(guest/${suite}/${view}/smp${harts}/twenty-times ${view} ${harts} SUITE ${suite} TIMES 20 LABELS long)
      endforeach()
    endforeach()
    # Where a member of a lock that all hold had to wait for a stopped one, five harts were enough (docs/judged.md, 6).
    foreach(suite systest vmtest)
      guest_test(guest/${suite}/${view}/smp5 ${view} 5 SUITE ${suite} LABELS long)
    endforeach()
    # The kernel breaks its own rules on purpose, one after the other, and the report must say what happened.
    add_test(NAME guest/negative/${view}
      COMMAND python3 ${CMAKE_SOURCE_DIR}/tests/negative/run.py --build ${CMAKE_BINARY_DIR} --view ${view})
    set_tests_properties(guest/negative/${view} PROPERTIES
      LABELS "guest$<$<STREQUAL:${view},unified>:;quick>" PROCESSORS 2 TIMEOUT 600)
    # The invariant checker after every process, wherever the other harts are.
    guest_test(guest/check-at-exit/${view} ${view} 3 APPEND check=exit EXEC "stress 6 4" "ls | grep README | wc")
    # Random system calls by eight processes: SEED ROUNDS CALLS.
    guest_test(guest/grind/${view} ${view} 3 SUITE "grind 1 1 10000")
    foreach(harts 1 3 8)
      guest_test(guest/grind/${view}/smp${harts}/long ${view} ${harts}
        SUITE "grind ${harts} 50 20000" TIMEOUT 5000 LABELS long)
    endforeach()
    # Machines built differently, and device trees that lie.
    set(sample --sample)
    if(view STREQUAL unified)
      set(sample "")
    endif()
    add_test(NAME guest/machines/${view}
      COMMAND python3 ${CMAKE_SOURCE_DIR}/tests/guest/machines_test.py --build ${CMAKE_BINARY_DIR} --view ${view}
        ${sample})
    set_tests_properties(guest/machines/${view} PROPERTIES LABELS guest PROCESSORS 2 TIMEOUT 1200)
    # A fork bomb that kills the shell, and garbage on the console.
    add_test(NAME guest/hostile/${view}
      COMMAND python3 ${CMAKE_SOURCE_DIR}/tests/guest/hostile_test.py --build ${CMAKE_BINARY_DIR} --view ${view})
    set_tests_properties(guest/hostile/${view} PROPERTIES LABELS guest PROCESSORS 2 TIMEOUT 600)
    # Images of each year and numbering: what their programs find (docs/xv6-contract.md).
    add_test(NAME guest/years/${view}
      COMMAND python3 ${CMAKE_SOURCE_DIR}/tests/guest/years_test.py --build ${CMAKE_BINARY_DIR} --view ${view})
    set_tests_properties(guest/years/${view} PROPERTIES LABELS guest PROCESSORS 2 TIMEOUT 900)
    guest_test(guest/smoke/${view} ${view} 3
      EXEC "ls" "echo hello | wc" "cat README" LABELS $<$<STREQUAL:${view},unified>:quick>)
  endforeach()

  # How long a call keeps a hart from everything else, in virtual time; the long calls two by two on eight harts; and a
  # console that nobody reads.
  set(stretch python3 ${CMAKE_SOURCE_DIR}/tests/guest/stretch_test.py --build ${CMAKE_BINARY_DIR})
  add_test(NAME guest/stretch COMMAND ${stretch})
  add_test(NAME guest/stretch/pairs COMMAND ${stretch} --pairs locks)
  add_test(NAME guest/stretch/unread COMMAND ${stretch} --unread)
  set_tests_properties(guest/stretch guest/stretch/pairs guest/stretch/unread PROPERTIES
    LABELS guest PROCESSORS 2 TIMEOUT 900)
  add_test(NAME guest/stretch/8G COMMAND ${stretch} --mem 8G --timeout 7000)
  add_test(NAME guest/stretch/pairs/every COMMAND ${stretch} --timeout 7000 --pairs)
  set_tests_properties(guest/stretch/8G guest/stretch/pairs/every PROPERTIES LABELS long PROCESSORS 2 TIMEOUT 7200)
  foreach(view shared mirrored)
    add_test(NAME guest/stretch/${view} COMMAND ${stretch} --view ${view})
    set_tests_properties(guest/stretch/${view} PROPERTIES LABELS long PROCESSORS 2 TIMEOUT 900)
  endforeach()

  # The core alone: without the labs' wing it boots and does everything else.
  foreach(suite systest vmtest)
    guest_test(guest/nolabs/${suite} unified-nolabs 3 SUITE "${suite} core")
  endforeach()

  # A person at the shell.
  add_test(NAME guest/terminal
    COMMAND python3 ${CMAKE_SOURCE_DIR}/tests/guest/terminal_test.py --build ${CMAKE_BINARY_DIR})
  set_tests_properties(guest/terminal PROPERTIES LABELS guest PROCESSORS 2 TIMEOUT 900)

  # What the console says of a fault.
  add_test(NAME guest/fault-text
    COMMAND python3 ${CMAKE_SOURCE_DIR}/tests/guest/fault_text_test.py --build ${CMAKE_BINARY_DIR})
  set_tests_properties(guest/fault-text PROPERTIES LABELS guest PROCESSORS 2 TIMEOUT 300)

  add_test(NAME guest/gdb COMMAND python3 ${CMAKE_SOURCE_DIR}/tests/guest/gdb_test.py --build ${CMAKE_BINARY_DIR})
  set_tests_properties(guest/gdb PROPERTIES LABELS guest PROCESSORS 2 TIMEOUT 300)

  add_test(NAME guest/xv6cc COMMAND python3 ${CMAKE_SOURCE_DIR}/tests/guest/xv6cc_test.py --build ${CMAKE_BINARY_DIR})
  set_tests_properties(guest/xv6cc PROPERTIES LABELS guest PROCESSORS 2 TIMEOUT 600)

  # The network, offline: the labs of all years, and what a peer or a card may do. Each in a network namespace; where
  # none can be made (a container without the right to) they are skipped.
  set(network python3 ${CMAKE_SOURCE_DIR}/tests/net/labs_test.py --build ${CMAKE_BINARY_DIR})
  foreach(view IN LISTS BIFOLIUM_VIEWS)
    network_test(net/labs/${view} "" ${network} --view ${view} --smp 3 2023 2026)
    foreach(harts 1 8)
      network_test(net/labs/${view}/smp${harts} long ${network} --view ${view} --smp ${harts} 2023 2024 2025 2026)
    endforeach()
  endforeach()
  network_test(net/programs "" ${network} programs)
  network_test(net/bench "" python3 ${CMAKE_SOURCE_DIR}/tests/net/bench_test.py --build ${CMAKE_BINARY_DIR})
  network_test(net/virtio "" ${network} --card virtio 2025)
  network_test(net/virtio/every-year long ${network} --card virtio 2023 2024 2026)
  network_test(net/virtio/legacy long ${network} --card virtio --legacy 2023 2025)
  set(network python3 ${CMAKE_SOURCE_DIR}/tests/net/hostile_test.py --build ${CMAKE_BINARY_DIR})
  network_test(net/hostile "" ${network})
  network_test(net/hostile/long long ${network} --frames 100000 e1000 virtio)
  network_test(net/million long python3 ${CMAKE_SOURCE_DIR}/tests/net/million_test.py --build ${CMAKE_BINARY_DIR})
  set_tests_properties(net/hostile/long net/million PROPERTIES TIMEOUT 7200)

  # The machine is killed while programs write; what it leaves must be clean and recover.
  add_test(NAME power COMMAND python3 ${CMAKE_SOURCE_DIR}/tests/power/run.py --build ${CMAKE_BINARY_DIR})
  set_tests_properties(power PROPERTIES LABELS guest PROCESSORS 2 TIMEOUT 900)
  # Stores to a mapped file that the disk does not take any more.
  foreach(view IN LISTS BIFOLIUM_VIEWS)
    add_test(NAME power/lost-stores/${view}
      COMMAND python3 ${CMAKE_SOURCE_DIR}/tests/power/lost_stores.py --build ${CMAKE_BINARY_DIR} --view ${view})
    set_tests_properties(power/lost-stores/${view} PROPERTIES LABELS guest PROCESSORS 2 TIMEOUT 600)
  endforeach()
  add_test(NAME power/bad-images
    COMMAND python3 ${CMAKE_SOURCE_DIR}/tests/power/bad_images.py --build ${CMAKE_BINARY_DIR})
  set_tests_properties(power/bad-images PROPERTIES LABELS guest PROCESSORS 2 TIMEOUT 600)
  # A sample of the requests that may fail, and behind --long each of them.
  set(io_errors python3 ${CMAKE_SOURCE_DIR}/tests/power/io_errors.py --build ${CMAKE_BINARY_DIR})
  add_test(NAME power/io-errors COMMAND ${io_errors} --first 7 --stride 20)
  set_tests_properties(power/io-errors PROPERTIES LABELS guest PROCESSORS 2 TIMEOUT 900)
  add_test(NAME power/io-errors/every COMMAND ${io_errors})
  set_tests_properties(power/io-errors/every PROPERTIES LABELS long PROCESSORS 2 TIMEOUT 7200)

  # SPIN on the models of the kernel's protocols: the state counts are printed.
  add_test(NAME models COMMAND python3 ${CMAKE_SOURCE_DIR}/tests/models/run.py)
  add_test(NAME models/long COMMAND python3 ${CMAKE_SOURCE_DIR}/tests/models/run.py --long)
  set_tests_properties(models PROPERTIES LABELS check TIMEOUT 900)
  set_tests_properties(models/long PROPERTIES LABELS long TIMEOUT 7200)

  foreach(target vm fs device_tree image_calls)
    add_test(NAME fuzz/${target} COMMAND ${CMAKE_SOURCE_DIR}/tests/fuzz/run ${target} 120)
    set_tests_properties(fuzz/${target} PROPERTIES LABELS long TIMEOUT 1800)
  endforeach()
  # Ten million inputs, each of one frame or more.
  add_test(NAME fuzz/net COMMAND ${CMAKE_SOURCE_DIR}/tests/fuzz/run net 6000 -runs=10000000 -seed=20261130)
  set_tests_properties(fuzz/net PROPERTIES LABELS long TIMEOUT 7200)
  add_test(NAME coverage COMMAND ${CMAKE_SOURCE_DIR}/tests/coverage)
  add_test(NAME mutants COMMAND ${CMAKE_SOURCE_DIR}/tests/mutants/run.py)
  set_tests_properties(coverage mutants PROPERTIES LABELS long PROCESSORS 2 TIMEOUT 7200)

  foreach(check layers core bugs docs references format licence)
    add_test(NAME check/${check} COMMAND python3 ${CMAKE_SOURCE_DIR}/tests/check_${check}.py)
    set_tests_properties(check/${check} PROPERTIES LABELS "check;quick")
  endforeach()
  add_test(NAME check/stacks COMMAND ${stack_check})
  set_tests_properties(check/stacks PROPERTIES LABELS check)
  add_test(NAME check/mutants COMMAND python3 ${CMAKE_SOURCE_DIR}/tests/mutants/run.py --check)
  set_tests_properties(check/mutants PROPERTIES LABELS "check;quick")
  add_test(NAME check/site COMMAND ${CMAKE_SOURCE_DIR}/run --docs --no-install)
  set_tests_properties(check/site PROPERTIES LABELS "check;long" TIMEOUT 600)
  add_test(NAME check/headers COMMAND python3 ${CMAKE_SOURCE_DIR}/tests/check_headers.py clang gcc host)
  add_test(NAME check/tidy COMMAND python3 ${CMAKE_SOURCE_DIR}/tests/check_tidy.py ${CMAKE_BINARY_DIR})
  set_tests_properties(check/headers check/tidy PROPERTIES LABELS check PROCESSORS 2 TIMEOUT 900)
  add_test(NAME check/tidy-all COMMAND python3 ${CMAKE_SOURCE_DIR}/tests/check_tidy.py ${CMAKE_BINARY_DIR} --all)
  set_tests_properties(check/tidy-all PROPERTIES LABELS long PROCESSORS 2 TIMEOUT 3600)
  add_test(NAME check/driver COMMAND python3 ${CMAKE_SOURCE_DIR}/tests/guest/driver_test.py)
  set_tests_properties(check/driver PROPERTIES LABELS "check;quick")
elseif(BIFOLIUM_LTO)  # the release tree; no-lto is what make builds, and is tested through it
  include(vellum_tests)
  add_test(NAME check/stacks/release COMMAND ${stack_check})
  set_tests_properties(check/stacks/release PROPERTIES LABELS check)
  add_test(NAME release/make COMMAND python3 ${CMAKE_SOURCE_DIR}/tests/guest/make_test.py)
  set_tests_properties(release/make PROPERTIES LABELS guest PROCESSORS 2 TIMEOUT 600)
  # Each function of the kernel, found by its address alone.
  add_test(NAME release/make/every-symbol COMMAND python3 ${CMAKE_SOURCE_DIR}/tests/guest/make_test.py
    Make.test_each_function_is_found_alone)
  set_tests_properties(release/make/every-symbol PROPERTIES
    LABELS "guest;long" TIMEOUT 1800 ENVIRONMENT BIFOLIUM_EVERY_SYMBOL=1)
  add_test(NAME release/boot-cost
    COMMAND python3 ${CMAKE_SOURCE_DIR}/tests/guest/boot_cost_test.py --build ${CMAKE_BINARY_DIR})
  set_tests_properties(release/boot-cost PROPERTIES LABELS guest TIMEOUT 600)
  add_test(NAME release/alignments
    COMMAND python3 ${CMAKE_SOURCE_DIR}/tests/guest/alignments_test.py --build ${CMAKE_BINARY_DIR})
  set_tests_properties(release/alignments PROPERTIES LABELS guest TIMEOUT 600)
  # The suites size themselves to the memory; the smallest machine, and one of another size in the other views.
  foreach(memory 32M 64M 1G 4G)
    foreach(suite systest vmtest)
      set(labels long)
      if(memory STREQUAL 32M)
        set(labels "")
      endif()
      guest_test(release/${suite}/unified/${memory} unified 3
        SUITE ${suite} MEMORY ${memory} APPEND check=call LABELS ${labels} TIMEOUT 1800)
    endforeach()
  endforeach()
  foreach(view IN LISTS BIFOLIUM_VIEWS)
    guest_test(release/smoke/${view} ${view} 3 EXEC "ls" "echo hello | wc" "cat README")
    guest_test(release/smoke/${view}/4G ${view} 1 EXEC "ls" MEMORY 4G)
    guest_test(release/smoke/${view}/32M ${view} 1 EXEC "ls" "echo hello | wc" MEMORY 32M)
    # The debug kernel runs them under each view with 1, 3 and 8 harts; of the release kernel the default view will do.
    foreach(suite systest vmtest)
      set(labels long)
      if(view STREQUAL unified)
        set(labels "")
      endif()
      guest_test(release/${suite}/${view}/smp3 ${view} 3 SUITE ${suite} LABELS ${labels})
    endforeach()
  endforeach()
endif()
