// Pauses, and how it stands: what is asked of the turn, and what is answered. No turn is behind this desk.
#include <gmock/gmock.h>

#include "fake_view.hpp"
#include "store/sample.hpp"
#include "turn/desk.hpp"
#include "turn/stop.hpp"

namespace pena::turn::test {
namespace {

using core::StatusAsked;
using store::test::id_of;
using testing::HasSubstr;

class DeskStatusTest : public testing::Test {
 protected:
  Asked ask(std::string method, std::string path, std::string query = {}, std::string body = {}) {
    return desk_.ask({std::move(method), std::move(path), std::move(query), std::move(body)},
                     {core::from_us(7), core::from_us(2'000'000'000'000'000)});
  }
  template <class Event>
  Event asked(std::string method, std::string path, std::string query = {}, std::string body = {}) {
    auto waits =
        std::get<Waits>(ask(std::move(method), std::move(path), std::move(query), std::move(body)));
    auto event = std::get<Event>(std::move(waits.event));
    EXPECT_EQ(event.request, waits.request);
    return event;
  }
  Answer refused(std::string method, std::string path, std::string query = {},
                 std::string body = {}) {
    return std::get<Answer>(
        ask(std::move(method), std::move(path), std::move(query), std::move(body)));
  }
  core::StatusReply reply_to(const StatusAsked& asked) {
    auto status = std::make_shared<core::Status>();
    status->what = asked.what;
    return {asked.request, status};
  }
  std::string looked_up(core::StatusReply&& reply) {
    const auto resolved = desk_.resolve(std::move(reply));
    return std::get<Answer>(answer(std::get<LookUp>(answer(resolved.value(), limits_)), view_))
        .body;
  }
  // Of what need not be looked up.
  [[nodiscard]] Answer said(const std::optional<Reply>& reply) const {
    return std::get<Answer>(answer(reply.value(), limits_));
  }

  core::Limits limits_;
  FakeView view_;
  Desk desk_{limits_, core::XidFactory{{1, 2, 3}, 4}, "1.2.3"};
};

// ---- pauses

TEST_F(DeskStatusTest, AQueueIsPausedAndResumedByItsName) {
  const auto pause = asked<core::PauseAsked>("POST", "/queue/mail/pause");
  EXPECT_EQ(pause.queue, "mail");
  EXPECT_TRUE(pause.paused);
  const auto resume = asked<core::PauseAsked>("POST", "/queue/default/resume", {}, "{}");
  EXPECT_EQ(resume.queue, "default");
  EXPECT_FALSE(resume.paused);
  const Answer resumed =
      said(desk_.resolve(core::PauseReply{resume.request, core::NameRefused::no, true}));
  EXPECT_EQ(resumed.status, 200U);
  EXPECT_EQ(resumed.body, R"({"queue":"default","paused":false,"known":false})");
  const auto reply = desk_.resolve(core::PauseReply{pause.request});
  EXPECT_EQ(said(reply).body, R"({"queue":"mail","paused":true})");
  EXPECT_EQ(describe(*reply, said(reply)), R"({"queue":"mail","paused":true})");
  EXPECT_EQ(desk_.waiting(), 0U);
  EXPECT_FALSE(desk_.resolve(core::PauseReply{pause.request}));
}

TEST_F(DeskStatusTest, ANewQueueBeyondTheMostIsNotPaused) {
  limits_.queues = 2;
  const auto pause = asked<core::PauseAsked>("POST", "/queue/mail/pause");
  const Answer is =
      said(desk_.resolve(core::PauseReply{pause.request, core::NameRefused::too_many_queues}));
  EXPECT_EQ(is.status, 503U);
  EXPECT_EQ(is.headers, "Retry-After: 1\r\n");
  EXPECT_EQ(is.body, R"({"error":"there are 2 queues (--max-queues), and none is called mail; )"
                     R"(expected the name of one that is there"})");
}

TEST_F(DeskStatusTest, ANewQueueIsNotPausedWhereItsNameHasNoRoom) {
  limits_.map_bytes = 1 << 20;
  const auto pause = asked<core::PauseAsked>("POST", "/queue/mail/pause");
  const Answer is =
      said(desk_.resolve(core::PauseReply{pause.request, core::NameRefused::no_room}));
  EXPECT_EQ(is.status, 503U);
  EXPECT_EQ(
      is.body,
      R"({"error":"the store, of 1048576 bytes, or its disk has no room for the name of the queue mail, )"
      R"(which is new, beside what held ones may need; try again later"})");
}

TEST_F(DeskStatusTest, WhatIsNoPauseIsRefused) {
  EXPECT_EQ(refused("POST", "/queue/Mail/pause").body,
            R"({"error":"the queue in the path is \"Mail\"; expected 1 to 64 of a-z, 0-9, '.', )"
            R"('_' and '-'"})");
  for (const std::string& name :
       {std::string(65, 'a'), std::string{"a/b"}, std::string{"%6dail"}}) {
    EXPECT_EQ(refused("POST", "/queue/" + name + "/resume").status, 400U) << name;
  }
  EXPECT_THAT(refused("POST", "/queue/mail/pause", {}, R"({"paused":false})").body,
              HasSubstr("expected none, or {}"));
  EXPECT_THAT(refused("POST", "/queue/mail/pause", "for=5m").body,
              HasSubstr(R"(the query has \"for\"; expected none)"));
  EXPECT_EQ(desk_.waiting(), 0U);
}

// ---- how it stands

TEST_F(DeskStatusTest, TheTurnIsAskedHowItStands) {
  EXPECT_EQ(asked<StatusAsked>("GET", "/clients").what, StatusAsked::What::clients);
  EXPECT_EQ(asked<StatusAsked>("HEAD", "/stats").what, StatusAsked::What::stats);
  const auto batches =
      asked<StatusAsked>("GET", "/batch", "limit=7&queue=mail&after=" + id_of(3).text());
  EXPECT_EQ(batches.what, StatusAsked::What::batches);
  EXPECT_EQ(batches.limit, 7U);
  EXPECT_EQ(batches.queue, "mail");
  EXPECT_EQ(batches.after, id_of(3));
  for (const char* path : {"/clients", "/stats", "/batch"}) {
    EXPECT_EQ(refused("GET", path, "limit=1001").status, 400U) << path;
  }
}

TEST_F(DeskStatusTest, EachOfTheThreeHasItsAnswer) {
  EXPECT_EQ(looked_up(reply_to(asked<StatusAsked>("GET", "/clients"))), R"({"clients":[]})");
  EXPECT_EQ(looked_up(reply_to(asked<StatusAsked>("GET", "/batch"))), R"({"batches":[]})");
  const std::string stats = looked_up(reply_to(asked<StatusAsked>("GET", "/stats")));
  EXPECT_THAT(stats, testing::StartsWith(R"({"clients":{"free":0,"busy":0},"queued":0,)"));
  EXPECT_THAT(stats, HasSubstr(R"("counts":{"generated":0,"submitted":0,)"));
  EXPECT_THAT(stats, HasSubstr(R"("missed":{"omitted":0,"failed":0,"refused":0,)"));
  EXPECT_EQ(desk_.waiting(), 0U);
}

TEST_F(DeskStatusTest, OfOneQueueABatchTellsItsMsgsAlone) {
  view_.named = {{5, "mail", false, 0, 0, 0, 0}};
  core::StatusReply reply = reply_to(asked<StatusAsked>("GET", "/batch", "queue=mail"));
  auto batch = std::make_shared<core::Batch>();
  for (const core::QueueNumber queue : {0U, 5U, 1U}) {
    core::QueuedMsg& msg = batch->msgs.emplace_back();
    msg.msg.id = id_of(static_cast<std::uint16_t>(queue));
    msg.msg.queue = queue;
  }
  auto status = std::make_shared<core::Status>();
  status->what = StatusAsked::What::batches;
  status->batches = {{batch, core::Lease::State::running, {}}};
  reply.status = status;
  EXPECT_THAT(looked_up(std::move(reply)), HasSubstr(R"("ids":[")" + id_of(5).text() + R"("])"));
  // To people the generator's queue is the default one.
  reply = {asked<StatusAsked>("GET", "/batch", "queue=default").request, status};
  EXPECT_THAT(looked_up(std::move(reply)),
              HasSubstr(R"("ids":[")" + id_of(0).text() + R"(",")" + id_of(1).text() + R"("])"));
}

TEST_F(DeskStatusTest, SoManyWaitAndNoMore) {
  std::vector<StatusAsked> waiting;
  for (std::size_t i = 0; i < Desk::kMostStatusAtOnce; ++i) {
    waiting.push_back(asked<StatusAsked>("GET", "/stats"));
  }
  const Answer is = refused("GET", "/clients");
  EXPECT_EQ(is.status, 503U);
  EXPECT_EQ(is.body, R"({"error":"64 requests of how it stands wait already, as many as may; )"
                     R"(try again later"})");
  (void)looked_up(reply_to(waiting.front()));
  (void)asked<StatusAsked>("GET", "/clients");
}

// ---- the end

TEST_F(DeskStatusTest, WhileItDrainsNothingIsPausedButHowItStandsIsTold) {
  desk_.drain();
  EXPECT_EQ(refused("POST", "/queue/mail/pause").status, 503U);
  EXPECT_EQ(refused("POST", "/queue/mail/resume").status, 503U);
  EXPECT_EQ(refused("DELETE", "/queue", {}, R"({"all":true})").status, 503U);
  (void)asked<StatusAsked>("GET", "/stats");
  (void)desk_.give_up();
  for (const char* path : {"/clients", "/stats", "/batch"}) {
    EXPECT_EQ(refused("GET", path).status, 503U) << path;
  }
}

TEST_F(DeskStatusTest, WhoeverIsGivenUpIsToldWhatHeMayDo) {
  (void)asked<core::BulkAsked>("DELETE", "/queue", {}, R"({"all":true})");
  (void)asked<core::PauseAsked>("POST", "/queue/mail/pause");
  (void)asked<StatusAsked>("GET", "/stats");
  const auto next = [this] {
    const Answer is = said(desk_.give_up());
    EXPECT_EQ(is.status, 503U);
    EXPECT_EQ(is.headers, "Retry-After: 1\r\n");
    return is.body;
  };
  const std::string ended = R"({"error":"the server ended before its disk had answered: )";
  EXPECT_EQ(next(), ended +
                        "some of these msgs may be done, and what is done stays done; send it "
                        R"(again, and it goes on with those that are left"})");
  EXPECT_EQ(next(), ended + R"(the outcome is unknown, it may be done; send it again"})");
  EXPECT_EQ(next(), R"({"error":"the server ended before it had answered; try again later"})");
  EXPECT_FALSE(desk_.give_up());
}

}  // namespace
}  // namespace pena::turn::test
