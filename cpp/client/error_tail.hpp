// The end of what a program says of its error: as much of it as fits into a report.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace pena::client {

class ErrorTail {
 public:
  // `most`: bytes of its text, those of the mark at its begin included.
  explicit ErrorTail(std::size_t most) : most_(most) {}

  void add(std::string_view bytes);
  // UTF-8, whatever the bytes were, without white space at its end; "…" stands for what came before.
  [[nodiscard]] std::string text() const;

 private:
  std::size_t most_;
  std::string kept_;  // of the bytes; at least as many as the text may have
  bool is_cut_ = false;
};

}  // namespace pena::client
