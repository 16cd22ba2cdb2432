# tocsin_python_tests([SERIAL [EXCEPT modules…]] [TIMEOUT seconds])
#
# Every `def test_…` of every `class … (unittest.TestCase or a child of it)` in the current folder's
# *_test.py becomes a CTest of its own. SERIAL: nothing else runs beside them, because they measure
# time or keep both cores busy; EXCEPT those modules, which mostly wait.
find_program(TOCSIN_PYTHON NAMES python3 PATHS /usr/bin NO_DEFAULT_PATH REQUIRED)

function(tocsin_python_tests)
  cmake_parse_arguments(arg "SERIAL" "TIMEOUT" "EXCEPT" ${ARGN})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  file(RELATIVE_PATH folder ${CMAKE_SOURCE_DIR}/tests ${CMAKE_CURRENT_SOURCE_DIR})
  file(GLOB modules CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*_test.py)
  foreach(path IN LISTS modules)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${path})
    get_filename_component(module ${path} NAME_WE)
    file(STRINGS ${path} lines REGEX "^class [A-Za-z]+|^    def test_[a-z0-9_]+")
    set(serial "${arg_SERIAL}")
    if(module IN_LIST arg_EXCEPT)
      set(serial OFF)
    endif()
    set(class "")
    set(cases 0)
    foreach(line IN LISTS lines)
      if(line MATCHES "^class ([A-Za-z0-9]+)")
        set(class ${CMAKE_MATCH_1})
      elseif(line MATCHES "^    def (test_[a-z0-9_]+)")
        math(EXPR cases "${cases} + 1")
        set(name ${folder}/${module}.${class}.${CMAKE_MATCH_1})
        add_test(NAME ${name} COMMAND ${TOCSIN_PYTHON} -B ${CMAKE_SOURCE_DIR}/tests/e2e/run_case.py
          ${module}.${class}.${CMAKE_MATCH_1})
        set_tests_properties(${name} PROPERTIES
          SKIP_RETURN_CODE 77 TIMEOUT ${arg_TIMEOUT} RUN_SERIAL "${serial}" LABELS ${folder}
          ENVIRONMENT "TOCSIN_BINARY=$<TARGET_FILE:tocsin>;TOCSIN_SOURCE_DIR=${CMAKE_SOURCE_DIR}")
      endif()
    endforeach()
    if(cases EQUAL 0)
      message(FATAL_ERROR "${path}: no test case was found; each one is written as `def test_…` of a class")
    endif()
  endforeach()
endfunction()
