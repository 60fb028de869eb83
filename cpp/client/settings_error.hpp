#pragma once

#include <stdexcept>

namespace pena::client {

// A setting that cannot be; what() names it and what was expected.
class SettingsError : public std::invalid_argument {
 public:
  using std::invalid_argument::invalid_argument;
};

}  // namespace pena::client
