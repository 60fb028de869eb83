// Which msgs that have ended are meant: what the bodies may say.
#include "wire/ended_body.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

#include "sample_ids.hpp"

namespace pena::wire::test {
namespace {

using core::Xid;
using testing::ElementsAre;
using testing::HasSubstr;
using What = core::EndedAsked::What;

TEST(EndedBody, NamesIdsEachOnceInTheirOrder) {
  const auto asked =
      parse_ended(R"({"ids":[")" + kB + R"(",")" + kA + R"(",")" + kB + R"("]})", What::retry, {});
  ASSERT_TRUE(asked);
  EXPECT_EQ(asked->what, What::retry);
  EXPECT_THAT(*asked->ids, ElementsAre(std::min(kIdA, kIdB), std::max(kIdA, kIdB)));
  EXPECT_FALSE(asked->dry_run);
  EXPECT_TRUE(parse_ended(R"({"ids":[]})", What::retry, {})->ids->empty());
}

TEST(EndedBody, OrAllThatFit) {
  const auto asked =
      parse_ended(R"({"all":true,"queue":"mail","error":"time*","before":1500,"dry_run":true})",
                  What::forget_fails, {});
  ASSERT_TRUE(asked);
  EXPECT_FALSE(asked->ids);
  EXPECT_EQ(asked->queue, "mail");
  EXPECT_EQ(asked->error, "time*");
  EXPECT_EQ(asked->before, core::from_us(1'500'000));
  EXPECT_TRUE(asked->dry_run);
}

TEST(EndedBody, RefusesWhatMayMeanMoreThanWasSaid) {
  const std::pair<std::string, std::string> cases[] = {
      {"", "the body"},
      {"[]", R"(expected {"ids":[…]} or {"all":true})"},
      {"{}", "neither ids nor"},
      {R"({"all":false})", "neither ids nor"},
      {R"({"queue":"mail"})", "neither ids nor"},
      {R"({"ids":[],"all":true})", "has ids and says which others"},
      {R"({"ids":[],"error":"x"})", "has ids and says which others"},
      {R"({"all":true,"all":true})", "stands twice"},
      {R"({"all":1})", "expected true or false"},
      {R"({"all":true,"queue":"Mail"})", "queue is"},
      {R"({"all":true,"before":"today"})", "expected a whole number"},
      {R"({"all":true,"before":-1})", "expected a whole number"},
      {R"({"all":true,"older":1})", "has the key"},
      {R"({"ids":["x"]})", "has the id"},
      {R"({"ids":"all"})", "expected an array of ids"},
  };
  for (const auto& [body, said] : cases) {
    const auto asked = parse_ended(body, What::retry, {});
    ASSERT_FALSE(asked) << body;
    EXPECT_EQ(asked.refusal().status, 400U) << body;
    EXPECT_THAT(asked.refusal().sentence, HasSubstr(said)) << body;
  }
  core::Limits limits;
  limits.report_ids = 1;
  const std::string two = R"({"ids":[")" + kA + R"(",")" + kB + R"("]})";
  EXPECT_EQ(parse_ended(two, What::retry, limits).refusal().status, 413U);
  const std::string by_error = R"({"all":true,"error":"x"})";
  EXPECT_TRUE(parse_ended(by_error, What::forget_fails, {}));
  EXPECT_FALSE(parse_ended(by_error, What::forget_reports, {}));
}

TEST(EndedBody, TheAnswerCounts) {
  EXPECT_EQ(ended_json("retried", {1, 5, 2, false}, false),
            R"({"message":"success","retried":5,"unknown":2})");
  EXPECT_EQ(ended_json("deleted", {1, 5, 0, false}, true),
            R"({"message":"success","deleted":5,"unknown":0,"dry_run":true})");
}

}  // namespace
}  // namespace pena::wire::test
