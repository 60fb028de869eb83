// All small worlds of what a msg meets beside grants: queues and pauses, delays, failures that come back or are
// final, retries, deletions, the last report of a stream, a client that takes no more, and a bucket that keeps one report.
// Every sequence of kQueueDepth of these things, with two clients and three msgs, each run from the start. The ledger
// checks each write; here is checked what is granted to whom and when, and that no msg is missed at the end.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "core/dispatcher.hpp"
#include "core/ledger.hpp"
#include "core/small_worlds.hpp"
#include "sample.hpp"

namespace pena::core::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kQueueDepth = kIsSlow ? 3 : 4;
const std::string kMail = "mail";

class QueueWorld {
 public:
  QueueWorld() : ids_({0xff, 0, 0}, 0), ledger_(limits().max_resends) { open(); }

  static constexpr std::size_t kMostMsgs = 3;

  static Limits limits() {
    Limits limits;
    limits.max_resends = 1;
    limits.window_msgs = 2;  // so that the third msg waits in the store
    limits.keep_reports.msgs = 1;
    return limits;
  }

  static constexpr std::size_t kActions = 15;

  void act(std::size_t action) {
    now_ += milliseconds{1};
    using Action = void (QueueWorld::*)();
    // In this order the worlds below name them.
    static constexpr std::array<Action, kActions> kAll{
        &QueueWorld::submit_to_default,     // 0
        &QueueWorld::submit_to_mail,        // 1
        &QueueWorld::submit_for_later,      // 2
        &QueueWorld::join_or_lose_of_mail,  // 3
        &QueueWorld::join_or_lose_of_both,  // 4
        &QueueWorld::advance,               // 5
        &QueueWorld::restart,               // 6
        &QueueWorld::report,                // 7
        &QueueWorld::report_and_leave,      // 8
        &QueueWorld::fail_for_now,          // 9
        &QueueWorld::fail_for_good,         // 10
        &QueueWorld::pause_or_resume,       // 11
        &QueueWorld::retry,                 // 12
        &QueueWorld::forget_mail,           // 13
        &QueueWorld::leave_both,            // 14
    };
    (this->*kAll.at(action))();
  }

  // A client that works well is there from now on, and nothing is paused: all must end.
  void finish() {
    if (ledger_.paused.size() > 0) pause_or_resume();
    for (std::size_t slot = 0; slot < 2; ++slot) {
      if (clients_[slot]) join_or_lose(slot);
    }
    join(2, 1, {kMail, std::string{kDefaultQueueName}});
    for (int round = 0; round < 100; ++round) {
      const Batch* const held = held_by(*clients_[2]);
      if (held != nullptr) {
        settle({held->id, ids_of(*held)});
      } else if (dispatcher_->next_timeout()) {
        advance();
      } else {
        break;
      }
    }
    ASSERT_EQ(ledger_.queue.size() + ledger_.later.size(), 0U);
    ASSERT_EQ(ledger_.batches.size(), 0U);
    ASSERT_LE(ledger_.reports.size(), 1U);
    ASSERT_EQ(ledger_.msgs() + deleted_ + swept(), submitted_);
  }

 private:
  void submit_to_default() { submit({}, {}); }
  void submit_to_mail() { submit({kMail}, {}); }
  void submit_for_later() { submit({kMail}, {{next_id(), now_ + seconds{1}}}); }
  void join_or_lose_of_mail() { join_or_lose(0); }
  void join_or_lose_of_both() { join_or_lose(1); }
  void advance() {
    if (const auto due = dispatcher_->next_timeout()) now_ = std::max(now_, *due);
    step(TimeReached{});
  }
  void restart() {
    clients_ = {};
    swept_before_ += dispatcher_->counts().swept_reports;
    open();
    step(TimeReached{});
  }
  void report() { settle(of_last_batch()); }
  void report_and_leave() {
    Said said = of_last_batch();
    said.last = true;
    settle(std::move(said));
  }
  // Free, it is gone at once; busy, with the batch that it is told of.
  void leave_both() {
    if (!clients_[1]) return;
    const Xid client = *clients_[1];
    const Batch* const held = held_by(client);
    const std::size_t msgs = held == nullptr ? 0 : held->msgs.size();
    leaves_.insert(client);
    Reported leave;
    leave.client = client;
    leave.last = true;
    step(std::move(leave));
    if (told_held_ != msgs) throw LawBroken("who leaves is told something else than it holds");
    if (clients_[1].has_value() != (held != nullptr)) {
      throw LawBroken("who leaves is not gone, or before its batch is settled");
    }
  }
  void fail_for_now() {
    Said said = of_last_batch();
    said.fails = true;
    settle(std::move(said));
  }
  void fail_for_good() {
    Said said = of_last_batch();
    said.fails = said.final = true;
    settle(std::move(said));
  }
  void pause_or_resume() {
    const bool paused = ledger_.paused.empty();
    step(PauseAsked{1, kMail, paused});
    if (paused != !ledger_.paused.empty()) throw LawBroken("a pause is not kept");
  }
  void retry() {
    step(BulkAsked{1, BulkAsked::What::retry, std::nullopt});
    if (!ledger_.fails.empty()) throw LawBroken("a failed msg is not tried again");
  }
  void forget_mail() {
    deletes_ = ledger_.forgets_waiting = true;
    step(BulkAsked{1, BulkAsked::What::forget_waiting, std::nullopt, kMail});
    deletes_ = ledger_.forgets_waiting = false;
    for (const auto& [id, msg] : ledger_.queue) {
      if (is_of_mail(msg.msg)) throw LawBroken(id.text() + " waits, and was to be deleted");
    }
  }

  void open() {
    dispatcher_ =
        std::make_unique<Dispatcher>(Dispatcher::restore(limits(), ids_, ledger_.snapshot(), now_));
  }

  // ---- what happens

  [[nodiscard]] Xid next_id() const { return id_of(1, submitted_); }

  void submit(std::vector<std::string> queues, std::vector<Submitted::Due> later) {
    if (submitted_ == kMostMsgs) return;
    if (!later.empty()) not_before_[next_id()] = later.front().due_at;
    Submitted submitted{1, {Msg{next_id(), 1, {}}}};
    submitted.queues = std::move(queues);
    submitted.later = std::move(later);
    ++submitted_;
    step(std::move(submitted));
  }

  void join_or_lose(std::size_t slot) {
    if (clients_[slot]) {
      step(ClientLost{*std::exchange(clients_[slot], std::nullopt)});
    } else if (slot == 0) {
      join(slot, 1, {kMail});
    } else {
      join(slot, 2, {std::string{kDefaultQueueName}, kMail});
    }
  }
  void join(std::size_t slot, std::uint32_t batchsize, std::vector<std::string> queues) {
    const Xid client = id_of(2, next_client_++);
    clients_[slot] = client;
    takes_mail_alone_[client] = queues.size() == 1;
    ClientJoined joined{client, batchsize, false};
    joined.queues = std::move(queues);
    step(std::move(joined));
  }

  // What a report says: of the first of the msgs that it failed, of the others that they were processed.
  struct Said {
    std::optional<Xid> batch;
    std::vector<Xid> ids;
    bool fails = false, final = false, last = false;
  };
  [[nodiscard]] Said of_last_batch() const {
    if (sent_.empty()) return {};
    return {sent_.back()->id, ids_of(*sent_.back())};
  }

  void settle(Said said) {
    if (!said.batch) return;
    const auto held = ledger_.batches.find(*said.batch);
    const bool is_held = held != ledger_.batches.end();
    if (said.last && is_held) leaves_.insert(held->second.client);
    Reported report;
    report.batch = said.batch;
    report.last = said.last;
    if (said.fails) {
      ledger_.may_be_final = ledger_.may_be_final || said.final;
      report.failed = {{said.ids.front(), "no luck", seconds{1}, said.final}};
      if (is_held) not_before_[said.ids.front()] = now_ + seconds{1};
      said.ids.erase(said.ids.begin());
    }
    for (const Xid& id : said.ids) report.results.push_back({id, "1"});
    report.ids = std::move(said.ids);
    const auto failed = report.failed;
    step(std::move(report));
    if (ledger_.batches.contains(*said.batch))
      throw LawBroken("a report leaves its batch as it was");
    // To be tried again it waits for nothing.
    if (!failed.empty() && ledger_.fails.contains(failed.front().id)) {
      not_before_.erase(failed.front().id);
    }
  }

  void step(Event event) {
    int answers = 0;
    for (std::optional<Event> next = std::move(event); next; next = ledger_.answer(*dispatcher_)) {
      if (++answers > 100) throw LawBroken("it asks the store for ever");
      const Effects effects = dispatcher_->step(std::move(*next), now_);
      ledger_.apply(effects.writes);
      for (const Send& send : effects.sends) note(send);
    }
  }

  void note(const Send& send) {
    if (const auto* batch = std::get_if<SendBatch>(&send)) granted(*batch);
    if (const auto* bulk = std::get_if<BulkReply>(&send)) deleted_ += deletes_ ? bulk->done : 0;
    if (const auto* reply = std::get_if<ReportReply>(&send)) told_held_ = reply->held;
    if (const auto* close = std::get_if<CloseStream>(&send)) {
      for (auto& client : clients_) {
        if (client == close->client) client.reset();
      }
    }
  }

  void granted(const SendBatch& send) {
    const auto broken = [&](const Xid& msg, const char* how) {
      throw LawBroken(msg.text() + " is sent to " + send.client.text() + ", " + how);
    };
    for (const QueuedMsg& msg : send.batch->msgs) {
      const Xid& id = msg.msg.id;
      if (takes_mail_alone_.at(send.client) && !is_of_mail(msg.msg)) broken(id, "who takes mail");
      if (ledger_.paused.contains(msg.msg.queue)) broken(id, "though its queue is paused");
      const auto due = not_before_.find(id);
      if (due != not_before_.end() && now_ < due->second) broken(id, "before it is due");
      if (leaves_.contains(send.client)) broken(id, "who has made his last report");
    }
    sent_.push_back(send.batch);
  }

  // ---- what is there

  [[nodiscard]] bool is_of_mail(const Msg& msg) const {
    const auto name = ledger_.names.find(msg.queue);
    return name != ledger_.names.end() && name->second == kMail;
  }
  [[nodiscard]] const Batch* held_by(const Xid& client) const {
    for (const auto& [id, batch] : ledger_.batches) {
      if (batch.client == client) return &batch;
    }
    return nullptr;
  }
  [[nodiscard]] static std::vector<Xid> ids_of(const Batch& batch) {
    std::vector<Xid> ids;
    for (const QueuedMsg& msg : batch.msgs) ids.push_back(msg.msg.id);
    return ids;
  }
  [[nodiscard]] std::uint64_t swept() const {
    return swept_before_ + dispatcher_->counts().swept_reports;
  }

  XidFactory ids_;
  Ledger ledger_;
  std::unique_ptr<Dispatcher> dispatcher_;
  Instant now_ = from_us(1'000'000);
  std::size_t submitted_ = 0;
  std::uint64_t deleted_ = 0, swept_before_ = 0;
  bool deletes_ = false;
  std::uint8_t next_client_ = 0;
  std::array<std::optional<Xid>, 3> clients_;
  std::map<Xid, bool> takes_mail_alone_;
  std::set<Xid> leaves_;  // with the batch that they hold
  std::optional<std::uint64_t> told_held_;
  std::map<Xid, Instant> not_before_;
  std::vector<std::shared_ptr<const Batch>> sent_;
};

TEST(SmallQueueWorlds, FromNothing) {
  run_all<QueueWorld>(kQueueDepth, {});
}

TEST(SmallQueueWorlds, WithABatchOfTwoQueues) {
  run_all<QueueWorld>(kQueueDepth, {4, 0, 1});
}

TEST(SmallQueueWorlds, WithOneThatIsHeldAndOneForLater) {
  run_all<QueueWorld>(kQueueDepth, {3, 1, 2});
}

TEST(SmallQueueWorlds, WithOneThatHasFailed) {
  run_all<QueueWorld>(kQueueDepth, {3, 1, 10, 1});
}

TEST(SmallQueueWorlds, WithOneThatComesBackAndOneThatIsReported) {
  run_all<QueueWorld>(kQueueDepth, {3, 1, 7, 1, 9});
}

TEST(SmallQueueWorlds, WithMsgsInAPausedQueue) {
  run_all<QueueWorld>(kQueueDepth, {11, 1, 1, 4});
}

}  // namespace
}  // namespace pena::core::test
