// A client says that it takes no more: what it is told, and what reaches its stream before the end.
#include <gtest/gtest.h>

#include "turn/desk.hpp"
#include "turn/reply.hpp"
#include "turn/turn_test.hpp"

namespace pena::turn::test {
namespace {

class LeaveTest : public TurnTest {
 protected:
  static core::Reported leave(std::uint16_t client) {
    core::Reported reported;
    reported.client = id_of(client);
    reported.last = true;
    return reported;
  }
  // What goes out of these, which are all of one round, in its order: "batch", "close" and "held=n".
  std::string round(std::vector<core::Event> events) {
    for (core::Event& event : events) turn_->take(std::move(event), now_);
    std::string told;
    for (const Outgoing& out : run_rounds(*turn_, now_)) {
      if (std::holds_alternative<core::SendBatch>(out)) told += "batch ";
      if (const auto* close = std::get_if<core::CloseStream>(&out)) {
        EXPECT_TRUE(close->complete);
        told += "close ";
      }
      const auto* const reply = std::get_if<core::ReportReply>(&out);
      if (reply != nullptr && reply->held) told += "held=" + std::to_string(*reply->held) + " ";
    }
    return told;
  }
  static core::Event joined(std::uint16_t client) {
    return core::ClientJoined{id_of(client), 2, false};
  }
};

TEST_F(LeaveTest, AFreeStreamEndsBeforeTheAnswer) {
  open();
  EXPECT_EQ(round({joined(100), leave(100)}), "close held=0 ");
  submit({1, 2});
  EXPECT_EQ(turn_->dispatcher().counts().sent, 0U);
  EXPECT_EQ(turn_->dispatcher().counts().clients_lost, 0U);
}

TEST_F(LeaveTest, ABatchOfTheSameRoundGoesOutBeforeTheAnswerThatCountsIt) {
  open();
  submit({1, 2, 3});
  EXPECT_EQ(round({joined(100), leave(100)}), "batch held=2 ");
  core::Reported reported;
  reported.ids = {id_of(1), id_of(2)};
  EXPECT_EQ(round({std::move(reported), leave(100)}), "close held=0 ");
  EXPECT_EQ(turn_->dispatcher().counts().sent, 2U);
}

// It may have been granted in a round that the disk does not have: then nobody is told of it yet.
TEST_F(LeaveTest, WaitsForTheRoundThatGrantedTheBatch) {
  open();
  submit({1, 2});
  turn_->take(joined(100), now_);
  turn_->close(now_);
  EXPECT_EQ(turn_->dispatcher().counts().clients_busy, 1U);
  turn_->take(leave(100), now_);
  turn_->close(now_);
  const std::vector<Outgoing> out = turn_->durable(now_);
  ASSERT_EQ(out.size(), 2U);
  EXPECT_TRUE(std::holds_alternative<core::SendBatch>(out[0]));
  EXPECT_EQ(std::get<core::ReportReply>(out[1]).held, 2U);
}

TEST_F(LeaveTest, OfAClientThatIsGoneItSaysNothing) {
  open();
  submit({1, 2});
  EXPECT_EQ(round({joined(100), core::ClientLost{id_of(100)}, leave(100), leave(101)}),
            "batch held=0 held=0 ");
}

TEST_F(LeaveTest, TheAnswerSaysHowManyMsgsAreHeld) {
  core::ReportReply reply{7};
  reply.held = 2;
  const auto answered = answer(Reply{7, Settled{reply, 12}}, limits_);
  EXPECT_EQ(std::get<Answer>(answered).status, 200U);
  EXPECT_EQ(std::get<Answer>(answered).body,
            R"({"message":"success","reported":0,"duplicate":0,"unknown":0,"held":2})");
}

}  // namespace
}  // namespace pena::turn::test
