// The vectors are facts of the WHATWG's event stream format, as web-platform-tests'
// eventsource/format-* check them; each is fed whole, byte by byte, and at every split in two.
#include "wire/sse.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace pena::wire {
namespace {

using Heard = std::vector<std::string>;

// "type|id|data" of each event, ":comment" of each comment, "retry=ms".
Heard hear(const std::vector<std::string>& pieces) {
  Heard heard;
  SseParser parser;
  parser.on_event = [&](const SseEvent& event) {
    heard.push_back(event.type + "|" + event.id + "|" + event.data);
  };
  parser.on_comment = [&](std::string_view comment) {
    heard.push_back(":" + std::string{comment});
  };
  parser.on_retry = [&](std::uint64_t ms) {
    heard.push_back("retry=" + std::to_string(ms));
  };
  for (const std::string& piece : pieces) EXPECT_TRUE(parser.feed(piece));
  return heard;
}

struct Vector {
  const char* name;
  std::string stream;
  Heard heard;
};

const std::string kNul(1, '\0');

const std::vector<Vector>& vectors() {
  static const std::vector<Vector> all{
      {"one", "data:a\n\n", {"message||a"}},
      {"two lines of data", "data:a\ndata:b\n\n", {"message||a\nb"}},
      {"one space is taken off", "data: a\ndata:  b\n\n", {"message||a\n b"}},
      {"a field without a colon", "data\n\n", {"message||"}},
      {"empty data lines", "data\ndata\n\n", {"message||\n"}},
      {"an empty data line", "data:\n\n", {"message||"}},
      {"no data, no event", "event:x\n\n", {}},
      {"the type does not outlive the event", "event:x\n\ndata:a\n\n", {"message||a"}},
      {"a named event", "event: add\ndata:a\n\n", {"add||a"}},
      {"an unfinished event is dropped", "data:a\n\ndata:b\n", {"message||a"}},
      {"an unfinished line is dropped", "data:a\n\ndata:b", {"message||a"}},
      {"carriage returns", "data:a\rdata:b\r\r", {"message||a\nb"}},
      {"both line ends", "data:a\r\ndata:b\r\n\r\n", {"message||a\nb"}},
      {"mixed line ends", "data:a\n\rdata:b\r\n\n", {"message||a", "message||b"}},
      {"a byte order mark",
       "\xef\xbb\xbf"
       "data:a\n\n",
       {"message||a"}},
      {"two of them are one field too many",
       "\xef\xbb\xbf\xef\xbb\xbf"
       "data:a\n\ndata:b\n\n",
       {"message||b"}},
      {"half a mark is text",
       "\xef\xbb"
       "data:a\n\ndata:b\n\n",
       {"message||b"}},
      {"comments", ":x\n: y\ndata:a\n:\n\n", {":x", ": y", ":", "message||a"}},
      {"unknown fields", "Data:a\ndata :a\nfoo\nbar:b\ndata:c\n\n", {"message||c"}},
      {"a leading space is part of the name", " data:a\ndata:b\n\n", {"message||b"}},
      {"an id stays", "id:1\ndata:a\n\ndata:b\n\n", {"message|1|a", "message|1|b"}},
      {"an empty id resets", "id:1\ndata:a\n\nid\ndata:b\n\n", {"message|1|a", "message||b"}},
      {"an id with a NUL is passed over", "id:1\nid:2" + kNul + "3\ndata:a\n\n", {"message|1|a"}},
      {"an id without data stays too", "id:7\n\ndata:a\n\n", {"message|7|a"}},
      {"a retry", "retry:3000\ndata:a\n\n", {"retry=3000", "message||a"}},
      {"a retry that is no number", "retry:3x\nretry:\nretry\nretry:-1\nretry: 5 \n", {}},
      {"a retry of zero", "retry:0\n", {"retry=0"}},
      {"a NUL in data", "data:a" + kNul + "b\n\n", {"message||a" + kNul + "b"}},
      {"UTF-8", "data:ok\xe2\x80\xa6\n\n", {"message||ok\xe2\x80\xa6"}},
      {"a tab is not a space", "data:\ta\n\n", {"message||\ta"}},
      {"colons in the value", "data:a:b: c\n\n", {"message||a:b: c"}},
  };
  return all;
}

TEST(SseParser, ReadsEveryVectorWhole) {
  for (const Vector& vector : vectors())
    EXPECT_EQ(hear({vector.stream}), vector.heard) << vector.name;
}

TEST(SseParser, ReadsEveryVectorByteByByte) {
  for (const Vector& vector : vectors()) {
    std::vector<std::string> pieces;
    for (const char byte : vector.stream) pieces.emplace_back(1, byte);
    EXPECT_EQ(hear(pieces), vector.heard) << vector.name;
  }
}

TEST(SseParser, ReadsEveryVectorAtEverySplit) {
  for (const Vector& vector : vectors()) {
    for (std::size_t at = 0; at <= vector.stream.size(); ++at) {
      EXPECT_EQ(hear({vector.stream.substr(0, at), vector.stream.substr(at)}), vector.heard)
          << vector.name << " at " << at;
    }
  }
}

TEST(SseParser, GivesUpOnALineOrAnEventWithoutEnd) {
  SseParser line(10);
  EXPECT_TRUE(line.feed("data:12345"));
  EXPECT_FALSE(line.feed("6"));
  SseParser event(10);
  EXPECT_TRUE(event.feed("data:12345\n"));
  EXPECT_FALSE(event.feed("data:12345\n"));
}

TEST(SseParser, PassesOverDataThatIsTooLongAndReadsOn) {
  for (const std::string stream : {"data:1234567\ndata:8\nid: 1\n\ndata:9\n\n",
                                   "data:12\ndata:345\ndata:67\nid: 1\n\ndata:9\n\n"}) {
    for (std::size_t at = 0; at <= stream.size(); ++at) {
      SseParser parser(8, 100);
      std::vector<SseEvent> events;
      parser.on_event = [&](const SseEvent& event) {
        events.push_back(event);
      };
      ASSERT_TRUE(parser.feed(stream.substr(0, at)) && parser.feed(stream.substr(at))) << at;
      ASSERT_EQ(events.size(), 2U) << at;
      EXPECT_TRUE(events[0].data.starts_with("12"));
      EXPECT_GT(events[0].cut, 0U);
      EXPECT_EQ(events[0].id, "1");
      EXPECT_EQ(events[1].data, "9");
      EXPECT_EQ(events[1].cut, 0U);
    }
  }
}

TEST(SseParser, PassesOverSoMuchDataAndNothingElse) {
  SseParser data(10, 3);
  EXPECT_TRUE(data.feed("data:1234567"));
  EXPECT_TRUE(data.feed("8"));
  EXPECT_FALSE(data.feed("9"));
  SseParser comment(10, 100);
  EXPECT_TRUE(comment.feed(": 12345678"));
  EXPECT_FALSE(comment.feed("9"));
}

core::Batch a_batch() {
  core::Batch batch;
  batch.id = *core::Xid::parse("cbvrr5s3r49lpu0cbt60");
  batch.granted_at = core::from_us(5'000'900);
  batch.msgs = {{{*core::Xid::parse("9m4e2mr0ui3e8a215n4g"), 382, ""}, {}, {}, {}},
                {{*core::Xid::parse("00000000000000000000"), 1, "[1]"}, {}, {}, {}}};
  return batch;
}

TEST(SseFrames, AreThese) {
  std::string out;
  append_batch_frames(out, a_batch(), a_batch().granted_at, {});
  EXPECT_EQ(out,
            ": batch=cbvrr5s3r49lpu0cbt60 size=2 at=5000 lease=30000\n"
            "id: cbvrr5s3r49lpu0cbt60\ndata: {\"id\":\"9m4e2mr0ui3e8a215n4g\",\"period\":382}\n\n"
            "id: cbvrr5s3r49lpu0cbt60\n"
            "data: {\"id\":\"00000000000000000000\",\"period\":1,\"payload\":[1]}\n\n");
}

TEST(SseFrames, SayTheQueueOfThoseThatAreNotOfTheDefaultOne) {
  core::Batch batch = a_batch();
  batch.msgs[0].msg.queue = core::kGeneratedQueue;
  batch.msgs[1].msg.queue = 7;
  std::string out;
  append_batch_frames(out, batch, batch.granted_at, {},
                      [](core::QueueNumber number) -> std::string_view {
                        return number == 7 ? "mail" : "another";
                      });
  EXPECT_THAT(out, testing::HasSubstr("\"period\":382}\n"));
  EXPECT_THAT(out, testing::EndsWith("\"period\":1,\"payload\":[1],\"queue\":\"mail\"}\n\n"));
}

TEST(SseFrames, SayWhichMsgsAreAtTheirLastAttempt) {
  core::Batch batch = a_batch();
  batch.msgs[0].attempts = 1;
  batch.msgs[1].attempts = 2;
  core::Limits limits;
  limits.max_resends = 2;
  std::string out;
  append_batch_frames(out, batch, batch.granted_at, limits);
  EXPECT_THAT(out, testing::HasSubstr("\"period\":382,\"attempt\":2}\n"));
  EXPECT_THAT(out, testing::EndsWith("\"payload\":[1],\"attempt\":3,\"last_attempt\":true}\n\n"));
}

TEST(SseFrames, AreReadBackByTheParser) {
  std::string out;
  append_heartbeat(out, core::from_us(4'000'000));
  append_batch_frames(out, a_batch(), a_batch().granted_at, {});
  append_bye(out, "two\nlines");
  const Heard heard = hear({out});
  ASSERT_EQ(heard.size(), 5U);
  EXPECT_EQ(heard[2],
            "message|cbvrr5s3r49lpu0cbt60|{\"id\":\"9m4e2mr0ui3e8a215n4g\",\"period\":382}");
  EXPECT_EQ(parse_note(heard[0].substr(1)).at_ms, 4000);
  const StreamNote note = parse_note(heard[1].substr(1));
  EXPECT_EQ(note.batch, a_batch().id);
  EXPECT_EQ(note.size, 2U);
  EXPECT_EQ(note.at_ms, 5000);
  EXPECT_EQ(note.lease_ms, 30'000);
  EXPECT_EQ(parse_note(heard[4].substr(1)).bye, "two lines");
}

TEST(StreamNote, OfSomebodyElseIsEmpty) {
  for (const char* comment :
       {"", " ", " hello world", " at=", " at=-5", " at=5x", " batch=zzz", "=", " size=1e3"}) {
    const StreamNote note = parse_note(comment);
    EXPECT_FALSE(note.batch || note.at_ms || note.bye || note.size > 0) << comment;
  }
  EXPECT_EQ(parse_note(" new=1 at=5 more").at_ms, 5);
}

}  // namespace
}  // namespace pena::wire
