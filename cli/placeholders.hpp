// The arguments of a command that is run for msgs, with what stands in them for parts of a payload.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pena::cli {

//   {}          the payload: a string's characters, anything else as JSON
//   {field}     a field of it, likewise; {a.b}: a field of an object in it
//   {{ and }}   braces
//   ${…}        is the shell's, and stays as it is
class Placeholders {
 public:
  // Throws std::invalid_argument for an argument with another brace.
  explicit Placeholders(const std::vector<std::string>& arguments);

  struct Filled {
    std::vector<std::string> arguments;
    std::string problem;  // why the payload does not go into them; empty: it does
  };
  [[nodiscard]] Filled fill(std::string_view payload) const;

 private:
  struct Piece {
    enum class Kind { text, payload, field } kind = Kind::text;
    std::string text;  // of a field its path
  };
  using Argument = std::vector<Piece>;
  [[nodiscard]] static Argument read(std::string_view argument);
  // False where there is no such field.
  [[nodiscard]] static bool append(std::string& out, const Piece& piece, std::string_view payload);

  std::vector<Argument> arguments_;
};

}  // namespace pena::cli
