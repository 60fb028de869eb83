// What a command line asks for.
#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include "cli/options.hpp"

namespace pena::cli::test {

inline Command parsed(std::initializer_list<const char*> arguments) {
  std::vector<const char*> argv{"pena"};
  argv.insert(argv.end(), arguments);
  return command_from(static_cast<int>(argv.size()), argv.data());
}

template <class Expected>
Expected parsed_as(std::initializer_list<const char*> arguments) {
  const Command command = parsed(arguments);
  if (const auto* usage = std::get_if<BadUsage>(&command)) {
    if constexpr (!std::is_same_v<Expected, BadUsage>) ADD_FAILURE() << usage->sentence;
  }
  EXPECT_TRUE(std::holds_alternative<Expected>(command));
  return std::holds_alternative<Expected>(command) ? std::get<Expected>(command) : Expected{};
}

inline std::string refusal(std::initializer_list<const char*> arguments) {
  return parsed_as<BadUsage>(arguments).sentence;
}

}  // namespace pena::cli::test
