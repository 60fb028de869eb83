// What of all queues together is in memory: no more than a window and a quarter after any step, whoever waits
// for what, and whoever waits gets on nevertheless.
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "core/dispatcher.hpp"
#include "core/ledger.hpp"
#include "sample.hpp"

namespace pena::core {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using test::id_of;

constexpr std::size_t kWindow = 20;
constexpr std::size_t kMost = kWindow + kWindow / 4;
constexpr std::size_t kBytes = 40'000;

// A dispatcher and a store, and the bound after each step.
class World {
 public:
  explicit World(Duration linger)
      : dispatcher_(
            Dispatcher::restore(limits(linger), XidFactory({0xff, 0, 0}, 0), Snapshot{}, now_)) {}

  std::size_t step(Event event) {
    Effects effects = dispatcher_.step(std::move(event), now_);
    ledger_.apply(effects.writes);
    std::size_t grants = 0;
    for (const Send& send : effects.sends) {
      if (std::holds_alternative<SendBatch>(send)) ++grants;
    }
    granted += grants;
    EXPECT_LE(dispatcher_.in_memory().msgs, kMost);
    EXPECT_LE(dispatcher_.in_memory().bytes, kBytes + kBytes / 4 + kLongest);
    return grants;
  }
  // All that is wanted of the store. It ends: each answer brings somebody on.
  void read() {
    for (int reads = 0; const auto answer = ledger_.answer(dispatcher_); ++reads) {
      ASSERT_LT(reads, 300) << "reads without an end";
      step(*answer);
    }
  }
  void submit(const std::string& queue, std::size_t count, std::size_t bytes = 0) {
    Submitted submitted{1, {}};
    submitted.queues = {queue};
    for (std::size_t n = 0; n < count; ++n) {
      submitted.msgs.push_back({id_of(++msgs_), 1, std::string(bytes, 'x')});
      submitted.msgs.back().queue = 0;
    }
    step(std::move(submitted));
  }
  // A msg to each of them, at once.
  void submit_to_each(const std::vector<std::string>& queues) {
    Submitted submitted{1, {}};
    submitted.queues = queues;
    for (QueueNumber n = 0; n < queues.size(); ++n) {
      submitted.msgs.push_back({id_of(++msgs_), 1, {}});
      submitted.msgs.back().queue = n;
    }
    step(std::move(submitted));
  }
  Xid join(std::vector<std::string> queues, std::uint32_t batchsize = kWindow / 2,
           std::optional<std::uint64_t> batches = {}) {
    const Xid client = id_of(1, ++clients_);
    step(ClientJoined{client, batchsize, false, batches, std::move(queues)});
    return client;
  }
  // Gives back all that a client holds, or reports it.
  void end_batches(bool refuse, std::optional<Xid> client = {}) {
    for (const auto& [id, batch] : std::map{ledger_.batches}) {
      if (client && batch.client != *client) continue;
      Reported report;
      report.batch = id;
      for (const QueuedMsg& msg : batch.msgs) {
        (refuse ? report.refused : report.ids).push_back(msg.msg.id);
      }
      step(std::move(report));
    }
  }
  void pass(Duration time) {
    now_ += time;
    // Between two looks at the time the server reads, and what lingered may wait for its bodies.
    while (dispatcher_.next_timeout() && *dispatcher_.next_timeout() <= now_) {
      step(TimeReached{});
      read();
    }
  }
  void room(const Room& room) {
    (void)dispatcher_.hand_over_coming();
    if (dispatcher_.note_room(room, {})) step(TimeReached{});
  }
  [[nodiscard]] std::size_t waiting() const { return ledger_.queue.size(); }
  [[nodiscard]] std::size_t held() const { return ledger_.batches.size(); }

  std::size_t granted = 0;  // batches
  static constexpr std::size_t kLongest = 4000;

 private:
  static Limits limits(Duration linger) {
    Limits limits;
    limits.window_msgs = kWindow;
    limits.window_bytes = kBytes;
    limits.batchsize = kWindow / 2;
    limits.linger = linger;
    limits.retry_first = Duration::zero();
    limits.max_resends = 1000;
    return limits;
  }

  Instant now_ = from_us(0);
  std::size_t msgs_ = 0, clients_ = 0;
  test::Ledger ledger_{1000};
  Dispatcher dispatcher_;
};

TEST(Window, WhoeverLingersGoesSoonerWhereMemoryIsFull) {
  World world{hours{1}};
  for (const char* queue : {"a", "b", "c", "d"}) world.join({queue});
  world.submit("a", 9);
  world.submit("b", 9);
  EXPECT_EQ(world.granted, 0U);
  world.submit("c", 9);
  EXPECT_EQ(world.granted, 3U);
  world.submit("d", 9);
  EXPECT_EQ(world.granted, 3U);  // there is room for it to linger
}

// One client waits for a body that is to be read in one queue, and for msgs of another that are here.
TEST(Window, WhereABodyIsWaitedForOthersLeave) {
  World world{hours{1}};
  world.submit("a", 4);
  world.submit("b", 4);
  const Xid both = world.join({"a", "b"}, 8);
  world.submit("a", 6);
  world.end_batches(true, world.join({"a"}, 6, 1));  // six bodies are more than are kept
  const Xid most = world.join({"a"}, 5, 1);
  world.read();
  world.end_batches(false, most);
  world.submit("b", 18);
  EXPECT_EQ(world.granted, 3U);
  world.end_batches(true, both);
  EXPECT_EQ(world.granted, 3U);
  world.read();
  EXPECT_EQ(world.granted, 4U);
}

TEST(Window, WhereNothingCanGoNothingIsReadForIt) {
  World world{milliseconds{20}};
  for (const char* queue : {"a", "b", "c", "d", "e"}) world.submit(queue, 15);
  world.room({});
  for (const char* queue : {"a", "b", "c", "d", "e"}) world.join({queue});
  world.read();
  EXPECT_EQ(world.granted, 0U);
  world.room(Room::endless());
  world.read();
  EXPECT_EQ(world.granted, 5U);
}

// There was no room any more in the step in which it was known what somebody lacks.
TEST(Window, WhoeverLacksMsgsIsReadForWhenThereIsRoom) {
  World world{hours{1}};
  world.submit("others", 12);
  world.submit("a", 15);  // they are not in memory: that would be too many
  world.join({"a"});
  world.join({"b"}, 1);
  world.room({});
  world.submit_to_each({"a", "b"});
  world.read();
  EXPECT_EQ(world.granted, 0U);
  world.room(Room::endless());
  world.read();
  EXPECT_EQ(world.granted, 2U);
}

// Whatever happens, and in the end all is done.
TEST(Window, HoldsInWorldsThatAreDrawn) {
  const std::vector<std::string> names{"default", "a", "b", "c", "d"};
  for (unsigned seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 dice{seed};
    const auto below = [&](std::size_t n) {
      return static_cast<std::size_t>(dice()) % n;
    };
    World world{below(2) == 0 ? Duration{milliseconds{20}} : Duration{hours{1}}};
    std::vector<Xid> clients;
    const auto join = [&] {
      std::vector<std::string> queues;
      for (const std::string& name : names) {
        if (below(2) == 0) queues.push_back(name);
      }
      std::ranges::shuffle(queues, dice);
      clients.push_back(world.join(queues, static_cast<std::uint32_t>(1 + below(kWindow / 2))));
    };
    for (int n = 0; n < 100 && !testing::Test::HasFailure(); ++n) {
      switch (below(9)) {
        case 0:
        case 1:
          join();
          break;
        case 2:
          if (!clients.empty()) world.step(ClientLost{clients.at(below(clients.size()))});
          break;
        case 3:
          world.end_batches(below(3) > 0);
          break;
        case 4:
          world.pass(below(3) == 0 ? Duration{hours{1}} : Duration{milliseconds{below(5000)}});
          break;
        case 5:
          world.room(below(2) == 0 ? Room{} : Room::endless());
          break;
        case 6:
          world.step(PauseAsked{1, names.at(below(names.size())), below(3) == 0});
          break;
        default:
          world.submit(names.at(below(names.size())), 1 + below(15),
                       below(3) == 0 ? below(World::kLongest / 2) : 0);
      }
      if (below(4) > 0) world.read();
    }
    world.room(Room::endless());
    for (const std::string& name : names) world.step(PauseAsked{1, name, false});
    for (int n = 0; n < 1000 && !testing::Test::HasFailure(); ++n) {
      world.join(names);
      world.read();
      world.end_batches(false);
      world.read();
      if (world.waiting() == 0 && world.held() == 0) break;
      world.pass(hours{1});
    }
    EXPECT_EQ(world.waiting(), 0U);
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace pena::core
