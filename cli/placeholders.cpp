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

bool is_double_brace(std::string_view text) {
  return text.starts_with("{{") || text.starts_with("}}");
}

// How many bytes at the begin of the text stand for themselves; of a double brace it is the first.
std::size_t literal_size(std::string_view text) {
  if (is_double_brace(text)) return 1;
  if (text.starts_with("${")) return std::min(text.find('}'), text.size() - 1) + 1;
  return text.front() == '{' || text.front() == '}' ? 0 : 1;
}

// What stands behind a brace.
std::string_view path_of(std::string_view text) {
  text.remove_prefix(1);
  const auto end = std::ranges::find_if_not(text, is_of_a_path);
  return text.substr(0, static_cast<std::size_t>(end - text.begin()));
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

Placeholders::Argument Placeholders::read(std::string_view argument) {
  Argument pieces;
  std::string text;
  for (std::string_view rest = argument; !rest.empty();) {
    if (const std::size_t size = literal_size(rest); size > 0) {
      text += rest.substr(0, size);
      rest.remove_prefix(is_double_brace(rest) ? 2 : size);
      continue;
    }
    const std::string_view path = path_of(rest);
    if (rest.front() == '}' || !rest.substr(path.size() + 1).starts_with('}')) {
      throw std::invalid_argument("the argument \"" + std::string{argument} +
                                  "\" has a brace that begins no placeholder; expected {} or "
                                  "{field}, and {{ or }} for a brace");
    }
    pieces.push_back({Piece::Kind::text, std::exchange(text, {})});
    pieces.push_back({path.empty() ? Piece::Kind::payload : Piece::Kind::field, std::string{path}});
    rest.remove_prefix(path.size() + 2);
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
