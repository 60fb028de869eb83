// A real server on a real socket and a real store, and the law that is checked when it has stopped.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <deque>
#include <filesystem>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "server/server.hpp"
#include "store/lmdb_store.hpp"
#include "support/conservation.hpp"
#include "support/http_client.hpp"
#include "support/task_client.hpp"
#include "support/temp_folder.hpp"

namespace pena::server::test {

using pena::test::HttpAnswer;
using pena::test::HttpClient;
using pena::test::ReceivedBatch;
using pena::test::TaskClient;
using std::chrono::milliseconds;
using std::chrono::seconds;

// What a server logged, so that a test waits for what happened and not for a time.
class LogLines {
 public:
  void add(std::string_view text) {
    {
      const std::lock_guard lock(mutex_);
      lines_.emplace_back(text);
    }
    added_.notify_all();
  }
  // Waits for the next line that has this text in it, behind the one found last.
  std::string wait_for(const std::string& text) {
    std::unique_lock lock(mutex_);
    std::string found;
    const bool there = added_.wait_for(lock, seconds{30}, [&] {
      while (next_ < lines_.size()) {
        found = lines_[next_++];
        if (found.find(text) != std::string::npos) return true;
      }
      return false;
    });
    EXPECT_TRUE(there) << "the log never said: " << text;
    return found;
  }
  [[nodiscard]] std::size_t count(const std::string& text) const {
    const std::lock_guard lock(mutex_);
    std::size_t count = 0;
    for (const std::string& line : lines_) count += line.find(text) == std::string::npos ? 0U : 1U;
    return count;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable added_;
  std::deque<std::string> lines_;
  std::size_t next_ = 0;
};

class ServerTest : public testing::Test {
 protected:
  ServerTest() {
    settings.listen = "127.0.0.1:0";
    settings.store = folder_.path() + "/pena.lmdb";
    settings.generator.enabled = false;
    settings.limits.map_bytes = std::size_t{1} << 30U;
    settings.limits.timing = {seconds{30},
                              milliseconds{20},
                              milliseconds{60},
                              milliseconds{10},
                              milliseconds{100},
                              milliseconds{5},
                              1e-3};
    settings.log = [this](core::LogLevel /*level*/, std::string_view text) {
      log.add(text);
    };
  }
  void TearDown() override {
    stop();
    if (!std::filesystem::exists(settings.store)) return;
    const auto view = store::open_lmdb_view(settings.store);
    const std::uint64_t generated = view->meta("generated").value_or(0);
    EXPECT_TRUE(
        pena::test::is_conserved(*view, generated + submitted, settings.limits.max_resends));
  }

  void start() { server.emplace(settings); }
  void restart() {
    stop();
    start();
  }
  // What it has forgotten is nowhere.
  void stop() {
    if (!server) return;
    server->stop();
    const core::Counts counts = server->stats().counts;
    submitted -= counts.forgotten + counts.swept_reports + counts.swept_fails + counts.room_reports;
    server.reset();
  }
  [[nodiscard]] HttpClient client() const { return HttpClient{server->port()}; }
  // One request on a connection of its own.
  HttpAnswer ask(const std::string& method, const std::string& target,
                 const std::string& body = {}) const {
    return HttpClient{server->port()}.request(method, target, body);
  }
  // Hands in so many new msgs.
  std::vector<std::string> submit(std::size_t count, const std::string& payload = {}) {
    nlohmann::json msgs = nlohmann::json::array();
    for (std::size_t i = 0; i < count; ++i) {
      msgs.push_back({{"period", i + 1}});
      if (!payload.empty()) msgs.back()["payload"] = payload;
    }
    const HttpAnswer answer = ask("POST", "/task", msgs.dump());
    EXPECT_EQ(answer.status, 201) << answer.body;
    submitted += count;
    return ids_of(answer);
  }
  HttpAnswer report(const std::vector<std::string>& ids) const {
    return ask("POST", "/report", nlohmann::json{{"ids", ids}}.dump());
  }
  HttpAnswer report(const ReceivedBatch& batch, const std::vector<std::string>& ids) const {
    return ask("POST", "/report", nlohmann::json{{"batch", batch.id}, {"ids", ids}}.dump());
  }
  static std::vector<std::string> ids_of(const HttpAnswer& answer) {
    return nlohmann::json::parse(answer.body).at("ids").get<std::vector<std::string>>();
  }
  static std::string error_of(const HttpAnswer& answer) {
    EXPECT_EQ(answer.field("content-type"), "application/json");
    const auto body = nlohmann::json::parse(answer.body);
    EXPECT_EQ(body.size(), 1U);
    return body.at("error").get<std::string>();
  }
  [[nodiscard]] store::BucketCounts buckets() const { return server->buckets().counts(); }

  ServerSettings settings;
  LogLines log;  // outlives the server
  std::optional<Server> server;
  std::uint64_t submitted = 0;  // msgs that were accepted; the law counts them

 private:
  pena::test::TempFolder folder_;
};

}  // namespace pena::server::test
