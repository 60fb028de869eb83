#include "cli/heard.hpp"

#include <unistd.h>

#include <utility>

#include "cli/output.hpp"
#include "client/payload.hpp"

namespace pena::cli {
namespace {

// What a command prints as a result; what a server takes of it is less, as a rule.
constexpr std::size_t kLongestResult = std::size_t{1} << 20U;

}  // namespace

Heard::Heard(const WorkCommand& command, const std::string& clear)
    : prints_(!command.results && !command.output.json),
      keeps_(command.results),
      says_(!command.output.json),
      clear_(clear) {}

process::Listener Heard::listener() {
  process::Listener listener;
  if (prints_ || keeps_) {
    listener.out = [this](std::string_view text) {
      return heard_out(text);
    };
  }
  listener.err = [this](std::string_view text) {
    return heard_err(text);
  };
  if (prints_) listener.has_room = stdout_takes_more;
  return listener;
}

void Heard::end() {
  print(out_lines_.rest());
  say(err_lines_.rest());
}

std::string Heard::result(std::string& problem) const {
  if (!keeps_) return "";
  if (is_too_long_) {  // whatever it begins with
    problem = "more than " + std::to_string(kLongestResult) + " bytes";
    return "";
  }
  if (result_.find_first_not_of(" \t\r\n") == std::string::npos) return "";
  auto json = client::compact_json(result_);
  if (!json) problem = "no JSON, or nested too deep";
  return json ? *std::move(json) : "";
}

// Whoever writes where nobody reads hears of it, as without this between.
bool Heard::heard_out(std::string_view text) {
  if (prints_) print(out_lines_.add(text));
  if (!keeps_) return !stdout_has_failed();
  is_too_long_ = is_too_long_ || result_.size() + text.size() > kLongestResult;
  if (!is_too_long_) result_ += text;
  return true;
}

bool Heard::heard_err(std::string_view text) {
  tail_.add(text);
  if (says_) say(err_lines_.add(text));
  return true;
}

void Heard::print(const std::string& lines) const {
  if (lines.empty() || stdout_has_failed()) return;
  print_text((isatty(STDOUT_FILENO) == 1 ? clear_ : "") + lines);
}

void Heard::say(const std::string& lines) const {
  if (!lines.empty()) say_text(clear_ + lines);
}

}  // namespace pena::cli
