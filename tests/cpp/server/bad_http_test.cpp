// What is no proper request, or too much of one: each is answered, and nothing gets past the guard.
#include <gmock/gmock.h>

#include "server_test.hpp"

namespace pena::server::test {
namespace {

using testing::HasSubstr;

class BadHttpTest : public ServerTest {
 protected:
  // Sends it and reads the answer; the server must close behind it.
  HttpAnswer answer_and_close(const std::string& bytes) const {
    HttpClient client{server->port()};
    client.send(bytes);
    HttpAnswer answer = client.read_answer();
    EXPECT_EQ(answer.field("connection"), "close");
    EXPECT_EQ(client.read_to_end(), "");
    return answer;
  }
  static std::string post(const std::string& fields, const std::string& body = {}) {
    return "POST /report HTTP/1.1\r\n" + fields + "\r\n" + body;
  }
};

TEST_F(BadHttpTest, TheGuardStandsBeforeTheBody) {
  start();
  const std::string chunk = "5\r\n[\"x\"]\r\n0\r\n\r\n";
  const std::vector<std::pair<std::string, std::string>> bad{
      {post(""), "Host"},
      {post("Host: localhost\r\nHost: localhost\r\n"), "Host"},
      {post("Host: localhost\r\nTransfer-Encoding: gzip\r\n", chunk), "Transfer-Encoding"},
      {post("Host: localhost\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            chunk),
       "Transfer-Encoding"},
      {post("Host: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n", chunk), ""},
      {post("Host: localhost\r\nContent-Length: 2\r\nContent-Length: 2\r\n", "[]"), ""},
      {post("Host: localhost\r\nContent-Length: +2\r\n", "[]"), ""},
      {post("Host: localhost\r\nContent-Length: 2, 2\r\n", "[]"), ""},
      {"POST /report HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk,
       "HTTP/1.1"},
      {"GET localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n", "target"},
      {"GET /healthz HTTP/1.1\r\nHost: local host\r\n\r\n", "Host"},
      {"GET /healthz HTTP/1.1\r\nHost : localhost\r\n\r\n", "HTTP/1.1"},
      {"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: a\r\n b\r\n\r\n", "one line"},
      {post("Host: localhost\r\nContent-Length:\r\n 2\r\n", "[]"), "one line"},
      {"GET /healthz HTTP/1.1\nHost: localhost\n\n", "LF"},
      {"GET /healthz\r\nHost: localhost\r\n\r\n", "HTTP/1.1"},
      {"\x16\x03\x01\x02 not HTTP at all", "TLS"},  // at once: no line is waited for
      {std::string("\0\0\0\0", 4), "HTTP/1.1"},
  };
  for (const auto& [bytes, names] : bad) {
    const HttpAnswer answer = answer_and_close(bytes);
    EXPECT_EQ(answer.status, 400) << bytes;
    EXPECT_THAT(error_of(answer), HasSubstr(names)) << bytes;
  }
}

TEST_F(BadHttpTest, WhatIsNotKnownHereIsToldSo) {
  start();
  const std::string host = "Host: localhost\r\n\r\n";
  EXPECT_EQ(answer_and_close("GET /healthz HTTP/2.0\r\n" + host).status, 505);
  EXPECT_EQ(answer_and_close("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").status, 505);
  EXPECT_EQ(answer_and_close("BREW /healthz HTTP/1.1\r\n" + host).status, 501);
  EXPECT_EQ(answer_and_close("CONNECT localhost:80 HTTP/1.1\r\n" + host).status, 501);
  EXPECT_EQ(
      answer_and_close(post("Host: localhost\r\nTransfer-Encoding: gzip, chunked\r\n")).status,
      501);
}

TEST_F(BadHttpTest, PagesOfOthersAreRefused) {
  start();
  const std::string own = "127.0.0.1:" + std::to_string(server->port());
  const auto get = [&](const std::string& fields) {
    HttpClient client{server->port()};
    client.send("GET /healthz HTTP/1.1\r\n" + fields + "\r\n");
    return client.read_answer().status;
  };
  EXPECT_EQ(get("Host: " + own + "\r\n"), 200);
  EXPECT_EQ(get("Host: " + own + "\r\nOrigin: http://" + own + "\r\n"), 200);
  EXPECT_EQ(get("Host: evil.example\r\n"), 403);
  EXPECT_EQ(get("Host: " + own + "\r\nSec-Fetch-Site: cross-site\r\n"), 403);
  EXPECT_EQ(get("Host: " + own + "\r\nOrigin: http://evil.example\r\n"), 403);
  EXPECT_EQ(server->stats().counts.clients_joined, 0U);
}

TEST_F(BadHttpTest, GivenNamesAreAnsweredTo) {
  settings.allow_hosts = {"pena.example.com"};
  start();
  const auto get = [&](const std::string& host) {
    HttpClient client{server->port()};
    client.send("GET /healthz HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
    return client.read_answer().status;
  };
  EXPECT_EQ(get("Pena.example.com:443"), 200);
  EXPECT_EQ(get("localhost"), 200);
  EXPECT_EQ(get("evil.example.com"), 403);
}

TEST_F(BadHttpTest, ABodyIsNeverTakenForTheNextRequest) {
  start();
  HttpClient client{server->port()};
  const std::string hidden = HttpClient::head("GET", "/hidden");
  for (const char* target : {"/task?batchsize=0", "/healthz", "/nothing"}) {
    EXPECT_LE(client.request("GET", target, hidden).status, 404);
    EXPECT_EQ(client.request("GET", "/healthz").status, 200) << target;
  }
}

TEST_F(BadHttpTest, AHeaderThatDoesNotComeIsTimedOut) {
  settings.limits.header_time = milliseconds{50};
  start();
  EXPECT_EQ(answer_and_close("GET /healthz HTT").status, 408);
  // Nor does it help to send a byte now and then: the time is for the whole.
  HttpClient drip{server->port()};
  drip.send("GET /healthz HTTP/1.1\r\nX: ");
  while (!drip.has_something_within(5)) drip.send("x");
  EXPECT_EQ(drip.read_answer().status, 408);
}

TEST_F(BadHttpTest, ABodyThatDoesNotComeIsTimedOut) {
  settings.limits.body_time = milliseconds{50};
  start();
  EXPECT_EQ(answer_and_close(HttpClient::head("POST", "/report", 10) + "[").status, 408);
}

TEST_F(BadHttpTest, AnIdleConnectionIsClosedWithoutAWord) {
  settings.limits.idle_time = milliseconds{50};
  start();
  HttpClient client{server->port()};
  EXPECT_EQ(client.read_to_end(), "");
}

TEST_F(BadHttpTest, TooLargeIsRefusedByItsName) {
  settings.limits.body_bytes = 1000;
  start();
  const std::string large(500'000, ' ');
  EXPECT_EQ(answer_and_close(HttpClient::head("POST", "/report", 1'000'000'000)).status, 413);
  EXPECT_EQ(answer_and_close(post("Host: localhost\r\nTransfer-Encoding: chunked\r\n",
                                  "7d0\r\n" + std::string(2000, ' ') + "\r\n0\r\n\r\n"))
                .status,
            413);
  EXPECT_EQ(answer_and_close(HttpClient::head("GET", "/" + std::string(3000, 'x'))).status, 414);
  EXPECT_EQ(
      answer_and_close(HttpClient::head("GET", "/", 0, "X: " + std::string(9000, 'x') + "\r\n"))
          .status,
      431);
}

// A client that has sent much more than the server reads gets its answer all the same: the server
// reads on for a while, for closing at once would reset the connection.
TEST_F(BadHttpTest, TheAnswerToTooLargeABodyArrives) {
  settings.limits.body_bytes = 1000;
  start();
  HttpClient client{server->port()};
  client.send(HttpClient::head("POST", "/report", 100'000) + std::string(100'000, ' '));
  EXPECT_EQ(client.read_answer().status, 413);
  client.end_of_sending();
  EXPECT_EQ(client.read_to_end(), "");
}

}  // namespace
}  // namespace pena::server::test
