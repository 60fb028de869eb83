// Handlers: what they are handed, and what their worker reports of what they return.
#include "client/handlers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>

#include "msg_server.hpp"

namespace pena::client {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::batch;
using test::event;
using test::id;
using test::MsgServer;
using testing::HasSubstr;

Msg msg_with(const std::string& more) {
  return msg_of(
      {1, *core::Xid::parse(id(1)), "{\"id\":\"" + id(1) + "\",\"period\":0" + more + "}"});
}

TEST(Handlers, AreHandedAllThatTheMsgHas) {
  const Msg plain = msg_with("");
  EXPECT_EQ(plain.id, core::Xid::parse(id(1)));
  EXPECT_EQ(plain.payload, "");
  EXPECT_EQ(plain.queue, "default");
  EXPECT_EQ(plain.key, "");
  EXPECT_EQ(plain.attempt, 1);
  EXPECT_FALSE(plain.last_attempt);
  const Msg full = msg_with(
      R"(,"payload":{"n":[1,2]},"queue":"mail","key":"order \"7\"","attempt":4,"last_attempt":true)");
  EXPECT_EQ(full.payload, R"({"n":[1,2]})");
  EXPECT_EQ(full.queue, "mail");
  EXPECT_EQ(full.key, "order \"7\"");
  EXPECT_EQ(full.attempt, 4);
  EXPECT_TRUE(full.last_attempt);
}

// What is reported of a msg whose handler does that.
std::string reported(const std::function<Outcome(const Msg&)>& handler) {
  MsgServer server(batch(1) + event(1));
  auto settings = test::settings_for(*server);
  settings.max_msgs = 1;
  Worker worker(settings);
  EXPECT_EQ(work_with(worker, handler).reason, WorkerEndReason::msgs_done);
  return server->next("POST /report").body;
}

TEST(Handlers, ReturnWhatIsReported) {
  EXPECT_THAT(reported([](const Msg&) { return Done{R"({"ok":true})"}; }),
              HasSubstr("\"results\":{\"" + id(1) + "\":{\"ok\":true}}"));
  EXPECT_THAT(reported([](const Msg&) {
                return Failed{"no width", milliseconds{1500}};
              }),
              HasSubstr(R"("error":"no width","retry_in":1500)"));
  EXPECT_THAT(reported([](const Msg&) { return Failed{.error = "no file", .final = true}; }),
              HasSubstr(R"("error":"no file","final":true)"));
  EXPECT_THAT(reported([](const Msg&) { return GivenBack{}; }),
              HasSubstr("\"refused\":[\"" + id(1) + "\"]"));
}

TEST(Handlers, FailTheirMsgWithWhatTheyThrow) {
  EXPECT_THAT(reported([](const Msg&) -> Outcome { throw std::runtime_error("no network"); }),
              HasSubstr(R"("error":"no network"})"));
  EXPECT_THAT(reported([](const Msg&) -> Outcome { throw 7; }),
              HasSubstr("the handler threw what is no std::exception"));
}

TEST(Handlers, FailTheirMsgForGoodWithAResultThatIsNoJson) {
  const std::string body = reported([](const Msg&) { return Done{"{"}; });
  EXPECT_THAT(body, HasSubstr("the result is not JSON"));
  EXPECT_THAT(body, HasSubstr("\"final\":true"));
}

TEST(Handlers, WorkInSoManyThreadsAtOnce) {
  MsgServer server(batch(3) + event(1) + event(2) + event(3));
  auto settings = test::settings_for(*server);
  settings.slots = 3;
  settings.max_msgs = 3;
  Worker worker(settings);
  std::mutex mutex;
  std::condition_variable came;
  std::set<core::Xid> at_work;
  const auto end = work_with(
      worker,
      [&](const Msg& msg) -> Outcome {
        std::unique_lock lock(mutex);
        at_work.insert(msg.id);
        came.notify_all();
        // Until all three are worked on.
        came.wait_for(lock, seconds{10}, [&] { return at_work.size() == 3; });
        return Done{};
      },
      3);
  EXPECT_EQ(end.reason, WorkerEndReason::msgs_done);
  EXPECT_EQ(worker.stats().done, 3U);
  EXPECT_EQ(at_work.size(), 3U);
}

}  // namespace
}  // namespace pena::client
