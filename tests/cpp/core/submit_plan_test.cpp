// Which msgs make a request, and what follows from its answer.
#include "core/submit_plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace pena::core {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Xid made(std::uint32_t number) {
  return Xid{}.with(1000, number);
}

class SubmitPlanTest : public testing::Test {
 protected:
  // So many msgs with ids that were made.
  static std::vector<ToSubmit> msgs(std::size_t count, std::size_t bytes = 10) {
    std::vector<ToSubmit> all;
    for (std::size_t i = 0; i < count; ++i) {
      all.push_back({bytes, "", made(static_cast<std::uint32_t>(i)), true});
    }
    return all;
  }
  static ToSubmit keyed(const std::string& key) { return {10, key, std::nullopt, false}; }

  void begin(std::vector<ToSubmit> msgs, RequestSize size = {}) {
    plan_.emplace(std::move(msgs), size);
  }
  std::vector<std::size_t> next() { return plan_->next(); }

  // What a good server says of the request, which has these before.
  SubmitAnswer taken(const std::vector<std::size_t>& known = {}) {
    SubmitAnswer answer{201, "", {}, {}};
    for (const std::size_t place : plan_->next()) {
      const Xid id = plan_->msg(place).id.value_or(made(100 + static_cast<std::uint32_t>(place)));
      answer.ids.push_back(id);
      if (std::ranges::find(known, place) != known.end()) answer.known.push_back(id);
    }
    return answer;
  }
  std::optional<SubmitPlan::Refusal> answer(const SubmitAnswer& answer) {
    (void)next();
    return plan_->answered(answer, [this] { return made(++last_made_); });
  }
  [[nodiscard]] std::size_t accepted() const { return plan_->accepted().size(); }

  std::optional<SubmitPlan> plan_;
  std::uint32_t last_made_ = 1000;
};

TEST_F(SubmitPlanTest, ARequestHasAsManyMsgsAndBytesAsItMay) {
  begin(msgs(5), {1000, 2});
  EXPECT_THAT(next(), ElementsAre(0, 1));
  EXPECT_FALSE(answer(taken()));
  EXPECT_THAT(next(), ElementsAre(2, 3));
  EXPECT_FALSE(answer(taken()));
  EXPECT_THAT(next(), ElementsAre(4));
  EXPECT_FALSE(answer(taken()));
  EXPECT_THAT(next(), IsEmpty());
  EXPECT_EQ(accepted(), 5U);

  begin(msgs(3, 40), {100, 10});
  EXPECT_THAT(next(), ElementsAre(0, 1));
  begin(msgs(2, 400), {100, 10});
  EXPECT_THAT(next(), ElementsAre(0)) << "one that is too large is tried alone";
}

TEST_F(SubmitPlanTest, AKeyStandsOnceInARequest) {
  begin({keyed("a"), keyed("b"), keyed("a")});
  EXPECT_THAT(next(), ElementsAre(0, 1));
  EXPECT_FALSE(answer(taken()));
  EXPECT_THAT(next(), ElementsAre(2));
  SubmitAnswer again = taken();
  again.known = again.ids;
  EXPECT_FALSE(answer(again));
  EXPECT_TRUE(plan_->accepted()[2].known);
  EXPECT_FALSE(plan_->accepted()[0].known);
}

TEST_F(SubmitPlanTest, WhatIsRefusedIsFoundByHalves) {
  begin(msgs(4));
  EXPECT_FALSE(answer({400, "400: a payload is bad", {}, {}}));
  EXPECT_THAT(next(), ElementsAre(0, 1));
  EXPECT_FALSE(answer(taken()));
  EXPECT_THAT(next(), ElementsAre(2, 3));
  EXPECT_FALSE(answer({400, "400: a payload is bad", {}, {}}));
  EXPECT_THAT(next(), ElementsAre(2));
  const auto refusal = answer({400, "400: a payload is bad", {}, {}});
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->place, 2U);
  EXPECT_EQ(refusal->status, 400U);
  EXPECT_EQ(refusal->why, "400: a payload is bad");
  EXPECT_EQ(accepted(), 2U);
}

TEST_F(SubmitPlanTest, AServerThatTakesLessIsSentLess) {
  begin(msgs(8), {1000, 4});
  EXPECT_FALSE(answer({413, "413: too many", {}, {}}));
  EXPECT_EQ(plan_->size().msgs, 2U);
  EXPECT_LT(plan_->size().bytes, 1000U);
  EXPECT_FALSE(answer(taken()));
  EXPECT_FALSE(answer(taken()));
  EXPECT_THAT(next(), ElementsAre(4, 5));
}

TEST_F(SubmitPlanTest, WhatIsKnownByAnEarlierTryIsAccepted) {
  begin(msgs(2));
  SubmitAnswer again = taken({0, 1});
  again.again = true;
  EXPECT_FALSE(answer(again));
  EXPECT_THAT(next(), IsEmpty());
  ASSERT_EQ(accepted(), 2U);
  EXPECT_FALSE(plan_->accepted()[0].known) << "nobody else has submitted it";
}

TEST_F(SubmitPlanTest, AnIdThatSomebodyElseHasMadeIsMadeAnew) {
  begin(msgs(3));
  EXPECT_FALSE(answer(taken({1})));
  EXPECT_THAT(next(), ElementsAre(1));
  EXPECT_EQ(plan_->msg(1).id, made(1001));
  EXPECT_FALSE(answer({409, "409: the msg " + made(1001).text() + " has another payload", {}, {}}));
  EXPECT_THAT(next(), ElementsAre(1));
  EXPECT_EQ(plan_->msg(1).id, made(1002));
  EXPECT_FALSE(answer(taken()));
  ASSERT_EQ(accepted(), 3U);
  EXPECT_EQ(plan_->accepted()[1].id, made(1002));
}

TEST_F(SubmitPlanTest, AServerThatKnowsEveryIdIsRefused) {
  begin(msgs(1));
  std::optional<SubmitPlan::Refusal> refusal;
  int tries = 0;
  while (!refusal && ++tries < 100) refusal = answer(taken({0}));
  ASSERT_TRUE(refusal);
  EXPECT_THAT(refusal->why, HasSubstr("each id that was made in its place"));
}

TEST_F(SubmitPlanTest, AnIdOfTheCallersStaysAsItIs) {
  begin({{10, "", made(1), false}});
  const auto refusal = answer({409, "409: the msg " + made(1).text() + " is another", {}, {}});
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->status, 409U);
  begin({{10, "", made(1), false}});
  EXPECT_FALSE(answer(taken({0})));
  EXPECT_TRUE(plan_->accepted().front().known);
}

TEST_F(SubmitPlanTest, AnAnswerThatIsNotPenasIsARefusal) {
  begin(msgs(2));
  const auto refusal = answer({200, "200: <html>", {}, {}});
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->place, 0U);
  EXPECT_THAT(refusal->why, HasSubstr("<html>; expected the answer of a Pena server"));
}

}  // namespace
}  // namespace pena::core
