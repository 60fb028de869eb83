// What a program prints, cut where its lines end: lines of several programs that print at once do not mix.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace pena::cli {

class WholeLines {
 public:
  // What is longer is cut there.
  static constexpr std::size_t kLongest = 64 * 1024;

  // The lines that are whole with `text`, each with its end.
  [[nodiscard]] std::string add(std::string_view text);
  // What has had no line end so far, with one; empty: nothing.
  [[nodiscard]] std::string rest();

 private:
  std::string begun_;
};

}  // namespace pena::cli
