# kernel-shared, kernel-mirrored, kernel-unified: the same sources, compiled once for each view.
bifolium_glob(kernel_sources "kernel/*.cpp" "kernel/*.S" "sv39/*.cpp")

# The linker script may be a template (kernel.ld.in, run through the preprocessor with the view's macro),
# or one plain file for each view (kernel-VIEW.ld), or one for all (kernel.ld).
function(bifolium_linker_script view macro out)
  set(dir ${CMAKE_SOURCE_DIR}/kernel/arch/riscv64)
  if(EXISTS ${dir}/kernel.ld.in)
    set(script ${CMAKE_BINARY_DIR}/kernel-${view}.ld)
    add_custom_command(OUTPUT ${script}
      COMMAND ${CMAKE_C_COMPILER} -E -P -x c -undef -D${macro}=1 -I${CMAKE_SOURCE_DIR} -I${CMAKE_SOURCE_DIR}/kernel
              ${dir}/kernel.ld.in -o ${script}
      DEPENDS ${dir}/kernel.ld.in ${dir}/layout.hpp COMMENT "Linker script for the ${view} view" VERBATIM)
  elseif(EXISTS ${dir}/kernel-${view}.ld)
    set(script ${dir}/kernel-${view}.ld)
  else()
    set(script ${dir}/kernel.ld)
  endif()
  set(${out} ${script} PARENT_SCOPE)
endfunction()

add_custom_target(kernels)
if(kernel_sources)
  foreach(view IN LISTS BIFOLIUM_VIEWS)
    string(TOUPPER ${view} upper)
    set(macro BIFOLIUM_VIEW_${upper})
    bifolium_linker_script(${view} ${macro} script)
    add_executable(kernel-${view} ${kernel_sources} ${script})
    target_link_libraries(kernel-${view} PRIVATE riscv-flags)
    target_include_directories(kernel-${view} PRIVATE ${CMAKE_SOURCE_DIR}/kernel)
    target_compile_definitions(kernel-${view} PRIVATE ${macro}=1 BIFOLIUM_KERNEL=1)
    target_compile_options(kernel-${view} PRIVATE
      $<$<COMPILE_LANGUAGE:CXX>:SHELL:-include ${CMAKE_SOURCE_DIR}/kernel/lib/prelude.hpp>)
    target_link_options(kernel-${view} PRIVATE -T ${script})
    set_target_properties(kernel-${view} PROPERTIES LINK_DEPENDS ${script})
    # Names for the panic screen's backtrace (kernel/lib/symbols.hpp).
    if(CMAKE_CXX_COMPILER_ID STREQUAL Clang)
      add_custom_command(TARGET kernel-${view} POST_BUILD
        COMMAND python3 ${CMAKE_SOURCE_DIR}/tools/guest/symbols.py $<TARGET_FILE:kernel-${view}> VERBATIM)
    endif()
    add_dependencies(kernels kernel-${view})
  endforeach()
endif()
