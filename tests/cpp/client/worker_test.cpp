// The worker's engine against servers that do what a test tells them, on real sockets.
#include "client/worker.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <atomic>
#include <mutex>
#include <stdexcept>
#include <vector>

#include "log.hpp"
#include "msg_server.hpp"
#include "scripted_server.hpp"

namespace pena::client {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::answered;
using test::batch;
using test::Call;
using test::event;
using test::id;
using test::is_stream;
using test::kWorkersBatch;
using test::kWorkersClient;
using test::Log;
using test::MsgServer;
using test::Peer;
using test::ScriptedServer;
using test::settings_for;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(Worker, AsksAsAWorkerDoesAndReportsEachMsgAsItEnds) {
  MsgServer server(batch(2) + event(1, R"(,"payload":{"n":1},"attempt":2)") + event(2));
  auto settings = settings_for(*server);
  settings.slots = 2;
  settings.queues = {"high", "low"};
  settings.name = "img 1";
  Worker worker(settings);
  EXPECT_THAT(server->next("GET").line,
              StartsWith("GET /task?batchsize=2&short=1&submitted=1&queue=high,low&name=img%201 "));
  const auto first = worker.take(seconds{10});
  const auto second = worker.take(seconds{10});
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->msg, core::Xid::parse(id(1)));
  EXPECT_EQ(first->data, "{\"id\":\"" + id(1) + R"(","period":0,"payload":{"n":1},"attempt":2})");
  worker.done(second->run, R"({"ok":true})");
  EXPECT_EQ(server->next("POST /report").body, "{\"ids\":[\"" + id(2) + "\"],\"batch\":\"" +
                                                   kWorkersBatch + "\",\"results\":{\"" + id(2) +
                                                   "\":{\"ok\":true}},\"partial\":true}");
  worker.failed(first->run, "no width", milliseconds{1500}, false);
  EXPECT_THAT(server->next("POST /report").body,
              HasSubstr("\"error\":\"no width\",\"retry_in\":1500"));
}

TEST(Worker, TellsWhatTheServerMadeOfEachAndOutlivesACallbackThatThrows) {
  MsgServer server(batch(2) + event(1) + event(2));
  auto settings = settings_for(*server);
  settings.slots = 2;
  Log log;
  settings.log = log.sink();
  std::mutex mutex;
  std::vector<std::uint64_t> told;
  settings.settled = [&](const Settled& settled) {
    const std::lock_guard lock(mutex);
    told.push_back(settled.run);
    if (told.size() == 1) throw std::runtime_error("no disk");
  };
  Worker worker(settings);
  const auto first = worker.take(seconds{10});
  const auto second = worker.take(seconds{10});
  ASSERT_TRUE(first && second);
  worker.done(first->run);
  EXPECT_THAT(log.text_with("no disk"), HasSubstr("the callback settled failed: no disk"));
  worker.done(second->run);
  worker.stop();
  ASSERT_TRUE(worker.wait(seconds{10}));
  const std::lock_guard lock(mutex);
  EXPECT_EQ(told, (std::vector{first->run, second->run}));
}

TEST(Worker, LeavesWithItsFreeStream) {
  std::atomic<int> streams = 0;
  ScriptedServer server([&](const Call& call, const Peer& peer) {
    if (!is_stream(call)) {
      peer.send(MsgServer::taken(call));
    } else if (streams++ == 0) {
      peer.send(answered(503, "{}"));  // so that the next is told
    } else {
      peer.send(test::stream_of(""));
      peer.wait_for_close();
    }
    return true;
  });
  Log log;
  auto settings = settings_for(server);
  settings.log = log.sink();
  Worker worker(settings);
  EXPECT_THAT(log.text_with("there is a stream"), HasSubstr("there is a stream"));
  worker.stop();
  EXPECT_EQ(server.next("POST /report").body,
            std::string{"{\"client\":\""} + kWorkersClient + "\",\"last\":true}");
  const auto end = worker.wait(seconds{20});
  ASSERT_TRUE(end);
  EXPECT_EQ(end->reason, WorkerEndReason::stopped);
  EXPECT_FALSE(worker.take(seconds{10}));
}

TEST(Worker, HandsNothingOutThatWasGivenBackBeforeAnybodyTookIt) {
  MsgServer server(batch(1) + event(1));
  Worker worker(settings_for(*server));
  pollfd ready{worker.ready_descriptor(), POLLIN, 0};
  ASSERT_EQ(::poll(&ready, 1, 10'000), 1);
  worker.stop();
  worker.stop();
  EXPECT_THAT(server->next("POST /report").body, HasSubstr("\"refused\":[\"" + id(1) + "\"]"));
  EXPECT_TRUE(worker.wait(seconds{20}));
  EXPECT_FALSE(worker.take(milliseconds{0}));
}

TEST(Worker, TellsThatARunTookTooLongAndTakesNothingMoreOfIt) {
  MsgServer server(batch(1) + event(1));
  auto settings = settings_for(*server);
  settings.timeout = milliseconds{50};
  Worker worker(settings);
  const auto work = worker.take(seconds{10});
  ASSERT_TRUE(work);
  const auto news = worker.take_cancelled(seconds{10});
  ASSERT_EQ(news.size(), 1U);
  EXPECT_EQ(news[0].run, work->run);
  EXPECT_EQ(news[0].reason, CancelReason::timed_out);
  EXPECT_EQ(worker.cancelled(work->run), CancelReason::timed_out);
  EXPECT_THAT(server->next("POST /report").body, HasSubstr("it took longer than 0.05 s"));
  worker.done(work->run, "1");
  EXPECT_EQ(worker.cancelled(work->run), std::nullopt);
}

TEST(Worker, ShowsThatThereIsSomethingToTake) {
  MsgServer server(batch(1) + event(1));
  Worker worker(settings_for(*server));
  pollfd ready{worker.ready_descriptor(), POLLIN, 0};
  ASSERT_EQ(::poll(&ready, 1, 10'000), 1);
  const auto work = worker.take(milliseconds{0});
  ASSERT_TRUE(work);
  EXPECT_EQ(::poll(&ready, 1, 0), 0);
  worker.done(work->run);
  worker.stop();
  EXPECT_TRUE(worker.wait(seconds{20}));
  EXPECT_EQ(::poll(&ready, 1, 10'000), 1);
}

TEST(Worker, EndsWhereTheServerRefusesTheStream) {
  ScriptedServer server([](const Call& call, const Peer& peer) {
    if (is_stream(call)) peer.send(answered(400, R"({"error":"no such thing"})"));
    return false;
  });
  Worker worker(settings_for(server));
  const auto end = worker.wait(seconds{20});
  ASSERT_TRUE(end);
  EXPECT_EQ(end->reason, WorkerEndReason::refused);
  EXPECT_THAT(end->text, HasSubstr("400: no such thing"));
}

TEST(Worker, ReportsAgainWhatWasNotTaken) {
  std::atomic<int> reports = 0;
  MsgServer server(batch(1) + event(1), [&](const Call& call) {
    return ++reports == 1 ? answered(503, R"({"error":"full"})") : MsgServer::taken(call);
  });
  Log log;
  auto settings = settings_for(*server);
  settings.log = log.sink();
  Worker worker(settings);
  const auto work = worker.take(seconds{10});
  ASSERT_TRUE(work);
  worker.done(work->run);
  const std::string first = server->next("POST /report").body;
  EXPECT_EQ(server->next("POST /report").body, first);
  EXPECT_THAT(log.text_with("again\n"),
              HasSubstr("a report was not taken, so it is sent again: 503: full\n"
                        "the server takes reports again\n"));
  worker.stop();
  EXPECT_TRUE(worker.wait(seconds{20}));
  EXPECT_EQ(worker.stats().reported, 1U);
}

TEST(Worker, FailsAMsgThatIsTooLargeAndWorksOnTheOthers) {
  const std::string payload(2 << 20U, 'x');
  MsgServer server(batch(2) + event(1, ",\"payload\":\"" + payload + "\"") + event(2));
  Log log;
  auto settings = settings_for(*server);
  settings.slots = 2;
  settings.max_payload = 1U << 20U;
  settings.log = log.sink();
  Worker worker(settings);
  const auto work = worker.take(seconds{10});
  ASSERT_TRUE(work);
  EXPECT_EQ(work->msg, core::Xid::parse(id(2)));
  EXPECT_THAT(server->next("POST /report").body,
              HasSubstr("\"failed\":[{\"id\":\"" + id(1) +
                        "\",\"error\":\"the msg is more than this worker takes: its max_payload is "
                        "1048576 bytes\"}]"));
  EXPECT_THAT(log.text(), HasSubstr("the msg " + id(1) + " has 20972"));
  EXPECT_THAT(log.text(), HasSubstr("its max_payload is 1048576 bytes"));
  worker.done(work->run);
  EXPECT_THAT(server->next("POST /report").body, HasSubstr("\"ids\":[\"" + id(2)));
  EXPECT_EQ(worker.stats().connects, 1U);
}

TEST(Worker, NamesTheSettingThatCannotBe) {
  const auto refusal = [](auto change) {
    WorkerSettings settings;
    change(settings);
    try {
      check(settings);
    } catch (const SettingsError& error) {
      return std::string{error.what()};
    }
    return std::string{};
  };
  EXPECT_EQ(refusal([](auto&) {}), "");
  EXPECT_THAT(refusal([](auto& s) { s.slots = 0; }), HasSubstr("slots is 0"));
  EXPECT_THAT(refusal([](auto& s) { s.slots = 10'001; }), HasSubstr("at most 10000"));
  EXPECT_THAT(refusal([](auto& s) { s.max_msgs = 0; }), HasSubstr("max_msgs is 0"));
  EXPECT_THAT(refusal([](auto& s) { s.max_payload = 0; }), HasSubstr("max_payload is 0"));
  EXPECT_THAT(refusal([](auto& s) { s.max_payload = (1U << 31U) + 1; }), HasSubstr("2147483648"));
  EXPECT_THAT(refusal([](auto& s) { s.timeout = milliseconds{0}; }),
              HasSubstr("timeout in ms is 0"));
  EXPECT_THAT(refusal([](auto& s) { s.queues = {"A"}; }), HasSubstr("queues has the name \"A\""));
  EXPECT_THAT(refusal([](auto& s) { s.queues.assign(65, "a"); }), HasSubstr("at most 64"));
  EXPECT_THAT(refusal([](auto& s) { s.name = std::string(65, 'x'); }), HasSubstr("65 bytes"));
  EXPECT_THAT(refusal([](auto& s) { s.url = "x"; }), HasSubstr("url is \"x\""));
  EXPECT_THAT(refusal([](auto& s) { s.backoff_first = milliseconds{0}; }), HasSubstr("backoff"));
}

}  // namespace
}  // namespace pena::client
