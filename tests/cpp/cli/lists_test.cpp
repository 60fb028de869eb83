// What the lists of limits and counts say reaches whoever reads of them: the help, JSON, Python's classes and
// stubs, docs/settings.md. `PENA_REWRITE=1 cli_test --gtest_filter='Lists*'` writes the texts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <type_traits>

#include "cli/crew.hpp"
#include "cli/json_lines.hpp"
#include "cli/options.hpp"
#include "cli/quantity.hpp"
#include "client/stats.hpp"
#include "core/limits_list.hpp"
#include "core/number_text.hpp"
#include "server/stats.hpp"

namespace {

using namespace pena;
using core::Limit;
using testing::HasSubstr;
using Place = Limit::Place;
using Unit = Limit::Unit;

std::string default_of(const Limit& limit) {
  std::string text;
  const core::Limits limits;
  with_field(limits, limit, [&]<class Value>(const Value& value) {
    if constexpr (std::is_same_v<Value, core::Duration>) {
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

std::string bounds_of(const Limit& limit) {
  switch (limit.unit) {
    case Unit::time:
      return limit.least == 0 ? "0 to a year" : "above 0, to a year";
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

bool of_timing(const Limit& limit) {
  return std::holds_alternative<core::Duration core::Timing::*>(limit.field) ||
         std::holds_alternative<double core::Timing::*>(limit.field);
}

// ---- the texts

std::string as_sentence(std::string text) {
  text.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(text.front())));
  return text + ".";
}

// As the formatter of Python leaves it.
std::string docstring(const std::string& text) {
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

std::string limits_of_server_py() {
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

std::string limits_of_stub() {
  std::string timing = "class Timing:\n";
  std::string limits = "class Limits:\n    timing: Timing\n";
  for (const Limit& limit : core::all_limits()) {
    if (limit.place == Place::inside) continue;
    const bool whole = limit.unit == Unit::number || limit.unit == Unit::bytes;
    (of_timing(limit) ? timing : limits) += "    " + std::string{limit.name} + ": " +
                                            (whole                      ? "int"
                                             : limit.unit == Unit::time ? "timedelta"
                                                                        : "float") +
                                            "\n";
  }
  return timing + "\n" + limits + "    def problem(self) -> str | None: ...\n";
}

std::string limits_of_docs() {
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

std::string type_of(const server::Stat& stat) {
  std::string type;
  const server::Stats stats;
  with_field(stats, stat, [&]<class Value>(const Value& /*value*/) {
    type = std::is_same_v<Value, bool>          ? "bool"
           : std::is_same_v<Value, std::string> ? "str"
                                                : "int";
  });
  return type;
}

std::string stats_of_server_py() {
  std::string text;
  for (const server::Stat& stat : server::all_stats()) {
    text += "    " + std::string{stat.name} + ": " + type_of(stat) + "\n" +
            docstring(as_sentence(std::string{stat.help}));
  }
  return text;
}

std::string stats_of_client_py() {
  std::string text;
  for (const client::ClientStat& stat : client::all_client_stats()) {
    text += "    " + std::string{stat.name} + ": int\n" +
            docstring(as_sentence(std::string{stat.help}));
  }
  return text;
}

std::string stats_of_docs() {
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

std::string client_stats_of_docs() {
  std::string text = "| `Client.stats` | with `--json` | what it counts |\n|---|---|---|\n";
  for (const client::ClientStat& stat : client::all_client_stats()) {
    const std::string name{stat.name};
    text += "| `" + name + "` | " + (stat.now ? "" : "`" + name + "`") + " | " +
            std::string{stat.help} + " |\n";
  }
  return text;
}

// ---- where they stand: in a file, between a line that names them and one that says where they end

struct Written {
  const char* file;
  const char* name;
  std::string (*text)();
};

constexpr std::array kWritten{
    Written{"python/pena/server/__init__.py", "limits", limits_of_server_py},
    Written{"python/pena/server/__init__.py", "stats", stats_of_server_py},
    Written{"python/pena/client/__init__.py", "stats", stats_of_client_py},
    Written{"python/pena/_pena.pyi", "limits", limits_of_stub},
    Written{"docs/settings.md", "limits", limits_of_docs},
    Written{"docs/settings.md", "stats of a server", stats_of_docs},
    Written{"docs/settings.md", "stats of a client", client_stats_of_docs},
};

std::string text_of_file(const std::filesystem::path& path) {
  std::ifstream file{path};
  return {std::istreambuf_iterator<char>{file}, {}};
}

TEST(Lists, AreWrittenWherePeopleReadThem) {
  for (const Written& written : kWritten) {
    const auto path = std::filesystem::path{PENA_TEST_FOLDER} / "../../.." / written.file;
    std::string all = text_of_file(path);
    const std::string begin = "written by lists_test.cpp: " + std::string{written.name};
    const std::size_t named = all.find(begin);
    ASSERT_NE(named, std::string::npos) << written.file << " has no place for " << written.name;
    const std::size_t at = all.find('\n', named) + 1;
    const std::size_t said = all.find("end of what was written", at);
    ASSERT_NE(said, std::string::npos) << written.file;
    const std::size_t end = all.rfind('\n', said) + 1;
    const bool is_stub = all.substr(0, named).ends_with("\n# ");
    const std::string text = written.text() + (is_stub ? "\n" : "");
    if (std::getenv("PENA_REWRITE") != nullptr) {
      all.replace(at, end - at, text);
      std::ofstream{path} << all;
    } else {
      EXPECT_EQ(all.substr(at, end - at), text)
          << written.file << " is not what the lists say; PENA_REWRITE=1 writes it";
    }
  }
}

// The table there has words of its own, and the letters of the formulas.
TEST(Lists, TheTimesOfTheProtocolHaveTheirDefaults) {
  const std::string page =
      text_of_file(std::filesystem::path{PENA_TEST_FOLDER} / "../../.." / "docs/protocol.md");
  for (const Limit& limit : core::all_limits()) {
    if (!of_timing(limit)) continue;
    std::string row = "\n| " + std::string{limit.name == "clock_drift" ? "drift" : limit.name};
    std::ranges::replace(row, '_', ' ');
    const std::size_t at = page.find(row);
    ASSERT_NE(at, std::string::npos) << row;
    const std::size_t cell = page.find(" | ", at) + 3;
    std::string told = page.substr(cell, page.find(" | ", cell) - cell);
    std::erase(told, ' ');
    EXPECT_EQ(told, default_of(limit)) << row;
  }
}

// ---- what the command shows

std::string in_one_line(const std::string& text) {
  std::istringstream words{text};
  std::string line;
  std::string word;
  while (words >> word) line += (line.empty() ? "" : " ") + word;
  return line;
}

TEST(Lists, EveryLimitHasAnOptionWithItsHelpAndItsDefault) {
  const std::array arguments{"pena", "help", "server"};
  const auto command = cli::command_from(arguments.size(), arguments.data());
  const std::string help = in_one_line(std::get<cli::ShowText>(command).text);
  for (const Limit& limit : core::all_limits()) {
    if (limit.option.empty()) continue;
    const std::string type = limit.unit == Unit::time    ? "DURATION"
                             : limit.unit == Unit::bytes ? "SIZE"
                             : limit.unit == Unit::share ? "SHARE"
                                                         : "N";
    EXPECT_THAT(help,
                HasSubstr(" " + std::string{limit.option} + " " + type + " " +
                          std::string{limit.help} + " [" + default_of(limit) + "] PENA_SERVER_"));
  }
}

// `i` makes the numbers of a list differ.
template <class Field>
void fill(Field& field, std::uint64_t i) {
  if constexpr (std::is_same_v<Field, std::uint64_t>) field = 1000 + i;
}

TEST(Lists, EveryCountOfAServerHasItsKey) {
  server::Stats stats;
  std::uint64_t i = 0;
  for (const server::Stat& stat : server::all_stats()) {
    with_field(stats, stat, [&](auto& field) { fill(field, i); });
    ++i;
  }
  const std::string json = cli::json_summary(stats);
  const std::size_t missed = json.find(R"("missed":{)");
  ASSERT_NE(missed, std::string::npos);
  i = 0;
  for (const server::Stat& stat : server::all_stats()) {
    const std::string entry = "\"" + std::string{stat.key} + "\":" + std::to_string(1000 + i++);
    const std::size_t at = json.find(entry);
    EXPECT_EQ(at == std::string::npos, stat.json == server::Stat::Json::none) << json;
    if (at != std::string::npos) {
      EXPECT_EQ(at > missed, stat.json == server::Stat::Json::missed) << entry;
    }
  }
}

TEST(Lists, EveryCountOfAClientHasItsKeyAndIsSummedUp) {
  cli::Run run;
  std::uint64_t i = 0;
  for (const client::ClientStat& stat : client::all_client_stats()) {
    fill(run.stats.*stat.field, i++);
  }
  const std::string json = cli::json_run(run);
  const std::array runs{run, run};
  const client::ClientStats sum = cli::total(runs);
  for (const client::ClientStat& stat : client::all_client_stats()) {
    const std::uint64_t count = run.stats.*stat.field;
    const std::string entry = "\"" + std::string{stat.name} + "\":" + std::to_string(count);
    EXPECT_EQ(json.find(entry) == std::string::npos, stat.now) << entry << " in " << json;
    EXPECT_EQ(sum.*stat.field, stat.now ? 0 : 2 * count) << stat.name;
  }
}

}  // namespace
