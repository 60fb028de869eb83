// What stands in the arguments of a command for parts of a payload.
#include "cli/placeholders.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "process/command.hpp"

namespace pena::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> filled(const std::vector<std::string>& arguments,
                                std::string_view payload) {
  const Placeholders::Filled filled = Placeholders{arguments}.fill(payload);
  EXPECT_EQ(filled.problem, "");
  return filled.arguments;
}

std::string problem(const std::string& argument, std::string_view payload) {
  return Placeholders{{argument}}.fill(payload).problem;
}

TEST(Placeholders, ThePayloadStandsWhereTheBracesWere) {
  EXPECT_THAT(filled({"{}", "-x", "a{}b{}"}, R"("c d")"), ElementsAre("c d", "-x", "ac dbc d"));
  EXPECT_THAT(filled({"{}"}, R"({"a": 1})"), ElementsAre(R"({"a":1})"));
  EXPECT_THAT(filled({"{}", ""}, ""), ElementsAre("", ""));
}

TEST(Placeholders, AFieldIsNamedByItsPath) {
  EXPECT_THAT(filled({"{to}@{at.city}", "{n}"}, R"({"to":"ann","at":{"city":"Ulm"},"n":1.50})"),
              ElementsAre("ann@Ulm", "1.50"));
}

TEST(Placeholders, BracesAreWrittenTwice) {
  EXPECT_THAT(filled({"{{}}", "{{{n}}}", "$1"}, R"({"n":1})"), ElementsAre("{}", "{1}", "$1"));
  EXPECT_THAT(filled({"{{print $1}}"}, ""), ElementsAre("{print $1}"));
}

TEST(Placeholders, WhatIsTheShellsStaysAsItIs) {
  EXPECT_THAT(filled({"echo ${PENA_ID:-none} ${n} {n} $"}, R"({"n":1})"),
              ElementsAre("echo ${PENA_ID:-none} ${n} 1 $"));
  EXPECT_THAT(filled({"${n", "${a:-${b}}}"}, ""), ElementsAre("${n", "${a:-${b}}"));
}

TEST(Placeholders, WhatIsFilledInIsNotLookedAtAgain) {
  EXPECT_THAT(filled({"{a}"}, R"({"a":"{b}","b":1})"), ElementsAre("{b}"));
}

TEST(Placeholders, ABraceThatBeginsNoneIsRefused) {
  for (const char* const bad : {"{", "}", "a}b", "{print $1}", "{a", "{a b}", "{}}"}) {
    EXPECT_THROW(Placeholders{{bad}}, std::invalid_argument) << bad;
  }
}

TEST(Placeholders, AFieldThatIsMissingIsNamed) {
  EXPECT_EQ(problem("x{at.no}", R"({"at":{}})"), "the payload has no field \"at.no\" for {at.no}");
  EXPECT_THAT(problem("{to}", R"("ann")"), HasSubstr("no field \"to\""));
}

TEST(Placeholders, WhatNoArgumentCanHaveIsRefused) {
  EXPECT_EQ(problem("{}", R"("a\u0000b")"),
            "the argument 1 would have a NUL, which no argument can have");
  const std::string most(process::kLongestArgument - 1, 'x');
  EXPECT_EQ(problem("{}", '"' + most + '"'), "");
  EXPECT_THAT(problem("{}x", '"' + most + '"'), HasSubstr("would have 131072 bytes"));
}

}  // namespace
}  // namespace pena::cli
