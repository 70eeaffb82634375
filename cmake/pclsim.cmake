# Settings that every target shares, and the one way to declare a library.

add_library(pclsim_settings INTERFACE)
target_include_directories(pclsim_settings INTERFACE ${PROJECT_SOURCE_DIR}/include)
target_compile_definitions(pclsim_settings INTERFACE _POSIX_C_SOURCE=200809L)
target_compile_options(pclsim_settings INTERFACE
  -ffp-contract=off
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wdouble-promotion
  -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wcast-qual -Wwrite-strings
  -Wvla -Wundef -Wformat=2 -Wswitch-enum)
if(PCLSIM_WERROR)
  target_compile_options(pclsim_settings INTERFACE -Werror)
endif()
if(PCLSIM_SANITIZE)
  target_compile_options(pclsim_settings INTERFACE
    -fsanitize=${PCLSIM_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(pclsim_settings INTERFACE -fsanitize=${PCLSIM_SANITIZE})
endif()
if(PCLSIM_COVERAGE)
  target_compile_options(pclsim_settings INTERFACE --coverage)
  target_link_options(pclsim_settings INTERFACE --coverage)
endif()
if(PCLSIM_CHECKING)
  target_compile_definitions(pclsim_settings INTERFACE PCLSIM_CHECKING=1)
endif()

# pclsim_library(NAME SOURCES ... LINKS ...): a static library of the house.
function(pclsim_library name)
  cmake_parse_arguments(L "" "" "SOURCES;LINKS" ${ARGN})
  add_library(${name} STATIC ${L_SOURCES})
  target_link_libraries(${name} PUBLIC pclsim_settings ${L_LINKS})
endfunction()

# pclsim_test(NAME SOURCE file.c LINKS libs... [LABELS labels...] [ENV ...]): a CMocka program,
# one ctest entry.
function(pclsim_test name)
  cmake_parse_arguments(T "" "SOURCE" "LINKS;LABELS" ${ARGN})
  string(REPLACE "." "_" target "test_${name}")
  add_executable(${target} ${T_SOURCE})
  target_link_libraries(${target} PRIVATE ${T_LINKS} pclsim_settings PkgConfig::CMOCKA)
  target_compile_definitions(${target} PRIVATE
    PCLSIM_SOURCE_DIR="${PROJECT_SOURCE_DIR}" PCLSIM_BINARY_DIR="${PROJECT_BINARY_DIR}")
  add_test(NAME ${name} COMMAND ${target})
  if(T_LABELS)
    set_tests_properties(${name} PROPERTIES LABELS "${T_LABELS}")
  endif()
endfunction()
