// What a stream owes, step by step.
#include "outbox_test.hpp"

#include <gmock/gmock.h>

namespace pena::turn::test {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

constexpr std::string_view kRetry = "retry: 1000\n";

std::size_t count(std::string_view text, std::string_view what) {
  std::size_t times = 0;
  for (std::size_t at = text.find(what); at != text.npos; at = text.find(what, at + what.size())) {
    ++times;
  }
  return times;
}

// ---- idle, offered, writing

TEST_F(OutboxTest, OwesTheHeadAndAStampThatIsAChunkAtFirst) {
  open(Framing::chunks);
  EXPECT_EQ(take(), "head\r\n\r\n" + chunk(stamp_at(now_)));
  EXPECT_TRUE(outbox_->is_idle());
  EXPECT_TRUE(std::holds_alternative<Outbox::Rest>(outbox_->next(now_)));
}

TEST_F(OutboxTest, OffersABatchAtOnceWhereItLies) {
  open_idle(Framing::chunks);
  const core::Batch batch = a_batch(1, 3);
  const Outbox::Given given = outbox_->batch(batch, now_, frames_);
  EXPECT_EQ(given.at_once, chunk(std::string{kRetry} + text_of(batch)));
  EXPECT_GE(given.at_once.data(), frames_.data());
  EXPECT_LT(given.at_once.data(), frames_.data() + frames_.size());
  outbox_->sent(given.at_once.size());
  EXPECT_TRUE(outbox_->is_idle());
}

TEST_F(OutboxTest, SaysOnceHowSoonToComeBack) {
  open_idle();
  for (const std::size_t number : {1U, 2U, 3U}) send(a_batch(number));
  EXPECT_THAT(read_, StartsWith(std::string{kRetry} + ": batch="));
  EXPECT_EQ(count(read_, kRetry), 1U);
}

TEST_F(OutboxTest, SaysItWithABatchThatWaits) {
  open();
  send(a_batch(1));
  EXPECT_EQ(offered_, 0U);
  EXPECT_THAT(take(), EndsWith(std::string{kRetry} + text_of(a_batch(1))));
}

TEST_F(OutboxTest, KeepsWhatTheNetworkDoesNotTake) {
  for (const std::size_t taken : {0U, 1U, 20U}) {
    open_idle();
    send(a_batch(1), taken);
    EXPECT_EQ(read_.size(), taken);
    EXPECT_FALSE(outbox_->is_idle());
    (void)take();
    EXPECT_EQ(read_, std::string{kRetry} + text_of(a_batch(1)));
    EXPECT_TRUE(outbox_->is_idle());
  }
}

TEST_F(OutboxTest, KeepsTheRestOfAStamp) {
  open_idle(Framing::chunks);
  beat(7);
  (void)take();
  EXPECT_EQ(read_, chunk(stamp_at(now_)));
}

TEST_F(OutboxTest, OffersWhatIsAskedForAsToWriteToo) {
  open_idle();
  const Outbox::Given given = outbox_->batch(a_batch(1), now_, frames_);
  EXPECT_EQ(std::get<Outbox::Write>(outbox_->next(now_)).bytes.data(), given.at_once.data());
  EXPECT_EQ(take(), std::string{kRetry} + text_of(a_batch(1)));
}

TEST_F(OutboxTest, ABatchWaitsBehindTheOneThatIsWritten) {
  open_idle();
  send(a_batch(1), 10);
  EXPECT_EQ(send(a_batch(2)), "");
  EXPECT_EQ(offered_, 0U);
  (void)take();
  EXPECT_EQ(read_, std::string{kRetry} + text_of(a_batch(1)) + text_of(a_batch(2)));
  EXPECT_TRUE(outbox_->is_idle());
}

TEST_F(OutboxTest, WhatWaitedIsWrittenAndAnotherMayWait) {
  open_idle();
  send(a_batch(1), 10);
  std::string all = std::string{kRetry} + text_of(a_batch(1));
  for (std::size_t number = 2; number < 10; ++number) {
    EXPECT_EQ(send(a_batch(number)), "");
    (void)take(all.size() - read_.size() + 5);  // into the one that waited
    all += text_of(a_batch(number));
  }
  (void)take();
  EXPECT_EQ(read_, all);
}

// ---- long batches

TEST_F(OutboxTest, ALongBatchGoesInPiecesOfWholeEvents) {
  open_idle(Framing::chunks, 300);
  send(a_batch(1, 10));
  EXPECT_EQ(offered_, 0U);
  EXPECT_TRUE(frames_.empty());  // nothing large is kept for all
  std::string text = std::string{kRetry} + text_of(a_batch(1, 10));
  std::string pieces;
  while (!text.empty()) {
    const std::size_t end = text.size() > 300 ? text.find("\n\n", 300) : text.npos;
    const std::string piece = text.substr(0, end == text.npos ? end : end + 2);
    pieces += chunk(piece);
    text.erase(0, piece.size());
  }
  EXPECT_EQ(count(pieces, "\n\n\r\n"), 3U);
  EXPECT_EQ(take(), pieces);
  EXPECT_TRUE(outbox_->is_idle());
}

TEST_F(OutboxTest, AnEventThatIsLongerThanAPieceIsWhole) {
  open_idle(Framing::chunks);
  send(a_batch(1, 3, 100'000));
  EXPECT_EQ(count(take(), "\n\n\r\n"), 3U);
}

TEST_F(OutboxTest, AStampThatIsDueComesBetweenEvents) {
  open_idle(Framing::plain, 300);
  send(a_batch(1, 10));
  (void)take(20);
  beat();
  beat();  // one is due, however often
  EXPECT_EQ(offered_, 0U);
  now_ += seconds{2};
  (void)take();
  const std::string stamp = stamp_at(now_);  // as of when it is written
  const std::size_t at = read_.find(": at=");
  EXPECT_EQ(read_.substr(at - 2, stamp.size() + 6), "\n\n" + stamp + "id: ");
  EXPECT_EQ(count(read_, "\n: at="), 1U);
  EXPECT_EQ(read_.erase(at, stamp.size()).size(), kRetry.size() + text_of(a_batch(1, 10)).size());
}

TEST_F(OutboxTest, AStampComesBeforeTheBatchThatWaits) {
  open_idle();
  send(a_batch(1), 10);
  send(a_batch(2));
  beat();
  (void)take();
  EXPECT_EQ(read_,
            std::string{kRetry} + text_of(a_batch(1)) + stamp_at(now_) + text_of(a_batch(2)));
}

// ---- stamps

TEST_F(OutboxTest, AStampIsSharedByAllStreams) {
  open_idle(Framing::chunks);
  stamp_.write(now_);
  const std::string_view bytes = outbox_->stamp(stamp_);
  EXPECT_EQ(bytes.data(), stamp_.bytes(Framing::chunks).data());
  EXPECT_EQ(bytes, chunk(stamp_at(now_)));
  EXPECT_EQ(stamp_.bytes(Framing::plain), stamp_at(now_));
  outbox_->sent(bytes.size());
}

TEST_F(OutboxTest, StampsAloneAreEndedAsABlock) {
  open_idle(Framing::chunks);
  while (count(read_, "id:\n\n") == 0) beat();
  EXPECT_THAT(read_, EndsWith(chunk(stamp_at(now_) + "id:\n\n")));
  const std::size_t stamps = count(read_, ": at=");
  EXPECT_GE(stamps * stamp_at(now_).size(), 48U * 1024);
  EXPECT_LT((stamps - 1) * stamp_at(now_).size(), 48U * 1024);
  EXPECT_TRUE(outbox_->is_idle());
}

TEST_F(OutboxTest, AnEventEndsTheBlockOfStampsToo) {
  open_idle();
  for (int round = 0; round < 4; ++round) {
    for (int i = 0; i < 2000; ++i) beat();
    send(a_batch(1));
  }
  EXPECT_EQ(count(read_, "id:\n\n"), 0U);
}

TEST_F(OutboxTest, TheEndOfABlockIsKeptAsAnythingElse) {
  open_idle();
  const std::size_t fit = 48 * 1024 / stamp_at(now_).size();
  for (std::size_t i = 0; i < fit; ++i) beat();
  beat(10);
  EXPECT_GT(offered_, stamp_at(now_).size());
  (void)take();
  EXPECT_THAT(read_, EndsWith(stamp_at(now_) + "id:\n\n"));
}

// ---- its end

TEST_F(OutboxTest, SaysByeAndIsOver) {
  open_idle(Framing::chunks);
  EXPECT_TRUE(outbox_->end("the server stops"));
  EXPECT_EQ(take(), chunk(": bye the server stops\n"));
  EXPECT_TRUE(is_over());
}

TEST_F(OutboxTest, HasItsLastChunkWhereTheClientGotAllItAskedFor) {
  open_idle(Framing::chunks);
  EXPECT_TRUE(outbox_->end("enough", Outbox::Ending::well));
  EXPECT_EQ(take(), chunk(": bye enough\n") + "0\r\n\r\n");
  EXPECT_TRUE(is_over());
}

TEST_F(OutboxTest, EndsWithTheConnectionWhereThereAreNoChunks) {
  open_idle();
  EXPECT_TRUE(outbox_->end("enough", Outbox::Ending::well));
  EXPECT_EQ(take(), ": bye enough\n");
  EXPECT_TRUE(is_over());
}

TEST_F(OutboxTest, TheByeComesBehindAllThatWasOwed) {
  open_idle();
  send(a_batch(1), 10);
  send(a_batch(2));
  EXPECT_TRUE(outbox_->end("the server stops"));
  (void)take();
  EXPECT_EQ(read_, std::string{kRetry} + text_of(a_batch(1)) + text_of(a_batch(2)) +
                       ": bye the server stops\n");
  EXPECT_TRUE(is_over());
}

TEST_F(OutboxTest, NothingIsAddedOnceItEnds) {
  open_idle();
  send(a_batch(1), 10);
  beat();
  EXPECT_TRUE(outbox_->end("the first reason"));
  EXPECT_FALSE(outbox_->end("another"));
  EXPECT_EQ(send(a_batch(2)), "");
  beat();
  EXPECT_EQ(offered_, 0U);
  (void)take();
  EXPECT_EQ(read_, std::string{kRetry} + text_of(a_batch(1)) + ": bye the first reason\n");
  EXPECT_TRUE(is_over());
  EXPECT_FALSE(outbox_->end("another"));
  EXPECT_EQ(send(a_batch(2)), "");
  beat();
  EXPECT_EQ(offered_, 0U);
  EXPECT_TRUE(is_over());
}

TEST_F(OutboxTest, ASecondBatchThatWouldWaitEndsTheStream) {
  open_idle();
  send(a_batch(1), 10);
  EXPECT_EQ(send(a_batch(2)), "");
  EXPECT_EQ(send(a_batch(3)), "the client does not read what it is sent");
  EXPECT_EQ(send(a_batch(4)), "");
  (void)take();
  EXPECT_EQ(read_, std::string{kRetry} + text_of(a_batch(1)) + text_of(a_batch(2)) +
                       ": bye the client does not read what it is sent\n");
  EXPECT_TRUE(is_over());
}

// ---- its times

TEST_F(OutboxTest, EachByteGivesTheOthersAllTheirTime) {
  open_idle();
  send(a_batch(1), 10);
  const core::Duration longest = core::longest_write(limits_);
  EXPECT_EQ(time_left(), longest);
  now_ += seconds{2};
  EXPECT_EQ(time_left(), longest - seconds{2});  // asking gives none
  (void)take(0);
  outbox_->sent(0);
  EXPECT_EQ(time_left(), longest - seconds{2});
  (void)take(1);
  EXPECT_EQ(time_left(), longest);
  now_ += seconds{1};
  send(a_batch(2));  // what waits gives none either
  beat();
  EXPECT_EQ(time_left(), longest - seconds{1});
}

TEST_F(OutboxTest, WhatIsLeftAtTheEndHasOneTime) {
  limits_.stalled_write_time = seconds{3};
  open_idle();
  send(a_batch(1), 10);
  EXPECT_GT(time_left(), seconds{3});
  outbox_->end("the server stops");
  EXPECT_EQ(time_left(), seconds{3});
  now_ += seconds{1};
  (void)take(5);
  EXPECT_EQ(time_left(), seconds{2});
}

TEST_F(OutboxTest, AnIdleTimeCountsForNothing) {
  open_idle();
  send(a_batch(1), 10);
  (void)take();
  now_ += seconds{100};
  send(a_batch(2), 10);
  EXPECT_EQ(time_left(), core::longest_write(limits_));
}

TEST_F(OutboxTest, WhoDoesNotReadInTimeIsClosedWithASentence) {
  open_idle();
  send(a_batch(1), 10);
  outbox_->overdue();
  EXPECT_FALSE(is_over());  // its write is called off, and says so
  EXPECT_EQ(outbox_->broke(), "it does not read");
  EXPECT_TRUE(is_over());
  outbox_->overdue();
  EXPECT_EQ(outbox_->broke(), "");
}

TEST_F(OutboxTest, WhatIsSaidMeanwhileMakesNobodyReadInTime) {
  open_idle();
  send(a_batch(1), 10);
  outbox_->overdue();
  send(a_batch(2));
  beat();
  outbox_->end("the server stops");
  EXPECT_EQ(time_left(), limits_.stalled_write_time);
  outbox_->sent(0);
  EXPECT_EQ(outbox_->broke(), "it does not read");
}

// A process that slept finds that the time is over and that the socket has room.
TEST_F(OutboxTest, WhoReadsAfterAllIsForgiven) {
  open_idle();
  send(a_batch(1), 10);
  outbox_->overdue();
  (void)take(1);
  EXPECT_EQ(outbox_->broke(), "");
}

TEST_F(OutboxTest, WhoIsOwedNothingIsNeverLate) {
  open_idle();
  outbox_->overdue();
  send(a_batch(1), 0);
  EXPECT_EQ(outbox_->broke(), "");
}

TEST_F(OutboxTest, WhomTheKernelGaveUpDidNotRead) {
  open_idle();
  EXPECT_EQ(outbox_->broke(true), "it does not read");
  EXPECT_TRUE(is_over());
}

TEST_F(OutboxTest, APeerThatVanishedIsNotSaidNotToRead) {
  open_idle();
  send(a_batch(1), 10);
  outbox_->overdue();
  EXPECT_EQ(outbox_->vanished(), "its peer does not answer any more");
  EXPECT_EQ(outbox_->broke(), "");
  EXPECT_TRUE(is_over());
}

TEST_F(OutboxTest, OfAClientThatLeftNothingIsSaid) {
  open_idle();
  EXPECT_EQ(outbox_->broke(), "");
  EXPECT_EQ(outbox_->vanished(), "");
  EXPECT_EQ(outbox_->broke(true), "");
  EXPECT_TRUE(is_over());
}

// A write may be on its way when the client leaves, and its bytes must stand until it is told of.
TEST_F(OutboxTest, WhatIsOnItsWayStandsWhenItIsOver) {
  open_idle(Framing::chunks, 300);
  send(a_batch(1, 10));
  const auto write = std::get<Outbox::Write>(outbox_->next(now_));
  const std::string bytes{write.bytes};
  EXPECT_EQ(outbox_->broke(), "");
  EXPECT_EQ(write.bytes, bytes);
  outbox_->sent(bytes.size());
  EXPECT_TRUE(is_over());
}

}  // namespace
}  // namespace pena::turn::test
