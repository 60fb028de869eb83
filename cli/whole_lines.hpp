// What a program prints, cut where its lines end: lines of several programs that print at once do not mix.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace pena::cli {

class WholeLines {
 public:
  // What is longer is handed on in pieces, each of them about as long.
  static constexpr std::size_t kLongest = std::size_t{1} << 20U;

  // The lines that are whole with `text`, each with its end.
  [[nodiscard]] std::string add(std::string_view text);
  // Of a line that has no end so far what was not handed on, with one; empty: there is none.
  [[nodiscard]] std::string rest();

 private:
  std::string begun_;
  bool is_cut_ = false;  // the line was longer: its begin was handed on
};

}  // namespace pena::cli
