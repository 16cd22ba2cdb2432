# Language, warnings, sanitizers and build speed: everything that is the same for every target.

option(TOCSIN_PCH "Precompile the test framework's headers" ON)
option(TOCSIN_FUZZ "Build the libFuzzer targets (clang only)" OFF)
set(TOCSIN_SANITIZE "" CACHE STRING "Sanitizers, as -fsanitize= takes them")

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g1")
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1 -DNDEBUG")

find_program(TOCSIN_CCACHE ccache)
if(TOCSIN_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER
    ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1
    CCACHE_SLOPPINESS=pch_defines,time_macros ${TOCSIN_CCACHE})
endif()

find_program(TOCSIN_LLD ld.lld)
if(TOCSIN_LLD)
  add_link_options(-fuse-ld=lld)
endif()

# What no program uses takes no memory.
add_compile_options(-ffunction-sections -fdata-sections)
add_link_options(-Wl,--gc-sections)

# Floating point must give the same bits as Prometheus: no fused multiply-add.
add_compile_options(-ffp-contract=off)
add_compile_options(-Wall -Wextra -Wpedantic -Werror -Wshadow=local -Wnon-virtual-dtor -Wimplicit-fallthrough)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # Designated initialisers leave the other members at their defaults, on purpose.
  add_compile_options(-Wno-missing-field-initializers)
  if(CMAKE_BUILD_TYPE STREQUAL "Release")
    # g++ 12 reports these for code inside libstdc++ once it is inlined.
    add_compile_options(-Wno-maybe-uninitialized -Wno-restrict -Wno-stringop-overflow -Wno-array-bounds)
  endif()
else()
  add_compile_options(-Wthread-safety -Wno-missing-field-initializers -Wno-missing-designated-field-initializers -Wno-unknown-warning-option)
endif()

if(TOCSIN_SANITIZE)
  add_compile_options(-fsanitize=${TOCSIN_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${TOCSIN_SANITIZE})
  # RapidJSON's empty stack compares a null pointer and an offset.
  add_compile_options(-fno-sanitize=pointer-overflow)
  add_compile_options(-Wno-maybe-uninitialized)
endif()
if(TOCSIN_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
