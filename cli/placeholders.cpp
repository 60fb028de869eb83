#include "cli/placeholders.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "client/payload.hpp"
#include "process/command.hpp"

namespace pena::cli {
namespace {

bool is_of_a_path(char letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
         (letter >= '0' && letter <= '9') || letter == '_' || letter == '-' || letter == '.';
}

// Of the argument, of which the first has the number 1.
std::string problem_of(const std::string& argument, std::size_t number) {
  const std::string begin = "the argument " + std::to_string(number) + " ";
  if (argument.find('\0') != std::string::npos) {
    return begin + "would have a NUL, which no argument can have";
  }
  if (argument.size() < process::kLongestArgument) return "";
  return begin + "would have " + std::to_string(argument.size()) +
         " bytes; the system takes at most " + std::to_string(process::kLongestArgument - 1) +
         " (its stdin has the payload whole)";
}

}  // namespace

Placeholders::Placeholders(const std::vector<std::string>& arguments) {
  for (const std::string& argument : arguments) arguments_.push_back(read(argument));
}

Placeholders::Argument Placeholders::read(const std::string& argument) {
  Argument pieces;
  std::string text;
  for (std::size_t at = 0; at < argument.size();) {
    const char letter = argument[at];
    const bool is_brace = letter == '{' || letter == '}';
    if (!is_brace || argument.substr(at, 2) == std::string(2, letter)) {
      text += letter;
      at += is_brace ? 2 : 1;
      continue;
    }
    const auto begin = argument.begin() + static_cast<std::ptrdiff_t>(at) + 1;
    const auto end = std::find_if_not(begin, argument.end(), is_of_a_path);
    if (letter == '}' || end == argument.end() || *end != '}') {
      throw std::invalid_argument("the argument \"" + argument +
                                  "\" has a brace that begins no placeholder; expected {} or "
                                  "{field}, and {{ or }} for a brace");
    }
    std::string path{begin, end};
    pieces.push_back({Piece::Kind::text, std::exchange(text, {})});
    pieces.push_back({path.empty() ? Piece::Kind::payload : Piece::Kind::field, path});
    at += path.size() + 2;
  }
  pieces.push_back({Piece::Kind::text, std::move(text)});
  return pieces;
}

Placeholders::Filled Placeholders::fill(std::string_view payload) const {
  Filled filled;
  for (const Argument& pieces : arguments_) {
    std::string argument;
    for (const Piece& piece : pieces) {
      if (append(argument, piece, payload)) continue;
      filled.problem = "the payload has no field \"" + piece.text + "\" for {" + piece.text + "}";
      return filled;
    }
    filled.arguments.push_back(std::move(argument));
    filled.problem = problem_of(filled.arguments.back(), filled.arguments.size());
    if (!filled.problem.empty()) return filled;
  }
  return filled;
}

bool Placeholders::append(std::string& out, const Piece& piece, std::string_view payload) {
  if (piece.kind == Piece::Kind::text) {
    out += piece.text;
  } else if (piece.kind == Piece::Kind::payload) {
    out += client::payload_text(payload);
  } else {
    const auto field = client::payload_field(payload, piece.text);
    if (!field) return false;
    out += *field;
  }
  return true;
}

}  // namespace pena::cli
