// All small worlds: every sequence of kDepth things that can happen to two clients and three msgs,
// each run from the start. The ledger checks conservation, attempts and R7 at every write; the
// oracle here checks R6 in true time; and at the end of every world a client that works must bring
// everything to an end.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <optional>

#include "core/dispatcher.hpp"
#include "core/ledger.hpp"
#include "core/small_worlds.hpp"
#include "sample.hpp"

namespace pena::core::test {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kDepth = kIsSlow ? 4 : 5;
constexpr int kMsgs = 3;

class SmallWorld {
 public:
  static constexpr std::size_t kActions = 13;

  SmallWorld() : ids_({0xff, 0, 0}, 0), ledger_(limits().max_resends) {
    dispatcher_ =
        std::make_unique<Dispatcher>(Dispatcher::restore(limits(), ids_, Snapshot{}, now_));
  }

  static Limits limits() {
    Limits limits;
    limits.max_resends = 1;
    limits.window_msgs = 2;  // so that the third msg waits in the store
    return limits;
  }

  void act(std::size_t action) {
    now_ += milliseconds{1};
    if (action == 0) return submit();
    if (action <= 2) return join_or_lose(action - 1);
    if (action == 3) return advance();
    if (action == 4) return restart();
    if (action == 5) return report_list();
    if (action == 6) return join_or_lose(2);
    // Reports of the latest batches, of those that are long over too.
    const std::size_t back = (action - 7) / 2;
    if (back < sent_.size()) report(sent_[sent_.size() - 1 - back], (action - 7) % 2 == 0);
  }

  // A client that works well is there from now on: all must end.
  void finish() {
    for (std::size_t slot = 0; slot < 3; ++slot) {
      if (clients_[slot]) join_or_lose(slot);
    }
    clients_[3] = id_of(2, next_client_++);
    step(ClientJoined{*clients_[3], 1, false});
    for (int round = 0; round < 100; ++round) {
      const auto held = holdings_.find(*clients_[3]);
      if (held != holdings_.end()) {
        report(held->second, true);
      } else if (dispatcher_->next_timeout()) {
        advance();
      } else {
        break;
      }
    }
    ASSERT_EQ(ledger_.queue.size(), 0U);
    ASSERT_EQ(ledger_.batches.size(), 0U);
    ASSERT_EQ(ledger_.reports.size() + ledger_.fails.size(), submitted_);
  }

 private:
  struct Work {
    std::vector<Xid> msgs;
    Xid client;
    Instant may_work_until;
  };

  void submit() {
    if (submitted_ == kMsgs) return;
    step(Submitted{1, {Msg{id_of(1, static_cast<std::uint8_t>(submitted_++)), 1, {}}}});
  }

  void join_or_lose(std::size_t slot) {
    std::optional<Xid>& client = clients_[slot];
    if (client) {
      lost(*client);
      step(ClientLost{*client});
      client.reset();
    } else {
      client = id_of(2, next_client_++);
      const auto batchsize = static_cast<std::uint32_t>(slot == 1 ? 2 : 1);
      step(ClientJoined{*client, batchsize, slot == 2});
    }
  }

  // The client notices within the silence, and stops within d.
  void lost(const Xid& client) {
    holdings_.erase(client);
    for (auto& [batch, work] : works_) {
      if (work.client != client) continue;
      const Timing timing = limits().timing;
      const auto noticed = std::chrono::duration_cast<Duration>(timing.silence * 1.001);
      work.may_work_until = std::min(work.may_work_until, now_ + noticed + timing.stop_time);
    }
  }

  void advance() {
    if (const auto due = dispatcher_->next_timeout()) now_ = std::max(now_, *due);
    step(TimeReached{});
  }

  void restart() {
    for (auto& client : clients_) {
      if (client) lost(*client);
      client.reset();
    }
    dispatcher_ =
        std::make_unique<Dispatcher>(Dispatcher::restore(limits(), ids_, ledger_.snapshot(), now_));
    step(TimeReached{});
  }

  void report(const Xid& batch, bool all) {
    Work& work = works_.at(batch);
    Reported report;
    report.batch = batch;
    report.ids = work.msgs;
    if (!all) report.ids.resize(1);
    work.may_work_until = from_us(0);  // whoever reports has stopped
    holdings_.erase(work.client);
    step(report);
  }

  // Two ids by themselves: of one batch or of two, and of msgs that nobody holds.
  void report_list() {
    Reported report;
    report.ids = {id_of(1, 0), id_of(1, 1)};
    const Batch* const first = dispatcher_->holder(report.ids[0]);
    const Batch* const second = dispatcher_->holder(report.ids[1]);
    const bool whole = first != nullptr && first == second;
    std::vector<std::pair<Xid, Xid>> unnamed;  // msg, batch
    for (auto& [batch, work] : works_) {
      if (std::erase_if(work.msgs, [&](const Xid& id) {
            return std::ranges::find(report.ids, id) != report.ids.end();
          }) == 0) {
        continue;
      }
      if (whole || work.msgs.empty()) {
        work.may_work_until = from_us(0);
        holdings_.erase(work.client);
      }
      for (const Xid& id : work.msgs) {
        const Batch* const holder = dispatcher_->holder(id);
        if (!whole && holder != nullptr && holder->id == batch) unnamed.emplace_back(id, batch);
      }
    }
    step(report);
    for (const auto& [id, batch] : unnamed) {
      const Batch* const holder = dispatcher_->holder(id);
      if (holder == nullptr || holder->id != batch) {
        throw LawBroken("a report gives up a msg that it does not name");
      }
    }
  }

  void step(const Event& event) {
    const Effects effects = dispatcher_->step(event, now_);
    ledger_.apply(effects.writes);
    for (const Send& send : effects.sends) {
      if (const auto* batch = std::get_if<SendBatch>(&send)) granted(*batch);
      if (const auto* close = std::get_if<CloseStream>(&send)) closed(close->client);
    }
    if (const auto answer = ledger_.answer(*dispatcher_)) step(*answer);
  }

  void granted(const SendBatch& send) {
    Work work{{}, send.client, now_ + limits().timing.lease};
    for (const QueuedMsg& msg : send.batch->msgs) {
      for (const auto& [batch, other] : works_) {
        const bool also = std::ranges::find(other.msgs, msg.msg.id) != other.msgs.end();
        if (also && other.may_work_until > now_) throw LawBroken("R6: two clients work on one msg");
      }
      work.msgs.push_back(msg.msg.id);
    }
    works_.emplace(send.batch->id, std::move(work));
    sent_.push_back(send.batch->id);
    holdings_[send.client] = send.batch->id;
  }

  void closed(const Xid& client) {
    lost(client);
    for (auto& known : clients_) {
      if (known == client) known.reset();
    }
  }

  XidFactory ids_;
  Ledger ledger_;
  std::unique_ptr<Dispatcher> dispatcher_;
  Instant now_ = from_us(1'000'000);
  std::size_t submitted_ = 0;
  std::uint8_t next_client_ = 0;
  std::array<std::optional<Xid>, 4> clients_;
  std::map<Xid, Work> works_;
  std::vector<Xid> sent_;
  std::map<Xid, Xid> holdings_;  // client → batch
};

TEST(SmallWorlds, FromNothing) {
  run_all<SmallWorld>(kDepth, {});
}

TEST(SmallWorlds, WithTwoClientsThatHoldThreeMsgs) {
  run_all<SmallWorld>(kDepth, {1, 2, 0, 0, 0});
}

TEST(SmallWorlds, WithABatchOfTwoThatWasLost) {
  run_all<SmallWorld>(kDepth, {2, 0, 0, 2, 0});
}

TEST(SmallWorlds, AfterARestartWithAClientThatTakesShortBatches) {
  run_all<SmallWorld>(kDepth, {2, 0, 0, 4, 3, 6});
}

}  // namespace
}  // namespace pena::core::test
