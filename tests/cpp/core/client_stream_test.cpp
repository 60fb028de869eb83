// The stream of a client's machine: how long each of its steps may take, what is said of it, and whose
// words are taken.
#include <string>
#include <vector>

#include "client_test.hpp"

namespace pena::core {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::id_of;
using test::kServerMs;

class ClientStreamTest : public test::ClientTest {
 protected:
  void make() {
    ClientRules rules;
    rules.server = "http://there";
    (void)start(rules);
  }
  void open() {
    (void)happen(StreamOpened{now_, {}});
    (void)happen(NoteArrived{std::nullopt, 0, kServerMs, {}});
  }
  // Of a foreign server, that promises nothing.
  void open_abroad() { (void)happen(StreamOpened{now_, {}, false, false}); }
  // It ends, and the next is asked for.
  Actions close(const StreamClosed& event) {
    Actions ended = happen(event);
    waited_ = wait_for_stream(ended);
    return ended;
  }
  // What is to be done at that time, and not a millisecond before it.
  Actions after(Duration wait) {
    now_ += wait - milliseconds{1};
    EXPECT_TRUE(happen(ClientTimeReached{}).empty());
    now_ += milliseconds{1};
    EXPECT_EQ(logic_->next_timeout(), now_);
    return happen(ClientTimeReached{});
  }

  Duration waited_{};
};

// ---- how long

TEST_F(ClientStreamTest, AConnectionIsWaitedForFiveSeconds) {
  make();
  const Actions late = after(seconds{5});
  EXPECT_EQ(of<CloseOwnStream>(late).size(), 1U);
  EXPECT_EQ(warnings(late), std::vector<std::string>{
                                "no stream from http://there: no connection within 5 s; trying "
                                "again until there is one"});
  EXPECT_LE(wait_for_stream(late), RetryRules{}.first);
}

TEST_F(ClientStreamTest, AnAnswerIsWaitedForThirtySecondsAndThatIsSaidAfterFive) {
  make();
  now_ += seconds{4};
  EXPECT_TRUE(happen(StreamAsked{}).empty());
  EXPECT_EQ(warnings(after(seconds{5})),
            std::vector<std::string>{"no stream from http://there: no answer for 5 s; trying again "
                                     "where there is no answer within 30 s"});
  const Actions late = after(seconds{25});
  EXPECT_EQ(of<CloseOwnStream>(late).size(), 1U);
  EXPECT_TRUE(warnings(late).empty());
  (void)wait_for_stream(late);
  (void)happen(StreamAsked{});
  EXPECT_TRUE(warnings(after(seconds{5})).empty());
  EXPECT_EQ(warnings(close({"Connection refused", 0, {}})).size(), 1U);
  EXPECT_EQ(of<Say>(happen(StreamOpened{now_, {}})).at(0).text,
            "there is a stream from http://there");
}

TEST_F(ClientStreamTest, ARefusalIsReadForFiveSecondsAndThenAsFarAsItCame) {
  make();
  (void)happen(StreamAsked{});
  (void)happen(StreamRefused{});
  EXPECT_EQ(of<CloseOwnStream>(after(seconds{5})).size(), 1U);
  EXPECT_EQ(logic_->next_timeout(), std::nullopt);
  const Actions told = happen(StreamClosed{"403: it beg", 403, {}});
  EXPECT_EQ(of<EndClient>(told).at(0).text, "the server refused the stream: 403: it beg");
}

// ---- whose words are taken

TEST_F(ClientStreamTest, WhatAStreamSaysThatWasGivenUpIsNotTakenForTheNextOnes) {
  make();
  open();
  const std::uint64_t old = stream_;
  const auto late = [&](const StreamEvent& event) {
    return tell(old, event);
  };
  now_ += Timing{}.silence;
  const Actions silent = happen(ClientTimeReached{});
  EXPECT_EQ(of<CloseOwnStream>(silent).size(), 1U);
  EXPECT_TRUE(late(StreamClosed{"403: no", 403, {}}).empty());  // while it waits
  (void)wait_for_stream(silent);
  EXPECT_NE(stream_, old);
  EXPECT_TRUE(late(StreamClosed{"it was closed", 0, {}}).empty());
  EXPECT_TRUE(late(StreamOpened{now_, {}}).empty());
  open();
  EXPECT_TRUE(late(MsgArrived{id_of(1), 5, {}}).empty());
  EXPECT_EQ(logic_->counts().received, 0U);
  EXPECT_EQ(logic_->counts().connects, 2U);
}

// ---- what is said

TEST_F(ClientStreamTest, ThatItCannotConnectIsSaidOnceAndThatItCanAgain) {
  make();
  const auto said = of<Say>(close({"Connection refused", 0, {}}));
  ASSERT_EQ(said.size(), 1U);
  EXPECT_EQ(said[0].level, LogLevel::warning);
  EXPECT_EQ(said[0].text,
            "no stream from http://there: Connection refused; trying again until there is one");
  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(warnings(close({"Connection refused", 0, {}})).empty());
  }
  const auto back = of<Say>(happen(StreamOpened{now_, {}}));
  ASSERT_EQ(back.size(), 1U);
  EXPECT_EQ(back[0].level, LogLevel::info);
  EXPECT_EQ(back[0].text, "there is a stream from http://there");
  // That a stream ends is usual.
  now_ += seconds{1};
  EXPECT_TRUE(warnings(close({"it ended", 0, {}})).empty());
  EXPECT_TRUE(of<Say>(happen(StreamOpened{now_, {}})).empty());
}

TEST_F(ClientStreamTest, ThatThereIsNoStreamIsSaidAgainForAnotherReason) {
  make();
  EXPECT_EQ(warnings(close({"200 with Content-Type text/html", 0, {}})).size(), 1U);
  EXPECT_EQ(warnings(close({"Connection refused", 0, {}})).size(), 1U);
  EXPECT_EQ(warnings(close({"503: it is 5 to 12", 503, {}})).size(), 1U);
  EXPECT_EQ(warnings(close({"503: it is 4 to 12", 503, {}})).size(), 0U);
}

TEST_F(ClientStreamTest, StreamsThatEndAtOnceWithoutAMsgAreSaidOnceAndAskedForEverLess) {
  const RetryRules rules;
  make();
  Actions all;
  Duration waited{};
  for (int i = 0; i < 20; ++i) {
    open();  // a stamp is no msg
    (void)happen(StrangeArrived{R"({"error":"log in"})", {}});
    const Actions ended = close({"the stream ended", 0, {}});
    all.insert(all.end(), ended.begin(), ended.end());
    waited += waited_;
  }
  EXPECT_GT(waited, 4 * rules.most);
  EXPECT_EQ(warnings(all), std::vector<std::string>{
                               "the streams from http://there end at once and bring no msg: the "
                               "stream ended; trying again until one does"});
  open();
  const auto said = of<Say>(happen(MsgArrived{id_of(1), 5, {}}));
  ASSERT_EQ(said.size(), 1U);
  EXPECT_EQ(said[0].text, "a stream from http://there brings msgs");
  (void)close({});
  EXPECT_LE(waited_, rules.first);
}

TEST_F(ClientStreamTest, AStreamThatLastsIsAGoodOneThoughItBringsNothing) {
  const RetryRules rules;
  make();
  for (int i = 0; i < 10; ++i) {
    open_abroad();
    now_ += seconds{2};
    const Actions ended = close({"the stream ended", 0, {}});
    EXPECT_TRUE(warnings(ended).empty());
    EXPECT_LE(waited_, rules.first);
  }
}

TEST_F(ClientStreamTest, StreamsThatCannotBeReadOnAreSaidOnceAndAskedForEverLess) {
  const RetryRules rules;
  make();
  Actions all;
  Duration waited{};
  for (int i = 0; i < 20; ++i) {
    open_abroad();
    now_ += seconds{20};
    const Actions ended = close({"a line is too long", 0, {}, true});
    all.insert(all.end(), ended.begin(), ended.end());
    waited += waited_;
  }
  EXPECT_GT(waited, 4 * rules.most);
  EXPECT_EQ(warnings(all),
            std::vector<std::string>{"no stream from http://there: a line is too long; trying "
                                     "again until there is one"});
}

}  // namespace
}  // namespace pena::core
