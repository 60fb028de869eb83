// Pauses, and how it stands, over a socket. What each answer says to the letter is told in
// tests/cpp/wire/status_json_test.cpp and tests/cpp/turn/desk_status_test.cpp.
#include <gmock/gmock.h>

#include <algorithm>
#include <memory>
#include <string_view>
#include <tuple>

#include "server_test.hpp"

namespace pena::server::test {
namespace {

using nlohmann::json;
using testing::ElementsAreArray;
using testing::StartsWith;

class StatusTest : public ServerTest {
 protected:
  json get(const std::string& target) const {
    const HttpAnswer answer = ask("GET", target);
    EXPECT_EQ(answer.status, 200) << answer.body;
    return json::parse(answer.body);
  }
};

TEST_F(StatusTest, WhoIsConnectedIsToldWithWhatHeHolds) {
  start();
  EXPECT_EQ(get("/clients"), json({{"clients", json::array()}}));
  TaskClient client{server->port(), 2, "&queue=high,default&name=img-1"};
  const json free = get("/clients").at("clients").at(0);
  EXPECT_EQ(free.at("name"), "img-1");
  EXPECT_EQ(free.at("queues"), json({"high", "default"}));
  EXPECT_EQ(free.at("batchsize"), 2);
  EXPECT_EQ(free.at("holds"), 0);
  EXPECT_FALSE(free.contains("batch"));
  EXPECT_FALSE(free.contains("lease_left"));
  EXPECT_THAT(free.at("address").get<std::string>(), StartsWith("127.0.0.1 port "));
  submit(2);
  const ReceivedBatch batch = client.next_batch();
  const json busy = get("/clients?queue=high").at("clients").at(0);
  EXPECT_EQ(busy.at("holds"), 2);
  EXPECT_EQ(busy.at("batch"), batch.id);
  EXPECT_LE(busy.at("lease_left"), 30'000);
  EXPECT_GT(busy.at("lease_left"), 0);
  EXPECT_TRUE(get("/clients?queue=low").at("clients").empty());
  report(batch, batch.ids);
}

TEST_F(StatusTest, ClientsAndBatchesComeInPages) {
  start();
  std::vector<std::unique_ptr<TaskClient>> clients;
  std::vector<std::string> batches;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(std::make_unique<TaskClient>(server->port(), 1));
    submit(1);
    batches.push_back(clients.back()->next_batch().id);
  }
  for (const auto& [path, list, key] :
       {std::tuple{"/clients", "clients", "client"}, std::tuple{"/batch", "batches", "batch"}}) {
    std::vector<std::string> seen;
    std::string after;
    for (int pages = 0; pages < 2; ++pages) {
      const json page = get(std::string{path} + "?limit=2" + after);
      for (const json& one : page.at(list)) seen.push_back(one.at(key));
      EXPECT_EQ(page.contains("next"), pages == 0) << path;
      if (page.contains("next")) after = "&after=" + page.at("next").get<std::string>();
    }
    EXPECT_EQ(seen.size(), 3U) << path;
    EXPECT_TRUE(std::ranges::is_sorted(seen)) << path;
    if (std::string_view{path} == "/batch") {
      EXPECT_THAT(seen, ElementsAreArray(batches));
    }
  }
}

TEST_F(StatusTest, ABatchOfALostClientIsDroppedUntilItsGraceIsOver) {
  settings.limits.timing.drop_grace = seconds{60};
  start();
  {
    TaskClient client{server->port(), 1, "&name=img-1"};
    submit(1);
    (void)client.next_batch();
    const json running = get("/batch").at("batches").at(0);
    EXPECT_EQ(running.at("state"), "running");
    EXPECT_LE(running.at("lease_left"), 30'000);
  }
  log.wait_for("lost ");                        // the turn is told
  EXPECT_EQ(log.count(" name=\"img-1\""), 3U);  // joined, granted, lost
  const json dropped = get("/batch").at("batches").at(0);
  EXPECT_EQ(dropped.at("state"), "dropped");
  EXPECT_GT(dropped.at("lease_left"), 30'000);
  EXPECT_EQ(dropped.at("ids").size(), 1U);
  EXPECT_TRUE(get("/clients").at("clients").empty());
}

TEST_F(StatusTest, StatsAddUp) {
  start();
  TaskClient client{server->port(), 2};
  const auto ids = submit(5);
  const ReceivedBatch batch = client.next_batch();
  report(batch, {batch.ids[0]});  // the other is sent again, with the next of them
  const ReceivedBatch next = client.next_batch();
  EXPECT_EQ(ask("POST", "/task?queue=mail", R"([{"delay":3600000},{}])").status, 201);
  submitted += 2;
  const json stats = get("/stats");
  EXPECT_EQ(stats.at("clients"), json({{"free", 0}, {"busy", 1}}));
  EXPECT_EQ(stats.at("held"), 2);
  EXPECT_EQ(stats.at("queued"), 3);
  EXPECT_EQ(stats.at("later"), 1);
  EXPECT_EQ(stats.at("reports"), 1);
  EXPECT_EQ(stats.at("fails"), 0);
  EXPECT_EQ(stats.at("counts").at("submitted"), 7);
  EXPECT_EQ(stats.at("counts").at("sent"), 4);
  EXPECT_EQ(stats.at("counts").at("missed").at("omitted"), 1);
  EXPECT_GE(stats.at("per_second").at("submitted"), 0);
  ASSERT_EQ(stats.at("queues").size(), 2U);
  json of_default = stats.at("queues").at(0);
  EXPECT_GE(of_default.at("oldest_ms"), 0);
  of_default.erase("oldest_ms");
  EXPECT_EQ(of_default, json({{"queue", "default"},
                              {"paused", false},
                              {"clients", 1},
                              {"queued", 2},
                              {"later", 0},
                              {"held", 2},
                              {"reported", 1},
                              {"failed", 0}}));
  EXPECT_EQ(get("/stats?queue=mail").at("queues").at(0).at("later"), 1);
  const json first = get("/stats?limit=1");
  EXPECT_EQ(first.at("next"), "default");
  const json second = get("/stats?limit=1&after=default");
  EXPECT_EQ(second.at("queues").at(0).at("queue"), "mail");
  EXPECT_FALSE(second.contains("next"));
}

TEST_F(StatusTest, APausedQueueIsKnownThoughItHasNoMsg) {
  start();
  EXPECT_EQ(ask("POST", "/queue/mail/pause").body,
            R"({"queue":"mail","paused":true,"known":false})");
  restart();
  EXPECT_EQ(get("/stats?queue=mail").at("queues").at(0).at("paused"), true);
  EXPECT_EQ(ask("POST", "/queue/mail/resume", "{}").body, R"({"queue":"mail","paused":false})");
  EXPECT_EQ(ask("GET", "/queue/mail/pause").status, 405);
  EXPECT_EQ(ask("POST", "/queue/Mail/pause").status, 400);
  EXPECT_EQ(ask("POST", "/queue/mail/pause", "[]").status, 400);
}

TEST_F(StatusTest, WhatWaitsIsForgottenAndWhatIsHeldIsNot) {
  start();
  TaskClient client{server->port(), 1};
  const auto held = submit(1);
  const ReceivedBatch batch = client.next_batch();
  const auto waiting = submit(2);
  const std::string body = json{{"ids", {held[0], waiting[0]}}}.dump();
  EXPECT_EQ(ask("DELETE", "/queue", body).body, R"({"message":"success","deleted":1,"unknown":1})");
  EXPECT_THAT(ids_of(ask("GET", "/queue")), ElementsAreArray({waiting[1]}));
  EXPECT_EQ(ask("DELETE", "/queue", R"({"all":true,"dry_run":true})").body,
            R"({"message":"success","deleted":1,"unknown":0,"dry_run":true})");
  EXPECT_EQ(report(batch, held).status, 200);
}

}  // namespace
}  // namespace pena::server::test
