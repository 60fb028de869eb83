// What RFC 9110 and 9112 ask of a server, and what proxies and libraries build on.
#include <gmock/gmock.h>

#include "server_test.hpp"

namespace pena::server::test {
namespace {

using testing::EndsWith;
using testing::StartsWith;

class HttpTest : public ServerTest {
 protected:
  static std::string get(const std::string& fields, const std::string& version = "HTTP/1.1") {
    return "GET /healthz " + version + "\r\nHost: localhost\r\n" + fields + "\r\n";
  }
  static std::string post(const std::string& fields, const std::string& body) {
    return "POST /report HTTP/1.1\r\nHost: localhost\r\n" + fields + "\r\n" + body;
  }
};

TEST_F(HttpTest, EveryAnswerHasADateAndIsNotToBeKept) {
  start();
  for (const auto& [method, target] : std::vector<std::pair<std::string, std::string>>{
           {"GET", "/healthz"}, {"GET", "/report"}, {"GET", "/nothing"}, {"PUT", "/task"}}) {
    const HttpAnswer answer = ask(method, target);
    EXPECT_THAT(answer.field("date"), EndsWith(" GMT")) << target;
    EXPECT_EQ(answer.field("cache-control"), "no-store") << target;
  }
  EXPECT_THAT(ask("HEAD", "/task?batchsize=1").field("date"), EndsWith(" GMT"));
  HttpClient bad{server->port()};
  bad.send("nonsense\r\n\r\n");
  EXPECT_THAT(bad.read_answer().field("date"), EndsWith(" GMT"));
}

TEST_F(HttpTest, TheIdleTimeIsTold) {
  start();
  HttpClient client{server->port()};
  const HttpAnswer kept = client.request("GET", "/healthz");
  EXPECT_EQ(kept.field("connection"), "keep-alive");
  EXPECT_EQ(kept.field("keep-alive"), "timeout=75");  // above the 60 s of most proxies
  client.send(get("Connection: close\r\n"));
  const HttpAnswer closed = client.read_answer();
  EXPECT_EQ(closed.field("connection"), "close");
  EXPECT_EQ(closed.field("keep-alive"), "");
  EXPECT_EQ(client.read_to_end(), "");
}

TEST_F(HttpTest, AnIdleTimeBelowASecondIsNotTold) {
  settings.limits.idle_time = milliseconds{900};
  start();
  EXPECT_EQ(ask("GET", "/healthz").field("keep-alive"), "");
}

TEST_F(HttpTest, WhoSpeaksHttp10IsClosedUnlessItAsksOtherwise) {
  start();
  HttpClient client{server->port()};
  client.send(get("Connection: Keep-Alive\r\n", "HTTP/1.0"));
  EXPECT_EQ(client.read_answer().field("connection"), "keep-alive");
  client.send(get("", "HTTP/1.0"));
  EXPECT_EQ(client.read_answer().field("connection"), "close");
  EXPECT_EQ(client.read_to_end(), "");
}

TEST_F(HttpTest, AHigherMinorVersionIsReadAsTheHighestKnown) {
  start();
  HttpClient client{server->port()};
  client.send(get("", "HTTP/1.9"));
  EXPECT_EQ(client.read_answer().status, 200);
  EXPECT_EQ(client.request("GET", "/healthz").status, 200);
}

TEST_F(HttpTest, TheTargetMayBeAbsoluteOrEscaped) {
  start();
  HttpClient client{server->port()};
  const std::string host = " HTTP/1.1\r\nHost: ignored.example\r\n\r\n";
  client.send("GET http://localhost:9999/healthz" + host);
  EXPECT_EQ(client.read_answer().status, 200);
  client.send("GET http://evil.example/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(client.read_answer().status, 403);
  EXPECT_EQ(ask("GET", "/%68ealthz").status, 200);
  EXPECT_EQ(ask("GET", "/report?limi%74=%31").status, 200);
}

TEST_F(HttpTest, EmptyLinesBeforeARequestAreSkipped) {
  start();
  HttpClient client{server->port()};
  client.send("\r\n" + get("") + "\r\n\r\n" + get(""));
  EXPECT_EQ(client.read_answer().status, 200);
  EXPECT_EQ(client.read_answer().status, 200);
  // Old clients send one behind a body, and are idle then, not late.
  client.send("\r\n");
  client.send(get(""));
  EXPECT_EQ(client.read_answer().status, 200);
}

TEST_F(HttpTest, AnEmptyLineIsNoBeginningOfARequest) {
  settings.limits.header_time = milliseconds{20};
  settings.limits.idle_time = milliseconds{200};
  start();
  HttpClient client{server->port()};
  client.send("\r\n");
  EXPECT_EQ(client.read_to_end(), "");  // without 408
}

TEST_F(HttpTest, AChunkedBodyIsReadHoweverItComes) {
  start();
  const std::string body =
      "1;ext=\"a b\"\r\n[\r\n1\r\n]\r\n0\r\nConnection: close\r\nContent-Length: 9\r\n\r\n";
  HttpClient client{server->port()};
  client.send(post("Transfer-Encoding: chunked\r\n", body));
  EXPECT_EQ(client.read_answer().status, 200);
  const std::string second = post("Transfer-Encoding: chunked\r\n", body);
  for (const char letter : second) client.send({&letter, 1});
  EXPECT_EQ(client.read_answer().status, 200);
  EXPECT_EQ(client.request("GET", "/healthz").status, 200);  // a trailer is no header
  client.send(post("Transfer-Encoding: chunked\r\n", body) + get(""));
  EXPECT_EQ(client.read_answer().status, 200);
  EXPECT_EQ(client.read_answer().status, 200);  // what came with the body is the next request
}

TEST_F(HttpTest, WhoAsksWhetherToGoOnIsTold) {
  settings.limits.body_bytes = 1000;
  start();
  const std::string expect = "Expect: 100-continue\r\n";
  HttpClient client{server->port()};
  client.send(HttpClient::head("POST", "/report", 2, expect));
  EXPECT_EQ(client.read_answer().status, 100);
  client.send("[]");
  EXPECT_EQ(client.read_answer().status, 200);
  client.send(HttpClient::head("POST", "/report", 2, expect) + "[]");
  EXPECT_EQ(client.read_answer().status, 200);  // it has gone on without
  client.send(post("Transfer-Encoding: chunked\r\n" + expect, ""));
  EXPECT_EQ(client.read_answer().status, 100);
  client.send("2\r\n[]\r\n0\r\n\r\n");
  EXPECT_EQ(client.read_answer().status, 200);
  client.send("POST /report HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 2\r\n" + expect +
              "\r\n");
  client.send("[]");
  EXPECT_EQ(client.read_answer().status, 200);  // HTTP/1.0 knows no 100
  client.send(HttpClient::head("POST", "/report", 1001, expect));
  EXPECT_EQ(client.read_answer().status, 413);  // instead of 100
}

TEST_F(HttpTest, WhatIsOfferedAndNotUsedDoesNotMatter) {
  start();
  HttpClient client{server->port()};
  client.send(
      get("TE: trailers, deflate\r\nConnection: TE, Upgrade, HTTP2-Settings\r\n"
          "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQ\r\nRange: bytes=0-1\r\n"
          "Accept-Encoding: gzip\r\nX-Empty:\r\nX-Latin: \xe4\r\n"));
  const HttpAnswer answer = client.read_answer();
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.body, StartsWith("{"));
}

}  // namespace
}  // namespace pena::server::test
