// Answers as they are on the wire, the pages of buckets, and what is logged of requests. What a
// request is answered with is told in tests/cpp/turn/desk_test.cpp.
#include <gmock/gmock.h>

#include "server_test.hpp"

namespace pena::server::test {
namespace {

using testing::ElementsAreArray;
using testing::HasSubstr;

class RoutesTest : public ServerTest {};

TEST_F(RoutesTest, HealthzSaysThatTheServerIsAlive) {
  start();
  const HttpAnswer answer = ask("GET", "/healthz");
  EXPECT_EQ(answer.status, 200);
  const auto body = nlohmann::json::parse(answer.body);
  EXPECT_EQ(body.at("status"), "ok");
  EXPECT_EQ(answer.field("server"), "pena/" + body.at("version").get<std::string>());
}

TEST_F(RoutesTest, ARequestIsReadWithWhatTheTurnSaidLast) {
  settings.limits.queue_msgs = 1;
  start();
  EXPECT_EQ(nlohmann::json::parse(ask("GET", "/healthz").body).size(), 2U);
  submit(1);
  const auto body = nlohmann::json::parse(ask("GET", "/healthz").body);
  EXPECT_EQ(body.at("full"), "the queue is full: it has 1 msg, as many as it may");
  EXPECT_EQ(body.at("waiting"), "a client");
  EXPECT_EQ(ask("POST", "/task", "{}").status, 503);
  TaskClient client{server->port(), 1};
  EXPECT_EQ(client.next_batch().ids.size(), 1U);
  submit(1);
}

// The health check of haproxy asks with OPTIONS / as it comes.
TEST_F(RoutesTest, OptionsTellsTheMethods) {
  start();
  HttpClient client{server->port()};
  for (const char* target : {"*", "/"}) {
    client.send(HttpClient::head("OPTIONS", target));
    const HttpAnswer answer = client.read_head();
    EXPECT_EQ(answer.status, 204);
    EXPECT_EQ(answer.field("allow"), "GET, HEAD, POST, DELETE, OPTIONS");
    EXPECT_EQ(answer.fields.count("content-length"), 0U);
  }
}

TEST_F(RoutesTest, HeadHasTheHeadersOfGetAndNoBody) {
  start();
  HttpClient client{server->port()};
  for (const char* target : {"/healthz", "/report", "/fail", "/nothing"}) {
    const HttpAnswer head = client.request("HEAD", target);
    const HttpAnswer get =
        client.request("GET", target);  // right behind: a body would be in its way
    EXPECT_EQ(head.status, get.status);
    EXPECT_EQ(head.field("content-length"), get.field("content-length"));
  }
}

TEST_F(RoutesTest, ManyRequestsShareAConnection) {
  start();
  HttpClient client{server->port()};
  std::string pipelined;
  for (int i = 0; i < 20; ++i) pipelined += HttpClient::head("GET", "/healthz");
  client.send(pipelined);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(client.read_answer().status, 200);
  client.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(client.read_answer().field("connection"), "close");
  EXPECT_EQ(client.read_to_end(), "");
}

TEST_F(RoutesTest, AReportIsToldWhenItWasTaken) {
  start();
  const auto now_ms = [] {
    return std::chrono::duration_cast<milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  };
  submit(1);
  TaskClient client{server->port(), 1};
  const ReceivedBatch batch = client.next_batch();
  const auto before = now_ms();
  const HttpAnswer answer = report(batch, batch.ids);
  const auto at = std::stoll(answer.field("pena-at"));
  EXPECT_LE(before, at + 1);  // the server's clock is the wall clock at its start, rounded
  EXPECT_LE(at, now_ms() + 1);
}

TEST_F(RoutesTest, TheBucketsAreReadInPages) {
  start();
  const auto ids = submit(5);
  TaskClient client{server->port(), 5};
  report(client.next_batch(), ids);
  EXPECT_THAT(ids_of(ask("GET", "/report")), ElementsAreArray(ids));
  EXPECT_FALSE(nlohmann::json::parse(ask("GET", "/report").body).contains("next"));

  std::vector<std::string> paged;
  std::string after;
  for (int pages = 0; pages < 3; ++pages) {
    const auto page = nlohmann::json::parse(ask("GET", "/report?limit=2" + after).body);
    for (const auto& id : page.at("ids")) paged.push_back(id.get<std::string>());
    EXPECT_EQ(page.contains("next"), pages < 2);
    if (page.contains("next")) after = "&after=" + page.at("next").get<std::string>();
  }
  EXPECT_THAT(paged, ElementsAreArray(ids));

  const auto records = nlohmann::json::parse(ask("GET", "/report?records=1&limit=2").body);
  EXPECT_EQ(records.at("records").size(), 2U);
  EXPECT_EQ(records.at("records")[0].at("id"), ids[0]);
  EXPECT_EQ(records.at("next"), ids[1]);
  EXPECT_EQ(ask("GET", "/fail").body, R"({"ids":[]})");
}

// Each record is larger than a tenth of the page.
class LargePageTest : public RoutesTest {
 protected:
  static constexpr std::size_t kMsgs = 12;
  std::vector<std::string> fail_large_msgs() {
    settings.limits.max_resends = 0;
    start();
    auto ids = submit(kMsgs, std::string(100'000, 'x'));
    TaskClient client{server->port(), kMsgs};
    report(client.next_batch(), {});
    return ids;
  }
};

TEST_F(LargePageTest, APageIsWrittenAsItIsRead) {
  const auto ids = fail_large_msgs();
  HttpClient client{server->port()};
  const HttpAnswer answer = client.request("GET", "/fail?records=1");
  EXPECT_EQ(answer.field("content-length"), "");
  EXPECT_LT(answer.largest_chunk, 300'000U);
  const auto page = nlohmann::json::parse(answer.body);
  ASSERT_EQ(page.at("records").size(), kMsgs);
  for (std::size_t i = 0; i < kMsgs; ++i) EXPECT_EQ(page.at("records")[i].at("id"), ids[i]);
  EXPECT_FALSE(page.contains("next"));
  EXPECT_EQ(client.request("HEAD", "/fail?records=1").field("transfer-encoding"), "chunked");
  EXPECT_EQ(ids_of(client.request("GET", "/fail")), ids);  // the connection goes on
}

TEST_F(LargePageTest, ToAnOldClientAPageEndsWithTheConnection) {
  fail_large_msgs();
  HttpClient old{server->port()};
  old.send("GET /fail?records=1 HTTP/1.0\r\nHost: localhost\r\n\r\n");
  const HttpAnswer head = old.read_head();
  EXPECT_EQ(head.field("connection"), "close");
  EXPECT_EQ(nlohmann::json::parse(old.read_to_end()).at("records").size(), kMsgs);
}

TEST_F(LargePageTest, APageEndsByItsBytes) {
  settings.limits.page_bytes = 350'000;
  const auto ids = fail_large_msgs();
  std::vector<std::string> paged;
  std::string after;
  for (std::size_t pages = 0; pages < kMsgs / 4; ++pages) {
    const auto page = nlohmann::json::parse(ask("GET", "/fail?records=1" + after).body);
    EXPECT_EQ(page.at("records").size(), 4U);
    for (const auto& record : page.at("records"))
      paged.push_back(record.at("id").get<std::string>());
    EXPECT_EQ(page.contains("next"), paged.size() < kMsgs);
    after = "&after=" + page.value("next", "");
  }
  EXPECT_EQ(paged, ids);
}

TEST_F(RoutesTest, TheLogTellsAMsgsLifeAndWhatIsRefused) {
  start();
  const auto ids = submit(1);
  log.wait_for(": submitted [" + ids[0] + ":1]");
  log.wait_for(": accepted 1 msg");
  TaskClient client{server->port(), 1};
  const ReceivedBatch batch = client.next_batch();
  log.wait_for("grant batch=" + batch.id);
  report(batch, batch.ids);
  log.wait_for(": reported " + batch.id + " [" + ids[0] + "]");
  log.wait_for(R"("reported":1,"duplicate":0)");
  ask("POST", "/task", "[1]");
  const std::string refused = log.wait_for("refused ");
  EXPECT_THAT(refused, testing::StartsWith(R"(refused "POST /task" from 127.0.0.1 port )"));
  EXPECT_THAT(refused, HasSubstr(": 400, "));
  nlohmann::json many = nlohmann::json::array();
  for (int i = 0; i < 1000; ++i) many.push_back({{"period", 1}});
  ask("POST", "/task", many.dump());
  submitted += 1000;
  const std::string line = log.wait_for(": submitted [");
  EXPECT_THAT(line, HasSubstr("… 900 more]"));
  EXPECT_LT(line.size(), 3000U);
}

TEST_F(RoutesTest, ManyRefusedRequestsHaveFewLinesOfTheLog) {
  start();
  // Until a second is over that had more than it may have.
  for (int i = 0; i < 1'000'000 && log.count("more were refused") == 0; ++i) {
    EXPECT_EQ(ask("GET", "/tasks/" + std::to_string(i)).status, 404);
  }
  EXPECT_EQ(log.count("more were refused"), 1U);
}

TEST_F(RoutesTest, WhatIsRefusedEndsNoConnection) {
  start();
  HttpClient client{server->port()};
  for (const char* target : {"/task", "/report", "/nothing", "/fail"}) {
    EXPECT_GE(client.request("POST", target, "{").status, 400) << target;
  }
  for (const char* method : {"GET", "HEAD"}) {
    EXPECT_EQ(client.request(method, "/task?batchsize=0").status, 400);
    EXPECT_EQ(client.request(method, "/fail?limit=0").status, 400);
  }
  EXPECT_EQ(client.request("GET", "/healthz").status, 200);
  EXPECT_EQ(server->stats().counts.clients_joined, 0U);
}

}  // namespace
}  // namespace pena::server::test
