// What the tests of LMDB's files share.
#pragma once

#include <cstddef>
#include <fstream>
#include <iterator>
#include <string>

namespace pena::store::test {

inline constexpr std::size_t kMap = 64U << 20U;

inline std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>{file}, {}};
}

}  // namespace pena::store::test
