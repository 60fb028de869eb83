#include "store/format.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "format_values.hpp"
#include "old_records.hpp"
#include "sample.hpp"
#include "store/store.hpp"

namespace pena::store {
namespace {

using test::a_batch;
using test::decoded;
using test::encoded;
using test::failed;
using test::id_of;
using test::queued;
using test::queued_in;
using test::reported;
using test::sliced;
using testing::HasSubstr;

TEST(Format, GivesBackWhatItWasGiven) {
  const std::vector msgs = {queued(1), queued(5, ""), queued(9)};
  EXPECT_EQ(decoded(id_of(1), encoded(msgs)), msgs);
  const core::Batch batch = a_batch(2, {queued(3), queued(4, "")});
  EXPECT_EQ(decode_batch(id_of(2), encoded(batch)), batch);
  EXPECT_EQ(batch_size(id_of(2), encoded(batch)), 2U);
  EXPECT_EQ(decode_report(id_of(1), encoded(reported(1, 9, 5))), reported(1, 9, 5));
  EXPECT_EQ(decode_fail(id_of(1), encoded(failed(1, 8, 6))), failed(1, 8, 6));
  std::string later;
  encode(queued_in(7, 1), later);
  EXPECT_EQ(decode_later(id_of(1), later), queued_in(7, 1));
}

TEST(Format, GivesBackWhatAMsgMayHaveBesides) {
  for (const core::QueueNumber queue : {0U, 1U, 4'000'000'000U}) {
    for (const std::optional<std::uint16_t> resends :
         {std::optional<std::uint16_t>{}, std::optional<std::uint16_t>{0}}) {
      for (const std::string& key : {std::string{}, std::string(200, 'k')}) {
        core::QueuedMsg msg = queued(1);
        msg.msg.queue = queue;
        msg.msg.max_resends = resends;
        msg.msg.key = key;
        EXPECT_EQ(decoded(id_of(1), encoded(msg)), std::vector{msg});
        EXPECT_EQ(sliced(id_of(1), encoded(msg)).size(), 1U);
      }
    }
  }
  core::ReportRecord plain;
  plain.id = id_of(1);
  EXPECT_EQ(decode_report(id_of(1), encoded(plain)), plain);
}

TEST(Format, GivesBackPlaces) {
  for (const Place& place : {Place{3}, Place{0, core::from_us(77)}}) {
    EXPECT_EQ(decode_place(id_of(1), encoded(place)), place);
  }
  const QueueInfo info{7, "mail", true, 1, 2, 3, 4};
  EXPECT_EQ(decode_queue_info(7, encoded(info)), info);
  std::string value;
  encode_key(id_of(5), value);
  EXPECT_EQ(decode_key("a key", value), id_of(5));
  const std::vector<core::Xid> ids{id_of(5), core::Xid{}, id_of(2)};
  encode_settled(ids, value);
  std::vector<core::Xid> again;
  decode_settled("reported", 1, value, again);
  EXPECT_EQ(again, ids);
  for (const SettledTail& tail : {SettledTail{}, SettledTail{UINT64_MAX - 3, ids}}) {
    EXPECT_EQ(decode_tail("reported", encoded(tail)), tail);
  }
}

TEST(Format, WhatIsWrongWithAPlaceIsNamed) {
  std::string value;
  encode_key(id_of(5), value);
  value.back() = static_cast<char>(value.back() ^ 1);
  const auto told = [](auto read) -> std::string {
    try {
      (void)read();
    } catch (const StoreError& error) {
      return error.what();
    }
    return "nothing";
  };
  EXPECT_EQ(told([&] { return decode_key("order 1", value); }),
            "the record order 1 in the bucket key is corrupt: it does not match its checksum");
  encode_settled({}, value);
  std::vector<core::Xid> ids;
  EXPECT_EQ(told([&] {
              decode_settled("failed", 17, value, ids);
              return 0;
            }),
            "the record 17 in the bucket failed is corrupt: it names no msg");
  value = encoded(SettledTail{1, {id_of(1)}});
  value.pop_back();
  EXPECT_EQ(told([&] { return decode_tail("failed", value); }),
            "the record tail in the bucket failed is corrupt: it does not match its checksum");
}

// With nothing behind the header but a part of an id there is none to copy, and nowhere to copy it to.
TEST(Format, NamesAnOrderOfSettlingOfLessThanOneId) {
  const auto told = [](auto read) -> std::string {
    try {
      read();
    } catch (const StoreError& error) {
      return error.what();
    }
    return "nothing";
  };
  const auto with_a_byte_more = [](std::string value) {
    value += 'x';
    seal(value);
    return value;
  };
  std::string order;
  encode_settled({}, order);
  std::vector<core::Xid> ids;
  EXPECT_THAT(
      told([&] { decode_settled("reported", 17, with_a_byte_more(order), ids); }),
      HasSubstr("the record 17 in the bucket reported is corrupt: it goes on behind its end"));
  EXPECT_TRUE(ids.empty());
  const std::string tail = encoded(SettledTail{1, {}});
  EXPECT_THAT(
      told([&] { (void)decode_tail("reported", with_a_byte_more(tail)); }),
      HasSubstr("the record tail in the bucket reported is corrupt: it goes on behind its end"));
}

// Whatever the clocks of servers, and of those who chose ids, said.
TEST(Format, GivesBackTheLargestAndTheLeast) {
  constexpr auto kLeast = std::numeric_limits<std::int64_t>::min();
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  for (const core::Xid& id : {core::Xid{}, id_of(1), core::Xid::last_of(UINT32_MAX)}) {
    for (const core::Xid& other : {core::Xid{}, id_of(2), core::Xid::last_of(UINT32_MAX)}) {
      for (const std::int64_t first : {kLeast, std::int64_t{0}, kMost}) {
        for (const std::int64_t second : {kLeast, std::int64_t{-1}, kMost}) {
          core::ReportRecord report{id,
                                    UINT32_MAX,
                                    other,
                                    id,
                                    core::from_us(first),
                                    core::from_us(second),
                                    core::from_us(first),
                                    {}};
          report.order = UINT64_MAX;
          report.attempts = UINT16_MAX;
          EXPECT_EQ(decode_report(id, encoded(report)), report);
          const core::QueuedMsg msg{
              {id, UINT32_MAX, ""}, core::from_us(first), core::from_us(second), {}, UINT16_MAX};
          EXPECT_EQ(decoded(id, encoded(msg)), std::vector{msg});
          const core::Batch batch{id, other, core::from_us(second), {msg, queued(3), msg}, ""};
          EXPECT_EQ(decode_batch(id, encoded(batch)), batch);
        }
      }
    }
  }
}

// Each value has one form, so that two stores with the same content are equal.
TEST(Format, WhatIsLongerThanItNeedBeIsNoticed) {
  const auto told = [&](const std::string& digits) -> std::string {
    try {
      (void)decode_report(core::Xid{}, test::old::sealed_of(digits, 3));
    } catch (const StoreError& error) {
      return error.what();
    }
    return "nothing";
  };
  const std::string rest =
      "00000000"
      "00000000"
      "000000"
      "01"
      "00";
  EXPECT_EQ(told("00"
                 "00"
                 "00" +
                 rest),
            "nothing");
  EXPECT_THAT(told("00"
                   "8000"
                   "00" +
                   rest),
              HasSubstr("longer than it need be"));
  EXPECT_THAT(told("00"
                   "ffffffffffffffffff02"
                   "00" +
                   rest),
              HasSubstr("too large"));
  EXPECT_THAT(told("00"
                   "ffffffffffffffffff01"
                   "00" +
                   rest),
              "nothing");
  EXPECT_THAT(told("00"
                   "00"
                   "8080808010" +
                   rest),
              HasSubstr("too large"));
  EXPECT_THAT(told("00"
                   "00"
                   "00"
                   "01000000"
                   "00000000"
                   "000000"
                   "01"
                   "00"),
              HasSubstr("an id of no second"));
  EXPECT_THAT(told("40"
                   "00"
                   "00"
                   "000000000000000000000000"
                   "00000000"
                   "000000"
                   "01"
                   "00"),
              HasSubstr("whose origin it has"));
}

TEST(Format, ARecordOfTheQueueIsItsMsgsOneBehindTheOther) {
  constexpr std::size_t kBytes = 5;  // version and checksum
  const std::string both = encoded(std::vector{queued(1), queued(5, "")});
  EXPECT_EQ(both.substr(kBytes),
            encoded(queued(1)).substr(kBytes) + encoded(queued(5, "")).substr(kBytes));
}

TEST(Format, SlicesAreTheMsgsAsTheyStand) {
  core::QueuedMsg missed = queued(5);
  missed.misses = {{id_of(2), id_of(3), {}, {}, core::MissReason::dropped, "an error"},
                   {id_of(4), id_of(3), {}, {}, core::MissReason::failed, ""}};
  const std::vector msgs = {queued(1), missed, queued(9, "")};
  const std::string value = encoded(msgs);
  const std::vector<QueuedSlice> slices = sliced(id_of(1), value);
  ASSERT_EQ(slices.size(), msgs.size());
  std::string again;
  for (std::size_t i = 0; i < msgs.size(); ++i) {
    EXPECT_EQ(slices[i].id, msgs[i].msg.id);
    append_slice(slices[i].bytes, again);
  }
  seal(again);
  EXPECT_EQ(again, value);
}

TEST(Format, MsgsOutOfOrderAreNoticed) {
  for (const auto& msgs : {std::vector{queued(1), queued(9), queued(5)},
                           std::vector{queued(1), queued(5), queued(5)}}) {
    EXPECT_THROW((void)decoded(id_of(1), encoded(msgs)), StoreError);
    EXPECT_THROW((void)sliced(id_of(1), encoded(msgs)), StoreError);
  }
}

TEST(Format, EveryChangedByteIsNoticed) {
  const std::string good = encoded(std::vector{queued(1), queued(2)});
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x40);
    EXPECT_THROW((void)decoded(id_of(1), bad), StoreError) << "byte " << at;
    EXPECT_THROW((void)sliced(id_of(1), bad), StoreError) << "byte " << at;
  }
}

TEST(Format, EveryTruncationIsNoticed) {
  const std::string good = encoded(a_batch(1, {queued(2)}));
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_THROW((void)decode_batch(id_of(1), std::string_view{good}.substr(0, size)), StoreError);
  }
  EXPECT_THROW((void)decode_batch(id_of(1), good + "x"), StoreError);
  const std::string queue = encoded(std::vector{queued(1), queued(2)});
  for (std::size_t size = 0; size < queue.size(); ++size) {
    const std::string_view part = std::string_view{queue}.substr(0, size);
    EXPECT_THROW((void)decoded(id_of(1), part), StoreError);
    EXPECT_THROW((void)sliced(id_of(1), part), StoreError);
  }
}

TEST(Format, ABatchIsNotCountedWhereItIsCorrupt) {
  std::string bad = encoded(a_batch(1, {queued(2)}));
  bad.back() = static_cast<char>(bad.back() ^ 1);
  EXPECT_THROW((void)batch_size(id_of(1), bad), StoreError);
  EXPECT_THROW((void)batch_size(id_of(1), "short"), StoreError);
}

TEST(Format, SaysWhatIsWrongWithWhichRecord) {
  std::string bad = encoded(queued(1));
  bad[0] = 9;
  try {
    (void)decoded(id_of(1), bad);
    FAIL();
  } catch (const StoreError& error) {
    EXPECT_STREQ(error.what(),
                 "the record 0000000000000000000g in the bucket queue is corrupt: it has version "
                 "9, this program reads 1 to 3");
  }
}

TEST(Format, ARecordUnderAnotherKeyIsNoticed) {
  EXPECT_THROW((void)decoded(id_of(2), encoded(queued(1))), StoreError);
  EXPECT_THROW((void)sliced(id_of(2), encoded(queued(1))), StoreError);
  EXPECT_THROW((void)decode_fail(id_of(2), encoded(failed(1))), StoreError);
}

}  // namespace
}  // namespace pena::store
