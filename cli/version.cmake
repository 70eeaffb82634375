# Run at every build: writes OUT from IN when the revision has changed, so that a new commit
# recompiles one file. Without git, or outside a repository, the revision is "unknown".
set(REVISION unknown)
set(DATE "January 1, 1970")
find_program(GIT git)
if(GIT)
  execute_process(
    COMMAND ${GIT} -C ${SOURCE} describe --always --dirty --abbrev=12 --exclude=*
    OUTPUT_VARIABLE described OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET
    RESULT_VARIABLE failed)
  if(NOT failed AND described)
    set(REVISION ${described})
    execute_process(
      COMMAND ${GIT} -C ${SOURCE} log -1 "--format=%cd" "--date=format:%B %d, %Y"
      OUTPUT_VARIABLE DATE OUTPUT_STRIP_TRAILING_WHITESPACE)
  endif()
endif()
configure_file(${IN} ${OUT} @ONLY)
