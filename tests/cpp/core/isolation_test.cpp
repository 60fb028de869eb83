// Isolation of suspects (docs/protocol.md, a msg's life, 8), measured: the share of harmless msgs
// that end in `fail` because they travelled with a poisonous one, against plain requeueing in the
// same world; and how many batches that takes.
#include <gtest/gtest.h>

#include <cstdio>
#include <deque>
#include <functional>
#include <map>
#include <queue>
#include <random>
#include <set>

#include "core/dispatcher.hpp"

namespace pena::core::test {
namespace {

using std::chrono::milliseconds;

struct WorldSettings {
  std::uint64_t seed = 1;
  double poisonous = 0.01;  // share of the msgs that kill their client
  std::size_t msgs = 5000;
  std::size_t clients = 8;
  bool takes_short = false;
  std::uint32_t smallest_batch = 2, largest_batch = 10;  // the brief's
  std::size_t fewest_pieces = Limits{}.fewest_pieces;

  [[nodiscard]] Limits limits() const {
    Limits limits;
    limits.fewest_pieces = fewest_pieces;
    return limits;
  }
};

struct WorldResult {
  std::size_t harmless = 0, harmless_failed = 0, poisonous_reported = 0;
  double batches = 0;  // a msg
  [[nodiscard]] double share() const {
    return static_cast<double>(harmless_failed) / static_cast<double>(harmless);
  }
};

// The store's queue, all of which the dispatcher has seen.
struct StoredQueue {
  std::map<Xid, QueuedMsg> msgs;

  void apply(const std::vector<Write>& writes) {
    for (const Write& write : writes) {
      if (const auto* put = std::get_if<PutQueue>(&write)) msgs[put->msg.msg.id] = put->msg;
      if (const auto* drop = std::get_if<DropQueue>(&write)) msgs.erase(drop->id);
    }
  }
  [[nodiscard]] std::optional<Event> answer(const Dispatcher& dispatcher) const {
    const Wanted wanted = dispatcher.wanted();
    const auto* const bodies = std::get_if<WantedBodies>(&wanted);
    if (bodies == nullptr) return std::nullopt;
    BodiesRead read{bodies->as_of, bodies->queue, {}};
    for (const Xid& id : bodies->ids) read.msgs.push_back(msgs.at(id));
    return read;
  }
};

// What both contestants look like to the world.
class Contestant {
 public:
  virtual ~Contestant() = default;
  virtual void take(const Event& event, Instant now) = 0;
  virtual std::optional<Instant> next_timeout() = 0;
  std::function<void(const SendBatch&)> on_send;
  std::function<void(const Xid&)> on_fail;
};

class Isolating : public Contestant {
 public:
  Isolating(const Limits& limits, std::vector<Msg> msgs)
      : ids_({1, 2, 3}, 4),
        msgs_(std::move(msgs)),
        dispatcher_(Dispatcher::restore(limits, ids_, Snapshot{}, from_us(0))) {
    (void)dispatcher_.step(SupplyChanged{Supply::open}, from_us(0));
  }

  void take(const Event& event, Instant now) override {
    step(event, now);
    while (dispatcher_.demand() > 0 && next_ < msgs_.size()) {
      const std::size_t count = std::min(dispatcher_.demand(), msgs_.size() - next_);
      const auto first = msgs_.begin() + static_cast<std::ptrdiff_t>(next_);
      next_ += count;
      step(Generated{{first, first + static_cast<std::ptrdiff_t>(count)}}, now);
      if (next_ == msgs_.size()) step(SupplyChanged{Supply::none}, now);
    }
  }
  std::optional<Instant> next_timeout() override { return dispatcher_.next_timeout(); }

 private:
  void step(const Event& event, Instant now) {
    const Effects effects = dispatcher_.step(event, now);
    stored_.apply(effects.writes);
    for (const Write& write : effects.writes) {
      if (const auto* fail = std::get_if<PutFail>(&write)) on_fail(fail->record.msg.id);
    }
    for (const Send& send : effects.sends) {
      if (const auto* batch = std::get_if<SendBatch>(&send)) on_send(*batch);
    }
    if (const auto answer = stored_.answer(dispatcher_)) step(*answer, now);
  }

  XidFactory ids_;
  StoredQueue stored_;
  std::vector<Msg> msgs_;
  std::size_t next_ = 0;
  Dispatcher dispatcher_;
};

// The same rules without isolation: what was missed goes to the end of the queue.
class Plain : public Contestant {
 public:
  Plain(const Limits& limits, std::vector<Msg> msgs) : limits_(limits), ids_({1, 2, 3}, 4) {
    for (Msg& msg : msgs) waiting_.push_back(QueuedMsg{std::move(msg), {}, {}, {}});
  }

  void take(const Event& event, Instant now) override {
    if (const auto* joined = std::get_if<ClientJoined>(&event)) {
      free_.push_back({joined->client, joined->batchsize});
    } else if (const auto* reported = std::get_if<Reported>(&event)) {
      const Batch batch = held_.extract(*reported->batch).mapped();
      free_.push_back({batch.client, static_cast<std::uint32_t>(batch.msgs.size())});
    } else if (const auto* lost = std::get_if<ClientLost>(&event)) {
      for (auto& [id, batch] : held_) {
        if (batch.client == lost->client) graces_.emplace(now + limits_.timing.drop_grace, id);
      }
    } else {
      end_graces(now);
    }
    grant(now);
  }
  std::optional<Instant> next_timeout() override {
    return graces_.empty() ? std::nullopt : std::optional{graces_.begin()->first};
  }

 private:
  void end_graces(Instant now) {
    while (!graces_.empty() && graces_.begin()->first <= now) {
      Batch batch = held_.extract(graces_.begin()->second).mapped();
      graces_.erase(graces_.begin());
      for (QueuedMsg& msg : batch.msgs) {
        ++msg.attempts;
        msg.misses.push_back({batch.id, batch.client, now, now, MissReason::dropped, {}});
        if (msg.attempt() > limits_.max_resends + 1) {
          on_fail(msg.msg.id);
        } else {
          waiting_.push_back(std::move(msg));
        }
      }
    }
  }
  void grant(Instant now) {
    while (!free_.empty() && !waiting_.empty()) {
      const auto [client, batchsize] = free_.front();
      if (waiting_.size() < batchsize && !graces_.empty()) return;
      free_.pop_front();
      auto batch = std::make_shared<Batch>(Batch{ids_.next(from_us(1)), client, now, {}});
      while (batch->msgs.size() < batchsize && !waiting_.empty()) {
        batch->msgs.push_back(std::move(waiting_.front()));
        waiting_.pop_front();
      }
      held_.emplace(batch->id, *batch);
      on_send(SendBatch{client, batch, now});
    }
  }

  Limits limits_;
  XidFactory ids_;
  std::deque<QueuedMsg> waiting_;
  std::deque<std::pair<Xid, std::uint32_t>> free_;
  std::map<Xid, Batch> held_;
  std::multimap<Instant, Xid> graces_;
};

// The brief's clients in simulated time: batchsize 2..10, a poisonous msg ends its client at once,
// which comes back a second later as a new one.
class World {
 public:
  World(const WorldSettings& settings, Contestant& contestant)
      : settings_(settings), contestant_(contestant), ids_({9, 9, 9}, 9), dice_(settings.seed) {}

  void run() {
    contestant_.on_send = [this](const SendBatch& send) {
      work(send);
    };
    contestant_.on_fail = [this](const Xid& id) {
      failed_.push_back(id);
    };
    for (std::size_t i = 0; i < settings_.clients; ++i) join_at(Instant{});
    while (true) {
      const std::optional<Instant> timeout = contestant_.next_timeout();
      if (timeout && (agenda_.empty() || *timeout < agenda_.begin()->first)) {
        now_ = std::max(now_, *timeout);
        contestant_.take(TimeReached{}, now_);
      } else if (!agenda_.empty()) {
        now_ = agenda_.begin()->first;
        const auto entry = agenda_.extract(agenda_.begin());
        entry.mapped()();
      } else {
        break;
      }
    }
  }
  [[nodiscard]] const std::vector<Xid>& failed() const { return failed_; }
  std::vector<Xid> reported;
  std::size_t batches = 0;

 private:
  void join_at(Instant at) {
    agenda_.emplace(at, [this] {
      std::uniform_int_distribution<std::uint32_t> batchsize(settings_.smallest_batch,
                                                             settings_.largest_batch);
      const ClientJoined joined{ids_.next(from_us(1)), batchsize(dice_), settings_.takes_short};
      contestant_.take(joined, now_);
    });
  }
  void work(const SendBatch& send) {
    ++batches;
    std::uint32_t longest = 0;
    for (const QueuedMsg& msg : send.batch->msgs) longest = std::max(longest, msg.msg.period);
    if (longest > 900) {
      agenda_.emplace(now_,
                      [this, client = send.client] { contestant_.take(ClientLost{client}, now_); });
      join_at(now_ + milliseconds{1000});
      return;
    }
    agenda_.emplace(now_ + milliseconds{longest}, [this, batch = send.batch] {
      Reported report;
      report.batch = batch->id;
      for (const QueuedMsg& msg : batch->msgs) report.ids.push_back(msg.msg.id);
      reported.insert(reported.end(), report.ids.begin(), report.ids.end());
      contestant_.take(report, now_);
    });
  }

  WorldSettings settings_;
  Contestant& contestant_;
  XidFactory ids_;
  std::mt19937_64 dice_;
  Instant now_;
  std::multimap<Instant, std::function<void()>> agenda_;
  std::vector<Xid> failed_;
};

std::vector<Msg> make_msgs(const WorldSettings& settings) {
  std::mt19937_64 dice(settings.seed * 7919);
  std::uniform_int_distribution<std::uint32_t> harmless(1, 900);
  std::bernoulli_distribution poisonous(settings.poisonous);
  XidFactory ids({5, 5, 5}, 5);
  std::vector<Msg> msgs;
  for (std::size_t i = 0; i < settings.msgs; ++i) {
    msgs.push_back({ids.next(from_us(1)), poisonous(dice) ? 1000 : harmless(dice), {}});
  }
  return msgs;
}

template <class Kind>
WorldResult run(const WorldSettings& settings) {
  const std::vector<Msg> msgs = make_msgs(settings);
  Kind contestant(settings.limits(), msgs);
  World world(settings, contestant);
  world.run();
  EXPECT_EQ(world.reported.size() + world.failed().size(), msgs.size());
  std::map<Xid, std::uint32_t> periods;
  for (const Msg& msg : msgs) periods[msg.id] = msg.period;
  WorldResult result;
  for (const Msg& msg : msgs) result.harmless += msg.period <= 900 ? 1 : 0;
  for (const Xid& id : world.failed()) result.harmless_failed += periods[id] <= 900 ? 1 : 0;
  for (const Xid& id : world.reported) result.poisonous_reported += periods[id] > 900 ? 1 : 0;
  result.batches = static_cast<double>(world.batches) / static_cast<double>(msgs.size());
  return result;
}

struct Shares {
  double plain = 0, isolated = 0;                  // of the harmless msgs in fail
  double plain_batches = 0, isolated_batches = 0;  // a msg
};

// The mean over several seeds, for one world is a small sample at 1 %.
Shares measure(WorldSettings settings, int seeds, const char* what) {
  Shares shares;
  for (int seed = 1; seed <= seeds; ++seed) {
    settings.seed = static_cast<std::uint64_t>(seed);
    const WorldResult plain = run<Plain>(settings);
    const WorldResult isolated = run<Isolating>(settings);
    EXPECT_EQ(isolated.poisonous_reported, 0U);
    shares.plain += plain.share() / seeds;
    shares.plain_batches += plain.batches / seeds;
    shares.isolated += isolated.share() / seeds;
    shares.isolated_batches += isolated.batches / seeds;
  }
  std::printf(
      "%5.2f %% poisonous, %s: harmless msgs in fail: %.3f %% plain, %.3f %% isolated;"
      " batches a msg: %.4f plain, %.4f isolated\n",
      100 * settings.poisonous, what, 100 * shares.plain, 100 * shares.isolated,
      shares.plain_batches, shares.isolated_batches);
  return shares;
}

TEST(Isolation, AtOnePercentPoisonousFailsAFiftiethOfPlainRequeueing) {
  const Shares shares = measure({.poisonous = 0.01}, 12, "batches of 2 to 10");
  EXPECT_GT(shares.plain, 0.01);  // the world is as hard as the model says
  EXPECT_LE(shares.isolated, shares.plain / 50);
}

TEST(Isolation, AtTenPercentPoisonousFailsAnEighthOfPlainRequeueing) {
  const Shares shares = measure({.poisonous = 0.1}, 6, "batches of 2 to 10");
  EXPECT_GT(shares.plain, 0.15);
  EXPECT_LE(shares.isolated, shares.plain / 8);
}

TEST(Isolation, ClientsThatTakeShortBatchesLoseAlmostNothing) {
  const Shares shares = measure({.poisonous = 0.1, .takes_short = true}, 3, "short batches taken");
  EXPECT_LE(shares.isolated, shares.plain / 20);
}

// Pieces of many msgs fail no more of them than ones, in far fewer batches.
TEST(Isolation, LargeBatchesAreParted) {
  WorldSettings settings{.poisonous = 0.0005, .msgs = 20'000, .smallest_batch = 100};
  settings.largest_batch = 1000;
  const Shares pieces = measure(settings, 4, "batches of 100 to 1,000");
  settings.fewest_pieces = 1'000'000;
  const Shares ones = measure(settings, 4, "the same in ones");
  EXPECT_GT(pieces.plain, 0.01);
  EXPECT_LE(pieces.isolated, ones.isolated + 0.0001);
  EXPECT_LE(pieces.isolated_batches, ones.isolated_batches / 2);
}

// Of a lost batch of 10,000 msgs `poisonous` kill whoever has them. One client after the other
// takes what is there; nobody waits for anything but graces.
std::size_t batches_after_a_loss(std::size_t poisonous, Duration* took) {
  Limits limits;
  StoredQueue stored;
  XidFactory ids({1, 2, 3}, 4);
  XidFactory clients({1, 2, 3}, 5);
  Dispatcher dispatcher = Dispatcher::restore(limits, ids, Snapshot{}, from_us(0));
  Instant now = from_us(0);
  std::optional<SendBatch> sent;
  std::size_t failed = 0;
  std::function<void(const Event&)> step = [&](const Event& event) {
    const Effects effects = dispatcher.step(event, now);
    stored.apply(effects.writes);
    for (const Send& send : effects.sends) {
      if (const auto* batch = std::get_if<SendBatch>(&send)) sent = *batch;
    }
    for (const Write& write : effects.writes) failed += std::holds_alternative<PutFail>(write);
    if (const auto answer = stored.answer(dispatcher)) step(*answer);
  };
  std::vector<Msg> msgs;
  for (std::size_t i = 0; i < 10'000; ++i) msgs.push_back({ids.next(from_us(1)), 1, {}});
  // Spread, and so that a piece may hold two of them.
  std::set<Xid> deadly;
  for (std::size_t i = 0; i < poisonous; ++i) deadly.insert(msgs[(i * 3989 + 57) % 10'000].id);
  step(ClientJoined{clients.next(from_us(1)), 10'000, false});
  step(Submitted{1, std::move(msgs)});
  step(ClientLost{sent->client});
  now += limits.timing.drop_grace;
  sent.reset();
  step(TimeReached{});
  const Instant begun_at = now;
  step(ClientJoined{clients.next(from_us(1)), 10'000, false});
  std::size_t batches = 0;
  while (sent) {
    ++batches;
    const SendBatch batch = *std::exchange(sent, std::nullopt);
    Reported report;
    report.batch = batch.batch->id;
    bool dies = false;
    for (const QueuedMsg& msg : batch.batch->msgs) {
      dies = dies || deadly.contains(msg.msg.id);
      report.ids.push_back(msg.msg.id);
    }
    if (dies) {
      step(ClientLost{batch.client});
      step(ClientJoined{clients.next(from_us(1)), 10'000, false});
    } else {
      step(report);
    }
    while (!sent) {
      const auto due = dispatcher.next_timeout();
      if (!due) break;
      now = *due;
      step(TimeReached{});
    }
  }
  EXPECT_EQ(failed, poisonous);
  EXPECT_EQ(dispatcher.counts().reported, 10'000 - poisonous);
  *took = now - begun_at;
  return batches;
}

TEST(Isolation, TenThousandMsgsOfALostBatchCostTensOfBatches) {
  Duration took{};
  const std::size_t harmless = batches_after_a_loss(0, &took);
  std::printf("10,000 harmless msgs of a lost batch: %zu batches, %lld ms\n", harmless,
              static_cast<long long>(took.count() / 1000));
  EXPECT_LE(harmless, 30U);
  // What may not travel with the first piece does not wait for company; the last piece does, once.
  EXPECT_LE(took, Limits{}.linger);
  for (const std::size_t poisonous : {1U, 2U, 10U}) {
    const std::size_t batches = batches_after_a_loss(poisonous, &took);
    std::printf("%zu of them poisonous: %zu batches, %lld ms\n", poisonous, batches,
                static_cast<long long>(took.count() / 1000));
    EXPECT_LE(batches, 30U + 60 * poisonous);
  }
}

}  // namespace
}  // namespace pena::core::test
