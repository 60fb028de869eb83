#include "core/check.hpp"

#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>

namespace pena::core {

void check_failed(const char* condition, const char* file, int line) {
#ifdef PENA_PLANTED
  // A planted bug is to be seen, not to end the test.
  throw std::logic_error(std::string{condition} + " does not hold (" + file + ":" +
                         std::to_string(line) + ")");
#endif
  std::fprintf(stderr, "pena: a bug: %s does not hold (%s:%d)\n", condition, file, line);
  std::abort();
}

}  // namespace pena::core
