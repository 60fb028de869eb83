#include "core/check.hpp"

#include <cstdio>
#include <cstdlib>

namespace pena::core {

void check_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "pena: a bug: %s does not hold (%s:%d)\n", condition, file, line);
  std::abort();
}

}  // namespace pena::core
