// A producer against servers that lose answers, have no room, or refuse, on real sockets.
#include "client/producer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "msg_server.hpp"
#include "scripted_server.hpp"

namespace pena::client {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::answered;
using test::Call;
using test::Peer;
using test::ScriptedServer;
using testing::HasSubstr;
using testing::StartsWith;

// Each of its answers is one try's, and the last that of all further ones. Empty: the connection is closed.
class AnswersInTurn {
 public:
  explicit AnswersInTurn(std::vector<std::string> answers) : answers_(std::move(answers)) {}
  ScriptedServer& operator*() { return scripted_; }
  ScriptedServer* operator->() { return &scripted_; }
  [[nodiscard]] bool is_through() const { return tries_ >= answers_.size(); }

 private:
  std::vector<std::string> answers_;
  std::atomic<std::size_t> tries_ = 0;
  ScriptedServer scripted_{[this](const Call&, const Peer& peer) {
    const std::string& answer = answers_[std::min(tries_++, answers_.size() - 1)];
    peer.send(answer);
    return !answer.empty();
  }};
};

std::string accepted(const std::string& ids, const std::string& known = "") {
  return answered(201, "{\"ids\":[" + ids + "],\"known\":[" + known + "]}");
}
std::string quoted(int number) {
  return "\"" + test::id(number) + "\"";
}
const std::string kNoRoom = answered(503, R"({"error":"the queue is full"})");
const std::string kNoAnswer;

ProducerSettings settings_of(const ScriptedServer& server,
                             std::optional<milliseconds> patience = seconds{60}) {
  ProducerSettings settings;
  settings.url = server.url();
  settings.queue = "mail";
  settings.patience = patience;
  settings.backoff_first = settings.backoff_most = milliseconds{1};
  return settings;
}

// What a submission of so many msgs ends with; it must not end well.
SubmitError error_of(const ProducerSettings& settings, std::vector<NewMsg> msgs,
                     const std::function<bool()>& goes_on = {}) {
  Producer producer(settings);
  try {
    producer.submit(std::move(msgs), goes_on);
  } catch (const SubmitError& error) {
    return error;
  }
  throw std::logic_error("all is submitted");
}

TEST(Producer, SubmitsAgainUnderTheSameIdWhereAnAnswerIsLost) {
  AnswersInTurn server({kNoAnswer, kNoRoom, accepted(quoted(1), quoted(1))});
  Producer producer(settings_of(*server));
  const AcceptedMsg msg = producer.submit({.payload = R"({"n":1})"});
  EXPECT_EQ(msg.id, core::Xid::parse(test::id(1)));
  EXPECT_FALSE(msg.known) << "it may be known by the try whose answer was lost";
  const Call first = server->next("POST /task?queue=mail ");
  EXPECT_THAT(first.body, HasSubstr("\"id\":\""));
  EXPECT_THAT(first.body, HasSubstr(R"("payload":{"n":1})"));
  EXPECT_EQ(server->next("POST").body, first.body);
  EXPECT_EQ(server->next("POST").body, first.body);
}

// Whatever came of the try before: a proxy may have handed on what it answers with 503.
TEST(Producer, TakesForItsOwnWhatIsKnownAtAnotherTry) {
  for (const int status : {408, 429, 500, 503, 504}) {
    AnswersInTurn server({answered(status, ""), accepted(quoted(1), quoted(1))});
    Producer producer(settings_of(*server));
    const AcceptedMsg msg = producer.submit({.payload = "1"});
    EXPECT_EQ(msg.id, core::Xid::parse(test::id(1)));
    EXPECT_FALSE(msg.known);
    EXPECT_EQ(server->next("POST").body, server->next("POST").body);
  }
}

// There was no try before it, so what is known is not its own.
TEST(Producer, DrawsAnotherIdWhereSomebodyElseHasIt) {
  AnswersInTurn server({accepted(quoted(1), quoted(1)), accepted(quoted(2))});
  Producer producer(settings_of(*server));
  EXPECT_EQ(producer.submit({.payload = "1"}).id, core::Xid::parse(test::id(2)));
  const Call first = server->next("POST");
  EXPECT_NE(server->next("POST").body, first.body);
}

TEST(Producer, TellsThatAKeyIsKnown) {
  AnswersInTurn server({accepted(quoted(1), quoted(1))});
  Producer producer(settings_of(*server));
  EXPECT_TRUE(producer.submit({.key = "order 7"}).known);
}

TEST(Producer, IsUnsureOfThatAloneWhoseAnswerDidNotCome) {
  struct Case {
    std::vector<std::string> tries;
    std::size_t unsure;
  };
  for (const Case& one : {Case{{kNoRoom}, 2}, Case{{answered(429, "")}, 0}, Case{{kNoAnswer}, 2},
                          Case{{answered(504, "")}, 2}, Case{{kNoAnswer, kNoRoom}, 2}}) {
    AnswersInTurn server(one.tries);
    const SubmitError error = error_of(settings_of(*server, std::nullopt), std::vector<NewMsg>(2),
                                       [&] { return !server.is_through(); });
    EXPECT_EQ(error.why, SubmitError::Why::stopped);
    EXPECT_EQ(error.unsure, one.unsure) << one.tries.front();
  }
}

TEST(Producer, EndsWithItsPatienceAndTheServersSentence) {
  AnswersInTurn server({kNoRoom});
  const SubmitError error = error_of(settings_of(*server, milliseconds{0}), std::vector<NewMsg>(1));
  EXPECT_EQ(error.why, SubmitError::Why::unavailable);
  EXPECT_EQ(error.status, 503U);
  EXPECT_THAT(error.what(), HasSubstr("the msg at place 0 is not accepted: http://127.0.0.1:"));
  EXPECT_THAT(error.what(), HasSubstr("503: the queue is full; tried for 0 s"));
}

TEST(Producer, TellsWhichMsgIsRefusedAndWhichAreSubmitted) {
  ScriptedServer server([](const Call& call, const Peer& peer) {
    const bool has_bad = call.body.find("\"bad\"") != std::string::npos;
    peer.send(has_bad ? answered(400, R"({"error":"payload is too large"})") : accepted(quoted(1)));
    return true;
  });
  const SubmitError error =
      error_of(settings_of(server), {{.payload = "1"}, {.payload = "\"bad\""}, {.payload = "3"}});
  EXPECT_EQ(error.why, SubmitError::Why::refused);
  EXPECT_EQ(error.status, 400U);
  EXPECT_EQ(error.place, 1U);
  ASSERT_EQ(error.submitted.size(), 1U);
  EXPECT_EQ(error.submitted[0].id, core::Xid::parse(test::id(1)));
  EXPECT_EQ(error.unsure, 0U);
  EXPECT_THAT(error.what(), HasSubstr("the msg at place 1 is refused: 400: payload is too large"));
}

TEST(Producer, SubmitsNothingWhereAMsgCannotBe) {
  const auto problem = [](NewMsg msg) {
    const SubmitError error = error_of({.url = "http://127.0.0.1:1"}, {NewMsg{}, std::move(msg)});
    EXPECT_EQ(error.why, SubmitError::Why::bad_msg);
    EXPECT_EQ(error.place, 1U);
    return std::string{error.what()};
  };
  EXPECT_THAT(problem({.payload = "{"}), StartsWith("the msg at place 1 has a payload that is not "
                                                    "JSON"));
  EXPECT_THAT(problem({.key = std::string(201, 'x')}), HasSubstr("has a key of 201 bytes"));
  EXPECT_THAT(problem({.delay = milliseconds{-1}}), HasSubstr("has a delay of -1 ms"));
  EXPECT_THAT(problem({.max_resends = std::uint16_t{1001}}), HasSubstr("has max_resends 1001"));
}

TEST(Producer, NamesTheSettingThatCannotBe) {
  const auto refusal = [](ProducerSettings settings) {
    try {
      check(settings);
    } catch (const SettingsError& error) {
      return std::string{error.what()};
    }
    return std::string{};
  };
  EXPECT_EQ(refusal({}), "");
  EXPECT_THAT(refusal({.url = "x"}), HasSubstr("url is \"x\""));
  EXPECT_THAT(refusal({.queue = "A"}), HasSubstr("queue is \"A\""));
  EXPECT_THAT(refusal({.patience = milliseconds{-1}}), HasSubstr("patience"));
  EXPECT_THAT(refusal({.backoff_first = milliseconds{0}}), HasSubstr("backoff_first"));
  EXPECT_THAT(refusal({.request = {.bytes = 0}}), HasSubstr("request has no room"));
}

}  // namespace
}  // namespace pena::client
