// The format byte for byte, and as older programs have left it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "format_values.hpp"
#include "old_records.hpp"
#include "sample.hpp"
#include "store/format.hpp"

namespace pena::store {
namespace {

using test::a_batch;
using test::decoded;
using test::encoded;
using test::failed;
using test::hex;
using test::id_of;
using test::kHeader;
using test::queued;
using test::reported;
using test::sliced;
using test::old::sealed_1;

// A store written by an older program must stay readable: where these bytes change, the version
// does too.
TEST(FormatBytes, TheseAreItsBytes) {
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

TEST(FormatBytes, TheseAreTheBytesOfTheOtherBuckets) {
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
TEST(FormatBytes, AReportSaysWhichProcessesMadeItsIds) {
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

TEST(FormatBytes, TheseAreTheBytesOfPlaces) {
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
TEST(FormatBytes, RecordsOfVersion1AreRead) {
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
TEST(FormatBytes, RecordsOfVersion2AreRead) {
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

}  // namespace
}  // namespace pena::store
