// What the lists of limits and counts say reaches whoever reads of them: the help, JSON, Python's classes and
// stubs, docs/settings.md. `PENA_REWRITE=1 cli_test --gtest_filter='Lists*'` writes the texts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <string>
#include <type_traits>

#include "cli/crew.hpp"
#include "cli/json_lines.hpp"
#include "cli/options.hpp"
#include "client/stats.hpp"
#include "core/limits_list.hpp"
#include "list_texts.hpp"
#include "server/stats.hpp"

namespace {

using namespace pena;
using core::Limit;
using testing::HasSubstr;
using Unit = Limit::Unit;

const std::filesystem::path kRoot = std::filesystem::path{PENA_TEST_FOLDER} / "../../..";

TEST(Lists, AreWrittenWherePeopleReadThem) {
  if (std::getenv("PENA_REWRITE") != nullptr) {
    ASSERT_TRUE(lists::write_lists(kRoot));
  }
  for (const lists::Written& written : lists::kWritten) {
    const std::string all = lists::text_of_file(kRoot / written.file);
    EXPECT_EQ(all,
              lists::with_lists(all, written).value_or("a place for " + std::string{written.name}))
        << written.file << " is not what the lists say; PENA_REWRITE=1 writes it";
  }
}

// The table there has words of its own, and the letters of the formulas.
TEST(Lists, TheTimesOfTheProtocolHaveTheirDefaults) {
  const std::string page = lists::text_of_file(kRoot / "docs/protocol.md");
  for (const Limit& limit : core::all_limits()) {
    if (!lists::of_timing(limit)) continue;
    std::string row = "\n| " + std::string{limit.name == "clock_drift" ? "drift" : limit.name};
    std::ranges::replace(row, '_', ' ');
    const std::size_t at = page.find(row);
    ASSERT_NE(at, std::string::npos) << row;
    const std::size_t cell = page.find(" | ", at) + 3;
    std::string told = page.substr(cell, page.find(" | ", cell) - cell);
    std::erase(told, ' ');
    EXPECT_EQ(told, lists::default_of(limit)) << row;
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
                             : limit.unit == Unit::keep  ? "DURATION|N"
                                                         : "N";
    EXPECT_THAT(help, HasSubstr(" " + std::string{limit.option} + " " + type + " " +
                                std::string{limit.help} + " [" + lists::default_of(limit) +
                                "] PENA_SERVER_"));
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
