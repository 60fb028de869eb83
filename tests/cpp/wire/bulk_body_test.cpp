// Which msgs are to be tried again or forgotten: what the bodies may say.
#include "wire/bulk_body.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

#include "sample_ids.hpp"

namespace pena::wire::test {
namespace {

using core::Xid;
using testing::ElementsAre;
using testing::HasSubstr;
using What = core::BulkAsked::What;

TEST(BulkBody, NamesIdsEachOnceInTheirOrder) {
  const auto asked =
      parse_bulk(R"({"ids":[")" + kB + R"(",")" + kA + R"(",")" + kB + R"("]})", What::retry, {});
  ASSERT_TRUE(asked);
  EXPECT_EQ(asked->what, What::retry);
  EXPECT_THAT(*asked->ids, ElementsAre(std::min(kIdA, kIdB), std::max(kIdA, kIdB)));
  EXPECT_FALSE(asked->dry_run);
  EXPECT_TRUE(parse_bulk(R"({"ids":[]})", What::retry, {})->ids->empty());
}

TEST(BulkBody, OrAllThatFit) {
  const auto asked = parse_bulk(
      R"({"all":true,"queue":"mail","error":"time*","before":1795461517194,"dry_run":true})",
      What::forget_fails, {});
  ASSERT_TRUE(asked);
  EXPECT_FALSE(asked->ids);
  EXPECT_EQ(asked->queue, "mail");
  EXPECT_EQ(asked->error, "time*");
  EXPECT_EQ(asked->before, core::from_us(1'795'461'517'194'000));
  EXPECT_TRUE(asked->dry_run);
}

TEST(BulkBody, RefusesWhatMayMeanMoreThanWasSaid) {
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
      {R"({"all":true,"before":1795461517})", "of unix ms, not seconds, from 100000000000 to"},
      {R"({"all":true,"before":99999999999})", "unix ms"},
      {R"({"all":true,"older":1})", "has the key"},
      {R"({"ids":["x"]})", "has the id"},
      {R"({"ids":"all"})", "expected an array of ids"},
  };
  for (const auto& [body, said] : cases) {
    const auto asked = parse_bulk(body, What::retry, {});
    ASSERT_FALSE(asked) << body;
    EXPECT_EQ(asked.refusal().status, 400U) << body;
    EXPECT_THAT(asked.refusal().sentence, HasSubstr(said)) << body;
  }
  core::Limits limits;
  limits.report_ids = 1;
  const std::string two = R"({"ids":[")" + kA + R"(",")" + kB + R"("]})";
  EXPECT_EQ(parse_bulk(two, What::retry, limits).refusal().status, 413U);
  const std::string by_error = R"({"all":true,"error":"x"})";
  EXPECT_TRUE(parse_bulk(by_error, What::forget_fails, {}));
  EXPECT_FALSE(parse_bulk(by_error, What::forget_reports, {}));
  EXPECT_FALSE(parse_bulk(by_error, What::forget_waiting, {}));
}

TEST(BulkBody, OfWhatWaitsItSaysWhichAsOfReports) {
  const auto asked =
      parse_bulk(R"({"all":true,"queue":"default","before":100000000000,"dry_run":true})",
                 What::forget_waiting, {});
  ASSERT_TRUE(asked);
  EXPECT_EQ(asked->what, What::forget_waiting);
  EXPECT_EQ(asked->queue, "default");
  EXPECT_EQ(asked->before, core::from_us(100'000'000'000'000));
  EXPECT_TRUE(asked->dry_run);
}

TEST(NoBody, IsNothingOrAnEmptyObject) {
  for (const char* body : {"", " \r\n", "{}", " { } "}) EXPECT_FALSE(check_no_body(body)) << body;
  const auto refusal = [](const char* body) {
    const auto refused = check_no_body(body);
    EXPECT_TRUE(refused) << body;
    EXPECT_EQ(refused.value_or(Refusal{0, ""}).status, 400U) << body;
    return refused.value_or(Refusal{}).sentence;
  };
  EXPECT_EQ(refusal(R"({"paused":false})"),
            R"(the body has the key "paused"; expected none, or {})");
  EXPECT_EQ(refusal("[]"), R"(the body is "[]"; expected none, or {})");
  EXPECT_EQ(refusal("true"), R"(the body is "true"; expected none, or {})");
  for (const char* body : {"{", "{}{}", "queue=mail", R"({"a":})"}) {
    EXPECT_THAT(refusal(body), HasSubstr("JSON")) << body;
  }
}

TEST(BulkBody, TheAnswerCounts) {
  EXPECT_EQ(bulk_json("retried", {1, 5, 2, false}, false),
            R"({"message":"success","retried":5,"unknown":2})");
  EXPECT_EQ(bulk_json("deleted", {1, 5, 0, false}, true),
            R"({"message":"success","deleted":5,"unknown":0,"dry_run":true})");
}

}  // namespace
}  // namespace pena::wire::test
