// What the turn does, and says, where the queue, the store or its disk has no room.
#include "store/forwarding_store.hpp"
#include "turn_test.hpp"

namespace pena::turn::test {
namespace {

TEST_F(TurnTest, ALongQueueStopsTheAcceptingAndGoesOnWhenItIsShorter) {
  limits_.queue_msgs = 2;
  open();
  submit({1});
  EXPECT_TRUE(turn_->accepting());
  submit({2});
  EXPECT_FALSE(turn_->accepting());
  join(100, 1);
  EXPECT_TRUE(turn_->accepting());
}

TEST_F(TurnTest, WhyNothingNewIsTakenIsTold) {
  limits_.queue_msgs = 2;
  open();
  EXPECT_EQ(sentence(turn_->full(), limits_), "");
  submit({1, 2});
  EXPECT_EQ(sentence(turn_->full(), limits_),
            "the queue is full: it has 2 msgs, as many as it may");
  limits_.map_bytes = 4096;
  EXPECT_EQ(sentence(Full::store, limits_),
            "the store is full: 0.8 of its 4096 bytes are in use, as many as new msgs may take");
  limits_.disk_bytes = 5;
  EXPECT_EQ(
      sentence(Full::disk, limits_),
      "the disk of the store is full: it has less than 5 bytes left, which it should have for "
      "new msgs");
}

// What comes and goes with each msg is no news.
TEST_F(TurnTest, AStandstillIsToldOnceItLastsAndNotAgainWithinAMinute) {
  limits_.queue_msgs = 1;
  open();
  std::vector<std::int64_t> told_at;
  const Instant begin = now_;
  std::uint16_t msg = 0;
  for (; now_ < begin + seconds{200}; now_ += milliseconds{100}) {
    const bool lasts = now_ < begin + seconds{90} || now_ >= begin + seconds{100};
    if (turn_->accepting()) submit({++msg});
    if (!lasts) {
      join(static_cast<std::uint16_t>(1000 + msg), 1);  // takes it
    }
    (void)run_rounds(*turn_, now_);
    if (turn_->warning(now_)) told_at.push_back((now_ - begin) / seconds{1});
  }
  EXPECT_EQ(told_at, (std::vector<std::int64_t>{1, 101}));
}

// A store whose disk others fill and empty.
class ChangingStore final : public store::ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  [[nodiscard]] bool disk_is_low() const override { return low; }
  [[nodiscard]] core::Room room() const override {
    return has_room ? core::Room::endless() : core::Room{};
  }
  bool low = false;
  bool has_room = true;
};

TEST_F(TurnTest, AnotherStandstillIsToldThoughOneWasToldBefore) {
  limits_.queue_msgs = 1;
  auto changing = std::make_unique<ChangingStore>(store::make_memory_store());
  ChangingStore& disk = *changing;
  store_ = std::move(changing);
  open();
  submit({1});
  std::vector<std::string> told;
  const Instant begin = now_;
  for (; now_ < begin + seconds{10}; now_ += milliseconds{100}) {
    if (now_ == begin + seconds{3}) disk.low = true;
    if (now_ == begin + seconds{6}) {
      disk.low = disk.has_room = false;
      join(100, 1);
    }
    (void)run_rounds(*turn_, now_);
    if (const auto text = turn_->warning(now_)) told.push_back(text->substr(0, 25));
  }
  EXPECT_EQ(told,
            (std::vector<std::string>{"the queue is full: it has", "the disk of the store is ",
                                      "the store has no room for"}));
  // Nothing is committed meanwhile, and yet it is seen that there is room again.
  EXPECT_FALSE(turn_->accepting());
  disk.has_room = true;
  EXPECT_LE(turn_->next_close(now_).value(), now_ + seconds{1});
  now_ += seconds{1};
  EXPECT_EQ(of<core::SendBatch>(run_rounds(*turn_, now_)).size(), 1U);
  EXPECT_TRUE(turn_->accepting());
}

TEST_F(TurnTest, WhereTheDiskIsLowAQueueIsPausedIfItsNameIsThere) {
  auto changing = std::make_unique<ChangingStore>(store::make_memory_store());
  ChangingStore& disk = *changing;
  store_ = std::move(changing);
  open();
  const auto pause = [this](const std::string& queue, bool paused = true) {
    const auto replies = of<core::PauseReply>(happen(core::PauseAsked{++requests_, queue, paused}));
    EXPECT_EQ(replies.size(), 1U);
    return replies.at(0).refused;
  };
  EXPECT_EQ(pause("mail"), core::NameRefused::no);
  disk.low = true;
  now_ += seconds{1};
  EXPECT_EQ(pause("new"), core::NameRefused::no_room);
  EXPECT_EQ(pause("mail", false), core::NameRefused::no);
  EXPECT_EQ(pause("mail"), core::NameRefused::no);
  EXPECT_EQ(pause("default"), core::NameRefused::no);
  EXPECT_EQ(pause("new", false), core::NameRefused::no);
  EXPECT_EQ(store_->queues().size(), 2U);
  disk.low = false;
  now_ += seconds{1};
  EXPECT_EQ(pause("new"), core::NameRefused::no);
}

TEST_F(TurnTest, AGeneratorThatLackedRoomGoesOnByItselfWhenThereIsSome) {
  for (const std::optional<double> rate : {std::optional<double>{}, std::optional<double>{10.0}}) {
    auto changing = std::make_unique<ChangingStore>(store::make_memory_store());
    ChangingStore& disk = *changing;
    store_ = std::move(changing);
    Generator::Settings settings;
    settings.rate = rate;
    open(settings);
    disk.has_room = false;
    EXPECT_TRUE(of<core::SendBatch>(join(100, 3)).empty());
    for (int i = 0; i < 3; ++i) {
      now_ += seconds{1};
      EXPECT_TRUE(of<core::SendBatch>(run_rounds(*turn_, now_)).empty());
      EXPECT_EQ(turn_->waits_for(), WaitsFor::store_room);
      EXPECT_EQ(turn_->next_close(now_), now_ + seconds{1});
    }
    disk.has_room = true;
    now_ += seconds{1};
    std::vector<Outgoing> sent = run_rounds(*turn_, now_);
    for (int i = 0; i < 3 && sent.empty(); ++i) {  // by its rate
      now_ = turn_->next_close(now_).value();
      sent = run_rounds(*turn_, now_);
    }
    EXPECT_EQ(of<core::SendBatch>(sent).size(), 1U);
  }
}

}  // namespace
}  // namespace pena::turn::test
