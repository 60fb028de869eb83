// What a report is told of ids that no batch held, by what the store knows of them.
#include "turn/settled.hpp"

#include <gmock/gmock.h>

#include "fake_view.hpp"
#include "store/sample.hpp"
#include "turn/reply.hpp"

namespace pena::turn::test {
namespace {

using core::MissReason;
using core::Xid;
using store::test::id_of;
using testing::HasSubstr;

const Xid kBatch = id_of(900);
const Xid kOther = id_of(901);

core::Miss missed(const Xid& batch, MissReason reason) {
  return {batch, id_of(800), core::from_us(1), core::from_us(2), reason, {}};
}

class SettledTest : public testing::Test {
 protected:
  // A report of the batch that is gone, which names these.
  SettledReply settle(const std::vector<Xid>& ids, bool as_processed = false) {
    return told(reply(ids, as_processed));
  }
  // Of what is left then nobody holds anything.
  [[nodiscard]] SettledReply told(const core::ReportReply& reply) const {
    Verdict verdict = settled(reply, view_);
    while (auto* const open = std::get_if<OpenReport>(&verdict)) {
      open->search.note({});
      verdict = settled(OpenReport{std::move(*open)}, view_);
    }
    return std::get<SettledReply>(verdict);
  }
  static core::ReportReply reply(const std::vector<Xid>& ids, bool as_processed = false) {
    core::ReportReply reply{7};
    for (const Xid& id : ids) reply.elsewhere.push_back({id, as_processed});
    reply.batch = kBatch;
    reply.batch_gone = true;
    reply.held = 0;
    return reply;
  }
  void add_reported(std::uint16_t number, const Xid& batch, std::vector<core::Miss> story = {}) {
    core::ReportRecord record;
    record.id = id_of(number);
    record.batch = batch;
    record.misses = std::move(story);
    view_.reported[record.id] = record;
  }
  static core::QueuedMsg msg(std::uint16_t number, std::vector<core::Miss> story) {
    core::QueuedMsg queued;
    queued.msg.id = id_of(number);
    queued.misses = std::move(story);
    return queued;
  }
  void add_queued(std::uint16_t number, std::vector<core::Miss> story) {
    view_.queued[id_of(number)] = msg(number, std::move(story));
  }

  FakeView view_;
};

TEST_F(SettledTest, ARetryOfAReportThatWasTakenIsToldSo) {
  add_reported(1, kBatch);
  add_reported(2, kOther, {missed(kBatch, MissReason::failed)});
  add_queued(3, {missed(kBatch, MissReason::refused)});
  view_.due[id_of(4)] = msg(4, {missed(kBatch, MissReason::failed)});
  view_.failed[id_of(5)].misses = {missed(kBatch, MissReason::omitted)};
  core::ReportReply of_six = reply({id_of(1), id_of(2), id_of(3), id_of(4), id_of(5), id_of(6)});
  of_six.elsewhere[5].held = core::NamedId::Held::taken;
  const SettledReply told = std::get<SettledReply>(settled(of_six, view_));
  EXPECT_EQ(told.not_taken, 0U);
  EXPECT_EQ(told.duplicate, 2U);
  EXPECT_EQ(told.unknown, 4U);
  EXPECT_EQ(told.held, 0U);
}

TEST_F(SettledTest, WhatWasLeftOutOrGivenUpIsNotProcessedAfterwards) {
  add_reported(1, kBatch);
  add_reported(2, kOther, {missed(kBatch, MissReason::failed)});
  add_queued(3, {missed(kBatch, MissReason::refused)});
  view_.failed[id_of(4)].misses = {missed(kBatch, MissReason::omitted)};
  EXPECT_EQ(settle({id_of(1), id_of(2), id_of(3), id_of(4)}, true).not_taken, 3U);
}

TEST_F(SettledTest, WhatCameTooLateWasNotTaken) {
  add_reported(1, kOther, {missed(kBatch, MissReason::expired)});
  add_reported(2, kOther);
  add_queued(3, {missed(kBatch, MissReason::dropped)});
  view_.failed[id_of(4)].misses = {missed(kBatch, MissReason::expired)};
  core::ReportReply of_six = reply({id_of(1), id_of(2), id_of(3), id_of(4), id_of(5), id_of(6)});
  of_six.elsewhere[4].held = core::NamedId::Held::not_taken;
  const SettledReply told = this->told(of_six);
  EXPECT_EQ(told.not_taken, 6U);
  EXPECT_EQ(told.duplicate, 2U);
  EXPECT_EQ(told.unknown, 4U);
}

// It waited when the report came, and was granted before the store was looked at.
TEST_F(SettledTest, WhatIsNeitherThereNorWasHeldIsAskedFor) {
  add_queued(1, {missed(kBatch, MissReason::failed)});
  core::ReportReply of_three = reply({id_of(1), id_of(2), id_of(3)});
  of_three.batches_granted = 6;
  auto open = std::get<OpenReport>(settled(of_three, view_));
  EXPECT_EQ(open.left, (std::vector<core::NamedId>{{id_of(2)}, {id_of(3)}}));
  core::Status told;
  told.batches_granted = 8;
  const core::Batch holder{kOther, id_of(801), {}, {msg(2, {missed(kBatch, MissReason::failed)})}};
  told.holders = {std::make_shared<const core::Batch>(holder), nullptr};
  open.search.note(told);
  open = std::get<OpenReport>(settled(std::move(open), view_));
  EXPECT_EQ(open.left, std::vector<core::NamedId>{{id_of(3)}});
  told.holders = {nullptr};
  open.search.note(told);  // nothing was granted since
  EXPECT_EQ(std::get<SettledReply>(settled(std::move(open), view_)).not_taken, 1U);
  EXPECT_EQ(view_.batches_read, 0);
}

// Had it been taken, it would be there.
TEST_F(SettledTest, OfWhatIsToldAsProcessedNothingIsAskedFor) {
  const auto told = settled(reply({id_of(1), id_of(2)}, true), view_);
  EXPECT_EQ(std::get<SettledReply>(told).not_taken, 2U);
}

TEST_F(SettledTest, NothingIsTooLateForABatchThatIsHeldAndForAReportWithoutOne) {
  auto held = reply({id_of(1)});
  held.batch_gone = false;
  held.held = 3;
  EXPECT_EQ(told(held).not_taken, 0U);
  EXPECT_EQ(told(held).held, 3U);
  const SettledReply none = told(core::ReportReply{7, 1, {{id_of(1), true}}});
  EXPECT_EQ(none.not_taken, 0U);
  EXPECT_EQ(none.held, std::nullopt);
}

// ---- the answers

Answer answered(const core::ReportReply& reply, const store::View& view) {
  const auto given = answer(Reply{7, Settled{reply, 12}}, core::Limits{});
  const auto* const asked = std::get_if<LookUp>(&given);
  return asked != nullptr ? std::get<Answer>(answer(*asked, view)) : std::get<Answer>(given);
}

TEST_F(SettledTest, AReportThatCameTooLateIsAConflictWithItsCounts) {
  add_reported(1, kBatch);
  add_queued(2, {missed(kBatch, MissReason::expired)});
  const Answer late = answered(reply({id_of(1), id_of(2)}), view_);
  EXPECT_EQ(late.status, 409U);
  EXPECT_THAT(late.body, HasSubstr("1 msg of the 2 that it names"));
  EXPECT_THAT(late.body, HasSubstr(R"("reported":0,"duplicate":1,"unknown":1,"held":0})"));
  EXPECT_EQ(late.headers, "Pena-At: 12\r\n");
}

TEST_F(SettledTest, WhoeverKeepsABatchThatIsLostIsToldSo) {
  core::ReportReply keeper = reply({});
  keeper.not_kept = true;
  EXPECT_EQ(answered(keeper, view_).status, 409U);
  EXPECT_THAT(answered(keeper, view_).body, HasSubstr("the batch is over"));
  keeper.held = 2;
  EXPECT_EQ(answered(keeper, view_).status, 409U);
  EXPECT_THAT(answered(keeper, view_).body, HasSubstr("the grace runs"));
  EXPECT_THAT(answered(keeper, view_).body, HasSubstr(R"("held":2})"));
}

TEST_F(SettledTest, WhoeverKeepsALeaseIsToldWhatHeHolds) {
  core::ReportReply keeper{7, 0, {}};
  keeper.batch = kBatch;
  keeper.held = 5;
  EXPECT_EQ(answered(keeper, view_).body,
            R"({"message":"success","reported":0,"duplicate":0,"unknown":0,"held":5})");
  keeper.held = 0;
  keeper.batch_gone = true;
  const Answer lost = answered(keeper, view_);
  EXPECT_EQ(lost.status, 200U);
  EXPECT_THAT(lost.body, HasSubstr(R"("held":0})"));
}

}  // namespace
}  // namespace pena::turn::test
