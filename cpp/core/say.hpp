// One line of the log.
#pragma once

#include <string>

#include "core/log.hpp"

namespace pena::core {

struct Say {
  LogLevel level = LogLevel::info;
  std::string text;
};

}  // namespace pena::core
