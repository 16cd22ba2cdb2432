# tocsin_library(FOLDER [DEPENDS FOLDER…] [USES DEPENDENCY…] [PROTOS FILE…])
#
# One static library per folder, from all of the folder's own .cc files (main.cc
# and subfolders that are libraries themselves excepted). Sources are found by
# globbing: a new file needs no change here.
function(tocsin_library folder)
  cmake_parse_arguments(arg "" "" "DEPENDS;USES;PROTOS" ${ARGN})
  string(REPLACE "/" "_" target tocsin_${folder})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${folder}/*.cc)
  list(FILTER sources EXCLUDE REGEX "/main\\.cc$")
  # Lower rows of the layer table come first, so what is inside is known by now.
  get_property(declared GLOBAL PROPERTY tocsin_folders)
  foreach(other IN LISTS declared)
    if(other MATCHES "^${folder}/")
      list(FILTER sources EXCLUDE REGEX "/${other}/")
    endif()
  endforeach()
  set_property(GLOBAL APPEND PROPERTY tocsin_folders ${folder})
  if(NOT sources)
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
  else()
    add_library(${target} STATIC ${sources})
    set(scope PUBLIC)
  endif()
  target_include_directories(${target} ${scope} ${CMAKE_SOURCE_DIR})
  foreach(dependency IN LISTS arg_DEPENDS)
    string(REPLACE "/" "_" library ${dependency})
    target_link_libraries(${target} ${scope} tocsin_${library})
  endforeach()
  foreach(dependency IN LISTS arg_USES)
    if(TARGET ${dependency})
      target_link_libraries(${target} ${scope} ${dependency})
    else()
      target_link_libraries(${target} ${scope} dep_${dependency})
    endif()
  endforeach()
  foreach(proto IN LISTS arg_PROTOS)
    tocsin_protobuf(${target} ${folder}/${proto})
  endforeach()
endfunction()

# Generates FILE.pb.h, included as "FOLDER/FILE.pb.h", and compiles its source into the target;
# generated code is not held to the project's warnings.
function(tocsin_protobuf target proto)
  set(out ${CMAKE_BINARY_DIR}/generated)
  cmake_path(GET proto PARENT_PATH folder)
  cmake_path(GET proto STEM name)
  file(MAKE_DIRECTORY ${out}/${folder})
  set(products ${out}/${folder}/${name}.pb.cc ${out}/${folder}/${name}.pb.h)
  add_custom_command(
    OUTPUT ${products}
    COMMAND protobuf::protoc --cpp_out=${out} --proto_path=${CMAKE_SOURCE_DIR}
            ${CMAKE_SOURCE_DIR}/${proto}
    DEPENDS ${proto}
    COMMENT "protoc ${proto}")
  set_source_files_properties(${products} PROPERTIES COMPILE_OPTIONS "-w")
  target_sources(${target} PRIVATE ${products})
  target_include_directories(${target} SYSTEM PUBLIC ${out})
endfunction()
