// The client engine at servers that are not Pena's, or not themselves.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>

#include "client/client.hpp"
#include "log.hpp"
#include "scripted_server.hpp"

namespace pena::client {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::Call;
using test::id;
using test::is_stream;
using test::Log;
using test::Peer;
using test::ScriptedServer;
using testing::HasSubstr;

// The event of the msg 1 to 9.
std::string msg(int number) {
  return "data: {\"id\":\"" + id(number) + "\",\"period\":1}\n\n";
}
std::string answer(const std::string& status, const std::string& fields, const std::string& body) {
  return "HTTP/1.1 " + status + "\r\n" + fields + "Content-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}
std::string stream(const std::string& events) {
  return "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n" + events;
}

ClientSettings settings_for(const ScriptedServer& server, Log& log) {
  ClientSettings settings;
  settings.url = server.url();
  settings.batchsize = 1;
  settings.backoff_first = milliseconds{1};
  settings.backoff_most = milliseconds{20};
  settings.log = log.sink();
  return settings;
}

TEST(ForeignServer, WhatItSaidIsOneLine) {
  Log log;
  ScriptedServer server([](const Call&, const Peer& peer) {
    std::string page = "<html>\x1b[2J\n2026-11-26 info all is well\n";
    for (int line = 0; line < 300; ++line) page += "<br>\n";
    return peer.send(answer("404 No", "Content-Type: text/html\r\n", page)), true;
  });
  Client client(settings_for(server, log));
  const auto end = client.wait(seconds{20});
  ASSERT_TRUE(end);
  EXPECT_EQ(end->reason, EndReason::refused);
  EXPECT_THAT(end->text, HasSubstr("404: <html>\\x1b[2J\\n2026-11-26 info all is well\\n<br>\\n"));
  EXPECT_LT(end->text.size(), 300U);
  const std::string said = log.text();
  EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1);
  EXPECT_EQ(said.find('\x1b'), std::string::npos);
}

TEST(ForeignServer, AnAnswerThatIsNoStreamIsToldWithItsTypeAndAskedForAgain) {
  Log log;
  std::atomic<int> asked{0};
  ScriptedServer server([&](const Call& call, const Peer& peer) {
    if (!is_stream(call)) return peer.send(answer("200 OK", "", "{}")), true;
    if (++asked < 5) {
      return peer.send(answer("200 OK", "Content-Type: text/html; charset=utf-8\r\n", msg(1))),
             true;
    }
    peer.send(stream(msg(2)));
    peer.wait_for_close();
    return false;
  });
  auto settings = settings_for(server, log);
  settings.max_batches = 1;
  Client client(settings);
  ASSERT_TRUE(client.wait(seconds{20}));
  EXPECT_EQ(server.next("POST").body, "{\"ids\":[\"" + id(2) + "\"]}");
  EXPECT_EQ(client.stats().received, 1U);
  EXPECT_EQ(log.text(), "no stream from " + settings.url +
                            ": 200 with Content-Type text/html; charset=utf-8; expected "
                            "text/event-stream; trying again until there is one\n"
                            "there is a stream from " +
                            settings.url + "\nthe client ends: 1 batches were reported\n");
}

TEST(ForeignServer, TheTypeOfAStreamMayBeWrittenInAnyWayOrNotAtAll) {
  for (const std::string type : {"", "Content-Type: Text/Event-Stream ; charset=UTF-8\r\n"}) {
    Log log;
    ScriptedServer server([&](const Call& call, const Peer& peer) {
      if (!is_stream(call)) return peer.send(answer("200 OK", "", "{}")), true;
      peer.send("HTTP/1.1 200 OK\r\n" + type + "\r\n" + msg(1));
      peer.wait_for_close();
      return false;
    });
    auto settings = settings_for(server, log);
    settings.max_batches = 1;
    Client client(settings);
    EXPECT_TRUE(client.wait(seconds{20})) << type;
  }
}

TEST(ForeignServer, StreamsThatAreCutAtOnceAreTold) {
  Log log;
  ScriptedServer server(
      [](const Call&, const Peer& peer) { return peer.send(stream(": hello\n")), false; });
  const Client client(settings_for(server, log));
  EXPECT_THAT(log.text_with("at once"), HasSubstr("end at once and bring no msg: the stream "
                                                  "ended; trying again until one does\n"));
}

TEST(ForeignServer, ALineWithoutAnEndIsTold) {
  Log log;
  ScriptedServer server([](const Call&, const Peer& peer) {
    peer.send(stream(": "));
    const std::string piece(1U << 20U, 'x');
    for (int i = 0; i < 20; ++i) peer.send(piece);
    return false;
  });
  const Client client(settings_for(server, log));
  EXPECT_THAT(log.text_with("too long"), HasSubstr("a line of it is too long; trying again until "
                                                   "there is one\n"));
}

TEST(ForeignServer, ARefusalWithoutAnEndIsRefusedAllTheSame) {
  Log log;
  ScriptedServer server([](const Call&, const Peer& peer) {
    peer.send("HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n" + std::string(20'000, 'x'));
    peer.wait_for_close();
    return false;
  });
  Client client(settings_for(server, log));
  const auto end = client.wait(seconds{20});
  ASSERT_TRUE(end);
  EXPECT_THAT(end->text, HasSubstr("the server refused the stream: 403: xxx"));
}

TEST(ForeignServer, AServerThatDoesNotAnswerIsTold) {
  Log log;
  ScriptedServer server([](const Call&, const Peer& peer) { return peer.wait_for_close(), false; });
  const Client client(settings_for(server, log));
  EXPECT_THAT(log.text_with("no answer"), HasSubstr(": no answer for 5 s; trying again where there "
                                                    "is no answer within 30 s\n"));
}

}  // namespace
}  // namespace pena::client
