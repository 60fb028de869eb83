// How many msgs each queue has where, and how long the first of them has waited: what the store adds to what
// the turn says.
#include "turn/status_text.hpp"

#include <gmock/gmock.h>

#include "fake_view.hpp"
#include "store/sample.hpp"

namespace pena::turn::test {
namespace {

using store::test::id_of;
using testing::HasSubstr;
using testing::Not;

constexpr core::QueueNumber kNumberOfMail = 5;

class StatusTextTest : public testing::Test {
 protected:
  StatusTextTest() {
    view_.named = {{core::kDefaultQueue, "", false, 2, 1, 3, 4},
                   {core::kGeneratedQueue, "", false, 1, 0, 10, 20},
                   {kNumberOfMail, "mail", true, 1, 7, 0, 0},
                   {6, "other", false, 9, 9, 9, 9}};
    status_.date = core::from_us(9'000'000);
    status_.queues = {{core::kDefaultQueue, "default", false, 2, 5},
                      {kNumberOfMail, "mail", true, 0, 0}};
  }
  void put(std::uint16_t number, core::QueueNumber queue, std::int64_t accepted_at) {
    core::QueuedMsg& msg = view_.queued[id_of(number)];
    msg.msg.id = id_of(number);
    msg.msg.queue = queue;
    msg.accepted_at = core::from_us(accepted_at);
  }
  [[nodiscard]] std::string text() const { return status_text(status_, std::nullopt, view_); }

  FakeView view_;
  core::Status status_;
};

TEST_F(StatusTextTest, WhatPeopleSeeAsOneQueueIsCountedAsOne) {
  EXPECT_THAT(text(), HasSubstr(R"("queues":[{"queue":"default","paused":false,"clients":2,)"
                                R"("queued":3,"later":1,"held":5,"reported":13,"failed":24},)"
                                R"({"queue":"mail","paused":true,"clients":0,"queued":1,"later":7,)"
                                R"("held":0,"reported":0,"failed":0}]})"));
}

TEST_F(StatusTextTest, TheFirstThatWaitsTellsHowLong) {
  put(1, kNumberOfMail, 4'000'000);
  put(2, kNumberOfMail, 1'000'000);  // not the first by its id
  put(3, core::kDefaultQueue, 8'000'000);
  EXPECT_THAT(text(), HasSubstr(R"("failed":24,"oldest_ms":1000})"));
  EXPECT_THAT(text(), HasSubstr(R"("failed":0,"oldest_ms":5000})"));
  put(4, core::kGeneratedQueue, 6'000'000);  // the older of both
  EXPECT_THAT(text(), HasSubstr(R"("failed":24,"oldest_ms":3000})"));
}

TEST_F(StatusTextTest, AQueueThatTheStoreDoesNotKnowHasNothing) {
  status_.queues = {{77, "new", false, 1, 0}};
  EXPECT_THAT(text(), HasSubstr(R"({"queue":"new","paused":false,"clients":1,"queued":0,)"
                                R"("later":0,"held":0,"reported":0,"failed":0})"));
  EXPECT_THAT(text(), Not(HasSubstr("oldest_ms")));
}

}  // namespace
}  // namespace pena::turn::test
