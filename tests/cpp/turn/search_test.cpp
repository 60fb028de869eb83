// A msg that is looked for while it moves: the store is looked at, then the turn is asked, and so on.
#include <gmock/gmock.h>

#include "store/forwarding_store.hpp"
#include "turn/desk.hpp"
#include "turn_test.hpp"

namespace pena::turn::test {
namespace {

using testing::HasSubstr;

class CountingStore : public store::ForwardingStore {
 public:
  CountingStore() : ForwardingStore(store::make_memory_store()) {}
  [[nodiscard]] std::vector<core::Batch> batches() const override {
    ++read_;
    return inside().batches();
  }
  [[nodiscard]] int batches_read() const { return read_; }

 private:
  mutable int read_ = 0;
};

class SearchTest : public TurnTest {
 protected:
  SearchTest() {
    auto counting = std::make_unique<CountingStore>();
    counting_ = counting.get();
    store_ = std::move(counting);
    open();
    counted_ = counting_->batches_read();
  }
  // What comes of a search that is looked up once.
  std::optional<Answer> look() {
    auto found = answer(search_, *store_);
    if (auto* const said = std::get_if<Answer>(&found)) return *said;
    unfound_ = std::get<Unfound>(std::move(found));
    return std::nullopt;
  }
  void ask_turn() {
    ++asks_;
    auto waits = std::get<Waits>(desk_.ask(Unfound{unfound_}));
    for (const auto& reply : of<core::StatusReply>(happen(std::move(waits.event)))) {
      search_ = std::get<LookUp>(answer(desk_.resolve(reply).value(), limits_));
    }
  }
  // Looks and asks in turns, and lets something happen before each.
  Answer find(const std::function<void()>& meanwhile) {
    while (true) {
      meanwhile();
      if (auto said = look()) return *said;
      meanwhile();
      ask_turn();
    }
  }
  Answer find(
      std::uint16_t number, const std::function<void()>& meanwhile = [] {}) {
    search_ = std::get<FindMsg>(
        desk_.ask({"GET", "/task/" + id_of(number).text(), {}, {}}, {now_, now_}));
    return find(meanwhile);
  }
  // One client holds the msg 1, and refuses it, and gets it again.
  void move() {
    if (turn_->dispatcher().holds(id_of(1))) {
      (void)happen(core::PauseAsked{++requests_, "default", true});
      core::Reported refusal;
      refusal.refused = {id_of(1)};
      (void)happen(std::move(refusal));
    } else {
      (void)happen(core::PauseAsked{++requests_, "default", false});
    }
  }

  CountingStore* counting_ = nullptr;
  int counted_ = 0;
  Desk desk_{limits_, ids_, "1.2.3"};
  LookUp search_;
  Unfound unfound_;
  int asks_ = 0;
};

TEST_F(SearchTest, WhatIsHeldTheTurnTells) {
  submit({1, 2});
  join(100, 2);
  EXPECT_THAT(find(2).body, HasSubstr(R"("state":"held")"));
  EXPECT_EQ(asks_, 1);
  EXPECT_EQ(counting_->batches_read(), counted_);
}

TEST_F(SearchTest, WhatIsInTheStoreTheTurnIsNotAskedFor) {
  submit({1});
  EXPECT_THAT(find(1).body, HasSubstr(R"("state":"queued")"));
  EXPECT_EQ(asks_, 0);
}

TEST_F(SearchTest, WhatNobodyKnowsIsAskedForTwice) {
  submit({1});
  join(100, 1);
  EXPECT_EQ(find(7).status, 404U);
  EXPECT_EQ(asks_, 2);
  EXPECT_EQ(counting_->batches_read(), counted_);
}

// It waits where the turn is asked, and is held where the store is looked at.
TEST_F(SearchTest, WhatMovesBetweenTwoLooksIsFound) {
  limits_.max_resends = 100;
  open();
  submit({1});
  join(100, 1);
  int moves = 0;
  const Answer found = find(1, [&] {
    if (++moves <= 4 && moves > 1) move();
  });
  EXPECT_EQ(found.status, 200U);
  EXPECT_EQ(asks_, 2);
}

TEST_F(SearchTest, WhereEverythingMovesAllTheTimeItEndsAllTheSame) {
  limits_.max_resends = 100;
  open();
  submit({1});
  join(100, 1);
  EXPECT_EQ(find(7, [&] { move(); }).status, 404U);
  EXPECT_EQ(asks_, Search::kMostAsks);
}

TEST_F(SearchTest, ADeskThatGaveUpAsksNobody) {
  search_ = FindMsg{id_of(7)};
  ASSERT_FALSE(look());
  (void)desk_.give_up();
  EXPECT_EQ(std::get<Answer>(desk_.ask(Unfound{unfound_})).status, 503U);
}

TEST_F(SearchTest, WhoeverWaitsForTheTurnIsGivenUp) {
  search_ = FindMsg{id_of(7)};
  ASSERT_FALSE(look());
  (void)desk_.ask(Unfound{unfound_});
  (void)desk_.ask(Unfound{LateReport{}});
  EXPECT_THAT(std::get<Answer>(answer(desk_.give_up().value(), limits_)).body,
              HasSubstr("the server ended before it had answered"));
  EXPECT_THAT(std::get<Answer>(answer(desk_.give_up().value(), limits_)).body,
              HasSubstr("send it again with the same ids"));
}

TEST_F(SearchTest, WhatNoBatchHeldIsLookedUpBeforeTheAnswer) {
  submit({1, 2, 3});
  join(100, 1);
  report({id_of(1)});
  const auto asked = std::get<Waits>(desk_.ask({"POST", "/report", {}, "[]"}, {now_, now_}));
  // One is reported, one waits, and of one nobody has ever heard.
  const auto reply =
      desk_.resolve(core::ReportReply{asked.request, 4, {{id_of(1)}, {id_of(3)}, {id_of(50)}}});
  ASSERT_TRUE(reply);
  EXPECT_EQ(desk_.waiting(), 0U);  // its outcome is known
  const auto said = std::get<Answer>(answer(std::get<LookUp>(answer(*reply, limits_)), *store_));
  EXPECT_EQ(said.status, 200U);
  EXPECT_EQ(said.body, R"({"message":"success","reported":4,"duplicate":1,"unknown":2})");
  EXPECT_EQ(said.headers, "Pena-At: 1000000\r\n");
}

// Its batch is lost and its msgs are others' by now; what it says of them is told from what they hold.
TEST_F(SearchTest, ALateReportIsToldByWhatOthersHold) {
  submit({1, 2, 3});
  const auto lost = of<core::SendBatch>(join(100, 3)).at(0).batch;
  (void)happen(core::ClientLost{id_of(100)});
  core::Reported refusal{++requests_, lost->id, {}, {}, {id_of(1)}, true};
  (void)happen(std::move(refusal));
  now_ += limits_.timing.drop_grace;
  (void)run_rounds(*turn_, now_);
  (void)join(101, 3);
  now_ += seconds{60};
  (void)run_rounds(*turn_, now_);
  ASSERT_TRUE(turn_->dispatcher().holds(id_of(1)));
  core::Reported late{++requests_, lost->id, {}, {}, {id_of(1), id_of(2)}};
  const auto reply = of<core::ReportReply>(happen(std::move(late))).at(0);
  ASSERT_EQ(reply.elsewhere.size(), 2U);
  EXPECT_EQ(reply.elsewhere[0].held, core::NamedId::Held::taken);
  EXPECT_NE(reply.elsewhere[1].held, core::NamedId::Held::taken);
  EXPECT_EQ(counting_->batches_read(), counted_);
}

}  // namespace
}  // namespace pena::turn::test
