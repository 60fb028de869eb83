// How many streams a worker has, and of which size (docs/worker-machine.md, "Slots and streams").
#include <deque>
#include <set>

#include "worker_test.hpp"

namespace pena::core {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::id_of;

class WorkerStreamsTest : public test::WorkerTest {
 protected:
  // What a server makes of a worker: it grants each free stream what is there, in turn.
  struct Seen {
    std::uint32_t batchsize = 0;
    std::size_t batch = 0;  // its number; 0: none
    bool is_last = false;
  };
  void serve(const Actions& actions) {
    todo_.insert(todo_.end(), actions.begin(), actions.end());
    while (!todo_.empty()) {
      const WorkerAction action = todo_.front();
      todo_.pop_front();
      std::visit([this](const auto& what) { act(what); }, action);
    }
    most_streams_ = std::max(most_streams_, streams_.size());
  }
  void act(const OpenWorkerStream& opened) {
    streams_[opened.stream] = {opened.batchsize};
    fits();
    queue(open(opened.stream));
    free_.push_back(opened.stream);
  }
  void act(const BeginRun& begun) {
    running_.push_back(begun.run);
    EXPECT_LE(running_.size(), slots_);
  }
  void act(const PostReport& post) {
    if (!post.report.batch) return queue(answer(post.number, 200));
    const Xid batch = *post.report.batch;
    auto& held = held_.at(batch);
    held -= post.report.ids.size();
    const auto stream = std::ranges::find_if(
        streams_, [&](const auto& one) { return batch_id(one.second.batch) == batch; });
    ASSERT_NE(stream, streams_.end());
    if (post.report.last) stream->second.is_last = true;
    if (held == 0) {
      stream->second.batch = 0;
      free_.push_back(stream->first);
    }
    const std::uint64_t number = stream->first;
    if (held == 0 && !stream->second.is_last) fits();
    queue(answer(post.number, 200));
    if (held == 0 && stream->second.is_last) {
      streams_.erase(number);
      std::erase(free_, number);
      queue(tell(number, StreamClosed{}));
    }
  }
  template <class Other>
  void act(const Other&) {}
  void queue(Actions actions) { todo_.insert(todo_.end(), actions.begin(), actions.end()); }
  // What is asked for has a slot.
  void fits() const {
    std::size_t asked = 0;
    for (const auto& [number, stream] : streams_) {
      if (stream.batch == 0 && !stream.is_last) asked += stream.batchsize;
    }
    EXPECT_LE(asked, slots_ - running_.size());
  }
  // So many msgs wait, and are granted to whoever is free.
  void offer(std::size_t msgs) {
    while (msgs > 0 && !free_.empty()) {
      const std::uint64_t stream = free_.front();
      free_.pop_front();
      Seen& seen = streams_.at(stream);
      seen.batch = ++batches_;
      std::vector<std::size_t> brought;
      for (; msgs > 0 && brought.size() < seen.batchsize; --msgs) brought.push_back(++msgs_);
      held_[batch_id(batches_)] = brought.size();
      serve(batch(stream, batches_, brought));
    }
  }
  void beat_all() {
    for (const auto& [number, stream] : streams_) serve(beat(number));
  }
  void end_run(std::size_t at) {
    const std::uint64_t run = running_[at];
    running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(at));
    serve(happen(RunEnded{run, RunDone{}}));
  }
  void begin(std::uint32_t slots) {
    slots_ = slots;
    serve(start(slots));
  }

  // Of two slots: msg 2 runs in a batch of the first, the second is free and asks for one.
  void two_streams() {
    (void)start(2);
    (void)open();
    (void)batch(1, 1, {1, 2});
    (void)end(1);
    (void)next<OpenWorkerStream>();
    (void)open();
    (void)answer(200);
  }

  std::size_t slots_ = 0, most_streams_ = 0, batches_ = 0, msgs_ = 0;
  std::map<std::uint64_t, Seen> streams_;
  std::map<Xid, std::size_t> held_;
  std::vector<std::uint64_t> running_;
  std::deque<std::uint64_t> free_;
  std::deque<WorkerAction> todo_;
};

TEST_F(WorkerStreamsTest, TheFirstAsksForAsManyAsThereAreSlots) {
  EXPECT_EQ(only<OpenWorkerStream>(start(4)).batchsize, 4U);
  EXPECT_TRUE(open().empty());
}

TEST_F(WorkerStreamsTest, NoneAsksForMoreThanAStreamMay) {
  WorkerRules rules;
  rules.slots = 2'500;
  EXPECT_EQ(only<OpenWorkerStream>(start(rules)).batchsize, 1'000U);
  // And no other is opened before that one has brought something.
  EXPECT_TRUE(of<OpenWorkerStream>(open()).empty());
  EXPECT_TRUE(of<OpenWorkerStream>(pass(seconds{2})).empty());
  EXPECT_EQ(next<OpenWorkerStream>(batch(stream_, 1, {1})).first.batchsize, 1'000U);
}

TEST_F(WorkerStreamsTest, OneSlotHasOneStreamForEver) {
  begin(1);
  for (int msg = 0; msg < 100; ++msg) {
    offer(1);
    ASSERT_EQ(running_.size(), 1U);
    end_run(0);
  }
  EXPECT_EQ(logic_->counts().connects, 1U);
  EXPECT_EQ(logic_->counts().reported, 100U);
}

TEST_F(WorkerStreamsTest, SlotsOfEqualWorkShareOneStream) {
  begin(4);
  for (int round = 0; round < 50; ++round) {
    offer(4);
    ASSERT_EQ(running_.size(), 4U);
    // All end before any report is answered, so they go in few.
    Actions all;
    while (!running_.empty()) {
      add(all, happen(RunEnded{running_.back(), RunDone{}}));
      running_.pop_back();
    }
    serve(all);
  }
  EXPECT_EQ(most_streams_, 1U);
}

TEST_F(WorkerStreamsTest, OfABatchThatIsOnItsWayEachMsgHasItsSlot) {
  (void)start(4);
  (void)open();
  // The note alone opens no stream for slots that its msgs will take.
  EXPECT_TRUE(of<OpenWorkerStream>(grant(1, batch_id(1), 4)).empty());
  EXPECT_TRUE(of<OpenWorkerStream>(bring(1, batch_id(1), 1)).empty());
}

TEST_F(WorkerStreamsTest, AShortBatchLeavesRoomForAnotherStream) {
  (void)start(4);
  (void)open();
  const auto [opened, waited] = next<OpenWorkerStream>(batch(1, 1, {1}));
  EXPECT_EQ(opened.batchsize, 3U);
  EXPECT_EQ(waited, milliseconds{10});
}

TEST_F(WorkerStreamsTest, FourSlotsNeverAskForMoreThanThereIsRoom) {
  begin(4);
  std::uint64_t chance = 1;
  for (int step = 0; step < 2'000; ++step) {
    chance = chance * 6364136223846793005U + 1442695040888963407U;
    const std::uint64_t drawn = chance >> 33U;
    if (drawn % 2 == 0) offer(1 + drawn / 2 % 4);
    if (drawn % 2 == 1 && !running_.empty()) end_run(drawn / 2 % running_.size());
    ASSERT_FALSE(HasFailure()) << "in step " << step;
  }
  EXPECT_LE(most_streams_, 8U);
  EXPECT_GT(logic_->counts().reported, 500U);
}

TEST_F(WorkerStreamsTest, AThousandSlotsWhoseMsgsEndOneByOneNeedFewStreams) {
  begin(1'000);
  std::uint64_t chance = 1;
  offer(1'000);
  for (int step = 0; step < 20'000; ++step) {
    chance = chance * 6364136223846793005U + 1442695040888963407U;
    end_run((chance >> 33U) % running_.size());
    serve(pass(milliseconds{1}));
    offer(1'000);
    if (step % 1'000 == 0) beat_all();
    // An eighth may be idle, and what ends in the moment behind that.
    ASSERT_GE(running_.size(), 864U);
    ASSERT_FALSE(HasFailure()) << "in step " << step;
  }
  EXPECT_LE(most_streams_, 60U);
}

TEST_F(WorkerStreamsTest, ManySlotsWaitForAnEighthToBeIdleOrASecond) {
  (void)start(16);
  (void)open();
  std::vector<std::size_t> msgs;
  for (std::size_t msg = 1; msg <= 16; ++msg) msgs.push_back(msg);
  (void)batch(1, 1, msgs);
  EXPECT_TRUE(of<OpenWorkerStream>(end(1)).empty());
  const auto [opened, waited] = next<OpenWorkerStream>();
  EXPECT_EQ(opened.batchsize, 1U);
  EXPECT_EQ(waited, seconds{1});
  (void)open();
  (void)answer(200);
  (void)batch(2, 2, {17});
  // Two are an eighth.
  (void)end(2);
  (void)answer(200);
  (void)end(3);
  EXPECT_EQ(next<OpenWorkerStream>().first.batchsize, 2U);
}

TEST_F(WorkerStreamsTest, TheLastReportOfABatchKeepsItsStreamIfThatFits) {
  (void)start(2);
  (void)open();
  (void)batch(1, 1, {1, 2});
  EXPECT_FALSE(only<PostReport>(end(1)).report.last);
  (void)end(2);
  EXPECT_FALSE(only<PostReport>(answer(200)).report.last);
  (void)answer(200);
  // The stream asks for two, and there are no more.
  EXPECT_TRUE(of<OpenWorkerStream>(pass(milliseconds{100})).empty());
}

TEST_F(WorkerStreamsTest, WhereItDoesNotFitTheReportIsTheStreamsLast) {
  two_streams();
  const auto report = only<PostReport>(end(2)).report;
  EXPECT_TRUE(report.last);
  EXPECT_TRUE(report.partial);
  (void)answer(200);
  // Its end is no loss; the other slot has a stream of its own, once the second stream has shown that there are
  // msgs.
  (void)tell(1, StreamClosed{});
  EXPECT_EQ(logic_->counts().lost, 0U);
  EXPECT_TRUE(of<OpenWorkerStream>(pass(seconds{2})).empty());
  EXPECT_EQ(next<OpenWorkerStream>(batch(2, 2, {3})).first.batchsize, 1U);
}

// It may have been taken, and said nothing of the stream then; or not.
TEST_F(WorkerStreamsTest, WhereThatReportWasNotAnsweredItIsSaidOnceMore) {
  two_streams();
  (void)end(2);
  (void)answer(0);
  EXPECT_TRUE(next<PostReport>().first.report.last);
  EXPECT_EQ(only<PostLeave>(answer(200)).client, client_of(1));
}

TEST_F(WorkerStreamsTest, OneThatIsToTakeNoMoreAndGetsABatchSaysItWithThat) {
  two_streams();
  (void)end(2);
  (void)answer(409);  // somebody else has settled it: the server knows of no last report
  EXPECT_EQ(only<BeginRun>(batch(1, 7, {9})).msg, id_of(9));
  (void)answer(409);  // to its leave
  EXPECT_TRUE(only<PostReport>(end(9)).report.last);
}

TEST_F(WorkerStreamsTest, TheNextBatchMayComeBeforeTheAnswer) {
  (void)start(1);
  (void)open();
  (void)batch(1, 1, {1});
  (void)end(1);
  const std::uint64_t first = post_;
  EXPECT_EQ(only<BeginRun>(batch(1, 2, {2})).msg, id_of(2));
  (void)answer(first, 200);
  // The answer to the first frees nobody.
  EXPECT_TRUE(of<OpenWorkerStream>(pass(seconds{1})).empty());
  EXPECT_FALSE(only<PostReport>(end(2)).report.last);
  EXPECT_EQ(logic_->counts().lost, 0U);
}

TEST_F(WorkerStreamsTest, ABatchWhoseStreamHasTheNextIsOver) {
  (void)start(2);
  (void)open();
  (void)batch(1, 1, {1, 2});
  const Actions next = batch(1, 2, {3});
  EXPECT_EQ(of<CancelRun>(next).size(), 2U);
  EXPECT_EQ(logic_->counts().lost, 1U);
  // What it brings is reported all the same.
  EXPECT_EQ(only<PostReport>(end(1)).report.batch, batch_id(1));
}

// ---- streams that are lost, and a server that is away

TEST_F(WorkerStreamsTest, AServerThatIsAwayIsSpokenOfOnceAndTriedByOneStream) {
  begin(4);
  offer(2);
  serve(pass(milliseconds{10}));
  ASSERT_EQ(streams_.size(), 2U);
  Actions actions = tell(1, StreamClosed{"reset", 0, {}});
  add(actions, tell(2, StreamClosed{"reset", 0, {}}));
  std::vector<std::string> said = lines(actions);
  Duration longest{};
  for (int failures = 0; failures < 12; ++failures) {
    const auto [opened, waited] = next<OpenWorkerStream>();
    longest = std::max(longest, waited);
    const Actions failed = tell(opened.stream, StreamClosed{"refused", 0, {}});
    EXPECT_TRUE(of<OpenWorkerStream>(failed).empty());
    for (const std::string& line : lines(failed)) said.push_back(line);
  }
  EXPECT_EQ(said, (std::vector<std::string>{
                      "no stream from the server: refused; trying again until there is one"}));
  EXPECT_GT(longest, seconds{1});
  EXPECT_LE(longest, seconds{5});
}

TEST_F(WorkerStreamsTest, AServerThatEndsEachStreamAtOnceIsAskedAfterWaitsThatGrow) {
  WorkerRules rules;
  rules.slots = 5'000;
  (void)start(rules);
  Duration longest{};
  for (int times = 0; times < 10; ++times) {
    EXPECT_TRUE(of<OpenWorkerStream>(open()).empty());
    EXPECT_TRUE(of<OpenWorkerStream>(tell(stream_, StreamClosed{})).empty());
    longest = std::max(longest, next<OpenWorkerStream>().second);
  }
  EXPECT_GT(longest, seconds{1});
}

TEST_F(WorkerStreamsTest, TheWaitIsOnTopOfWhatTheServerAskedFor) {
  (void)start(1);
  (void)tell(1, StreamClosed{"503: full", 503, seconds{7}});
  EXPECT_GE(next<OpenWorkerStream>().second, seconds{7});
}

TEST_F(WorkerStreamsTest, AStreamThatWasLostIsOpenedAgainForAsManyAsAreIdle) {
  (void)start(4);
  (void)open();
  (void)batch(1, 1, {1, 2});
  (void)tell(1, StreamClosed{});
  // The two that were cancelled still run.
  EXPECT_EQ(next<OpenWorkerStream>().first.batchsize, 2U);
}

TEST_F(WorkerStreamsTest, WhereAllSlotsAreTakenNoStreamIsOpenedUntilOneIsIdle) {
  (void)start(1);
  (void)open();
  (void)batch(1, 1, {1});
  (void)tell(1, StreamClosed{});
  EXPECT_TRUE(of<OpenWorkerStream>(pass(seconds{5})).empty());
  EXPECT_EQ(next<OpenWorkerStream>(end(1)).second, Duration::zero());
}

TEST_F(WorkerStreamsTest, ASilentStreamIsLost) {
  (void)start(2);
  (void)open();
  (void)batch(1, 1, {1, 2});
  const Actions passed = pass(timing_.silence + milliseconds{1});
  EXPECT_EQ(only<HangUp>(passed).stream, 1U);
  EXPECT_EQ(of<CancelRun>(passed).size(), 2U);
  // What it still says is nobody's.
  EXPECT_TRUE(bring(1, batch_id(1), 3).empty());
}

TEST_F(WorkerStreamsTest, BytesThatCameLateDoNotKeepASilentStream) {
  (void)start(1);
  (void)open();
  const auto old = NoteArrived{std::nullopt, 0, server_ms()};
  now_ += timing_.silence + milliseconds{1};
  (void)tell(1, old);
  const Actions came = bring(1, batch_id(1), 1);
  EXPECT_EQ(only<HangUp>(came).stream, 1U);
  EXPECT_TRUE(of<BeginRun>(came).empty());
}

TEST_F(WorkerStreamsTest, ARefusedStreamEndsTheWorkerWhenWhatRunsIsReported) {
  two_streams();
  (void)end(2);
  (void)answer(200);
  (void)tell(1, StreamClosed{});
  (void)batch(2, 2, {3});
  const auto opener = next<OpenWorkerStream>().first.stream;
  const Actions refused = tell(opener, StreamClosed{"no such path", 404, {}});
  EXPECT_TRUE(of<EndWorker>(refused).empty());
  const auto report = only<PostReport>(end(3)).report;
  EXPECT_TRUE(report.last);
  (void)answer(200);
  const auto ended = only<EndWorker>(tell(2, StreamClosed{}));
  EXPECT_EQ(ended.reason, WorkerEndReason::refused);
  EXPECT_EQ(ended.text, "the server refused the stream: no such path");
}

TEST_F(WorkerStreamsTest, AnIdleWorkerWhoseStreamIsRefusedEndsAtOnce) {
  (void)start(1);
  const Actions refused = tell(1, StreamClosed{"no", 403, {}});
  EXPECT_EQ(only<EndWorker>(refused).reason, WorkerEndReason::refused);
  EXPECT_TRUE(logic_->ended());
  EXPECT_EQ(logic_->next_timeout(), std::nullopt);
}

TEST_F(WorkerStreamsTest, TheTimeOfTheServerIsAskedForNowAndThen) {
  (void)start(1);
  (void)open();
  for (int second = 0; second < 200 && post_ == 0; ++second) {
    const Actions passed = pass(seconds{1});
    (void)beat(1);
    if (of<PostReport>(passed).empty()) continue;
    const auto asked = only<PostReport>(passed).report;
    EXPECT_FALSE(asked.batch || asked.last || asked.partial || !asked.ids.empty());
  }
  EXPECT_NE(post_, 0U);
  EXPECT_TRUE(answer(200).empty());
}

}  // namespace
}  // namespace pena::core
