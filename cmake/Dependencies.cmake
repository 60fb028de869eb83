# The libraries of the system. A missing one ends the configuration with one sentence that names the
# Debian packages to install, here and under `pip install .`; scripts/deps reads the same list.
set(PENA_DEBIAN_PACKAGES "g++ libboost1.81-dev liblmdb-dev nlohmann-json3-dev libcli11-dev \
libspdlog-dev libxxhash-dev")

function(pena_missing what)
  message(FATAL_ERROR
    "Pena needs ${what}, which was not found. On Debian or Ubuntu: "
    "sudo apt-get install ${PENA_DEBIAN_PACKAGES}")
endfunction()

find_package(Threads REQUIRED)

find_package(Boost 1.81 QUIET)
if(NOT Boost_FOUND)
  pena_missing("Boost 1.81 or newer (headers)")
endif()
add_library(asio INTERFACE)
target_include_directories(asio SYSTEM INTERFACE ${Boost_INCLUDE_DIRS})
target_compile_definitions(asio INTERFACE BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED
  BOOST_BEAST_SEPARATE_COMPILATION BOOST_ASIO_DISABLE_BOOST_COROUTINE)
target_link_libraries(asio INTERFACE Threads::Threads)
if(PENA_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # Asio's fences: ThreadSanitizer does not follow them, and gcc says so at each.
  target_compile_options(asio INTERFACE -Wno-tsan)
endif()

find_package(nlohmann_json 3.9 QUIET)
if(NOT nlohmann_json_FOUND)
  pena_missing("nlohmann-json 3.9 or newer")
endif()

find_path(LMDB_INCLUDE lmdb.h)
find_library(LMDB_LIBRARY lmdb)
if(NOT LMDB_INCLUDE OR NOT LMDB_LIBRARY)
  pena_missing("LMDB")
endif()
add_library(lmdb INTERFACE)
target_include_directories(lmdb SYSTEM INTERFACE ${LMDB_INCLUDE})
target_link_libraries(lmdb INTERFACE ${LMDB_LIBRARY})

find_path(XXHASH_INCLUDE xxhash.h)
if(NOT XXHASH_INCLUDE)
  pena_missing("xxHash 0.8 or newer")
endif()
add_library(xxhash_headers INTERFACE)
target_include_directories(xxhash_headers SYSTEM INTERFACE ${XXHASH_INCLUDE})

if(PENA_CLI OR PENA_PYTHON)
  find_package(CLI11 2.1 QUIET)
  if(NOT CLI11_FOUND)
    pena_missing("CLI11 2.1 or newer")
  endif()
  find_package(spdlog 1.8 QUIET)
  if(NOT spdlog_FOUND)
    pena_missing("spdlog 1.8 or newer")
  endif()
endif()
