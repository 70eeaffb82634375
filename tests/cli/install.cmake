# An installation works away from source and build tree: cmake -DBUILD=... -DPREFIX=... -P install.cmake
file(REMOVE_RECURSE ${PREFIX})
execute_process(COMMAND ${CMAKE_COMMAND} --install ${BUILD} --prefix ${PREFIX}/first
                OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
file(RENAME ${PREFIX}/first "${PREFIX}/moved away")
set(at "${PREFIX}/moved away")
unset(ENV{PCLSIM_DATA})
set(ENV{HOME} ${PREFIX})
set(ENV{XDG_CONFIG_HOME} "")

# pclsim(WORDS... [SAYS text]): runs the installed program and looks for text in its output.
function(pclsim)
  cmake_parse_arguments(P "" "SAYS" "" ${ARGN})
  execute_process(COMMAND ${at}/bin/pclsim ${P_UNPARSED_ARGUMENTS} WORKING_DIRECTORY ${PREFIX}
                  OUTPUT_VARIABLE out COMMAND_ERROR_IS_FATAL ANY)
  string(FIND "${out}" "${P_SAYS}" found)
  if(found EQUAL -1)
    message(FATAL_ERROR "pclsim ${P_UNPARSED_ARGUMENTS}: want '${P_SAYS}' in\n${out}")
  endif()
endfunction()

pclsim(schemes --paths SAYS "${at}/share/pclsim/workloads/schemes.ini")
pclsim(machines SAYS server-2s)
pclsim(workloads SAYS hot-page)
pclsim(run fio-falloc.strace.gz --scheme v5.8,v5.9 --reps 2 --db i.db SAYS throughput)
pclsim(compare i.db SAYS v5.9)

foreach(file share/man/man1/pclsim.1 share/man/man1/pclsim-run.1 share/man/man1/pclsim-claims.1
        share/bash-completion/completions/pclsim share/doc/pclsim/README.md
        share/pclsim/plots share/pclsim/workloads/traces)
  if(NOT EXISTS "${at}/${file}")
    message(FATAL_ERROR "${file} was not installed")
  endif()
endforeach()
file(REMOVE_RECURSE ${PREFIX})
