# What `tocsin version` says: the project's version and the revision at the time of configuring.
# Only one file knows it, so that a commit does not rebuild the rest.
set(TOCSIN_REVISION unknown)
find_package(Git QUIET)
if(GIT_FOUND)
  execute_process(COMMAND ${GIT_EXECUTABLE} -C ${CMAKE_SOURCE_DIR} describe --always --dirty
    OUTPUT_VARIABLE described OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
  if(NOT failed AND described)
    set(TOCSIN_REVISION ${described})
  endif()
endif()
set_source_files_properties(${CMAKE_SOURCE_DIR}/cli/build_info.cc PROPERTIES COMPILE_DEFINITIONS
  "TOCSIN_VERSION=\"${PROJECT_VERSION}\";TOCSIN_REVISION=\"${TOCSIN_REVISION}\"")
