#include "store/format.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sample.hpp"
#include "store/store.hpp"

namespace pena::store {
namespace {

using test::a_batch;
using test::failed;
using test::id_of;
using test::queued;
using test::reported;
using testing::HasSubstr;

template <class Record>
std::string encoded(const Record& record) {
  std::string out = "what was there before";
  encode(record, out);
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

TEST(Format, GivesBackWhatItWasGiven) {
  const std::vector msgs = {queued(1), queued(5, ""), queued(9)};
  EXPECT_EQ(decoded(id_of(1), encoded(msgs)), msgs);
  const core::Batch batch = a_batch(2, {queued(3), queued(4, "")});
  EXPECT_EQ(decode_batch(id_of(2), encoded(batch)), batch);
  EXPECT_EQ(batch_size(id_of(2), encoded(batch)), 2U);
  EXPECT_EQ(decode_report(id_of(1), encoded(reported(1))), reported(1));
  EXPECT_EQ(decode_fail(id_of(1), encoded(failed(1))), failed(1));
}

// A store written by an older program must stay readable: where these bytes change, the version
// does too.
TEST(Format, TheseAreItsBytes) {
  core::QueuedMsg msg{{id_of(1), 382, "[]"}, core::from_us(1), core::from_us(2), {}};
  EXPECT_EQ(hex(encoded(msg)),
            "018502377e"                // version, checksum
            "000000000000000000000001"  // id
            "7e010000"                  // period
            "020000005b5d"              // payload
            "0100000000000000"          // accepted_at
            "0200000000000000"          // queued_at
            "0000");                    // misses
  msg.misses = {
      {id_of(2), id_of(3), core::from_us(4), core::from_us(5), core::MissReason::dropped, "e"}};
  EXPECT_THAT(hex(encoded(msg)), HasSubstr("0100"
                                           "000000000000000000000002"
                                           "000000000000000000000003"
                                           "0400000000000000"
                                           "0500000000000000"
                                           "04"
                                           "0100000065"));
}

TEST(Format, TheseAreTheBytesOfTheOtherBuckets) {
  constexpr std::size_t kHeader = 10;  // hex digits of version and checksum
  const core::Batch batch{id_of(1),
                          id_of(2),
                          core::from_us(3),
                          {{{id_of(4), 5, ""}, core::from_us(6), core::from_us(7), {}}}};
  EXPECT_EQ(hex(encoded(batch)).substr(kHeader),
            "000000000000000000000002"  // client
            "0300000000000000"          // granted_at
            "01000000"                  // count
            "000000000000000000000004"
            "05000000"
            "00000000"
            "0600000000000000"
            "0700000000000000"
            "0000");
  const core::ReportRecord report{
      id_of(1), 382, id_of(2), id_of(3), core::from_us(4), core::from_us(5), core::from_us(6), {}};
  EXPECT_EQ(hex(encoded(report)).substr(kHeader),
            "7e010000"                  // period
            "000000000000000000000002"  // batch
            "000000000000000000000003"  // client
            "0400000000000000"          // accepted_at
            "0500000000000000"          // granted_at
            "0600000000000000"          // reported_at
            "0000");                    // misses
  const core::FailRecord fail{{id_of(1), 382, "[]"}, core::from_us(2), core::from_us(3), {}};
  EXPECT_EQ(hex(encoded(fail)).substr(kHeader),
            "000000000000000000000001"  // id
            "7e010000"                  // period
            "020000005b5d"              // payload
            "0200000000000000"          // accepted_at
            "0300000000000000"          // failed_at
            "0000");                    // misses
}

TEST(Format, ARecordOfTheQueueIsItsMsgsOneBehindTheOther) {
  constexpr std::size_t kHeader = 5;  // version and checksum
  const std::string both = encoded(std::vector{queued(1), queued(5, "")});
  EXPECT_EQ(both.substr(kHeader),
            encoded(queued(1)).substr(kHeader) + encoded(queued(5, "")).substr(kHeader));
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
                 "9, this program reads 1");
  }
}

TEST(Format, ARecordUnderAnotherKeyIsNoticed) {
  EXPECT_THROW((void)decoded(id_of(2), encoded(queued(1))), StoreError);
  EXPECT_THROW((void)sliced(id_of(2), encoded(queued(1))), StoreError);
  EXPECT_THROW((void)decode_fail(id_of(2), encoded(failed(1))), StoreError);
}

}  // namespace
}  // namespace pena::store
