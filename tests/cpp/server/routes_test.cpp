// Each route, and what is answered where there is none.
#include <gmock/gmock.h>

#include <array>

#include "server_test.hpp"

namespace pena::server::test {
namespace {

using testing::ElementsAreArray;
using testing::HasSubstr;

constexpr const char* kId = "ckkgmc3h5gbufi2sr320";

class RoutesTest : public ServerTest {};

TEST_F(RoutesTest, HealthzSaysThatTheServerIsAlive) {
  start();
  const HttpAnswer answer = ask("GET", "/healthz");
  EXPECT_EQ(answer.status, 200);
  const auto body = nlohmann::json::parse(answer.body);
  EXPECT_EQ(body.at("status"), "ok");
  EXPECT_EQ(answer.field("server"), "pena/" + body.at("version").get<std::string>());
}

TEST_F(RoutesTest, HealthzSaysWhatMustComeBeforeAnythingMoves) {
  start();
  EXPECT_FALSE(nlohmann::json::parse(ask("GET", "/healthz").body).contains("waiting"));
  submit(1);
  EXPECT_EQ(nlohmann::json::parse(ask("GET", "/healthz").body).at("waiting"), "a client");
}

TEST_F(RoutesTest, HealthzSaysWhyNothingNewIsTaken) {
  settings.limits.queue_msgs = 1;
  start();
  EXPECT_FALSE(nlohmann::json::parse(ask("GET", "/healthz").body).contains("full"));
  submit(1);
  EXPECT_EQ(nlohmann::json::parse(ask("GET", "/healthz").body).at("full"),
            "the queue is full: it has 1 msgs, as many as it may");
}

TEST_F(RoutesTest, APathThatIsNotThereIsNamed) {
  start();
  for (const char* method : {"GET", "POST", "DELETE"}) {
    const HttpAnswer answer = ask(method, "/tasks");
    EXPECT_EQ(answer.status, 404);
    EXPECT_THAT(error_of(answer), HasSubstr("/tasks"));
  }
}

TEST_F(RoutesTest, AMethodThatIsNotThereIsToldThoseThatAre) {
  start();
  const HttpAnswer task = ask("PUT", "/task");
  EXPECT_EQ(task.status, 405);
  EXPECT_EQ(task.field("allow"), "GET, HEAD, POST, OPTIONS");
  EXPECT_THAT(error_of(task), HasSubstr("PUT"));
  EXPECT_EQ(ask("DELETE", "/report").field("allow"), "POST, GET, HEAD, OPTIONS");
  EXPECT_EQ(ask("POST", "/fail").field("allow"), "GET, HEAD, OPTIONS");
}

// The health check of haproxy asks with OPTIONS / as it comes.
TEST_F(RoutesTest, OptionsTellsTheMethods) {
  start();
  HttpClient client{server->port()};
  for (const auto& [target, methods] :
       std::vector<std::pair<std::string, std::string>>{{"*", "GET, HEAD, POST, OPTIONS"},
                                                        {"/", "GET, HEAD, POST, OPTIONS"},
                                                        {"/fail", "GET, HEAD, OPTIONS"}}) {
    client.send(HttpClient::head("OPTIONS", target));
    const HttpAnswer answer = client.read_head();
    EXPECT_EQ(answer.status, 204);
    EXPECT_EQ(answer.field("allow"), methods);
    EXPECT_EQ(answer.fields.count("content-length"), 0U);
  }
  EXPECT_EQ(client.request("OPTIONS", "/nothing").status, 404);
  EXPECT_EQ(client.request("GET", "/").status, 404);
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

TEST_F(RoutesTest, WhatIsAnswered201IsInTheStore) {
  start();
  const HttpAnswer one = ask("POST", "/task", R"({"period":5,"payload":{"a":[1,2.50]}})");
  EXPECT_EQ(one.status, 201);
  const auto queue = server->buckets().queue(std::nullopt, 10).records;  // at once
  ASSERT_EQ(queue.size(), 1U);
  EXPECT_EQ(ids_of(one).front(), queue.front().msg.id.text());
  EXPECT_EQ(queue.front().msg.payload, R"({"a":[1,2.50]})");
  const HttpAnswer many = ask("POST", "/task", R"([{"period":1},{"period":2},{}])");
  EXPECT_EQ(ids_of(many).size(), 3U);
  submitted = 4;
  EXPECT_EQ(buckets(), (store::BucketCounts{4, 0, 0, 0}));
}

TEST_F(RoutesTest, AnIdIsAcceptedOnceWhereverItsMsgIs) {
  start();
  const std::string msg = std::string{R"({"id":")"} + kId + R"(","period":5})";
  const auto again = [&] {
    const HttpAnswer answer = ask("POST", "/task", msg);
    EXPECT_EQ(answer.status, 201);
    EXPECT_EQ(ids_of(answer), std::vector<std::string>{kId});
    EXPECT_EQ(buckets().queue + buckets().batch + buckets().report, 1U);
  };
  submitted = 1;
  again();
  again();
  TaskClient client{server->port(), 1};
  const ReceivedBatch batch = client.next_batch();
  again();
  report(batch, batch.ids);
  again();
}

TEST_F(RoutesTest, EveryFormOfAReportIsTaken) {
  start();
  submit(4);
  TaskClient client{server->port(), 4};
  const ReceivedBatch batch = client.next_batch();
  const auto post = [&](const nlohmann::json& body) {
    const HttpAnswer answer = ask("POST", "/report", body.dump());
    EXPECT_EQ(answer.status, 200) << answer.body;
    return nlohmann::json::parse(answer.body);
  };
  const auto said = [](int reported, int duplicate, int unknown) {
    return nlohmann::json{{"message", "success"},
                          {"reported", reported},
                          {"duplicate", duplicate},
                          {"unknown", unknown}};
  };
  EXPECT_EQ(post(batch.ids[0]), said(1, 0, 0));  // a bare id leaves the rest as it is
  EXPECT_EQ(post({{"ids", {batch.ids[1]}}, {"batch", batch.id}, {"partial", true}}), said(1, 0, 0));
  EXPECT_EQ(post(nlohmann::json::array({batch.ids[2], batch.ids[3]})), said(2, 0, 0));
  EXPECT_EQ(post({{"ids", {batch.ids[0], kId}}}), said(0, 1, 1));
  EXPECT_EQ(buckets(), (store::BucketCounts{0, 0, 4, 0}));
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

TEST_F(RoutesTest, APageOfIdsEndsByItsBytesToo) {
  settings.limits.page_bytes = 60;
  start();
  const auto ids = submit(5);
  TaskClient client{server->port(), 5};
  report(client.next_batch(), ids);
  const auto page = nlohmann::json::parse(ask("GET", "/report").body);
  EXPECT_EQ(page.at("ids").size(), 3U);
  EXPECT_EQ(page.at("next"), ids[2]);
}

TEST_F(RoutesTest, TheLogTellsAMsgsLifeAndWhatIsRefused) {
  start();
  const auto ids = submit(1);
  log.wait_for(": submitted [" + ids[0] + ":1]");
  log.wait_for(": accepted 1 msgs");
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
    EXPECT_EQ(ask("GET", "/task/" + std::to_string(i)).status, 404);
  }
  EXPECT_EQ(log.count("more were refused"), 1U);
}

TEST_F(RoutesTest, ABadPageIsRefused) {
  start();
  for (const char* query : {"limit=0", "limit=-1", "limit=x", "limit=1&limit=1", "after=short",
                            "records=2", "limit=100001"}) {
    const HttpAnswer answer = ask("GET", std::string{"/fail?"} + query);
    EXPECT_EQ(answer.status, 400) << query;
    EXPECT_THAT(error_of(answer), HasSubstr(std::string{query}.substr(0, 5)));
  }
}

TEST_F(RoutesTest, ABadBodyIsAnsweredWithWhatWasWrong) {
  start();
  const std::vector<std::array<std::string, 3>> bad{
      {"/task", "{", "JSON"},
      {"/task", R"({"period":-1})", "period"},
      {"/task", R"({"id":"short"})", "short"},
      {"/task", R"({"perod":5})", "perod"},
      {"/task", "", "JSON"},
      {"/report", "{}", "ids"},
      {"/report", R"({"ids":["no xid"]})", "no xid"},
      {"/report", "", "JSON"},
  };
  HttpClient client{server->port()};  // all on one connection: bad input does not end it
  for (const auto& [path, body, names] : bad) {
    const HttpAnswer answer = client.request("POST", path, body);
    EXPECT_EQ(answer.status, 400) << body;
    EXPECT_THAT(error_of(answer), HasSubstr(names));
  }
}

}  // namespace
}  // namespace pena::server::test
