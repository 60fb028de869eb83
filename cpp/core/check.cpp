#include "core/check.hpp"

#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <utility>

namespace pena::core {
namespace {

thread_local bool checks_throw = false;

}  // namespace

ThrowingChecks::ThrowingChecks() : before_(std::exchange(checks_throw, true)) {}

ThrowingChecks::~ThrowingChecks() {
  checks_throw = before_;
}

void check_failed(const char* condition, const char* file, int line) {
  if (checks_throw) {
    throw std::logic_error(std::string{condition} + " does not hold (" + file + ":" +
                           std::to_string(line) + ")");
  }
  std::fprintf(stderr, "pena: a bug: %s does not hold (%s:%d)\n", condition, file, line);
  std::abort();
}

}  // namespace pena::core
