#include "store/format.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "old_records.hpp"
#include "sample.hpp"
#include "store/store.hpp"

namespace pena::store {
namespace {

using test::a_batch;
using test::failed;
using test::id_of;
using test::queued;
using test::queued_in;
using test::reported;
using test::old::sealed_1;
using testing::HasSubstr;

template <class Record>
std::string encoded(const Record& record) {
  std::string out = "what was there before";
  if constexpr (requires { record.order; }) {
    encode(record, record.order, out);
  } else {
    encode(record, out);
  }
  return out;
}

std::string encoded(const std::vector<core::QueuedMsg>& msgs) {
  std::string out;
  for (const core::QueuedMsg& msg : msgs) append(msg, out);
  seal(out);
  return out;
}
std::string encoded(const core::QueuedMsg& msg) {
  return encoded(std::vector{msg});
}

std::vector<core::QueuedMsg> decoded(const core::Xid& id, std::string_view value) {
  std::vector<core::QueuedMsg> msgs;
  decode_queued(id, value, msgs);
  return msgs;
}
std::vector<QueuedSlice> sliced(const core::Xid& id, std::string_view value) {
  std::vector<QueuedSlice> slices;
  slice_queued(id, value, slices);
  return slices;
}

std::string hex(const std::string& bytes) {
  std::string out;
  for (const char letter : bytes) {
    const auto byte = static_cast<unsigned char>(letter);
    out += "0123456789abcdef"[byte >> 4U];
    out += "0123456789abcdef"[byte & 15U];
  }
  return out;
}

constexpr std::size_t kHeader = 10;  // hex digits of version and checksum

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

// A store written by an older program must stay readable: where these bytes change, the version
// does too.
TEST(Format, TheseAreItsBytes) {
  core::QueuedMsg msg{{id_of(1), 382, "[]"}, core::from_us(1), core::from_us(2), {}};
  EXPECT_EQ(hex(encoded(msg)),
            "03acc21eb5"                // version, checksum
            "000000000000000000000001"  // id
            "fe02"                      // period
            "00"                        // flags
            "025b5d"                    // payload
            "02"                        // accepted_at
            "02"                        // queued_at
            "00"                        // attempts
            "00");                      // misses
  msg.msg.queue = 258;
  msg.msg.max_resends = 5;
  msg.msg.key = "k1";
  msg.attempts = 1;
  msg.misses = {{id_of(2), id_of(3), core::from_us(4), core::from_us(5), core::MissReason::dropped,
                 "e", "me"}};
  EXPECT_EQ(hex(encoded(msg)).substr(kHeader),
            "000000000000000000000001"
            "fe02"
            "07"        // flags
            "02010000"  // queue
            "0500"      // max_resends
            "026b31"    // key
            "025b5d"
            "02"
            "02"
            "01"                        // attempts
            "01"                        // misses
            "000000000000000000000002"  // batch
            "000000000000000000000003"  // client
            "0400000000000000"          // granted_at
            "0500000000000000"          // missed_at
            "04"                        // reason
            "026d65"                    // client_name
            "0165");                    // error
}

TEST(Format, TheseAreTheBytesOfTheOtherBuckets) {
  const core::Batch batch{id_of(1),
                          id_of(2),
                          core::from_us(3),
                          {{{id_of(4), 5, ""}, core::from_us(6), core::from_us(7), {}}},
                          "me"};
  EXPECT_EQ(hex(encoded(batch)).substr(kHeader),
            "000000000000000000000002"  // client
            "0300000000000000"          // granted_at
            "026d65"                    // client_name
            "01000000"                  // count
            "00"                        // flags
            "00000004"                  // id
            "05"                        // period
            "00"                        // payload
            "06"                        // accepted_at
            "02"                        // queued_at
            "00"                        // attempts
            "00");                      // misses
  core::Batch more = batch;
  more.msgs.push_back({{core::Xid{{0, 0, 0, 2, 0, 0, 0, 0, 1, 0, 0, 7}}, 0, ""},
                       core::from_us(5),
                       core::from_us(5),
                       {},
                       3});
  more.msgs.back().msg.key = "k";
  EXPECT_EQ(hex(encoded(more)).substr(hex(encoded(batch)).size()),
            "44"                        // flags: a key, and another origin
            "000000020000000001000007"  // id
            "00"
            "016b"  // key
            "00"
            "01"  // accepted_at: before the other one
            "00"
            "03"
            "00");
  core::ReportRecord report{
      id_of(1), 382, id_of(2), id_of(3), core::from_us(4), core::from_us(3), core::from_us(6), {}};
  report.order = 258;
  const std::string fixed =
      "8202"      // order
      "fe02"      // period
      "00000002"  // batch
      "00000003"  // client
      "08"        // accepted_at
      "01"        // granted_at: earlier
      "06"        // reported_at
      "01"        // attempts
      "00";       // misses
  EXPECT_EQ(hex(encoded(report)).substr(kHeader), "00" + fixed);
  report.queue = 2;
  report.max_resends = 0;
  report.key = "k";
  report.client_name = "me";
  report.payload_hash->fill(0xab);
  report.result = "1";
  EXPECT_EQ(hex(encoded(report)).substr(kHeader),
            "3f" + fixed +
                "02000000"                          // queue
                "0000"                              // max_resends
                "016b"                              // key
                "026d65"                            // client_name
                "abababababababababababababababab"  // payload_hash
                "0131");                            // result
  const core::FailRecord fail{{id_of(1), 382, "[]"}, core::from_us(2), core::from_us(3), {}, 4, 5};
  EXPECT_EQ(hex(encoded(fail)).substr(kHeader),
            "05"                        // order
            "000000000000000000000001"  // id
            "fe02"                      // period
            "00"                        // flags
            "025b5d"                    // payload
            "04"                        // accepted_at
            "02"                        // failed_at
            "04"                        // attempts
            "00");                      // misses
}

// An id says its origin where it is another one than that of the id before it.
TEST(Format, AReportSaysWhichProcessesMadeItsIds) {
  const auto of_origin = [](std::uint8_t second, std::uint8_t origin, std::uint8_t counter) {
    return core::Xid{{0, 0, 0, second, 0, 0, 0, 0, origin, 0, 0, counter}};
  };
  core::ReportRecord report;
  report.id = of_origin(5, 1, 1);
  report.batch = of_origin(7, 2, 2);
  report.client = of_origin(4, 2, 3);
  report.accepted_at = report.granted_at = report.reported_at = core::from_us(5'000'000);
  EXPECT_EQ(hex(encoded(report)).substr(kHeader),
            "40"  // flags: the batch's id is of another origin
            "00"
            "00"
            "000000070000000002000002"
            "05000003"  // three seconds before the batch
            "000000"
            "01"    // attempts
            "00");  // misses
  EXPECT_EQ(decode_report(report.id, encoded(report)), report);
  report.client = of_origin(4, 1, 3);
  EXPECT_EQ(hex(encoded(report)).substr(kHeader, 2), "c0");
  EXPECT_EQ(decode_report(report.id, encoded(report)), report);
}

TEST(Format, TheseAreTheBytesOfPlaces) {
  EXPECT_EQ(hex(encoded(Place{258})).substr(kHeader), "02010000");
  EXPECT_EQ(hex(encoded(Place{2, core::from_us(258)})).substr(kHeader),
            "02000000"
            "0201000000000000");
  EXPECT_EQ(hex(encoded(QueueInfo{2, "mail", true, 1, 2, 3, 4})).substr(kHeader),
            "01"                // paused
            "0100000000000000"  // queued
            "0200000000000000"  // later
            "0300000000000000"  // reported
            "0400000000000000"  // failed
            "046d61696c");      // name
  std::string value;
  encode_settled(std::vector{id_of(1), core::Xid{}}, value);
  EXPECT_EQ(hex(value).substr(kHeader),
            "000000000000000000000001"
            "000000000000000000000000");
  EXPECT_EQ(hex(encoded(SettledTail{258, {id_of(1), core::Xid{}}})).substr(kHeader),
            "8202"  // first
            "000000000000000000000001"
            "000000000000000000000000");
  EXPECT_EQ(hex(encoded(SettledTail{1, {}})).substr(kHeader), "01");
}

// As a program that wrote version 1 has left them.
TEST(Format, RecordsOfVersion1AreRead) {
  const std::string miss =
      "000000000000000000000002"
      "000000000000000000000003"
      "0400000000000000"
      "0500000000000000"
      "04"
      "0100000065";
  const std::string msg =
      "000000000000000000000001"  // id
      "7e010000"                  // period
      "020000005b5d"              // payload
      "0100000000000000"          // accepted_at
      "0200000000000000"          // queued_at
      "0100" +
      miss;
  core::QueuedMsg expected{
      {id_of(1), 382, "[]"},
      core::from_us(1),
      core::from_us(2),
      {{id_of(2), id_of(3), core::from_us(4), core::from_us(5), core::MissReason::dropped, "e"}},
      1};
  const std::string queue = sealed_1(msg);
  EXPECT_EQ(decoded(id_of(1), queue), std::vector{expected});
  EXPECT_EQ(sliced(id_of(1), queue).size(), 1U);
  std::string buffer;
  EXPECT_EQ(renewed_queued(id_of(1), queue, buffer), encoded(expected));
  EXPECT_EQ(renewed_queued(id_of(1), buffer, buffer), encoded(expected));

  const core::Batch batch = decode_batch(id_of(9), sealed_1("000000000000000000000002"
                                                            "0300000000000000"
                                                            "01000000" +
                                                            msg));
  EXPECT_EQ(batch, (core::Batch{id_of(9), id_of(2), core::from_us(3), {expected}}));
  EXPECT_EQ(batch_size(id_of(9), sealed_1("000000000000000000000002"
                                          "0300000000000000"
                                          "01000000" +
                                          msg)),
            1U);

  const core::ReportRecord report = decode_report(id_of(1), sealed_1("7e010000"
                                                                     "000000000000000000000002"
                                                                     "000000000000000000000003"
                                                                     "0400000000000000"
                                                                     "0500000000000000"
                                                                     "0600000000000000"
                                                                     "0100" +
                                                                     miss));
  core::ReportRecord read{
      id_of(1),       382, id_of(2), id_of(3), core::from_us(4), core::from_us(5), core::from_us(6),
      expected.misses};
  read.attempts = 2;
  read.payload_hash.reset();
  EXPECT_EQ(report, read);

  const core::FailRecord fail = decode_fail(id_of(1), sealed_1("000000000000000000000001"
                                                               "7e010000"
                                                               "020000005b5d"
                                                               "0200000000000000"
                                                               "0300000000000000"
                                                               "0100" +
                                                               miss));
  EXPECT_EQ(fail, (core::FailRecord{expected.msg, core::from_us(2), core::from_us(3),
                                    expected.misses, 1}));
}

// As a program that wrote version 2 has left them.
TEST(Format, RecordsOfVersion2AreRead) {
  core::QueuedMsg msg = queued(1);
  msg.msg.queue = 258;
  msg.msg.max_resends = 5;
  msg.msg.key = "k1";
  const std::string queue = test::old::queue({msg, queued(5)}, 2);
  EXPECT_EQ(decoded(id_of(1), queue), (std::vector{msg, queued(5)}));
  EXPECT_EQ(sliced(id_of(1), queue).size(), 2U);
  std::string buffer;
  EXPECT_EQ(renewed_queued(id_of(1), queue, buffer), encoded(std::vector{msg, queued(5)}));
  const core::Batch batch = a_batch(2, {msg, queued(4, "")});
  EXPECT_EQ(decode_batch(id_of(2), test::old::batch(batch, 2)), batch);
  EXPECT_EQ(batch_size(id_of(2), test::old::batch(batch, 2)), 2U);
  EXPECT_EQ(decode_report(id_of(1), test::old::report(reported(1, 9, 5), 2)), reported(1, 9, 5));
  core::ReportRecord unknown = reported(1, 9);
  unknown.payload_hash.reset();
  EXPECT_EQ(decode_report(id_of(1), test::old::report(unknown, 2)), unknown);
  EXPECT_EQ(decode_fail(id_of(1), test::old::fail(failed(1, 8, 6), 2)), failed(1, 8, 6));
  EXPECT_EQ(hex(test::old::report(reported(1, 258), 2)).substr(kHeader, 48),
            "0201000000000000"            // order
            "7e010000"                    // period
            "0000000000000000000002bc");  // batch
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
