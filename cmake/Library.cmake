# What `cmake --install` gives to other C++ projects: the headers of the public API and what these include, the
# rooms as static libraries, and find_package(pena) with the targets pena::client and pena::server.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(PENA_PUBLIC_HEADERS
  client/client.hpp client/handlers.hpp client/payload.hpp client/producer.hpp client/worker.hpp
  server/server.hpp)

# Those, and each that one of them includes.
function(pena_with_included into)
  set(found)
  set(left ${ARGN})
  while(left)
    list(POP_FRONT left header)
    list(APPEND found ${header})
    file(STRINGS ${CMAKE_SOURCE_DIR}/cpp/${header} lines REGEX "^#include \"")
    foreach(line ${lines})
      string(REGEX REPLACE "^#include \"([^\"]+)\".*" "\\1" inner "${line}")
      if(NOT inner IN_LIST found AND NOT inner IN_LIST left)
        list(APPEND left ${inner})
      endif()
    endforeach()
  endwhile()
  set(${into} ${found} PARENT_SCOPE)
endfunction()

set(folder ${CMAKE_INSTALL_INCLUDEDIR}/pena)
pena_with_included(headers ${PENA_PUBLIC_HEADERS})
foreach(header ${headers})
  cmake_path(GET header PARENT_PATH room)
  install(FILES ${CMAKE_SOURCE_DIR}/cpp/${header} DESTINATION ${folder}/${room})
endforeach()

set(rooms core process wire store asio_impl turn server client)
foreach(room ${rooms})
  set_target_properties(pena_${room} PROPERTIES EXPORT_NAME ${room})
  target_compile_features(pena_${room} PUBLIC cxx_std_20)
  # The second for the headers' own includes.
  target_include_directories(pena_${room} PUBLIC
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}> $<INSTALL_INTERFACE:${folder}>)
endforeach()
list(TRANSFORM rooms PREPEND pena_)
install(TARGETS ${rooms} EXPORT penaTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/pena)
install(EXPORT penaTargets NAMESPACE pena:: DESTINATION ${package})
configure_package_config_file(cmake/penaConfig.cmake.in ${CMAKE_BINARY_DIR}/penaConfig.cmake
  INSTALL_DESTINATION ${package})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/penaConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/penaConfig.cmake ${CMAKE_BINARY_DIR}/penaConfigVersion.cmake
  DESTINATION ${package})
