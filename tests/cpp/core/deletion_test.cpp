// A deletion of what waits, while other msgs come and go before it is read: what was there goes, and nothing else.
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "core/dispatcher.hpp"
#include "core/ledger.hpp"
#include "sample.hpp"

namespace pena::core {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::id_of;

class Deletion : public testing::Test {
 protected:
  void step(Event event) {
    const Effects effects = dispatcher_.step(std::move(event), now_);
    ledger_.apply(effects.writes);
    for (const Send& send : effects.sends) {
      if (const auto* const reply = std::get_if<BulkReply>(&send)) deleted_ = reply->done;
    }
  }
  // In the order of their ids, whichever comes first.
  void submit(const std::vector<std::uint16_t>& ids, Duration delay = {}) {
    Submitted submitted{1, {}};
    submitted.names_ids = true;
    for (const std::uint16_t id : ids) {
      submitted.msgs.push_back({id_of(id), 1, {}});
      if (delay > Duration::zero()) submitted.later.push_back({id_of(id), now_ + delay});
    }
    step(std::move(submitted));
  }
  void report(Reported report) {
    report.batch = ledger_.batches.begin()->first;
    step(std::move(report));
  }
  void ask() {
    ledger_.forgets_waiting = true;
    BulkAsked asked;
    asked.what = BulkAsked::What::forget_waiting;
    step(std::move(asked));
  }
  void read() {
    while (const auto answer = ledger_.answer(dispatcher_)) step(*answer);
  }

  Instant now_ = from_us(0) + seconds{100};
  test::Ledger ledger_{10};
  std::optional<std::uint64_t> deleted_;

 private:
  Dispatcher dispatcher_ =
      Dispatcher::restore(Limits{}, XidFactory({1, 1, 1}, 1), Snapshot{}, now_);
};

TEST_F(Deletion, FindsWhatStandsBehindAMsgThatCameBack) {
  step(ClientJoined{id_of(1), 1, false, 1});
  submit({10, 11});
  ask();
  Reported refusal;
  refusal.refused = {id_of(10)};
  report(refusal);
  read();
  EXPECT_EQ(deleted_, 2U);
  EXPECT_TRUE(ledger_.queue.empty());
}

TEST_F(Deletion, FindsWhatIsDueBehindAMsgThatFailed) {
  step(ClientJoined{id_of(1), 1, false, 1});
  submit({10});
  submit({11}, seconds{1000});
  ask();
  Reported failure;
  failure.failed = {{id_of(10), "no luck"}};
  report(failure);
  read();
  EXPECT_EQ(deleted_, 2U);
  EXPECT_TRUE(ledger_.later.empty());
}

TEST_F(Deletion, FindsWhatStandsBehindAMsgThatCameLater) {
  submit({11});
  ask();
  now_ += milliseconds{1};
  submit({10});
  read();
  EXPECT_EQ(deleted_, 1U);
  EXPECT_TRUE(ledger_.queue.contains(id_of(10)));
}

TEST_F(Deletion, FindsWhatComesDueMeanwhile) {
  submit({10});
  submit({11, 12}, seconds{1});
  now_ += seconds{1};
  ask();
  read();
  EXPECT_EQ(deleted_, 3U);
  EXPECT_EQ(ledger_.msgs(), 0U);
}

TEST_F(Deletion, LeavesWhatCameLaterThoughTheClockStandsStill) {
  submit({11});
  ask();
  submit({10, 12});
  read();
  EXPECT_EQ(deleted_, 1U);
  EXPECT_TRUE(ledger_.queue.contains(id_of(10)) && ledger_.queue.contains(id_of(12)));
}

}  // namespace
}  // namespace pena::core
