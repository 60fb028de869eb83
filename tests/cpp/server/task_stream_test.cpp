// GET /task: what a client is sent, and what becomes of it when the client goes.
#include <gmock/gmock.h>

#include <future>

#include "server_test.hpp"

namespace pena::server::test {
namespace {

using testing::AllOf;
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
  EXPECT_TRUE(core::Xid::parse(client.session()));
  EXPECT_EQ(client.head.field("pena-lease"), "30000");
  EXPECT_EQ(client.head.field("pena-heartbeat"), "1000");
  EXPECT_EQ(client.head.field("pena-silence"), "3000");
  EXPECT_EQ(client.head.field("pena-stop-time"), "250");
  EXPECT_EQ(client.head.field("pena-clock-drift"), "0.001");
  EXPECT_THAT(client.next_comment(), MatchesRegex(": at=[0-9]+"));
}

TEST_F(TaskStreamTest, ABatchIsWrittenWhole) {
  settings.limits.timing.heartbeat = seconds{10};  // keeps out of the way
  settings.limits.timing.silence = seconds{20};
  settings.limits.timing.drop_grace = seconds{21};
  start();
  ask("POST", "/task", R"([{"id":"ckkgmc3h5gbufi2sr320","period":382},
                           {"id":"ckkgmc3h5gbufi2sr32g","period":7,"payload":{"a":1}}])");
  submitted = 2;
  HttpClient client{server->port()};
  client.send(HttpClient::head("GET", "/task?batchsize=2"));
  std::string text = client.read_head().body;
  while (text.find("\"a\":1}}\n\n") == std::string::npos) text += client.read_some();
  const auto id = server->buckets().batches().front().id.text();
  const auto at = core::to_ms(server->buckets().batches().front().granted_at);
  EXPECT_THAT(text.substr(text.find('\n') + 1),
              HasSubstr(": batch=" + id + " size=2 at=" + std::to_string(at) + " lease=30000\n"));
  EXPECT_THAT(text, HasSubstr("id: " + id +
                              "\ndata: {\"id\":\"ckkgmc3h5gbufi2sr320\",\"period\":382}\n\n"
                              "id: " +
                              id +
                              "\ndata: {\"id\":\"ckkgmc3h5gbufi2sr32g\",\"period\":7,"
                              "\"payload\":{\"a\":1}}\n\n"));
}

TEST_F(TaskStreamTest, AReportFreesTheClientForItsNextBatch) {
  settings.generator.enabled = true;
  settings.generator.count = 12;
  start();
  TaskClient client{server->port(), 3};
  std::vector<std::string> sent;
  for (int round = 0; round < 4; ++round) {
    const ReceivedBatch batch = client.next_batch();
    EXPECT_EQ(batch.ids.size(), 3U);
    sent.insert(sent.end(), batch.ids.begin(), batch.ids.end());
    EXPECT_EQ(report(batch, batch.ids).status, 200);
  }
  EXPECT_EQ(ids_of(ask("GET", "/report")), sent);
  EXPECT_EQ(server->stats().counts.generated, 12U);
  EXPECT_FALSE(server->stats().generating);
}

TEST_F(TaskStreamTest, WhatIsSentIsInTheStoreBefore) {
  start();
  const auto ids = submit(2);
  TaskClient client{server->port(), 2};
  const ReceivedBatch batch = client.next_batch();
  const auto held = server->buckets().batches();
  ASSERT_EQ(held.size(), 1U);
  EXPECT_EQ(held[0].id.text(), batch.id);
  EXPECT_EQ(held[0].client.text(), client.session());
  EXPECT_EQ(batch.ids, ids);
  log.wait_for("grant batch=" + batch.id + " client=" + client.session() + " msgs=[" + ids[0] +
               "/1 " + ids[1] + "/1]");
}

TEST_F(TaskStreamTest, WhatAReportLeavesOutIsSentAgainAndFailsInTheEnd) {
  start();
  const auto ids = submit(2);
  TaskClient client{server->port(), 2};
  const ReceivedBatch first = client.next_batch();
  report(first, {ids[0]});
  for (int attempt = 2; attempt <= 4; ++attempt) {
    const ReceivedBatch again = client.next_batch();
    ASSERT_EQ(again.ids, std::vector<std::string>{ids[1]});
    EXPECT_EQ(attempt_of(again.data[0]), attempt);
    report(again, {});
  }
  EXPECT_EQ(ids_of(ask("GET", "/fail")), std::vector<std::string>{ids[1]});
  EXPECT_EQ(ids_of(ask("GET", "/report")), std::vector<std::string>{ids[0]});
  const auto record = nlohmann::json::parse(ask("GET", "/fail?records=1").body).at("records")[0];
  EXPECT_EQ(record.at("id"), ids[1]);
  EXPECT_EQ(server->stats().counts.omitted, 4U);
}

TEST_F(TaskStreamTest, WhatAVanishedClientHeldIsSentToAnotherAfterTheGrace) {
  start();
  const auto ids = submit(1);
  TaskClient gone{server->port(), 1};
  const ReceivedBatch lost = gone.next_batch();
  gone.close();
  log.wait_for("lost " + gone.session());
  TaskClient other{server->port(), 1};
  const ReceivedBatch again = other.next_batch();
  EXPECT_EQ(again.ids, ids);
  EXPECT_EQ(attempt_of(again.data[0]), 2);
  EXPECT_NE(again.id, lost.id);
  const core::Miss miss = server->buckets().batches().at(0).msgs.at(0).misses.at(0);
  EXPECT_EQ(miss.reason, core::MissReason::dropped);
  EXPECT_GE(miss.missed_at - miss.granted_at, settings.limits.timing.drop_grace);
}

TEST_F(TaskStreamTest, AClientThatEndsItsSideIsLost) {
  start();
  HttpClient client{server->port()};
  client.send(HttpClient::head("GET", "/task?batchsize=1"));
  const HttpAnswer head = client.read_head();
  client.end_of_sending();
  log.wait_for("lost " + head.field("pena-session"));
  EXPECT_THAT(client.read_to_end(), MatchesRegex("[0-9a-f]+\r\n: at=[^X]*"));
}

TEST_F(TaskStreamTest, ALeaseThatEndsClosesTheStream) {
  settings.limits.timing.lease = milliseconds{150};
  start();
  submit(1);
  TaskClient slow{server->port(), 1};
  EXPECT_EQ(attempt_of(slow.next_batch().data[0]), 1);
  EXPECT_THAT(slow.read_to_end(), HasSubstr("\n: bye "));
  EXPECT_FALSE(slow.ended_well());
  TaskClient other{server->port(), 1};
  const ReceivedBatch again = other.next_batch();
  EXPECT_EQ(attempt_of(again.data[0]), 2);
  EXPECT_GE(server->stats().counts.expired, 1U);  // by now the second lease may be over, too
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
  const std::size_t at = raw.find("retry: 1000\n: batch=");  // once, with the first
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

// Parsers that take 64 KiB of a block, and no more, live on; to others it is no event.
TEST_F(TaskStreamTest, HeartbeatsAloneAreNoEndlessBlock) {
  settings.limits.timing.heartbeat = milliseconds{1};
  settings.limits.timing.lease = seconds{600};  // however slowly some 2,500 of them come
  start();
  submit(1);
  TaskClient client{server->port(), 1};
  const ReceivedBatch batch = client.next_batch();
  std::string text;
  while (!text.ends_with("\nid:\n\n") && text.size() < 64U * 1024) {
    text += client.next_line() + '\n';
  }
  EXPECT_GT(text.size(), 40U * 1024);
  EXPECT_LT(text.size(), 50U * 1024);
  EXPECT_EQ(report(batch, batch.ids).status, 200);
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
  EXPECT_EQ(buckets(), (store::BucketCounts{1, 0, 0, 0}));
}

TEST_F(TaskStreamTest, ABadBatchsizeIsRefusedAndTheConnectionGoesOn) {
  start();
  HttpClient client{server->port()};
  for (const char* query :
       {"", "?", "?batchsize", "?batchsize=0", "?batchsize=-1", "?batchsize=%2B1", "?batchsize=1.5",
        "?batchsize=1e3", "?batchsize=ten", "?batchsize=10001", "?batchsize=2&batchsize=2"}) {
    const HttpAnswer answer = client.request("GET", std::string{"/task"} + query);
    EXPECT_EQ(answer.status, 400) << query;
    EXPECT_THAT(error_of(answer), HasSubstr("batchsize"));
    EXPECT_EQ(client.request("HEAD", std::string{"/task"} + query).status, 400) << query;
  }
  EXPECT_EQ(server->stats().counts.clients_joined, 0U);
}

TEST_F(TaskStreamTest, KeysThatNobodyKnowsAreIgnored) {
  start();
  submit(1);
  TaskClient client{server->port(), 1, "&_=1732386000&lastEventId="};
  EXPECT_EQ(client.next_batch().ids.size(), 1U);
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
  log.wait_for("lost " + silent.session());
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

TEST_F(SilentReaderTest, WhoReportsWithoutReadingHoldsABoundedBuffer) {
  const auto large = submit_large();
  TaskClient silent{server->port(), kLargeMsgs, "", kSmallBuffer};
  log.wait_for("grant ");
  const auto second = submit(kLargeMsgs);
  EXPECT_EQ(report(large).status, 200);
  log.wait_for("grant ");  // waits behind the one that is being written
  submit(kLargeMsgs);
  EXPECT_EQ(log.count("end "), 0U);
  EXPECT_EQ(report(second).status, 200);
  EXPECT_THAT(log.wait_for("end "), AllOf(HasSubstr(silent.session()), HasSubstr("does not read")));
  silent.close();  // what is being written to it would keep the stop waiting
  log.wait_for("lost " + silent.session());
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
