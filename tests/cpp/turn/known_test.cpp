// What of a submission is known, by an index that lags: what change sets on their way put is, and what they
// delete is not, be it under an id or under a key.
#include "turn/known.hpp"

#include <gtest/gtest.h>

#include <list>

#include "store/memory_store.hpp"
#include "store/sample.hpp"

namespace pena::turn::test {
namespace {

using core::Msg;
using core::Xid;
using store::test::failed;
using store::test::id_of;
using store::test::queued;
using store::test::reported;

class KnownTest : public testing::Test {
 protected:
  // The oldest first; the last is the open round.
  void add_layer(store::ChangeSet writes) {
    layers_.push_back({std::move(writes), {}});
    layers_.back().ids.note(layers_.back().writes);
  }
  static Msg msg(std::uint16_t number, std::string key = {}) {
    Msg made = queued(number).msg;
    made.key = std::move(key);
    return made;
  }
  static core::QueuedMsg keyed(std::uint16_t number, const std::string& key) {
    core::QueuedMsg made = queued(number);
    made.msg.key = key;
    return made;
  }
  // The ids under which they are known.
  std::vector<Xid> known(std::vector<Msg> msgs) {
    core::Submitted submitted{1, std::move(msgs)};
    EXPECT_FALSE(look().leave_out(submitted));
    std::vector<Xid> ids;
    for (const core::KnownMsg& one : submitted.known) ids.push_back(one.id);
    return ids;
  }
  [[nodiscard]] Known look() const {
    std::vector<Known::Layer> layers;
    for (const Layer& layer : layers_) layers.push_back({&layer.writes, &layer.ids});
    return {*store_, dispatcher_, std::move(layers), 3};
  }
  static const std::vector<Xid>& none() {
    static const std::vector<Xid> kNone;
    return kNone;
  }

  struct Layer {
    store::ChangeSet writes;
    ChangedIds ids;
  };
  std::unique_ptr<store::Store> store_ = store::make_memory_store();
  core::Dispatcher dispatcher_ =
      core::Dispatcher::restore({}, core::XidFactory{{1, 2, 3}, 4}, {}, {});
  std::list<Layer> layers_;
};

TEST_F(KnownTest, WhatIsInAnyBucketOrOnItsWayThereIs) {
  store_->commit({core::PutQueue{queued(1)}, core::PutLater{queued(2)},
                  core::PutReport{reported(3)}, core::PutFail{failed(4)}});
  add_layer({core::PutQueue{queued(5)}});
  add_layer({core::PutLater{queued(6)}});
  std::vector<Msg> msgs;
  for (std::uint16_t number = 1; number <= 7; ++number) msgs.push_back(msg(number));
  msgs[2].payload = {};
  store_->commit({core::DropReport{id_of(3)}});
  core::ReportRecord record = reported(3);
  record.payload_hash.emplace().fill(0);
  record.max_resends.reset();
  record.key = {};
  store_->commit({core::PutReport{record}});
  msgs[3] = failed(4).msg;
  EXPECT_EQ(known(msgs), (std::vector{id_of(1), id_of(2), id_of(3), id_of(4), id_of(5), id_of(6)}));
}

TEST_F(KnownTest, WhatALayerDeletesIsNot) {
  store_->commit({core::PutQueue{queued(1)}, core::PutLater{queued(2)},
                  core::PutReport{reported(3)}, core::PutFail{failed(4)}});
  add_layer({core::PutQueue{queued(5)}});
  add_layer({core::DropQueue{id_of(1)}, core::DropLater{id_of(2), queued(2).queued_at},
             core::DropReport{id_of(3)}, core::DropFail{id_of(4)}, core::DropQueue{id_of(5)}});
  EXPECT_EQ(known({msg(1), msg(2), msg(3), msg(4), msg(5)}), none());
}

// In whatever order a change set takes it out and puts it elsewhere.
TEST_F(KnownTest, WhatALayerMovesIs) {
  store_->commit({core::PutFail{failed(1)}, core::PutFail{failed(2)}});
  add_layer({core::DropFail{id_of(1)}, core::PutQueue{queued(1)}, core::PutQueue{queued(2)},
             core::DropFail{id_of(2)}});
  EXPECT_EQ(known({msg(1), msg(2)}), (std::vector{id_of(1), id_of(2)}));
}

TEST_F(KnownTest, WhatIsDeletedAndAcceptedAgainSaysTheNewThing) {
  store_->commit({core::PutQueue{queued(1, "[1]")}});
  add_layer({core::DropQueue{id_of(1)}});
  add_layer({core::PutQueue{queued(1, "[2]")}});
  Msg again = msg(1);
  again.payload = "[2]";
  EXPECT_EQ(known({again}), std::vector{id_of(1)});
  again.payload = "[1]";
  core::Submitted old{1, {again}};
  EXPECT_EQ(look().leave_out(old)->id, id_of(1));
}

TEST_F(KnownTest, AKeyThatALayerTakesAwayIsFree) {
  store_->commit({core::PutQueue{keyed(1, "a")}, core::PutKey{0, "a", id_of(1)}});
  EXPECT_EQ(known({msg(9, "a")}), std::vector{id_of(1)});
  add_layer({core::DropQueue{id_of(1)}, core::DropKey{0, "a"}});
  EXPECT_EQ(known({msg(9, "a")}), none());
}

// The open round is the newest.
TEST_F(KnownTest, OfAKeyTheNewestLayersMsgIsMeant) {
  add_layer({core::PutQueue{keyed(1, "a")}, core::PutKey{0, "a", id_of(1)}});
  add_layer({core::DropQueue{id_of(1)}, core::DropKey{0, "a"}});
  add_layer({core::PutQueue{keyed(2, "a")}, core::PutKey{0, "a", id_of(2)}});
  EXPECT_EQ(known({msg(9, "a")}), std::vector{id_of(2)});
}

TEST_F(KnownTest, WhatIsHeldSaysWhatItsBatchSays) {
  (void)dispatcher_.step(core::ClientJoined{id_of(100), 3, true}, {});
  (void)dispatcher_.step(core::Submitted{1, {msg(1), msg(2), msg(3)}}, {});
  (void)dispatcher_.step(core::TimeReached{}, core::from_us(60'000'000));
  ASSERT_TRUE(dispatcher_.holds(id_of(2)));
  EXPECT_EQ(known({msg(1), msg(2)}), (std::vector{id_of(1), id_of(2)}));
  core::Submitted other{1, {msg(1), msg(2)}};
  other.msgs[1].payload = "[9]";
  EXPECT_EQ(look().leave_out(other)->id, id_of(2));
}

TEST(ChangedIds, SeesWhatIsAddedToAChangeSet) {
  store::ChangeSet changes{core::PutQueue{queued(1)}};
  ChangedIds changed;
  changed.note(changes);
  changes.emplace_back(core::PutQueue{queued(2)});
  EXPECT_NE(changed.find(id_of(1)), nullptr);
  EXPECT_EQ(changed.find(id_of(2)), nullptr);
  changed.note(changes);
  EXPECT_EQ(changed.find(id_of(2))->write, 1U);
}

}  // namespace
}  // namespace pena::turn::test
