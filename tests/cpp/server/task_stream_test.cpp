// GET /task: what a client is sent, and what becomes of it when the client goes.
#include <gmock/gmock.h>

#include <future>

#include "server_test.hpp"

namespace pena::server::test {
namespace {

using testing::HasSubstr;
using testing::IsSupersetOf;
using testing::MatchesRegex;
using testing::Not;
using testing::StartsWith;

class TaskStreamTest : public ServerTest {
 protected:
  static int attempt_of(const std::string& data) {
    return nlohmann::json::parse(data).value("attempt", 1);
  }
};

TEST_F(TaskStreamTest, TheHeadTellsTheTimesAndTheFirstBytesComeAtOnce) {
  settings.limits.timing = {};
  start();
  TaskClient client{server->port(), 2};
  EXPECT_EQ(client.head.field("content-type"), "text/event-stream; charset=utf-8");
  EXPECT_EQ(client.head.field("cache-control"), "no-cache, no-transform");
  EXPECT_EQ(client.head.field("x-accel-buffering"), "no");
  EXPECT_EQ(client.head.field("transfer-encoding"), "chunked");
  EXPECT_EQ(client.head.field("content-length") + client.head.field("connection"), "");
  EXPECT_TRUE(core::Xid::parse(client.id()));
  EXPECT_EQ(client.head.field("pena-lease"), "30000");
  EXPECT_EQ(client.head.field("pena-heartbeat"), "1000");
  EXPECT_EQ(client.head.field("pena-silence"), "3000");
  EXPECT_EQ(client.head.field("pena-stop-time"), "250");
  EXPECT_EQ(client.head.field("pena-clock-drift"), "0.001");
  EXPECT_THAT(client.next_comment(), MatchesRegex(": at=[0-9]+"));
}

TEST_F(TaskStreamTest, WhatIsSentIsInTheStoreBefore) {
  start();
  const auto ids = submit(2);
  TaskClient client{server->port(), 2};
  const ReceivedBatch batch = client.next_batch();
  const auto held = server->buckets().batches();
  ASSERT_EQ(held.size(), 1U);
  EXPECT_EQ(held[0].id.text(), batch.id);
  EXPECT_EQ(held[0].client.text(), client.id());
  EXPECT_EQ(batch.ids, ids);
  log.wait_for("grant batch=" + batch.id + " client=" + client.id() + " msgs=[" + ids[0] + "/1 " +
               ids[1] + "/1]");
}

TEST_F(TaskStreamTest, AClientThatEndsItsSideIsLost) {
  start();
  HttpClient client{server->port()};
  client.send(HttpClient::head("GET", "/task?batchsize=1"));
  const HttpAnswer head = client.read_head();
  client.end_of_sending();
  log.wait_for("lost " + head.field("pena-client"));
  EXPECT_THAT(client.read_to_end(), MatchesRegex("[0-9a-f]+\r\n: at=[^X]*"));
}

// A client finds in its first block how soon it may come back.
TEST_F(TaskStreamTest, ABatchIsOneChunk) {
  start();
  submit(2);
  HttpClient client{server->port()};
  client.send(HttpClient::head("GET", "/task?batchsize=2"));
  std::string raw = client.read_head().body;
  while (raw.find("\n\n\r\n") == std::string::npos) raw += client.read_some();
  EXPECT_THAT(raw, MatchesRegex("[0-9a-f]+\r\n: at=[0-9]+\n\r\n(.*\n)*"));
  const core::Batch held = server->buckets().batches().at(0);
  const std::size_t at = raw.find("retry: 1000\n: batch=" + held.id.text() + " size=2 at=" +
                                  std::to_string(core::to_ms(held.granted_at)) + " lease=30000\n");
  ASSERT_NE(at, std::string::npos);
  const std::size_t end = raw.find("\n\n\r\n", at) + 2;
  const std::size_t size_at = raw.rfind("\r\n", at - 3) + 2;
  EXPECT_EQ(std::stoul(raw.substr(size_at), nullptr, 16), end - at);
}

TEST_F(TaskStreamTest, AStreamThatGotAllItAskedForHasItsLastChunk) {
  start();
  submit(1);
  TaskClient client{server->port(), 1, "&batches=1"};
  const ReceivedBatch batch = client.next_batch();
  report(batch, batch.ids);
  EXPECT_THAT(client.read_to_end(), HasSubstr(": bye "));
  EXPECT_TRUE(client.ended_well());
}

TEST_F(TaskStreamTest, AFreeStreamWhoseClientTakesNoMoreEndsWell) {
  start();
  TaskClient client{server->port(), 1};
  const HttpAnswer answer =
      ask("POST", "/report", nlohmann::json{{"client", client.id()}, {"last", true}}.dump());
  EXPECT_EQ(answer.body,
            R"({"message":"success","reported":0,"duplicate":0,"unknown":0,"held":0})");
  EXPECT_NE(answer.field("pena-at"), "");
  submit(1);
  const std::string text = client.read_to_end();
  EXPECT_THAT(text, HasSubstr(": bye the client takes no more\n"));
  EXPECT_THAT(text, Not(HasSubstr("batch=")));
  EXPECT_TRUE(client.ended_well());
}

TEST_F(TaskStreamTest, ToAnOldClientTheStreamGoesAsItIs) {
  start();
  submit(1);
  HttpClient old{server->port()};
  old.send("GET /task?batchsize=1 HTTP/1.0\r\nHost: localhost\r\n\r\n");
  const HttpAnswer head = old.read_head();
  EXPECT_EQ(head.field("connection"), "close");
  EXPECT_EQ(head.field("transfer-encoding"), "");
  log.wait_for("grant ");
  auto stopped = std::async(std::launch::async, [this] { server->stop(); });
  const std::string text = old.read_to_end();
  stopped.get();
  EXPECT_THAT(text, MatchesRegex(": at=[0-9]+\n(.*\n)*: bye the server stops\n"));
  EXPECT_THAT(text, HasSubstr("\ndata: {"));
  EXPECT_THAT(text, Not(HasSubstr("\r")));
}

TEST_F(TaskStreamTest, AHeadRequestJoinsNobody) {
  start();
  submit(1);
  HttpClient client{server->port()};
  const HttpAnswer head = client.request("HEAD", "/task?batchsize=1");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.field("content-type"), "text/event-stream; charset=utf-8");
  EXPECT_EQ(head.field("pena-lease"), "30000");
  EXPECT_EQ(head.field("transfer-encoding"), "chunked");
  EXPECT_EQ(head.field("connection"), "close");
  EXPECT_EQ(client.read_to_end(), "");
  EXPECT_EQ(server->stats().counts.clients_joined, 0U);
  EXPECT_EQ(buckets(), (store::BucketCounts{.queue = 1, .batch = 0, .report = 0, .fail = 0}));
}

// 32 msgs of 250 KB: more than the sockets' buffers take.
class SilentReaderTest : public TaskStreamTest {
 protected:
  static constexpr std::size_t kLargeMsgs = 32;
  static constexpr int kSmallBuffer = 4096;
  std::vector<std::string> submit_large() {
    settings.limits.body_bytes = 16U << 20U;
    start();
    return submit(kLargeMsgs, std::string(250'000, 'x'));
  }
};

TEST_F(SilentReaderTest, AWriteThatDoesNotMoveEndsTheStream) {
  settings.limits.stalled_write_time = milliseconds{150};
  settings.limits.timing.lease = seconds{10};
  const auto ids = submit_large();
  const TaskClient silent{server->port(), kLargeMsgs, "", kSmallBuffer};
  log.wait_for("does not read");
  log.wait_for("lost " + silent.id());
  settings.limits.timing.lease = seconds{30};  // this one reads, however slowly
  restart();
  TaskClient other{server->port(), kLargeMsgs};
  const ReceivedBatch again = other.next_batch();
  EXPECT_THAT(ids, IsSupersetOf(again.ids));
  EXPECT_EQ(attempt_of(again.data[0]), 2);
}

// The client counts the silence from the stamps, however long a batch is on its way.
TEST_F(SilentReaderTest, ALongBatchCarriesHeartbeatsBetweenItsEvents) {
  settings.limits.timing.heartbeat = milliseconds{1};
  submit_large();
  TaskClient slow{server->port(), kLargeMsgs, "", kSmallBuffer};
  const ReceivedBatch batch = slow.next_batch();
  EXPECT_EQ(batch.data.size(), kLargeMsgs);
  EXPECT_THAT(batch.comments, Contains(StartsWith(": at=")));
}

// Small batches go to the socket at once; what it does not take follows, and nothing is torn.
TEST_F(SilentReaderTest, BatchesThatTheSocketTakesInPartsAreWhole) {
  start();
  constexpr std::size_t kPayload = 50'000;
  const auto ids = submit(40, std::string(kPayload, 'x'));
  TaskClient silent{server->port(), 1, "", kSmallBuffer};
  for (const std::string& id : ids) {
    log.wait_for("grant ");
    if (log.count("end ") > 0) break;
    EXPECT_EQ(report({id}).status, 200);
  }
  log.wait_for("end ");
  const std::string text = silent.read_to_end();
  EXPECT_FALSE(silent.ended_well());
  std::size_t events = 0;
  for (std::size_t at = text.find("data: "); at != std::string::npos; ++events) {
    const std::size_t end = text.find("\n\n", at);
    if (end == std::string::npos) break;  // the last one, if at all
    const std::string data = text.substr(at, end - at);
    EXPECT_EQ(data.substr(13, 20), ids[events]);
    EXPECT_EQ(std::ranges::count(data, 'x'), kPayload);
    EXPECT_TRUE(data.ends_with('}'));
    at = text.find("data: ", end);
  }
  EXPECT_GT(events, 1U);
}

}  // namespace
}  // namespace pena::server::test
