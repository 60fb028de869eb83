// The client engine against servers that behave and servers that do not, on real sockets.
#include "client/client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <functional>
#include <mutex>

#include "log.hpp"
#include "scripted_server.hpp"
#include "support/held_port.hpp"

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

constexpr const char* kBatch = "cbvrr5s3r49lpu0cbt60";
constexpr const char* kHead =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n"
    "Pena-Silence: 60000\r\n\r\n: at=1000\n\n";
constexpr const char* kSuccess = R"({"message":"success","reported":2,"duplicate":1,"unknown":0})";

std::string msg(int number, int period, const std::string& batch = kBatch) {
  return "id: " + batch + "\ndata: {\"id\":\"" + id(number) +
         "\",\"period\":" + std::to_string(period) + "}\n\n";
}
std::string note(int size) {
  return std::string{": batch="} + kBatch + " size=" + std::to_string(size) + " at=1001\n\n";
}
std::string answer(int status, const std::string& body) {
  return "HTTP/1.1 " + std::to_string(status) +
         " X\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

// Sends `bytes` on every stream and keeps it open; answers every report with success.
ScriptedServer::Script plain(const std::string& bytes) {
  return [bytes](const Call& call, const Peer& peer) {
    if (!is_stream(call)) {
      peer.send(answer(200, kSuccess));
      return true;
    }
    peer.send(kHead + bytes);
    peer.wait_for_close();
    return false;
  };
}

ClientSettings settings_for(const ScriptedServer& server, std::uint32_t batchsize = 2) {
  ClientSettings settings;
  settings.url = server.url();
  settings.batchsize = batchsize;
  settings.backoff_first = milliseconds{1};
  settings.backoff_most = milliseconds{20};
  return settings;
}

ClientEnd end_of(Client& client) {
  const auto end = client.wait(seconds{20});
  if (!end) throw std::runtime_error("the client does not end");
  return *end;
}

TEST(Client, R16_ReportsABatchThatItHasWorkedOn) {
  ScriptedServer server(plain(note(2) + msg(1, 1) + msg(2, 2)));
  auto settings = settings_for(server);
  settings.max_batches = 1;
  Client client(settings);
  EXPECT_THAT(server.next("GET").line, HasSubstr("/task?batchsize=2&batches=1 "));
  EXPECT_EQ(server.next("POST /report").body,
            "{\"ids\":[\"" + id(1) + "\",\"" + id(2) + "\"],\"batch\":\"" + kBatch + "\"}");
  EXPECT_EQ(end_of(client).reason, EndReason::batches_done);
  const ClientStats stats = client.stats();
  EXPECT_EQ(stats.received, 2U);
  EXPECT_EQ(stats.processed, 2U);
  EXPECT_EQ(stats.reported, 2U);
  EXPECT_EQ(stats.duplicate, 1U);
  EXPECT_EQ(stats.running, 0U);
}

TEST(Client, R13_RefusesWhatAServerSendsBeyondTheBatchsize) {
  // No notes, as from a server that is not Pena's; three msgs to a client that asked for two.
  ScriptedServer server(plain(msg(1, 300) + msg(2, 300) + msg(3, 1)));
  const Client client(settings_for(server));
  EXPECT_THAT(server.next("POST").body, HasSubstr("\"refused\":[\"" + id(3) + "\"]"));
  EXPECT_EQ(client.stats().refused, 1U);
}

TEST(Client, R14_APanicEndsItsCoroutineAndTheClientLivesOn) {
  ScriptedServer server(plain(note(2) + msg(1, 801) + msg(2, 1)));
  const Client client(settings_for(server));
  EXPECT_THAT(server.next("POST").body, HasSubstr(id(1)));
  EXPECT_EQ(client.stats().panicked, 1U);
  EXPECT_TRUE(client.running());
}

TEST(Client, R16_LeavesPanickedOutWhereItIsToldTo) {
  ScriptedServer server(plain(note(2) + msg(1, 801) + msg(2, 1)));
  auto settings = settings_for(server);
  settings.panicked = Panicked::omit;
  const Client client(settings);
  EXPECT_EQ(server.next("POST").body, "{\"ids\":[\"" + id(2) + "\"],\"batch\":\"" + kBatch + "\"}");
}

TEST(Client, R15_EndsAtAPeriodAbove900AndSaysWhy) {
  ScriptedServer server(plain(note(2) + msg(1, 1) + msg(2, 901)));
  Client client(settings_for(server));
  const ClientEnd end = end_of(client);
  EXPECT_EQ(end.reason, EndReason::period_too_long);
  EXPECT_EQ(end.msg, core::Xid::parse(id(2)));
  EXPECT_THAT(end.text, HasSubstr("901 ms, above 900"));
  EXPECT_FALSE(client.running());
}

TEST(Client, ReadsAChunkedStreamAndEventsThatAreNoMsgs) {
  const auto chunk = [](const std::string& bytes) {
    std::array<char, 16> size{};
    std::snprintf(size.data(), size.size(), "%zx\r\n", bytes.size());
    return size.data() + bytes + "\r\n";
  };
  const std::string events = "data: hello\n\n" + note(1) + msg(1, 1);
  ScriptedServer server([&](const Call& call, const Peer& peer) {
    if (!is_stream(call)) return peer.send(answer(200, kSuccess)), true;
    peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (const char byte : events) peer.send(chunk(std::string(1, byte)));
    peer.wait_for_close();
    return false;
  });
  const Client client(settings_for(server));
  EXPECT_THAT(server.next("POST").body, HasSubstr(id(1)));
}

TEST(Client, TakesASilentStreamAsLostAndComesBack) {
  ScriptedServer server([](const Call& call, const Peer& peer) {
    if (!is_stream(call)) return peer.send(answer(200, kSuccess)), true;
    peer.send("HTTP/1.1 200 OK\r\nPena-Silence: 300\r\n\r\n" + note(2) + msg(1, 0) + msg(2, 800));
    peer.wait_for_close();
    return false;
  });
  const Client client(settings_for(server));
  (void)server.next("GET");
  (void)server.next("GET");
  // What was done when the stream was lost is reported, the rest is left out: it may be sent again.
  EXPECT_EQ(server.next("POST").body, "{\"ids\":[\"" + id(1) + "\"],\"batch\":\"" + kBatch + "\"}");
  EXPECT_GE(client.stats().stream_losses, 1U);
  EXPECT_GE(client.stats().stopped, 1U);
}

TEST(Client, ComesBackWhenItsStreamEndsInTheMiddle) {
  std::atomic<int> streams{0};
  ScriptedServer server([&](const Call& call, const Peer& peer) {
    if (!is_stream(call)) return peer.send(answer(200, kSuccess)), true;
    if (++streams == 1) return peer.send(kHead + note(2) + msg(1, 800)), false;
    peer.send(kHead);
    peer.wait_for_close();
    return false;
  });
  const Client client(settings_for(server));
  EXPECT_EQ(server.next("POST").body, std::string{"{\"ids\":[],\"batch\":\""} + kBatch + "\"}");
  (void)server.next("GET");
  (void)server.next("GET");
}

TEST(Client, SendsAReportAgainUntilItSeesTheAnswer) {
  std::atomic<int> reports{0};
  ScriptedServer server([&](const Call& call, const Peer& peer) {
    if (is_stream(call)) {
      peer.send(kHead + note(1) + msg(1, 1));
      peer.wait_for_close();
      return false;
    }
    switch (++reports) {
      case 1:
        return false;  // no answer
      case 2:
        return peer.send(answer(408, "{}")), true;
      case 3:
        return peer.send(answer(429, "{}")), true;
      case 4:
        return peer.send(answer(500, "{}")), true;
      case 5:
        return peer.send(answer(503, "{}")), true;
      default:
        return peer.send(answer(200, kSuccess)), true;
    }
  });
  auto settings = settings_for(server, 1);
  settings.max_batches = 1;
  Client client(settings);
  EXPECT_EQ(end_of(client).reason, EndReason::batches_done);
  EXPECT_EQ(reports, 6);
  const std::string first = server.next("POST").body;
  for (int i = 0; i < 5; ++i) EXPECT_EQ(server.next("POST").body, first);
  EXPECT_EQ(client.stats().batches, 1U);
}

TEST(Client, TriesTheOtherFormsOfAReportAndSaysWhereNoneIsTaken) {
  Log log;
  ScriptedServer server([&](const Call& call, const Peer& peer) {
    if (!is_stream(call)) return peer.send(answer(400, R"({"error":"no such thing"})")), true;
    peer.send(kHead + note(2) + msg(1, 1) + msg(2, 2));
    peer.wait_for_close();
    return false;
  });
  auto settings = settings_for(server);
  settings.log = log.sink();
  {
    Client client(settings);
    const std::string ids = "[\"" + id(1) + "\",\"" + id(2) + "\"]";
    EXPECT_EQ(server.next("POST").body, "{\"ids\":" + ids + ",\"batch\":\"" + kBatch + "\"}");
    EXPECT_EQ(server.next("POST").body, "{\"ids\":" + ids + "}");
    EXPECT_EQ(server.next("POST").body, ids);
    EXPECT_EQ(server.next("POST").body, "\"" + id(1) + "\"");
  }
  EXPECT_THAT(
      log.text(),
      HasSubstr(
          "the server refused a report, so it is given up with its 2 msgs: 400: no such thing"));
}

TEST(Client, ServesAServerThatTakesOnlyArrays) {
  ScriptedServer server([&](const Call& call, const Peer& peer) {
    if (is_stream(call)) {
      // No promise, no note, no batch: a server by the brief alone.
      peer.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n");
      peer.send("data: {\"id\":\"" + id(1) + "\",\"period\":1}\n\n");
      peer.send("data: {\"id\":\"" + id(2) + "\",\"period\":2}\n\n");
      peer.wait_for_close();
      return false;
    }
    const bool taken = call.body.starts_with("[");
    return peer.send(taken ? answer(200, R"({"message":"success"})") : answer(400, "no")), true;
  });
  auto settings = settings_for(server);
  settings.max_batches = 1;
  Client client(settings);
  EXPECT_EQ(end_of(client).reason, EndReason::batches_done);
  EXPECT_EQ(client.stats().batches, 1U);
}

TEST(Client, SaysThatItCannotConnectAndThatItCan) {
  Log log;
  const pena::test::HeldPort nobody;
  ClientSettings settings;
  settings.url = "http://" + nobody.address();
  settings.log = log.sink();
  Client client(settings);
  EXPECT_EQ(log.first_text(), "no stream from " + settings.url +
                                  ": Connection refused; trying again until there is one\n");
}

TEST(Client, SaysOnceThatThereAreEventsThatAreNoMsgs) {
  Log log;
  ScriptedServer server(plain("data: hello\n\ndata: again\n\n" + note(1) + msg(1, 1)));
  auto settings = settings_for(server, 1);
  settings.log = log.sink();
  settings.max_batches = 1;
  Client client(settings);
  (void)end_of(client);
  EXPECT_THAT(log.text(), HasSubstr("an event that is no msg was passed over, as any other will "
                                    "be: hello\n"));
  EXPECT_EQ(client.stats().ignored, 2U);
}

TEST(Client, EndsWithTheServersSentenceWhereItIsRefused) {
  ScriptedServer server([](const Call&, const Peer& peer) {
    return peer.send(answer(400, R"({"error":"batchsize is too large"})")), true;
  });
  Client client(settings_for(server));
  const ClientEnd end = end_of(client);
  EXPECT_EQ(end.reason, EndReason::refused);
  EXPECT_EQ(end.text, "the server refused the stream: 400: batchsize is too large");
}

TEST(Client, ComesBackToAServerThatIsBusyOrAway) {
  std::atomic<int> calls{0};
  ScriptedServer server([&](const Call&, const Peer& peer) {
    if (++calls <= 2) return peer.send(answer(503, "{}")), true;
    peer.send(kHead);
    peer.wait_for_close();
    return false;
  });
  const Client client(settings_for(server));
  for (int i = 0; i < 3; ++i) (void)server.next("GET");
}

TEST(Client, StopsWhateverTheServerDoes) {
  // Nobody there; a server that never answers; one that answers no report.
  ClientSettings nobody;
  nobody.url = "http://127.0.0.1:1";
  Client(nobody).stop();
  const auto silent = [](const Call& call, const Peer& peer) {
    if (is_stream(call)) peer.send(kHead + note(2) + msg(1, 1) + msg(2, 700));
    peer.wait_for_close();
    return false;
  };
  ScriptedServer server(silent);
  Client client(settings_for(server));
  (void)server.next("GET");
  client.stop();
  client.stop();
  EXPECT_EQ(end_of(client).reason, EndReason::stopped);
}

TEST(Client, R11_DrawsItsBatchsizeFromItsSeed) {
  ClientSettings settings;
  settings.url = "http://127.0.0.1:1";
  settings.seed = 4;
  const Client first(settings);
  const Client second(settings);
  EXPECT_EQ(first.batchsize(), second.batchsize());
  EXPECT_GE(first.batchsize(), 2U);
  EXPECT_LE(first.batchsize(), 10U);
}

class BadClientSettings
    : public testing::TestWithParam<std::pair<const char*, std::function<void(ClientSettings&)>>> {
};
TEST_P(BadClientSettings, AreRefusedByName) {
  ClientSettings settings;
  GetParam().second(settings);
  try {
    const Client client(settings);
    FAIL() << "taken";
  } catch (const SettingsError& error) {
    EXPECT_THAT(error.what(), HasSubstr(GetParam().first));
  }
}
INSTANTIATE_TEST_SUITE_P(Settings, BadClientSettings,
                         testing::Values(std::pair{"url is \"\"",
                                                   [](ClientSettings& s) {
                                                     s.url = "";
                                                   }},
                                         std::pair{"url is \"localhost:80\"",
                                                   [](ClientSettings& s) {
                                                     s.url = "localhost:80";
                                                   }},
                                         std::pair{"TLS is not supported",
                                                   [](ClientSettings& s) {
                                                     s.url = "https://a";
                                                   }},
                                         std::pair{"nothing behind it",
                                                   [](ClientSettings& s) {
                                                     s.url = "http://a/task";
                                                   }},
                                         std::pair{"batchsize is 0",
                                                   [](ClientSettings& s) {
                                                     s.batchsize = 0;
                                                   }},
                                         std::pair{"batchsize is 1000001",
                                                   [](ClientSettings& s) {
                                                     s.batchsize = 1'000'001;
                                                   }},
                                         std::pair{"max_running is 0",
                                                   [](ClientSettings& s) {
                                                     s.max_running = 0;
                                                   }},
                                         std::pair{"max_batches is 0",
                                                   [](ClientSettings& s) {
                                                     s.max_batches = 0;
                                                   }},
                                         std::pair{"backoff_first", [](ClientSettings& s) {
                                                     s.backoff_first = milliseconds{0};
                                                   }}));

}  // namespace
}  // namespace pena::client
