// What bodies may cost: one by one, and all that are in flight together.
#include <gmock/gmock.h>

#include <memory>

#include "server_test.hpp"
#include "wire/chunk.hpp"

namespace pena::server::test {
namespace {

using testing::HasSubstr;

class BodiesTest : public ServerTest {
 protected:
  BodiesTest() {
    settings.limits.body_bytes = 1 << 20U;
    settings.limits.bodies_bytes = 4 << 20U;
  }
  // A report of this size that is there but for its last byte.
  std::unique_ptr<HttpClient> half_sent(std::size_t size) const {
    auto client = std::make_unique<HttpClient>(server->port());
    client->send(HttpClient::head("POST", "/report", size) + "[]" + std::string(size - 3, ' '));
    return client;
  }
};

constexpr std::size_t kLarge = 1'000'000;

TEST_F(BodiesTest, AllInFlightHaveOneBound) {
  start();
  std::vector<std::unique_ptr<HttpClient>> clients;
  for (int i = 0; i < 5; ++i) clients.push_back(half_sent(kLarge));
  log.wait_for("the bodies of all requests in flight");
  std::size_t full = 0;  // whose body was the one too many
  while (!clients[full]->has_something_within(1)) full = (full + 1) % clients.size();
  const HttpAnswer refused = clients[full]->read_answer();
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.field("retry-after"), "1");
  EXPECT_THAT(error_of(refused), HasSubstr("bodies"));
  // A small one needs none of it: reports go on.
  EXPECT_EQ(ask("POST", "/report", "[]").status, 200);
  // Those that were taken are answered, and leave their room to others.
  clients.erase(clients.begin() + static_cast<std::ptrdiff_t>(full));
  for (const auto& client : clients) client->send(" ");
  for (const auto& client : clients) EXPECT_EQ(client->read_answer().status, 200);
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(ask("POST", "/report", "[]" + std::string(kLarge, ' ')).status, 200);
  }
  EXPECT_EQ(log.count("as many as they may: more are refused"), 1U);
}

TEST_F(BodiesTest, SubmissionsLeaveRoomForReports) {
  start();
  std::vector<std::unique_ptr<HttpClient>> clients;
  for (int i = 0; i < 5; ++i) {
    clients.push_back(std::make_unique<HttpClient>(server->port()));
    clients.back()->send(HttpClient::head("POST", "/task", kLarge) + std::string(kLarge - 1, ' '));
  }
  log.wait_for("the bodies of all requests in flight");
  EXPECT_EQ(ask("POST", "/report", "[]" + std::string(kLarge, ' ')).status, 200);
}

TEST_F(BodiesTest, ASubmissionAloneMayHaveAllOfTheRoom) {
  settings.limits.bodies_bytes = settings.limits.body_bytes;
  start();
  EXPECT_EQ(ask("POST", "/task", "{}" + std::string(settings.limits.body_bytes - 2, ' ')).status,
            201);
  submitted += 1;
}

// One that does not tell its length is given no more room than the largest may have.
TEST_F(BodiesTest, ABodyInChunksOfAnySizeFindsTheRoomOfTheLargest) {
  settings.limits.bodies_bytes = settings.limits.body_bytes;
  start();
  for (const std::size_t piece : {10'000U, 12'345U, 16'384U}) {
    HttpClient client{server->port()};
    std::string request =
        "POST /report HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
    std::string body = "[]";
    body.resize(settings.limits.body_bytes, ' ');
    for (std::size_t at = 0; at < body.size(); at += piece) {
      std::string chunk(wire::kChunkRoom, ' ');
      chunk += body.substr(at, piece);
      request += wire::as_chunk(chunk);
    }
    client.send(request + std::string{wire::kLastChunk});
    EXPECT_EQ(client.read_answer().status, 200) << piece;
  }
}

TEST_F(BodiesTest, ABodyThatIsLateFreesItsRoom) {
  settings.limits.body_time = milliseconds{500};
  settings.limits.bodies_bytes = 2 << 20U;  // two of them: the third would find none
  start();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(half_sent(kLarge)->read_answer().status, 408);
  EXPECT_EQ(log.count("the bodies of all requests in flight"), 0U);
}

TEST_F(BodiesTest, WhateverElseEndsABodyFreesItsRoom) {
  start();
  const std::string large(kLarge, ' ');
  for (int i = 0; i < 6; ++i) {
    half_sent(kLarge)->close();  // the peer leaves
    HttpClient broken{server->port()};
    broken.send(
        "POST /report HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nf4240\r\n" +
        large + "x");
    EXPECT_EQ(broken.read_answer().status, 400);
    EXPECT_EQ(ask("POST", "/report", large).status, 400);  // blanks are no report
    EXPECT_EQ(ask("POST", "/nothing", large).status, 404);
    EXPECT_EQ(ask("POST", "/report", "[]" + large).status, 200);
  }
  EXPECT_EQ(log.count("the bodies of all requests in flight"), 0U);
}

TEST_F(BodiesTest, ToSayThatABodyIsLargeTakesNoRoom) {
  start();
  std::vector<std::unique_ptr<HttpClient>> clients;
  for (int i = 0; i < 50; ++i) {
    clients.push_back(std::make_unique<HttpClient>(server->port()));
    clients.back()->send(HttpClient::head("POST", "/report", kLarge) + "[");
  }
  EXPECT_EQ(ask("POST", "/report", "[]" + std::string(kLarge, ' ')).status, 200);
}

// 1.6 GB for one request: every byte of it was kept until the line or the trailers were whole.
TEST_F(BodiesTest, FramingHasABound) {
  settings.limits.framing_bytes = 10'000;
  start();
  const std::string much(20'000, 'x');
  for (const std::string& framing : {"1;" + much, std::string(20'000, '0'), "0\r\nX: " + much}) {
    HttpClient client{server->port()};
    client.send("POST /report HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n" +
                framing);
    const HttpAnswer answer = client.read_answer();
    EXPECT_EQ(answer.status, 413);
    EXPECT_THAT(error_of(answer), HasSubstr("10000"));
    EXPECT_EQ(answer.field("connection"), "close");
  }
}

}  // namespace
}  // namespace pena::server::test
