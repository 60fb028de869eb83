// What becomes of held msgs takes no more pages than core/room.hpp says, however it comes.
#include "core/room.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <random>

#include "lmdb_folder.hpp"
#include "sample.hpp"
#include "store/lmdb_env.hpp"
#include "store/lmdb_store.hpp"
#include "support/temp_folder.hpp"

namespace pena::store {
namespace {

using core::Xid;

constexpr core::QueueNumber kQueues = 40;

class RoomTest : public testing::TestWithParam<std::size_t> {
 protected:
  RoomTest() {
    ChangeSet names;
    for (core::QueueNumber queue = 2; queue < kQueues; ++queue) {
      names.emplace_back(core::PutQueueName{queue, "queue " + std::to_string(queue)});
    }
    store_->commit(names);
    fill();
  }

  // Every table has msgs, among which others fall.
  void fill() {
    ChangeSet puts;
    for (int i = 0; i < 2000; ++i) {
      puts.emplace_back(core::PutQueue{msg_of(random_id())});
      core::QueuedMsg later = msg_of(random_id());
      later.queued_at = core::from_us(static_cast<std::int64_t>(random_() % 1'000'000));
      puts.emplace_back(core::PutLater{later});
      puts.emplace_back(core::PutReport{report_of(msg_of(random_id()))});
      puts.emplace_back(core::PutFail{fail_of(msg_of(random_id()))});
    }
    store_->commit(puts);
  }
  [[nodiscard]] core::Batch held(std::size_t count) {
    core::Batch batch{random_id(), random_id(), {}, {}, std::string(64, 'c')};
    for (std::size_t i = 0; i < count; ++i) {
      batch.msgs.push_back(msg_of(random_id()));
    }
    return batch;
  }
  Xid random_id() {
    Xid::Bytes bytes{};
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random_());
    return Xid{bytes};
  }
  core::QueuedMsg msg_of(const Xid& id) {
    core::QueuedMsg msg;
    msg.msg = {id, 1, std::string(GetParam(), 'p'),
               static_cast<core::QueueNumber>(random_() % kQueues)};
    msg.queued_at = core::from_us(static_cast<std::int64_t>(random_() % 1'000'000));
    return msg;
  }
  core::Miss miss() {
    return {random_id(),
            random_id(),
            {},
            {},
            core::MissReason::failed,
            std::string(limits_.error_bytes, 'e'),
            std::string(64, 'c')};
  }
  core::QueuedMsg missed(core::QueuedMsg msg) {
    msg.misses.push_back(miss());
    ++msg.attempts;
    return msg;
  }
  core::ReportRecord report_of(const core::QueuedMsg& msg) {
    core::ReportRecord record;
    record.id = msg.msg.id;
    record.queue = msg.msg.queue;
    record.client_name = std::string(64, 'c');
    record.payload_hash->fill(1);
    return record;
  }
  core::FailRecord fail_of(const core::QueuedMsg& msg) {
    core::FailRecord record;
    record.msg = msg.msg;
    record.misses = missed(msg).misses;
    return record;
  }

  // By so many pages the store grows, where no page is used again.
  std::uint64_t growth(const ChangeSet& changes) {
    const auto env = LmdbEnv::open(folder_ / "store", 0, false);
    const ReadTxn keeps_all_pages(*env);
    const std::size_t before = env->pages().grown;
    store_->commit(changes);
    return env->pages().grown - before;
  }

  core::Limits limits_;
  std::mt19937 random_{7};
  pena::test::TempFolder folder_;
  std::unique_ptr<Store> store_ = open_lmdb_store(folder_ / "store", std::size_t{2} << 30U);
};

TEST_P(RoomTest, WhateverBecomesOfHeldMsgs) {
  using Outcome = std::function<core::Write(const core::QueuedMsg&)>;
  const Outcome outcomes[] = {
      [&](const core::QueuedMsg& msg) { return core::PutReport{report_of(msg)}; },
      [&](const core::QueuedMsg& msg) { return core::PutFail{fail_of(msg)}; },
      [&](const core::QueuedMsg& msg) { return core::PutQueue{missed(msg)}; },
      [&](const core::QueuedMsg& msg) {
        return core::PutLater{missed(msg)};
      }};
  for (const std::size_t count : std::initializer_list<std::size_t>{1, 40, 400}) {
    for (const Outcome& outcome : outcomes) {
      const auto batch = std::make_shared<core::Batch>(held(count));
      ChangeSet puts;
      ChangeSet grant;
      for (const core::QueuedMsg& msg : batch->msgs) {
        puts.emplace_back(core::PutQueue{msg});
        grant.emplace_back(core::DropQueue{msg.msg.id, msg.msg.queue});
      }
      store_->commit(puts);
      grant.emplace_back(core::PutBatch{batch});
      ChangeSet settle{core::DropBatch{batch->id}};
      for (const core::QueuedMsg& msg : batch->msgs) settle.push_back(outcome(msg));
      const std::uint64_t taken = growth(grant) + growth(settle);
      EXPECT_LE(taken, room_of(*batch, limits_).pages + core::kPagesOfCommits / 3);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Payloads, RoomTest, testing::Values(0, 400, 1900, 9000));

}  // namespace
}  // namespace pena::store
