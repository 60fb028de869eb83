// The texts that the lists of limits and counts make, and where they stand: between a line that names them and
// one that says where they end.
#pragma once

#include <array>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

#include "cli/quantity.hpp"
#include "client/stats.hpp"
#include "core/limits_list.hpp"
#include "core/number_text.hpp"
#include "server/stats.hpp"

namespace pena::lists {

using core::Limit;
using Place = Limit::Place;
using Unit = Limit::Unit;

inline std::string default_of(const Limit& limit) {
  std::string text;
  const core::Limits limits;
  with_field(limits, limit, [&]<class Value>(const Value& value) {
    if constexpr (std::is_same_v<Value, core::Duration> || std::is_same_v<Value, core::Keep>) {
      text = cli::written(value);
    } else if constexpr (std::is_same_v<Value, double>) {
      text = core::number_text(value);
    } else if (limit.unit == Unit::bytes) {
      text = cli::written_size(static_cast<std::size_t>(value));
    } else {
      text = std::to_string(value);
    }
  });
  return text;
}

inline std::string bounds_of(const Limit& limit) {
  switch (limit.unit) {
    case Unit::time:
      return limit.least == 0 ? "0 to a year" : "above 0, to a year";
    case Unit::keep:
      return "above 0, to a year; or 1 msg or more";
    case Unit::share:
      return "above 0, to 1";
    case Unit::drift:
      return "0, to below 0.1";
    case Unit::number:
    case Unit::bytes:
      break;
  }
  const auto number = [&](std::uint64_t value) {
    return limit.unit == Unit::bytes ? cli::written_size(value) : std::to_string(value);
  };
  const bool ends = limit.highest() < Limit::kNoMost;
  return number(limit.least) + (ends ? " to " + number(limit.highest()) : " or more");
}

inline bool of_timing(const Limit& limit) {
  return std::holds_alternative<core::Duration core::Timing::*>(limit.field) ||
         std::holds_alternative<double core::Timing::*>(limit.field);
}

// ---- the texts

inline std::string as_sentence(std::string text) {
  text.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(text.front())));
  return text + ".";
}

// As the formatter of Python leaves it.
inline std::string docstring(const std::string& text) {
  constexpr std::size_t kWidth = 97;  // and the quotes at the end
  std::string all = R"(    """)";
  std::size_t column = all.size();
  std::istringstream words{text};
  std::string word;
  for (bool first = true; words >> word; first = false) {
    if (!first && column + 1 + word.size() > kWidth) {
      all += "\n    ";
      column = 4;
    } else if (!first) {
      all += " ";
      ++column;
    }
    all += word;
    column += word.size();
  }
  return all + R"(""")" + "\n";
}

inline std::string limits_of_server_py() {
  std::string text;
  for (const Limit& limit : core::all_limits()) {
    if (limit.place != Place::limit) continue;
    const std::string type = limit.unit == Unit::time    ? "Seconds"
                             : limit.unit == Unit::share ? "float"
                                                         : "int";
    text += "    " + std::string{limit.name} + ": " + type + "\n" +
            docstring("``" + std::string{limit.option} + "``, " + default_of(limit) + ": " +
                      std::string{limit.help} + ".");
  }
  return text;
}

inline std::string limits_of_stub() {
  std::string timing = "class Timing:\n";
  std::string limits = "class Limits:\n    timing: Timing\n";
  for (const Limit& limit : core::all_limits()) {
    if (limit.place == Place::inside) continue;
    const bool whole = limit.unit == Unit::number || limit.unit == Unit::bytes;
    (of_timing(limit) ? timing : limits) += "    " + std::string{limit.name} + ": " +
                                            (whole                      ? "int"
                                             : limit.unit == Unit::time ? "timedelta"
                                             : limit.unit == Unit::keep ? "Keep"
                                                                        : "float") +
                                            "\n";
  }
  return timing + "\n" + limits + "    def problem(self) -> str | None: ...\n";
}

inline std::string limits_of_docs() {
  std::string text =
      "| option | in Python | default | may be | what it is for |\n|---|---|---|---|---|\n";
  for (const Limit& limit : core::all_limits()) {
    if (limit.place == Place::inside) continue;
    const std::string name{limit.name};
    const std::string option{limit.option};
    text += "| " + (option.empty() ? "" : "`" + option + "`") + " | `" +
            (limit.place == Place::rule ? name : "limits={\"" + name + "\": …}") + "` | " +
            default_of(limit) + " | " + bounds_of(limit) + " | " + std::string{limit.help} + " |\n";
  }
  return text;
}

inline std::string type_of(const server::Stat& stat) {
  std::string type;
  const server::Stats stats;
  with_field(stats, stat, [&]<class Value>(const Value& /*value*/) {
    type = std::is_same_v<Value, bool>          ? "bool"
           : std::is_same_v<Value, std::string> ? "str"
                                                : "int";
  });
  return type;
}

inline std::string stats_of_server_py() {
  std::string text;
  for (const server::Stat& stat : server::all_stats()) {
    text += "    " + std::string{stat.name} + ": " + type_of(stat) + "\n" +
            docstring(as_sentence(std::string{stat.help}));
  }
  return text;
}

inline std::string stats_of_client_py() {
  std::string text;
  for (const client::ClientStat& stat : client::all_client_stats()) {
    text += "    " + std::string{stat.name} + ": int\n" +
            docstring(as_sentence(std::string{stat.help}));
  }
  return text;
}

inline std::string stats_of_docs() {
  std::string text = "| `Server.stats` | with `--json` | what it counts |\n|---|---|---|\n";
  for (const server::Stat& stat : server::all_stats()) {
    const std::string key{stat.key};
    text += "| `" + std::string{stat.name} + "` | " +
            (stat.json == server::Stat::Json::none     ? ""
             : stat.json == server::Stat::Json::missed ? "`missed`: `" + key + "`"
                                                       : "`" + key + "`") +
            " | " + std::string{stat.help} + " |\n";
  }
  return text;
}

inline std::string client_stats_of_docs() {
  std::string text = "| `Client.stats` | with `--json` | what it counts |\n|---|---|---|\n";
  for (const client::ClientStat& stat : client::all_client_stats()) {
    const std::string name{stat.name};
    text += "| `" + name + "` | " + (stat.now ? "" : "`" + name + "`") + " | " +
            std::string{stat.help} + " |\n";
  }
  return text;
}

// ---- where they stand

struct Written {
  const char* file;
  const char* name;
  std::string (*text)();
};

inline constexpr std::array kWritten{
    Written{"python/pena/server/__init__.py", "limits", limits_of_server_py},
    Written{"python/pena/server/__init__.py", "stats", stats_of_server_py},
    Written{"python/pena/client/__init__.py", "stats", stats_of_client_py},
    Written{"python/pena/_pena.pyi", "limits", limits_of_stub},
    Written{"docs/settings.md", "limits", limits_of_docs},
    Written{"docs/settings.md", "stats of a server", stats_of_docs},
    Written{"docs/settings.md", "stats of a client", client_stats_of_docs},
};

inline std::string text_of_file(const std::filesystem::path& path) {
  std::ifstream file{path};
  return {std::istreambuf_iterator<char>{file}, {}};
}

// The text of the whole file, with what the lists say in its place. Nothing where there is none for it.
inline std::optional<std::string> with_lists(std::string all, const Written& written) {
  const std::size_t named = all.find("written by lists_test.cpp: " + std::string{written.name});
  const std::size_t said = all.find("end of what was written", named);
  if (named == std::string::npos || said == std::string::npos) return std::nullopt;
  const std::size_t at = all.find('\n', named) + 1;
  const std::size_t end = all.rfind('\n', said) + 1;
  const bool is_stub = all.substr(0, named).ends_with("\n# ");
  return all.replace(at, end - at, written.text() + (is_stub ? "\n" : ""));
}

// Writes those that are not what the lists say. False where one has no place.
inline bool write_lists(const std::filesystem::path& root) {
  for (const Written& written : kWritten) {
    const auto text = with_lists(text_of_file(root / written.file), written);
    if (!text) return false;
    std::ofstream{root / written.file} << *text;
  }
  return true;
}

}  // namespace pena::lists
