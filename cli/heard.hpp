// What one run of a command for a msg has printed so far, and where that goes.
#pragma once

#include <string>
#include <string_view>

#include "cli/options.hpp"
#include "cli/whole_lines.hpp"
#include "cli/worked.hpp"
#include "client/error_tail.hpp"
#include "process/command.hpp"

namespace pena::cli {

class Heard {
 public:
  // `clear`: what takes the live line away; empty: there is none.
  Heard(const WorkCommand& command, const std::string& clear);

  [[nodiscard]] process::Listener listener();
  // The command has ended.
  void end();
  [[nodiscard]] bool prints() const { return prints_; }
  [[nodiscard]] std::string error_tail() const { return tail_.text(); }
  // Empty where there is none. `problem`: why what was printed is none.
  [[nodiscard]] std::string result(std::string& problem) const;

 private:
  // Beside the tail an error says how the command ended.
  static constexpr std::size_t kTailBytes = kErrorBytes - 64;

  bool heard_out(std::string_view text);
  bool heard_err(std::string_view text);
  void print(const std::string& lines) const;
  void say(const std::string& lines) const;

  const bool prints_, keeps_, says_;
  const std::string& clear_;
  WholeLines out_lines_, err_lines_;
  client::ErrorTail tail_{kTailBytes};
  std::string result_;
  bool is_too_long_ = false;
};

}  // namespace pena::cli
