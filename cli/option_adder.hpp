// How an option of the command is declared. Brings CLI11 with it: for the two sources that read options alone.
#pragma once

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "cli/output.hpp"
#include "cli/quantity.hpp"
#include "core/limits_list.hpp"
#include "core/number_text.hpp"

namespace pena::cli {

// PENA_SERVER_COUNT, of the option --count of `pena server`.
inline std::string env_name(std::string_view command, std::string_view option) {
  std::string name = "PENA_" + std::string{command} + "_" + std::string{option.substr(2)};
  for (char& c : name)
    c = c == '-' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return name;
}

// PENA_URL, of the option --url of the commands that are for real work; empty: none. Whoever plays with a server
// (client, bench) says so to each command: it takes what it is handed and works on nothing.
inline std::string shared_env_name(std::string_view command, std::string_view option) {
  return option == "--url" && (command == "put" || command == "work") ? "PENA_URL" : "";
}

// An option of one command, what it does, and in brackets its default and its variable, on one line.
class HelpFormat : public CLI::Formatter {
 public:
  // `behind`: what stands behind the options, and is none.
  explicit HelpFormat(std::string command, std::string behind = {})
      : command_(std::move(command)), behind_(std::move(behind)) {}
  [[nodiscard]] std::string make_usage(const CLI::App* app, std::string name) const override {
    std::string usage = CLI::Formatter::make_usage(app, std::move(name));
    usage.insert(usage.find_last_not_of('\n') + 1, behind_);
    return usage;
  }
  [[nodiscard]] std::string make_option_opts(const CLI::Option* option) const override {
    const std::string type = option->get_type_name();
    return type.empty() ? "" : " " + type;
  }
  [[nodiscard]] std::string make_option_desc(const CLI::Option* option) const override {
    std::string text = option->get_description();
    if (!option->get_default_str().empty()) text += " [" + option->get_default_str() + "]";
    const bool has_variable = !command_.empty() && !option->get_positional() &&
                              option->get_name(false, false) != "--help";
    if (!has_variable) return text;
    const std::string name = "--" + option->get_lnames().front();
    const std::string shared = shared_env_name(command_, name);
    return text + " " + (shared.empty() ? env_name(command_, name) : shared);
  }

 private:
  std::string command_;  // none: what stands there has no variables
  std::string behind_;
};

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

// What a flag was given, in letters of any case.
inline std::optional<bool> truth_of(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  if (text == "true" || text == "1" || text == "yes" || text == "on") return true;
  if (text == "false" || text == "0" || text == "no" || text == "off") return false;
  return std::nullopt;
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

  // After the parse: flags, the variables of the options that were not given, and what is to be
  // settled between options. Throws CLI::ValidationError.
  void take_the_rest() {
    for (const Added& each : added_) {
      if (each.flag != nullptr && each.option->count() > 0) {
        each.take(each.name, *each.flag);
      } else if (each.option->count() == 0) {
        take_variable(each);
      }
    }
    if (settle_) settle_();
  }

  // Called when all options and variables are taken. May throw CLI::ValidationError.
  void settle_at_last(std::function<void()> settle) { settle_ = std::move(settle); }
  // On the command line.
  [[nodiscard]] bool was_given(const std::string& name) const {
    return std::ranges::any_of(added_, [&name](const Added& each) {
      return each.name == name && each.option->count() > 0;
    });
  }

  // The names of its options, "--count".
  [[nodiscard]] std::vector<std::string> option_names() const {
    std::vector<std::string> all;
    for (const Added& each : added_) all.push_back(each.name);
    return all;
  }
  [[nodiscard]] std::string command() const { return app_.get_name(); }

  void text(const std::string& name, std::string& to, const std::string& help) {
    CLI::Option* const option =
        add(name, "TEXT", help, [&to](const std::string& from, const std::string& given) {
          if (given.empty()) refuse(from, given, "some text");
          to = given;
        });
    if (!to.empty()) option->default_str(to);
  }

  // An empty one is a variable of a script that was not set, as a rule.
  void folder(const std::string& name, std::string& to, const std::string& help) {
    CLI::Option* const option =
        add(name, "FOLDER", help, [&to](const std::string& from, const std::string& given) {
          if (given.empty()) refuse(from, given, "the path of a folder");
          to = given;
        });
    if (!to.empty()) option->default_str(to);
  }

  void positional(const std::string& name, std::string& to, const std::string& help) {
    const auto take = [&to, name](const std::string& given) {
      if (given.empty()) refuse(name, given, "some text");
      to = given;
    };
    app_.add_option_function<std::string>(name, take, help)->required();
  }

  void optional_positional(const std::string& name, std::string& to, const std::string& help) {
    const auto take = [&to, name](const std::string& given) {
      if (given.empty()) refuse(name, given, "some text");
      to = given;
    };
    app_.add_option_function<std::string>(name, take, help);
  }

  // Text as it stands, as often as it is given.
  void texts(const std::string& name, std::vector<std::string>& to, const std::string& type,
             const std::string& help) {
    const auto take = [&to](const std::string& /*from*/, const std::string& given) {
      to.push_back(given);
    };
    // Each is one whole value: brackets and commas are its own.
    CLI::Option* const option = app_.add_option(name, to, help)->type_name(type);
    option->allow_extra_args(false)->expected(1)->take_all();
    added_.push_back({name, option, take, nullptr});
  }

  // Reads a value, or refuses; `from`: the option or the variable that it comes from.
  using Take = std::function<void(const std::string& from, const std::string& given)>;

  // Of words that `take` reads.
  void words(const std::string& name, const std::string& help, const Take& take) {
    add(name, "WORDS", help, take)->default_str("all");
  }

  // Of names: given several times, or with commas.
  void names(const std::string& name, std::vector<std::string>& to, const std::string& help) {
    CLI::Option* const option = app_.add_option(name, to, help)->type_name("NAME")->delimiter(',');
    const auto take = [&to](const std::string& /*from*/, const std::string& given) {
      to = CLI::detail::split(given, ',');
    };
    added_.push_back({name, option, take, nullptr});
  }

  void flag(const std::string& name, const std::string& help, std::function<void(bool)> set) {
    auto value = std::make_shared<std::string>();
    CLI::Option* const option = app_.add_flag(name, *value, help);
    const auto take = [set = std::move(set)](const std::string& from, const std::string& given) {
      const auto truth = truth_of(given);
      if (!truth) refuse(from, given, "true or false");
      set(*truth);
    };
    added_.push_back({name, option, take, std::move(value)});
  }
  void flag(const std::string& name, bool& to, const std::string& help) {
    flag(name, help, [&to](bool given) { to = given; });
  }

  void duration(const std::string& name, core::Duration& to, const std::string& help,
                core::Duration least = std::chrono::milliseconds{1}) {
    add(name, "DURATION", help, [&to, least](const std::string& from, const std::string& given) {
      const auto duration = duration_from(given);
      if (!duration) refuse(from, given, std::string{kDurationForm});
      if (*duration < least || *duration > core::kLongestTime) {
        refuse(from, given, "a time from " + written(least) + " to " + written(core::kLongestTime));
      }
      to = *duration;
    })->default_str(written(to));
  }

  void duration(const std::string& name, std::optional<core::Duration>& to,
                const std::string& help) {
    add(name, "DURATION", help, [&to](const std::string& from, const std::string& given) {
      const auto duration = duration_from(given);
      const bool fits = duration && *duration > core::Duration::zero();
      if (!fits || *duration > core::kLongestTime) refuse(from, given, std::string{kDurationForm});
      to = *duration;
    });
  }

  // For how long, or how many of them.
  void keep(const std::string& name, core::Keep& to, const std::string& help) {
    add(name, "DURATION|N", help, [&to](const std::string& from, const std::string& given) {
      const auto msgs = number_from<std::uint64_t>(given);
      const auto time = duration_from(given);
      const bool is_time = time && *time > core::Duration::zero() && *time <= core::kLongestTime;
      if (!is_time && msgs.value_or(0) == 0) {
        refuse(from, given,
               "a time of up to " + written(core::kLongestTime) +
                   ", such as 12h or 7d, or a whole number of msgs from 1");
      }
      to = {};
      if (is_time) {
        to.time = time;
      } else {
        to.msgs = msgs;
      }
    })->default_str(written(to));
  }

  void size(const std::string& name, std::size_t& to, const std::string& help,
            std::size_t least = 1) {
    // A size that is none is refused by its form; how large it may be is said by the engine.
    const bool takes_none = least == 0;
    add(name, "SIZE", help, [&to, takes_none](const std::string& from, const std::string& given) {
      const auto size = size_from(given);
      if (!size || (*size == 0 && !takes_none)) refuse(from, given, std::string{kSizeForm});
      to = *size;
    })->default_str(written_size(to));
  }

  // A whole number, or nothing where `Number` is an optional and the option is not given.
  template <class Number>
  void number(const std::string& name, Number& to, const std::string& help, std::uint64_t least = 1,
              std::uint64_t most = std::numeric_limits<typename Plain<Number>::Type>::max()) {
    using Type = typename Plain<Number>::Type;
    const auto take = [&to, least, most](const std::string& from, const std::string& given) {
      const auto number = number_from<Type>(given);
      if (!number || std::cmp_less(*number, least) || std::cmp_greater(*number, most)) {
        refuse(from, given,
               "a whole number from " + std::to_string(least) + " to " + std::to_string(most));
      }
      to = *number;
    };
    CLI::Option* const option = add(name, "N", help, take);
    if constexpr (std::is_same_v<Type, Number>) option->default_str(std::to_string(to));
  }

  void rate(const std::string& name, std::optional<double>& to, const std::string& help) {
    add(name, "RATE", help, [&to](const std::string& from, const std::string& given) {
      const auto rate = number_from<double>(given);
      if (!rate || !(*rate >= core::kLeastRate && *rate <= core::kMostRate)) {
        refuse(from, given,
               "a number above 0, such as 100 or 0.5, from a millionth to a thousand millions");
      }
      to = rate;
    });
  }

  void share(const std::string& name, double& to, const std::string& help) {
    add(name, "SHARE", help, [&to](const std::string& from, const std::string& given) {
      const auto share = number_from<double>(given);
      if (!share || !(*share > 0.0 && *share <= 1.0)) {
        refuse(from, given, "a number above 0 and at most 1, such as 0.8");
      }
      to = *share;
    })->default_str(core::number_text(to));
  }

  template <class Value>
  using Choices = std::vector<std::pair<std::string, Value>>;

  template <class Value>
  void choice(const std::string& name, Value& to, const Choices<Value>& choices,
              const std::string& help) {
    std::string words;
    for (const auto& [word, value] : choices) words += (words.empty() ? "" : "|") + word;
    const auto take = [&to, choices, words](const std::string& from, const std::string& given) {
      const auto chosen = std::ranges::find(choices, given, &Choices<Value>::value_type::first);
      if (chosen == choices.end()) refuse(from, given, "one of " + words);
      to = chosen->second;
    };
    CLI::Option* const option = add(name, "WORD", help + ": " + words, take);
    const auto now = std::ranges::find(choices, to, &Choices<Value>::value_type::second);
    if (now != choices.end()) option->default_str(now->first);
  }

  // The option of a limit, if it has one, with its help and its bounds.
  template <class Value>
  void limit(const core::Limit& limit, Value& to) {
    if (limit.option.empty()) return;
    const std::string name{limit.option};
    const std::string help{limit.help};
    if constexpr (std::is_same_v<Value, core::Duration>) {
      duration(name, to, help, std::chrono::milliseconds{limit.least});
    } else if constexpr (std::is_same_v<Value, core::Keep>) {
      keep(name, to, help);
    } else if constexpr (std::is_same_v<Value, double>) {
      share(name, to, help);
    } else if constexpr (std::is_same_v<Value, std::size_t>) {
      if (limit.unit == core::Limit::Unit::bytes) return size(name, to, help, limit.least);
      number(name, to, help, limit.least, limit.highest());
    } else {
      number(name, to, help, limit.least, limit.highest());
    }
  }
  // Likewise, of a command that has some of them.
  template <class Value>
  void limit(std::string_view name, Value& to) {
    limit(*std::ranges::find(core::all_limits(), name, &core::Limit::name), to);
  }
  void timing(core::Timing& timing) {
    for (const core::Limit& each : core::all_limits()) {
      if (const auto* const field = std::get_if<core::Duration core::Timing::*>(&each.field)) {
        limit(each, timing.**field);
      }
    }
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
  struct Added {
    std::string name;
    CLI::Option* option;
    Take take;
    std::shared_ptr<std::string> flag;  // what a flag was given; none: no flag
  };

  // Its own goes before one that commands share.
  void take_variable(const Added& each) const {
    for (const std::string& variable :
         {env_name(app_.get_name(), each.name), shared_env_name(app_.get_name(), each.name)}) {
      const char* const value = std::getenv(variable.c_str());
      if (value != nullptr && *value != '\0') return each.take(variable, value);
    }
  }

  CLI::Option* add(const std::string& name, const std::string& type, const std::string& help,
                   const Take& take) {
    const auto given = [take, name](const std::string& value) {
      take(name, value);
    };
    CLI::Option* const option =
        app_.add_option_function<std::string>(name, given, help)->type_name(type)->take_last();
    added_.push_back({name, option, take, nullptr});
    return option;
  }

  CLI::App& app_;
  Output& output_;
  std::vector<Added> added_;
  std::function<void()> settle_;
};

}  // namespace pena::cli
