// How an option of the command is declared. Brings CLI11 with it: for options.cpp alone.
#pragma once

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "cli/output.hpp"
#include "cli/quantity.hpp"
#include "core/limits.hpp"

namespace pena::cli {

// An option, what it does, and in brackets its default and its variable, on one line.
class HelpFormat : public CLI::Formatter {
 public:
  [[nodiscard]] std::string make_option_opts(const CLI::Option* option) const override {
    const std::string type = option->get_type_name();
    return type.empty() ? "" : " " + type;
  }
  [[nodiscard]] std::string make_option_desc(const CLI::Option* option) const override {
    std::string text = option->get_description();
    if (!option->get_default_str().empty()) text += " [" + option->get_default_str() + "]";
    if (!option->get_envname().empty()) text += " " + option->get_envname();
    return text;
  }
};

inline std::string env_name(std::string_view option) {
  std::string name = "PENA_";
  for (const char c : option.substr(2)) {
    name += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return name;
}

[[noreturn]] inline void refuse(const std::string& name, const std::string& text,
                                const std::string& expected) {
  throw CLI::ValidationError(name, "expected " + expected + ", not \"" + text + "\"");
}

template <class Number>
std::optional<Number> number_from(std::string_view text) {
  Number number{};
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || rest != text.data() + text.size()) return std::nullopt;
  return number;
}

template <class T>
struct Plain {
  using Type = T;
};
template <class T>
struct Plain<std::optional<T>> {
  using Type = T;
};

// Adds options to one subcommand, each with its variable, its default and a refusal that shows what
// was expected.
class OptionAdder {
 public:
  OptionAdder(CLI::App& app, Output& output) : app_(app), output_(output) {}

  void text(const std::string& name, std::string& to, const std::string& help) {
    CLI::Option* const option =
        add(name, "TEXT", help, [&to](const std::string& given) { to = given; });
    if (!to.empty()) option->default_str(to);
  }

  // An empty one is a variable of a script that was not set, as a rule.
  void folder(const std::string& name, std::string& to, const std::string& help) {
    CLI::Option* const option = add(name, "FOLDER", help, [&to, name](const std::string& given) {
      if (given.empty()) refuse(name, given, "the path of a folder");
      to = given;
    });
    if (!to.empty()) option->default_str(to);
  }

  // Of words that `take` reads, or refuses.
  void words(const std::string& name, const std::string& help,
             const std::function<void(const std::string&)>& take) {
    add(name, "WORDS", help, take)->default_str("all");
  }

  // Of names: given several times, or with commas.
  void names(const std::string& name, std::vector<std::string>& to, const std::string& help) {
    app_.add_option(name, to, help)->type_name("NAME")->delimiter(',')->envname(env_name(name));
  }

  void flag(const std::string& name, bool& to, const std::string& help) {
    app_.add_flag(name, to, help)->envname(env_name(name));
  }

  void duration(const std::string& name, core::Duration& to, const std::string& help) {
    add(name, "DURATION", help, [&to, name](const std::string& given) {
      const auto duration = duration_from(given);
      if (!duration) refuse(name, given, std::string{kDurationForm});
      to = *duration;
    })->default_str(written(to));
  }

  void size(const std::string& name, std::size_t& to, const std::string& help) {
    add(name, "SIZE", help, [&to, name](const std::string& given) {
      const auto size = size_from(given);
      if (!size) refuse(name, given, std::string{kSizeForm});
      to = *size;
    })->default_str(written_size(to));
  }

  // A whole number, or nothing where `Number` is an optional and the option is not given.
  template <class Number>
  void number(const std::string& name, Number& to, const std::string& help,
              std::uint64_t least = 1) {
    using Type = typename Plain<Number>::Type;
    CLI::Option* const option = add(name, "N", help, [&to, name, least](const std::string& given) {
      const auto number = number_from<Type>(given);
      if (!number || std::cmp_less(*number, least)) {
        refuse(name, given,
               "a whole number from " + std::to_string(least) + " to " +
                   std::to_string(std::numeric_limits<Type>::max()));
      }
      to = *number;
    });
    if constexpr (std::is_same_v<Type, Number>) option->default_str(std::to_string(to));
  }

  void rate(const std::string& name, std::optional<double>& to, const std::string& help) {
    add(name, "RATE", help, [&to, name](const std::string& given) {
      const auto rate = number_from<double>(given);
      if (!rate || !std::isfinite(*rate) || *rate <= 0.0) {
        refuse(name, given, "a number above 0, such as 100 or 0.5");
      }
      to = rate;
    });
  }

  template <class Value>
  using Choices = std::vector<std::pair<std::string, Value>>;

  template <class Value>
  void choice(const std::string& name, Value& to, const Choices<Value>& choices,
              const std::string& help) {
    std::string words;
    for (const auto& [word, value] : choices) words += (words.empty() ? "" : "|") + word;
    CLI::Option* const option = add(
        name, "WORD", help + ": " + words, [&to, choices, words, name](const std::string& given) {
          const auto chosen = std::ranges::find(choices, given, &Choices<Value>::value_type::first);
          if (chosen == choices.end()) refuse(name, given, "one of " + words);
          to = chosen->second;
        });
    const auto now = std::ranges::find(choices, to, &Choices<Value>::value_type::second);
    if (now != choices.end()) option->default_str(now->first);
  }

  void timing(core::Timing& timing) {
    duration("--lease", timing.lease, "a batch is settled within this");
    duration("--heartbeat", timing.heartbeat, "a stream carries bytes at least this often");
    duration("--silence", timing.silence, "after this a client takes its stream as lost");
    duration("--stop-time", timing.stop_time, "in this a client stops its work once it must");
    duration("--drop-grace", timing.drop_grace,
             "wait before what a lost client held is sent again");
    duration("--slack", timing.slack, "what timers and threads may be late");
  }

  void output() {
    using core::LogLevel;
    choice<std::optional<LogLevel>>("--log-level", output_.log_level,
                                    {{"debug", LogLevel::debug},
                                     {"info", LogLevel::info},
                                     {"warning", LogLevel::warning},
                                     {"error", LogLevel::error},
                                     {"off", std::nullopt}},
                                    "what is logged to stderr");
    json();
  }
  void json() { flag("--json", output_.json, "one JSON object a line, on stdout and stderr"); }

 private:
  CLI::Option* add(const std::string& name, const std::string& type, const std::string& help,
                   const std::function<void(const std::string&)>& take) {
    return app_.add_option_function<std::string>(name, take, help)
        ->type_name(type)
        ->take_last()
        ->envname(env_name(name));
  }

  CLI::App& app_;
  Output& output_;
};

}  // namespace pena::cli
