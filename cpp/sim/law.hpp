// How a law is told to be broken.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

namespace pena::sim {

// `law` is a word of the list in docs/simulator.md; what() names the law and what broke it.
struct LawBroken : std::runtime_error {
  LawBroken(std::string law_given, const std::string& what)
      : std::runtime_error(law_given + ": " + what), law(std::move(law_given)) {}
  std::string law;
};

inline void law(bool holds, const char* name, const std::string& what) {
  if (!holds) throw LawBroken(name, what);
}

}  // namespace pena::sim
