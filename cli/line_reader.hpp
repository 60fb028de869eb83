// The lines of a file, a pipe or a terminal, as they come.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace pena::cli {

class LineReader {
 public:
  // Of the descriptor `file`, which stays open. A line has `longest` bytes at most.
  LineReader(int file, std::size_t longest) : file_(file), longest_(longest) {}

  enum class Came { line, nothing, end };
  // The next line, without its end, waited for at most `patience`. Throws std::system_error where nothing can be
  // read, which whoever knows the file's name makes a sentence of, and std::runtime_error for a line that is too long.
  [[nodiscard]] Came next(std::string& line, std::chrono::milliseconds patience);
  // Of the line that came last, from 1.
  [[nodiscard]] std::uint64_t number() const { return number_; }

 private:
  [[nodiscard]] bool take_line(std::string& line);
  void read_some();

  int file_;
  std::size_t longest_;
  std::string read_;        // and not taken yet
  std::size_t taken_ = 0;   // of it
  std::size_t looked_ = 0;  // there is no line end before it
  std::uint64_t number_ = 0;
  bool is_over_ = false;
};

}  // namespace pena::cli
