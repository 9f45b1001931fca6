# SPDX-License-Identifier: Apache-2.0
# hsmlic_layer(NAME SOURCES... DEPENDS layers... LINK libraries...)
# One static library for each folder of src/; it sees the folders it depends on
# and src/ itself as include path ("card/apdu.h").
function(hsmlic_layer name)
  cmake_parse_arguments(L "" "" "SOURCES;DEPENDS;LINK" ${ARGN})
  add_library(hl_${name} STATIC ${L_SOURCES})
  target_include_directories(hl_${name} PUBLIC
    ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
  foreach(dep ${L_DEPENDS})
    target_link_libraries(hl_${name} PUBLIC hl_${dep})
  endforeach()
  target_link_libraries(hl_${name} PRIVATE ${L_LINK})
endfunction()

# hsmlic_test(NAME SOURCES... LAYERS...): a cmocka program, one ctest.
function(hsmlic_test name)
  cmake_parse_arguments(T "" "TIMEOUT" "SOURCES;LAYERS;LINK" ${ARGN})
  add_executable(test_${name} ${T_SOURCES})
  foreach(layer ${T_LAYERS})
    target_link_libraries(test_${name} PRIVATE hl_${layer})
  endforeach()
  target_include_directories(test_${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  target_link_libraries(test_${name} PRIVATE PkgConfig::CMOCKA ${T_LINK})
  if(NOT T_TIMEOUT)
    set(T_TIMEOUT 60)
  endif()
  add_test(NAME ${name} COMMAND test_${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT ${T_TIMEOUT})
endfunction()

# hsmlic_fuzz(NAME SOURCE LAYERS...): a libFuzzer harness; without libFuzzer a
# program that replays a corpus, so that every compiler and every ctest runs it.
function(hsmlic_fuzz name)
  cmake_parse_arguments(F "" "SOURCE" "LAYERS" ${ARGN})
  add_executable(fuzz_${name} ${F_SOURCE})
  if(HSMLIC_FUZZ)
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
    target_compile_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
    set(args -runs=1)
  else()
    target_sources(fuzz_${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests/fuzz/replay.c)
    set(args "")
  endif()
  foreach(layer ${F_LAYERS})
    target_link_libraries(fuzz_${name} PRIVATE hl_${layer})
  endforeach()
  target_include_directories(fuzz_${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  add_test(NAME fuzz_${name}
    COMMAND fuzz_${name} ${args} ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${name})
  set_tests_properties(fuzz_${name} PROPERTIES TIMEOUT 60)
endfunction()
