// Small stores that are filled by legal work: accepting stops, then granting, and whatever becomes of
// held msgs always finds room. A commit that does not throws store::StoreError.
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <random>

#include "store/lmdb_env.hpp"
#include "store/lmdb_store.hpp"
#include "store/sample.hpp"
#include "store/slow_readers.hpp"
#include "support/temp_folder.hpp"
#include "turn/turn.hpp"

namespace pena::turn {
namespace {

using core::Xid;
using pena::test::TempFolder;
using store::FillGauge;
using store::LmdbEnv;
using store::ReadTxn;
using store::SlowReaders;
using store::test::id_of;
using store::test::queued;

// Clients and submitters that do whatever they may.
class Work {
 public:
  Work(const std::string& path, std::size_t map_bytes, unsigned seed, int max_resends = 3)
      : dice_(seed), store_(store::open_lmdb_store(path, map_bytes)) {
    limits_.map_bytes = map_bytes;
    limits_.max_resends = max_resends;
    limits_.retry_first = std::chrono::milliseconds{seed % 2 == 0 ? 200 : 0};
    turn_.emplace(limits_, *store_, *store_, std::nullopt, ids_, now_);
  }

  void submit() {
    if (!turn_->accepting()) return;
    core::Submitted submitted{++requests_, {}, below(2) == 0};
    for (std::size_t n = 1 + below(20); n > 0; --n) {
      Xid::Bytes own{};
      for (auto& byte : own) byte = static_cast<std::uint8_t>(dice_());
      const Xid id = submitted.names_ids ? Xid{own} : ids_.next(now_);
      submitted.msgs.push_back({id, 1, payload()});
    }
    take(std::move(submitted));
  }
  void join() {
    take(core::ClientJoined{id_of(++clients_), static_cast<std::uint32_t>(1 + below(40)), true});
  }
  void lose() {
    if (held_.empty()) return;
    const auto lost = any();
    const Xid client = lost->second.client;
    held_.erase(lost);
    take(core::ClientLost{client});
    now_ += limits_.timing.drop_grace;
    look();
  }
  // The time has come for whatever it has, and the disk is looked at anew.
  void look() {
    now_ += std::chrono::milliseconds{100};
    take(core::TimeReached{});
  }
  void report() {
    if (held_.empty()) return;
    const auto held = any();
    core::Reported report;
    report.request = ++requests_;
    report.batch = held->first;
    report.partial = below(3) == 0;
    std::vector<Xid> left;
    for (const Xid& id : held->second.ids) {
      switch (below(4)) {
        case 0:
          report.failed.push_back({id, std::string(below(5000), 'e')});
          break;
        case 1:
          left.push_back(id);
          break;
        default:
          report.ids.push_back(id);
      }
    }
    if (report.partial && !left.empty()) {
      held->second.ids = left;
    } else {
      held_.erase(held);
    }
    take(std::move(report));
  }
  // All that one client holds failed, and is to be written once more.
  void fail() {
    if (held_.empty()) return;
    const auto held = any();
    core::Reported report{++requests_, held->first, {}, {}, {}, false};
    for (const Xid& id : held->second.ids) {
      report.failed.push_back({id, std::string(2000, 'e')});
    }
    held_.erase(held);
    take(std::move(report));
  }
  // Everybody does what there is to do.
  void finish() {
    join();
    while (!held_.empty()) {
      const auto held = held_.begin();
      const core::Reported report{++requests_, held->first, held->second.ids, {}, {}, false};
      held_.erase(held);
      take(report);
    }
  }
  void anything() {
    switch (below(8)) {
      case 0:
        return join();
      case 1:
        return below(4) == 0 ? lose() : join();
      case 2:
      case 3:
      case 4:
        return submit();
      default:
        return report();
    }
  }

  [[nodiscard]] const Turn& turn() const { return *turn_; }
  [[nodiscard]] const store::Store& store() const { return *store_; }
  [[nodiscard]] std::uint64_t refused() const { return refused_; }

 private:
  struct Held {
    Xid client;
    std::vector<Xid> ids;
  };

  std::size_t below(std::size_t most) {
    return std::uniform_int_distribution<std::size_t>{0, most - 1}(dice_);
  }
  std::string payload() {
    constexpr std::array<std::size_t, 5> kSizes{10, 1000, 3000, 30'000, 250'000};
    return std::string(below(kSizes.at(below(kSizes.size()))), 'p');
  }
  std::map<Xid, Held>::iterator any() {
    return std::next(held_.begin(), static_cast<std::ptrdiff_t>(below(held_.size())));
  }
  void take(core::Event event) {
    turn_->take(std::move(event), now_);
    for (const Outgoing& out : run_rounds(*turn_, now_)) {
      if (const auto* sent = std::get_if<core::SendBatch>(&out)) {
        Held& held = held_[sent->batch->id];
        held.client = sent->client;
        for (const core::QueuedMsg& msg : sent->batch->msgs) held.ids.push_back(msg.msg.id);
      }
      if (const auto* reply = std::get_if<core::SubmitReply>(&out)) refused_ += reply->refused;
    }
  }

  std::mt19937 dice_;
  core::Limits limits_;
  std::unique_ptr<store::Store> store_;
  core::XidFactory ids_{{1, 2, 3}, 4};
  core::Instant now_ = core::from_us(1'000'000'000'000);
  std::optional<Turn> turn_;
  core::RequestId requests_ = 0;
  std::uint16_t clients_ = 0;
  std::uint64_t refused_ = 0;
  std::map<Xid, Held> held_;
};

constexpr std::size_t kSmall = std::size_t{16} << 20U;

TEST(Room, AnythingLegalFindsRoom) {
  for (unsigned seed = 1; seed <= 3; ++seed) {
    const TempFolder folder;
    Work work{folder.path(), kSmall, seed};
    for (int i = 0; i < 300; ++i) work.anything();
    work.finish();
    EXPECT_GT(work.store().counts().report, 0U);
  }
}

// Pages that a reader holds are used by nobody: the store grows with each commit.
TEST(Room, WhileAReaderHoldsPagesAcceptingStopsThenGrantingAndReportsGoOn) {
  const TempFolder folder;
  Work work{folder.path(), kSmall, 7, 1000};
  for (int i = 0; i < 5; ++i) work.submit();
  const auto env = LmdbEnv::open(folder.path(), 0, false);
  {
    const ReadTxn reader(*env);
    bool refused = false;
    bool waited = false;
    for (int i = 0; i < 1000; ++i) {
      work.submit();
      if (i % 20 == 0) work.join();
      work.fail();
      refused = refused || !work.turn().accepting();
      waited = waited || work.turn().waits_for_room();
    }
    EXPECT_TRUE(refused);
    EXPECT_TRUE(waited);
    EXPECT_LT(env->pages().grown, env->pages().map);
    work.finish();
  }
  // And room comes back: all that waits is sent and reported in the end.
  const auto waits = [&] {
    return work.store().counts().queue + work.store().counts().batch > 0;
  };
  for (int i = 0; i < 1000 && waits(); ++i) {
    work.look();
    work.finish();
  }
  EXPECT_FALSE(waits());
  EXPECT_TRUE(work.turn().accepting()) << work.store().fill();
  EXPECT_FALSE(work.turn().waits_for_room());
}

// Four such reports ended a server with a map of 64 MiB once.
TEST(Room, ErrorsOfAnyLengthDoNotFillTheStore) {
  const TempFolder folder;
  core::Limits limits;
  const auto store = store::open_lmdb_store(folder.path(), std::size_t{64} << 20U);
  core::XidFactory ids{{1, 2, 3}, 4};
  const core::Instant now = core::from_us(1'000'000'000'000);
  limits.retry_first = core::Duration::zero();
  Turn turn(limits, *store, *store, std::nullopt, ids, now);
  core::Submitted submitted{1, {}, false};
  for (std::uint16_t n = 1; n <= 20; ++n) submitted.msgs.push_back({id_of(n), 1, {}});
  turn.take(std::move(submitted), now);
  turn.take(core::ClientJoined{id_of(900), 20, false}, now);
  (void)run_rounds(turn, now);
  for (int attempt = 0; attempt < 4; ++attempt) {
    core::Reported report;
    for (std::uint16_t n = 1; n <= 20; ++n) {
      report.failed.push_back({id_of(n), std::string(400'000, 'e')});
    }
    turn.take(std::move(report), now);
    (void)run_rounds(turn, now);
  }
  EXPECT_EQ(store->counts().fail, 20U);
  EXPECT_LT(store->fill(), 0.02);
}

TEST(SlowReaders, AreNamedOnceWithWhatTheyHold) {
  const TempFolder folder;
  const auto store = store::open_lmdb_store(folder.path(), kSmall);
  store->commit({core::PutQueue{queued(1, std::string(1U << 20U, 'x'))}});
  const auto env = LmdbEnv::open(folder.path(), 0, false);
  FillGauge gauge{kSmall, 0};
  SlowReaders readers;
  const auto begun = SlowReaders::Clock::now();
  const ReadTxn reader(*env);
  EXPECT_EQ(readers.warning(*env, gauge, begun), std::nullopt);  // it reads what is newest
  store->commit({core::DropQueue{id_of(1)}});
  EXPECT_EQ(readers.warning(*env, gauge, begun + std::chrono::seconds{2}), std::nullopt);
  EXPECT_EQ(readers.warning(*env, gauge, begun + std::chrono::seconds{6}), std::nullopt);
  const auto told = readers.warning(*env, gauge, begun + std::chrono::seconds{8});
  ASSERT_TRUE(told);
  EXPECT_EQ(told->find("this process has read the store for 6 s without a pause, and keeps 10"), 0U)
      << *told;
  EXPECT_EQ(readers.warning(*env, gauge, begun + std::chrono::seconds{20}), std::nullopt);
}

}  // namespace
}  // namespace pena::turn
