// What a stream of tasks says, as events of a client's machine.
#include "wire/task_reader.hpp"

#include <gtest/gtest.h>

#include <variant>
#include <vector>

namespace pena::wire {
namespace {

constexpr const char* kBatch = "cbvrr5s3r49lpu0cbt60";
constexpr const char* kMsg = "ckkgmc3h5gbufi2sr320";

std::vector<core::StreamEvent> told_by(std::string_view bytes) {
  std::vector<core::StreamEvent> told;
  TaskReader reader([&](const core::StreamEvent& event) { told.push_back(event); });
  EXPECT_TRUE(reader.feed(bytes));
  return told;
}

TEST(TaskReader, TellsNotesMsgsAndWhatIsNone) {
  const auto told = told_by(std::string{": batch="} + kBatch +
                            " size=2 at=1001 lease=500\nid: " + kBatch + "\ndata: {\"id\":\"" +
                            kMsg + "\",\"period\":382}\n\ndata: hello\n\n: hi\n: bye stopping\n");
  ASSERT_EQ(told.size(), 4U);
  EXPECT_TRUE(std::holds_alternative<core::StreamHeard>(told[0]));
  const auto& note = std::get<core::NoteArrived>(told[1]);
  EXPECT_EQ(note.batch, core::Xid::parse(kBatch));
  EXPECT_EQ(note.size, 2U);
  EXPECT_EQ(note.at_ms, 1001);
  EXPECT_EQ(note.lease, std::chrono::milliseconds{500});
  const auto& msg = std::get<core::MsgArrived>(told[2]);
  EXPECT_EQ(msg.id, core::Xid::parse(kMsg));
  EXPECT_EQ(msg.period, 382U);
  EXPECT_EQ(msg.batch, core::Xid::parse(kBatch));
  const auto& strange = std::get<core::StrangeArrived>(told[3]);
  EXPECT_EQ(strange.data, "hello");
  EXPECT_EQ(strange.batch, core::Xid::parse(kBatch));
}

TEST(TaskReader, TellsAMsgThatIsTooLargeWithoutItsData) {
  std::vector<core::StreamEvent> told;
  std::vector<std::uint64_t> large;
  TaskReader reader([&](const core::StreamEvent& event) { told.push_back(event); },
                    {true, 100, [&](const core::Xid& msg, std::uint64_t bytes) {
                       EXPECT_EQ(msg, core::Xid::parse(kMsg));
                       large.push_back(bytes);
                     }});
  const std::string head = std::string{"{\"id\":\""} + kMsg + "\",\"period\":382";
  const std::string data = head + ",\"payload\":\"" + std::string(1000, 'x') + "\"}";
  EXPECT_TRUE(reader.feed("id: " + std::string{kBatch} + "\ndata: " + data + "\n\ndata: " + head +
                          "}\n\n"));
  ASSERT_EQ(told.size(), 3U);
  const auto& msg = std::get<core::MsgArrived>(told[1]);
  EXPECT_EQ(msg.id, core::Xid::parse(kMsg));
  EXPECT_EQ(msg.period, 382U);
  EXPECT_EQ(msg.batch, core::Xid::parse(kBatch));
  EXPECT_EQ(msg.data, "");
  EXPECT_EQ(std::get<core::MsgArrived>(told[2]).data, head + "}");
  EXPECT_EQ(large, std::vector<std::uint64_t>{data.size()});
}

TEST(TaskReader, HearsBytesThatAreNothingYet) {
  EXPECT_EQ(told_by("data: {").size(), 1U);
  EXPECT_TRUE(told_by("").empty());
}

TEST(TaskReader, AsksForABatchsizeAndPerhapsSoManyBatches) {
  EXPECT_EQ(task_query(3, std::nullopt), "batchsize=3");
  EXPECT_EQ(task_query(3, 7), "batchsize=3&batches=7");
}

}  // namespace
}  // namespace pena::wire
