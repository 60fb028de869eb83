#include "cli/story.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sample.hpp"

namespace {

using namespace pena;
using cli::test::xid;
using core::MissReason;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

core::Instant at(std::int64_t ms) {
  return core::from_us(ms * 1000);
}

core::Miss miss(std::int64_t from, std::int64_t to, MissReason reason) {
  core::Miss miss;
  miss.granted_at = at(from);
  miss.missed_at = at(to);
  miss.reason = reason;
  return miss;
}

core::ReportRecord report(std::uint8_t id, std::uint32_t period,
                          std::vector<core::Miss> misses = {}) {
  core::ReportRecord record;
  record.id = xid(id);
  record.period = period;
  record.granted_at = misses.empty() ? at(0) : misses.back().missed_at;
  record.reported_at = record.granted_at + core::Duration{1};
  record.misses = std::move(misses);
  record.attempts = static_cast<std::uint16_t>(record.misses.size() + 1);
  return record;
}

core::FailRecord fail(std::uint8_t id, std::uint32_t period) {
  core::FailRecord record;
  record.msg.id = xid(id);
  record.msg.period = period;
  record.misses = {miss(0, 10, MissReason::dropped), miss(10, 20, MissReason::dropped),
                   miss(20, 30, MissReason::expired), miss(30, 40, MissReason::omitted)};
  record.attempts = 4;
  return record;
}

// Two reported, one of them at its third delivery; one failed. It adds up.
cli::Evidence evidence() {
  cli::Evidence evidence;
  evidence.generated = 3;
  evidence.sent = 1 + 3 + 4;
  evidence.buckets.report = 2;
  evidence.buckets.fail = 1;
  evidence.reports = {
      report(1, 900),
      report(2, 300, {miss(0, 5, MissReason::omitted), miss(5, 9, MissReason::dropped)})};
  evidence.fails = {fail(3, 901)};
  return evidence;
}

std::vector<std::string> problems_of(const cli::Evidence& evidence) {
  return cli::story_of(evidence).problems;
}

TEST(Story, ARunThatAddsUpIsToldWithEveryResendAndItsReason) {
  const cli::Story story = cli::story_of(evidence());
  EXPECT_THAT(story.problems, IsEmpty());
  EXPECT_EQ(story.generated, 3U);
  EXPECT_EQ(story.reported, 2U);
  EXPECT_EQ(story.failed, 1U);
  EXPECT_EQ(story.resent, 5U);
  EXPECT_THAT(story.resent_because,
              ElementsAre(std::pair{MissReason::omitted, 1U}, std::pair{MissReason::failed, 0U},
                          std::pair{MissReason::refused, 0U}, std::pair{MissReason::dropped, 3U},
                          std::pair{MissReason::expired, 1U}));
}

TEST(Story, HarmlessIsAPeriodUpTo900) {
  cli::Evidence both = evidence();
  EXPECT_EQ(cli::story_of(both).harmless, 2U);
  EXPECT_EQ(cli::story_of(both).harmless_failed, 0U);
  both.fails = {fail(3, 900)};
  EXPECT_EQ(cli::story_of(both).harmless, 3U);
  EXPECT_EQ(cli::story_of(both).harmless_failed, 1U);
}

TEST(Story, AMsgThatIsMissingDoesNotAddUp) {
  cli::Evidence lost = evidence();
  lost.generated = 4;
  EXPECT_THAT(problems_of(lost), ElementsAre("generated is 4, but the buckets hold 3"));
}

TEST(Story, WhatIsLeftOverDoesNotAddUpUnlessTheRunWasInterrupted) {
  cli::Evidence left = evidence();
  core::QueuedMsg queued;
  queued.msg.id = xid(4);
  queued.misses = {miss(0, 3, MissReason::dropped)};
  core::QueuedMsg held;
  held.msg.id = xid(5);
  held.misses = {miss(0, 3, MissReason::omitted)};
  left.queued = {queued};
  core::QueuedMsg later;
  later.msg.id = xid(6);
  later.misses = {miss(0, 3, MissReason::failed)};
  left.held = {held};
  left.later = {later};
  left.buckets.queue = 1;
  left.buckets.later = 1;
  left.buckets.batch = 1;
  left.generated = 6;
  left.sent += 1 + 1 + 2;
  EXPECT_THAT(problems_of(left),
              ElementsAre("queue, later and batch should be empty, but hold 1, 1 and 1"));
  left.interrupted = true;
  const cli::Story story = cli::story_of(left);
  EXPECT_THAT(story.problems, IsEmpty());
  EXPECT_EQ(story.waiting, 3U);
  // The misses of those that wait have led to no delivery yet.
  EXPECT_EQ(story.resent, 6U);
}

TEST(Story, AnIdInTwoBucketsDoesNotAddUp) {
  cli::Evidence twice = evidence();
  twice.fails = {fail(1, 901)};
  EXPECT_THAT(problems_of(twice),
              ElementsAre("msg " + xid(1).text() + " is in the buckets more than once"));
}

TEST(Story, ADeliveryTooManyDoesNotAddUp) {
  cli::Evidence many = evidence();
  many.max_resends = 1;
  EXPECT_THAT(problems_of(many),
              ElementsAre("msg " + xid(2).text() + " was sent 3 times, more than 2",
                          "msg " + xid(3).text() + " is in fail after 4 deliveries instead of 2"));
}

TEST(Story, AMsgThatFailedTooEarlyDoesNotAddUp) {
  cli::Evidence early = evidence();
  early.fails[0].misses.pop_back();
  early.fails[0].attempts = 3;
  early.sent -= 1;
  EXPECT_THAT(problems_of(early),
              ElementsAre("msg " + xid(3).text() + " is in fail after 3 deliveries instead of 4"));
}

TEST(Story, WhatWasRetriedMayHaveMoreDeliveriesInAll) {
  cli::Evidence retried = evidence();
  retried.fails[0].misses.push_back(miss(50, 60, MissReason::omitted));
  retried.fails[0].attempts = 4;
  retried.sent += 1;
  EXPECT_THAT(problems_of(retried), IsEmpty());
}

TEST(Story, TwoHoldersAtOneTimeDoNotAddUp) {
  cli::Evidence overlap = evidence();
  overlap.fails[0].misses[1].granted_at = at(9);
  EXPECT_THAT(problems_of(overlap), Contains(HasSubstr("two holders")));
  overlap = evidence();
  overlap.reports[1].granted_at = at(8);
  EXPECT_THAT(problems_of(overlap), Contains(HasSubstr("two holders")));
}

TEST(Story, TimesThatRunBackwardsDoNotAddUp) {
  cli::Evidence backwards = evidence();
  backwards.reports[0].reported_at = at(-1);
  EXPECT_THAT(problems_of(backwards), ElementsAre(HasSubstr("reported before it was sent")));
  backwards = evidence();
  backwards.fails[0].misses[0].granted_at = at(11);
  EXPECT_THAT(problems_of(backwards), ElementsAre(HasSubstr("missed before it was sent")));
}

TEST(Story, ASendThatNoRecordTellsOfDoesNotAddUp) {
  cli::Evidence sent = evidence();
  sent.sent += 1;
  EXPECT_THAT(problems_of(sent), ElementsAre("sent is 9, but the deliveries on record are 8"));
}

TEST(Story, ACountThatItsRecordsDoNotBearOutDoesNotAddUp) {
  cli::Evidence count = evidence();
  count.buckets.report = 1;
  count.buckets.fail = 2;
  EXPECT_THAT(problems_of(count), ElementsAre("the count of report is 1, but its records are 2",
                                              "the count of fail is 2, but its records are 1"));
}

TEST(Story, APersonIsToldTheCountsAndTheVerdict) {
  EXPECT_THAT(cli::told(cli::story_of(evidence())),
              AllOf(HasSubstr("omitted 1, failed 0, refused 0, dropped 3, expired 1"),
                    HasSubstr("(period up to 900) that ended in fail: 0 of 2 (0.0 %)"),
                    HasSubstr("It adds up")));
  cli::Evidence lost = evidence();
  lost.generated = 4;
  EXPECT_THAT(cli::told(cli::story_of(lost)),
              AllOf(HasSubstr("It does not add up"), HasSubstr("generated is 4")));
}

}  // namespace
