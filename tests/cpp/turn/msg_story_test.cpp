// What is told of one msg, wherever it is.
#include "turn/msg_story.hpp"

#include <gmock/gmock.h>

#include "fake_view.hpp"
#include "store/sample.hpp"

namespace pena::turn::test {
namespace {

using core::MissReason;
using core::Xid;
using store::test::id_of;
using testing::HasSubstr;

constexpr core::QueueNumber kMail = 5;
const std::string kDate = R"("1970-01-01T00:00:00.000Z")";

class StoryTest : public testing::Test {
 protected:
  StoryTest() { view_.named = {{kMail, "mail", false, 0, 0, 0, 0}}; }

  static core::Miss missed() {
    return {id_of(900), id_of(800), {}, {}, MissReason::failed, "no \"luck\"", "worker 1"};
  }
  static core::QueuedMsg msg() {
    core::QueuedMsg queued;
    queued.msg = {id_of(1), 5, "[1]", kMail, std::uint16_t{2}, "order-17"};
    queued.misses = {missed()};
    queued.attempts = 1;
    return queued;
  }
  // The turn has said who holds it, once and again.
  [[nodiscard]] Answer tell(FindMsg asked = FindMsg{id_of(1)}) const {
    core::Status told;
    if (held_in_) told.holders = {held_in_};
    asked.search.note(told);
    asked.search.note(told);
    return std::get<Answer>(answer(std::move(asked), view_));
  }
  // Up to the state.
  static std::string begin(bool has_payload = true) {
    return R"({"id":")" + id_of(1).text() + R"(","period":5,)" +
           (has_payload ? R"("payload":[1],)" : "") +
           R"("queue":"mail","key":"order-17","max_resends":2,"state":")";
  }
  static std::string chapter(const std::string& ended, const std::string& outcome,
                             std::uint16_t batch) {
    return R"({"batch":")" + id_of(batch).text() + R"(","client":")" + id_of(800).text() +
           R"(","name":"worker 1","granted_at":)" + kDate + ended + R"(,"outcome":")" + outcome +
           '"';
  }
  static std::string first_chapter() {
    return R"("story":[)" + chapter(R"(,"ended_at":)" + kDate, "failed", 900) +
           R"(,"error":"no \"luck\""})";
  }

  FakeView view_;
  std::shared_ptr<const core::Batch> held_in_;
};

TEST_F(StoryTest, OfAMsgThatWaitsOrIsNotDueYet) {
  view_.queued[id_of(1)] = msg();
  EXPECT_EQ(tell().status, 200U);
  EXPECT_EQ(tell().body, begin() + R"(queued","accepted_at":)" + kDate +
                             R"(,"attempt":2,"queued_at":)" + kDate + "," + first_chapter() + "]}");
  view_.due.swap(view_.queued);
  EXPECT_THAT(tell().body, HasSubstr(R"("state":"later")"));
  EXPECT_THAT(tell().body, HasSubstr(R"("due_at":)" + kDate));
}

TEST_F(StoryTest, OfOneThatIsHeld) {
  core::Batch batch{id_of(901), id_of(800), {}, {msg()}};
  batch.client_name = "worker 1";
  held_in_ = std::make_shared<const core::Batch>(batch);
  EXPECT_EQ(tell().body, begin() + R"(held","accepted_at":)" + kDate + R"(,"attempt":2,)" +
                             first_chapter() + "," + chapter("", "held", 901) + "}]}");
}

TEST_F(StoryTest, OfOneThatWasReported) {
  core::ReportRecord& record = view_.reported[id_of(1)];
  record = {id_of(1),   5, id_of(901), id_of(800),       {},         {},        {},
            {missed()}, 2, kMail,      std::uint16_t{2}, "order-17", "worker 1"};
  record.result = R"({"ok":true})";
  EXPECT_EQ(tell().body, begin(false) + R"(reported","accepted_at":)" + kDate +
                             R"(,"result":{"ok":true},"attempts":2,"reported_at":)" + kDate + "," +
                             first_chapter() + "," +
                             chapter(R"(,"ended_at":)" + kDate, "reported", 901) + "}]}");
}

TEST_F(StoryTest, OfOneThatFailed) {
  view_.failed[id_of(1)] = {msg().msg, {}, {}, {missed()}, 1};
  EXPECT_EQ(tell().body, begin() + R"(failed","accepted_at":)" + kDate +
                             R"(,"attempts":1,"failed_at":)" + kDate + "," + first_chapter() +
                             "]}");
}

TEST_F(StoryTest, AQueueIsAlwaysSaid) {
  view_.queued[id_of(1)].msg.id = id_of(1);
  EXPECT_THAT(tell().body, HasSubstr(R"("queue":"default","state":"queued")"));
  EXPECT_THAT(tell().body, HasSubstr(R"("story":[]})"));
}

TEST_F(StoryTest, AKeyLeadsToTheMsgOfItsQueue) {
  view_.queued[id_of(1)] = msg();
  view_.keys[{kMail, "order-17"}] = id_of(1);
  EXPECT_EQ(tell(FindMsg{{}, "order-17", "mail"}).body, tell().body);
  const Answer none = tell(FindMsg{{}, "order-17", ""});
  EXPECT_EQ(none.status, 404U);
  EXPECT_EQ(none.body, R"({"error":"no msg of the queue default has the key \"order-17\"; )"
                       R"(expected one that was accepted and is not forgotten"})");
  EXPECT_EQ(tell(FindMsg{{}, "order-17", "never"}).status, 404U);
}

TEST_F(StoryTest, AnIdThatNobodyKnowsIsNotFound) {
  EXPECT_EQ(tell().status, 404U);
  EXPECT_EQ(tell().body, R"({"error":"no msg has the id )" + id_of(1).text() +
                             R"(; expected one that was accepted and is not forgotten"})");
}

}  // namespace
}  // namespace pena::turn::test
