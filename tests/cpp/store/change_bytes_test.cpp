// Change sets as bytes: there and back, byte for byte, and what is none is refused.
#include "store/change_bytes.hpp"

#define XXH_INLINE_ALL
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <random>

#include "outcomes.hpp"
#include "random_changes.hpp"
#include "store/format.hpp"
#include "store/memory_store.hpp"
#include "store/record_bytes.hpp"

namespace pena::store {
namespace {

using ::testing::HasSubstr;

using test::id_of;
using test::queued;

ChangeSet one_of_each() {
  return {core::PutQueue{test::queued_in(2, 1)},
          core::DropQueue{id_of(2), 2},
          test::rest_of_batch(7, {queued(3)}),
          core::DropBatch{id_of(8)},
          core::PutReport{test::reported(4)},
          core::PutFail{test::failed(5)},
          core::PutMeta{"generated", 17},
          core::PutLater{test::due(6, 77)},
          core::DropLater{id_of(6), core::from_us(77)},
          core::DropReport{id_of(9)},
          core::DropFail{id_of(10)},
          core::PutKey{2, "key 1", id_of(1)},
          core::DropKey{2, "key 2"},
          core::PutQueueName{2, "mail", true}};
}

std::string bytes_of(const ChangeSet& changes) {
  std::string bytes;
  encode(changes, bytes);
  return bytes;
}

// By one batch, of which it says nothing else. Of the ids 1, 2, … one is made a second.
core::ReportRecord reported_by(std::uint16_t number) {
  const auto one_process = [](std::uint8_t second, std::uint16_t counter) {
    return core::Xid{{0, 0, 0, second, 2, 3, 4, 5, 6, 0, static_cast<std::uint8_t>(counter >> 8U),
                      static_cast<std::uint8_t>(counter)}};
  };
  core::ReportRecord record;
  record.id = one_process(1, number);
  record.batch = one_process(2, 0x700);
  record.client = core::Xid{{0, 0, 0, 1, 9, 9, 9, 9, 9, 0, 0, 1}};
  record.period = 3;
  record.accepted_at = core::from_us(1'000'000 + number);
  record.granted_at = core::from_us(2'000'010);
  record.reported_at = core::from_us(2'000'030);
  record.client_name = "w";
  record.attempts = 1;
  record.payload_hash = core::PayloadHash{};
  return record;
}

core::ReportRecord record_in(const core::Write& write) {
  return core::record_of(std::get<core::PutReport>(write).fields());
}

std::string hex(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    text += kDigits[static_cast<std::uint8_t>(byte) >> 4U];
    text += kDigits[static_cast<std::uint8_t>(byte) & 15U];
  }
  return text;
}

TEST(ChangeBytes, EveryWriteComesBack) {
  const ChangeSet changes = one_of_each();
  const ChangeSet back = decode_changes(bytes_of(changes));
  ASSERT_EQ(back.size(), changes.size());
  for (std::size_t at = 0; at < back.size(); ++at) EXPECT_EQ(back[at].index(), changes[at].index());
  EXPECT_EQ(bytes_of(back), bytes_of(changes));
  EXPECT_EQ(std::get<core::PutQueue>(back[0]).msg, test::queued_in(2, 1));
  EXPECT_TRUE(std::get<core::PutBatch>(back[2]).replaces);
  EXPECT_EQ(record_in(back[4]), test::reported(4));
  EXPECT_EQ(std::get<core::PutFail>(back[5]).record, test::failed(5));
  EXPECT_EQ(std::get<core::DropLater>(back[8]).due_at, core::from_us(77));
  EXPECT_TRUE(std::get<core::PutQueueName>(back[13]).paused);
}

TEST(ChangeBytes, GoldenBytes) {
  core::QueuedMsg msg;
  msg.msg.id = core::Xid{{0, 0, 0, 1, 2, 3, 4, 5, 6, 0, 0, 7}};
  msg.msg.period = 3;
  msg.accepted_at = msg.queued_at = core::from_us(1'000'001);
  core::ReportRecord report = reported_by(1);
  core::ReportRecord next = reported_by(2);
  next.result = "7";
  std::string expected =
      // 1: flags, id whole, period, no payload, 1000001 us from the epoch, 0 from that, attempts, misses
      "01 40 000000010203040506000007 03 00 82897a 00 00 00 "
      // 5: the batch's id near it, client, 10 and 20 us, its name; the report of 1
      "05 02 000700 000000010909090909000001 14 28 0177 "
      "00 01 000001 03 00 01 00 "
      // 15: the next, 1 us later, with a result
      "0f 20 00 000002 03 02 01 00 0137 "
      // 4, 10: an id of another origin
      "04 02 000700 8a 000000000000000000000000";
  std::erase(expected, ' ');
  const std::string bytes =
      bytes_of({core::PutQueue{msg}, core::PutReport{report}, core::PutReport{next},
                core::DropBatch{report.batch}, core::DropReport{core::Xid{}}});
  EXPECT_EQ(hex(std::string_view{bytes}.substr(kRecordHeader)), expected);
  EXPECT_EQ(bytes.front(), kRecordVersion);
}

// Nearly all that is written is this.
TEST(ChangeBytes, ReportsOfOneBatchSayOnceWhatTheyShare) {
  ChangeSet changes;
  for (std::uint16_t number = 1; number <= 1000; ++number) {
    changes.emplace_back(core::PutReport{reported_by(number)});
  }
  const std::string bytes = bytes_of(changes);
  EXPECT_LT(bytes.size(), 1000U * 12);
  EXPECT_LE(least_bytes(changes, SIZE_MAX), bytes.size());
  const ChangeSet back = decode_changes(bytes);
  ASSERT_EQ(back.size(), 1000U);
  for (std::uint16_t number = 1; number <= 1000; ++number) {
    EXPECT_EQ(record_in(back[number - 1U]), reported_by(number));
  }
}

// As short as they can be.
TEST(ChangeBytes, TheLeastIsNoMoreThanThereIs) {
  core::QueuedMsg msg;
  msg.accepted_at = msg.queued_at = core::from_us(0);
  auto batch = std::make_shared<core::Batch>();
  batch->msgs.assign(1000, msg);
  std::vector<ChangeSet> sets{{core::PutBatch{batch}}};
  for (const core::Write& write :
       {core::Write{core::PutQueue{msg}}, core::Write{core::PutLater{msg}},
        core::Write{core::DropReport{core::Xid{}}}, core::Write{core::DropKey{0, ""}},
        core::Write{core::PutFail{core::FailRecord{}}}}) {
    sets.emplace_back(1000, write);
  }
  for (const ChangeSet& set : sets) {
    EXPECT_LE(least_bytes(set, SIZE_MAX), bytes_of(set).size()) << set.front().index();
  }
}

TEST(ChangeBytes, ReportsThatDifferInWhatIsSharedComeBack) {
  std::vector<core::ReportRecord> records(7, reported_by(1));
  records[1].batch = id_of(701);
  records[2].client = id_of(801);
  records[3].granted_at = core::from_us(5);
  records[4].reported_at = core::from_us(6);
  records[5].client_name = "another";
  records[6].id = id_of(7);
  ChangeSet changes;
  for (const core::ReportRecord& record : records) changes.emplace_back(core::PutReport{record});
  const ChangeSet back = decode_changes(bytes_of(changes));
  ASSERT_EQ(back.size(), records.size());
  for (std::size_t at = 0; at < back.size(); ++at) EXPECT_EQ(record_in(back[at]), records[at]);
}

// As those of several servers, and of submitters that make their own.
TEST(ChangeBytes, IdsOfAnyOriginComeBack) {
  std::mt19937 random{7};
  const auto any = [&random] {
    core::Xid::Bytes bytes{};
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random() % 256);
    if (random() % 2 == 0) std::fill(bytes.begin() + 4, bytes.begin() + 9, std::uint8_t{0});
    return core::Xid{bytes};
  };
  for (int round = 0; round < 200; ++round) {
    core::ReportRecord report = test::reported(1);
    report.id = any();
    report.batch = any();
    report.client = any();
    core::QueuedMsg msg = queued(1);
    msg.msg.id = any();
    const std::string bytes =
        bytes_of({core::DropBatch{any()}, core::PutReport{report}, core::PutQueue{msg},
                  core::DropQueue{any(), 2}, core::PutKey{2, "key", any()}, core::DropFail{any()}});
    const ChangeSet back = decode_changes(bytes);
    EXPECT_EQ(bytes_of(back), bytes);
    EXPECT_EQ(record_in(back[1]), report);
    EXPECT_EQ(std::get<core::PutQueue>(back[2]).msg, msg);
  }
}

std::string refusal_of(std::string body, std::uint8_t version = kRecordVersion) {
  const auto checksum =
      static_cast<std::uint32_t>(XXH3_64bits_withSeed(body.data(), body.size(), version));
  body.insert(0, kRecordHeader, '\0');
  body[0] = static_cast<char>(version);
  std::memcpy(body.data() + 1, &checksum, sizeof checksum);
  try {
    (void)decode_changes(body);
  } catch (const StoreError& error) {
    return error.what();
  }
  return "taken";
}

TEST(ChangeBytes, WhatNoPenaWritesIsRefused) {
  const std::string two = bytes_of({core::PutReport{reported_by(1)}}).substr(kRecordHeader);
  EXPECT_THAT(refusal_of("\x0f"), HasSubstr("has a report of nobody"));
  EXPECT_THAT(refusal_of("\x10"), HasSubstr("unknown kind 16"));
  EXPECT_THAT(refusal_of(std::string("\x87\0\0\0\0\0\0\0\0\0", 10)), HasSubstr("has no id"));
  // Batch and client again, near the msg that was reported.
  std::string again = two + two;
  again.replace(two.size(), 1 + core::Xid::kBytes, std::string("\x05\2\0\x07\0", 5));
  EXPECT_THAT(refusal_of(again), HasSubstr("tells twice"));
  EXPECT_THAT(refusal_of(two, kRecordVersion - 1), HasSubstr("another Pena wrote it"));
  // Who applies it gives it a place.
  std::string unplaced, placed;
  encode(test::failed(5), 0, unplaced);
  encode(test::failed(5), 7, placed);
  std::string put = bytes_of({core::PutFail{test::failed(5)}}).substr(kRecordHeader);
  put.replace(put.find(unplaced), unplaced.size(), placed);
  EXPECT_THAT(refusal_of(put), HasSubstr("has a place"));
}

TEST(ChangeBytes, NoneIsAChangeSet) {
  EXPECT_TRUE(decode_changes(bytes_of({})).empty());
}

TEST(ChangeBytes, WhatIsChangedOrCutOffIsRefused) {
  const std::string good = bytes_of(one_of_each());
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    EXPECT_THROW((void)decode_changes(bad), StoreError) << at;
    EXPECT_THROW((void)decode_changes(std::string_view{good}.substr(0, at)), StoreError) << at;
  }
}

TEST(ChangeBytes, DoWhatTheChangeSetDoes) {
  for (unsigned seed = 0; seed < 50; ++seed) {
    SCOPED_TRACE(seed);
    test::RandomChanges changes{seed};
    const auto straight = make_memory_store();
    const auto through = make_memory_store();
    for (int round = 0; round < 40; ++round) {
      const ChangeSet set = changes.next(changes.below(12));
      EXPECT_LE(least_bytes(set, SIZE_MAX), bytes_of(set).size());
      straight->commit(set);
      through->commit(decode_changes(bytes_of(set)));
    }
    ASSERT_EQ(test::contents_of(*through), test::contents_of(*straight));
  }
}

}  // namespace
}  // namespace pena::store
