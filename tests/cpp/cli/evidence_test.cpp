#include "cli/evidence.hpp"

#include <gtest/gtest.h>

#include <memory>

#include "sample.hpp"
#include "store/memory_store.hpp"

namespace {

using namespace pena;
using cli::test::xid;

TEST(Evidence, EveryRecordOfTheStoreIsInIt) {
  const auto store = store::make_memory_store();
  core::QueuedMsg queued;
  queued.msg.id = xid(1);
  auto batch = std::make_shared<core::Batch>();
  batch->id = xid(2);
  batch->msgs.resize(2);
  batch->msgs[0].msg.id = xid(3);
  batch->msgs[1].msg.id = xid(4);
  core::QueuedMsg named;
  named.msg.id = xid(7);
  named.msg.queue = core::kFirstNamedQueue;
  core::QueuedMsg later;
  later.msg.id = xid(8);
  later.queued_at = core::from_us(1);
  core::ReportRecord report;
  report.id = xid(5);
  report.order = 1;
  core::FailRecord fail;
  fail.msg.id = xid(6);
  fail.order = 1;
  store->commit({core::PutQueueName{core::kFirstNamedQueue, "mail"}, core::PutQueue{queued},
                 core::PutQueue{named}, core::PutLater{later}, core::PutBatch{batch},
                 core::PutReport{report}, core::PutFail{fail}, core::PutMeta{"generated", 5}});
  const cli::Evidence evidence = cli::evidence_of(*store);
  EXPECT_EQ(evidence.generated, 5U);
  EXPECT_EQ(evidence.buckets, store->counts());
  EXPECT_EQ(evidence.queued, (std::vector{queued, named}));
  EXPECT_EQ(evidence.later, std::vector{later});
  EXPECT_EQ(evidence.held, batch->msgs);
  EXPECT_EQ(evidence.reports, std::vector{report});
  EXPECT_EQ(evidence.fails, std::vector{fail});
}

TEST(Evidence, ABucketOfSeveralPagesIsReadToItsEnd) {
  constexpr std::uint32_t kMsgs = 25'000;
  const auto store = store::make_memory_store();
  store::ChangeSet changes;
  for (std::uint32_t number = 1; number <= kMsgs; ++number) {
    core::ReportRecord report;
    report.id = xid(number);
    changes.emplace_back(core::PutReport{report});
  }
  store->commit(changes);
  const cli::Evidence evidence = cli::evidence_of(*store);
  ASSERT_EQ(evidence.reports.size(), kMsgs);
  EXPECT_EQ(evidence.reports.back().id, xid(kMsgs));
}

}  // namespace
