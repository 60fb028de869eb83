// What the stories do not show: the questions that the shell asks the dispatcher.
#include "core/dispatcher.hpp"

#include <gtest/gtest.h>

#include <chrono>

#include "sample.hpp"

namespace pena::core {
namespace {

// All writes so far have come to a store that has so much room now.
bool arrived(Dispatcher& dispatcher, const Room& room) {
  (void)dispatcher.hand_over_coming();
  return dispatcher.note_room(room, {});
}

using std::chrono::milliseconds;
using test::id_of;

Dispatcher make(Supply supply, std::uint64_t queued = 0) {
  Dispatcher dispatcher =
      Dispatcher::restore(Limits{}, XidFactory({1, 1, 1}, 1),
                          Snapshot{{}, {{kDefaultQueue, "", false, queued}}, 0, {}}, from_us(0));
  (void)dispatcher.step(SupplyChanged{supply}, from_us(0));
  return dispatcher;
}

template <class Kind>
std::vector<Kind> sends_of(const Effects& effects) {
  std::vector<Kind> found;
  for (const Send& send : effects.sends) {
    if (const auto* kind = std::get_if<Kind>(&send)) found.push_back(*kind);
  }
  return found;
}

TEST(Dispatcher, DemandsOfAGeneratorWhatTheNextClientsLack) {
  Dispatcher dispatcher = make(Supply::open);
  EXPECT_EQ(dispatcher.demand(), 0U);  // nobody is there
  (void)dispatcher.step(ClientJoined{id_of(1), 5, false}, from_us(0));
  (void)dispatcher.step(ClientJoined{id_of(2), 7, false}, from_us(0));
  EXPECT_EQ(dispatcher.demand(), 12U);
  (void)dispatcher.step(Generated{{Msg{id_of(10), 1, {}}, Msg{id_of(11), 1, {}}}}, from_us(0));
  EXPECT_EQ(dispatcher.demand(), 3U);  // what waits may be theirs that stand behind it
  (void)dispatcher.step(SupplyChanged{Supply::none}, from_us(0));
  EXPECT_EQ(dispatcher.demand(), 0U);
}

TEST(Dispatcher, WantsNoTimeWhereNothingIsDue) {
  Dispatcher dispatcher = make(Supply::none);
  EXPECT_EQ(dispatcher.next_timeout(), std::nullopt);
  (void)dispatcher.step(Submitted{1, {Msg{id_of(10), 1, {}}}}, from_us(0));
  EXPECT_EQ(dispatcher.next_timeout(), std::nullopt);  // waits, but nobody is there
}

TEST(Dispatcher, OneTimeoutTooManyDoesNothing) {
  Dispatcher dispatcher = make(Supply::none);
  (void)dispatcher.step(ClientJoined{id_of(1), 1, false}, from_us(0));
  (void)dispatcher.step(Submitted{1, {Msg{id_of(10), 1, {}}}}, from_us(0));
  const Effects effects = dispatcher.step(TimeReached{}, from_us(0) + milliseconds{29'999});
  EXPECT_TRUE(effects.writes.empty());
  EXPECT_TRUE(effects.sends.empty());
}

TEST(Dispatcher, KnowsWhatIsHeld) {
  Dispatcher dispatcher = make(Supply::none);
  (void)dispatcher.step(Submitted{1, {Msg{id_of(10), 1, {}}, Msg{id_of(11), 1, {}}}}, from_us(0));
  (void)dispatcher.step(ClientJoined{id_of(1), 1, false}, from_us(0));
  EXPECT_TRUE(dispatcher.holds(id_of(10)));
  EXPECT_FALSE(dispatcher.holds(id_of(11)));
  ASSERT_NE(dispatcher.holder(id_of(10)), nullptr);
  EXPECT_EQ(dispatcher.holder(id_of(10))->client, id_of(1));
  EXPECT_EQ(dispatcher.holder(id_of(11)), nullptr);
}

TEST(Dispatcher, TellsWhoHoldsWhatAndHowManyBatchesItGranted) {
  Dispatcher dispatcher = make(Supply::none);
  (void)dispatcher.step(Submitted{1, {Msg{id_of(10), 1, {}}, Msg{id_of(11), 1, {}}}}, from_us(0));
  StatusAsked asked{7, StatusAsked::What::holders};
  asked.ids = {id_of(11), id_of(10), id_of(77)};
  const auto told = [&] {
    return sends_of<StatusReply>(dispatcher.step(asked, from_us(0))).at(0).status;
  };
  EXPECT_EQ(told()->batches_granted, 0U);
  EXPECT_EQ(told()->holders, (decltype(told()->holders)(3)));
  (void)dispatcher.step(ClientJoined{id_of(1), 1, false}, from_us(0));
  const auto status = told();
  EXPECT_EQ(status->batches_granted, 1U);
  ASSERT_EQ(status->holders.size(), 3U);
  EXPECT_EQ(status->holders[0], nullptr);
  EXPECT_EQ(status->holders[1].get(), dispatcher.holder(id_of(10)));
  EXPECT_EQ(status->holders[2], nullptr);
}

// A client's batch is lost, and its msgs are another's.
TEST(Dispatcher, TellsALateReportWhatOthersHoldAndWhetherItWasTakenBefore) {
  Dispatcher dispatcher = make(Supply::none);
  (void)dispatcher.step(Submitted{1, {Msg{id_of(10), 1, {}}, Msg{id_of(11), 1, {}}}}, from_us(0));
  const auto lost =
      sends_of<SendBatch>(dispatcher.step(ClientJoined{id_of(1), 2, true}, from_us(0))).at(0).batch;
  Reported first;
  first.batch = lost->id;
  first.refused = {id_of(10)};  // and the other one is left out
  (void)dispatcher.step(first, from_us(0));
  (void)dispatcher.step(ClientLost{id_of(1)}, from_us(0));
  (void)dispatcher.step(ClientJoined{id_of(2), 2, true}, from_us(0));
  (void)dispatcher.step(TimeReached{}, from_us(0) + Limits{}.linger);
  ASSERT_TRUE(dispatcher.holds(id_of(10)) && dispatcher.holds(id_of(11)));
  using Held = NamedId::Held;
  Reported late = first;
  late.ids = {id_of(11), id_of(77)};
  const auto reply =
      sends_of<ReportReply>(dispatcher.step(late, from_us(0) + std::chrono::seconds{9})).at(0);
  EXPECT_TRUE(reply.batch_gone);
  EXPECT_EQ(reply.batches_granted, dispatcher.counts().batches);
  EXPECT_EQ(reply.elsewhere, (std::vector<NamedId>{{id_of(10), false, Held::taken},
                                                   {id_of(11), true, Held::not_taken},
                                                   {id_of(77), true, Held::no}}));
}

TEST(Dispatcher, HandsTheRequestBackWithItsAnswer) {
  Dispatcher dispatcher = make(Supply::none);
  const Effects submitted = dispatcher.step(Submitted{7, {Msg{id_of(10), 1, {}}}}, from_us(0));
  EXPECT_EQ(sends_of<SubmitReply>(submitted).at(0).request, 7U);
  Reported report;
  report.request = 9;
  report.ids = {id_of(99)};
  const ReportReply reply = sends_of<ReportReply>(dispatcher.step(report, from_us(0))).at(0);
  EXPECT_EQ(reply.request, 9U);
  EXPECT_EQ(reply.elsewhere, (std::vector<NamedId>{{id_of(99), true}}));
}

TEST(Dispatcher, AStopEndsWhatIsDoneInBulk) {
  Dispatcher dispatcher = make(Supply::none);
  BulkAsked asked;
  asked.request = 7;
  EXPECT_TRUE(sends_of<BulkReply>(dispatcher.step(asked, from_us(0))).empty());
  const auto stopped = sends_of<BulkReply>(dispatcher.step(DrainBegan{}, from_us(0)));
  ASSERT_EQ(stopped.size(), 1U);
  EXPECT_EQ(stopped[0].request, 7U);
  EXPECT_TRUE(stopped[0].stopped);
  EXPECT_TRUE(std::holds_alternative<std::monostate>(dispatcher.wanted()));
}

TEST(Dispatcher, OfAnIdThatIsReportedAndFailedTheReportCounts) {
  Dispatcher dispatcher = make(Supply::none);
  (void)dispatcher.step(ClientJoined{id_of(1), 1, false}, from_us(0));
  (void)dispatcher.step(Submitted{1, {Msg{id_of(10), 1, {}}}}, from_us(0));
  Reported report;
  report.ids = {id_of(10)};
  report.failed = {{id_of(10), "both"}};
  (void)dispatcher.step(report, from_us(0));
  EXPECT_EQ(dispatcher.counts().reported, 1U);
  EXPECT_EQ(dispatcher.counts().said_failed, 0U);
}

TEST(Dispatcher, GrantsWhatTheStoreHasRoomForAndTheRestWhenRoomComes) {
  Dispatcher dispatcher = make(Supply::none);
  const auto ids_of = [](const Effects& effects) {
    std::vector<Xid> ids;
    for (const SendBatch& sent : sends_of<SendBatch>(effects)) {
      for (const QueuedMsg& msg : sent.batch->msgs) ids.push_back(msg.msg.id);
    }
    return ids;
  };
  const QueuedMsg one{Msg{id_of(10), 1, {}}, {}, {}, {}};
  BatchRoom of_two{Limits{}};
  of_two.add(one);
  of_two.add(one);
  (void)dispatcher.step(
      Submitted{1, {Msg{id_of(10), 1, {}}, Msg{id_of(11), 1, {}}, Msg{id_of(12), 1, {}}}},
      from_us(0));
  EXPECT_FALSE(arrived(dispatcher, of_two.total()));
  EXPECT_EQ(ids_of(dispatcher.step(ClientJoined{id_of(1), 3, false}, from_us(0))),
            (std::vector{id_of(10), id_of(11)}));
  EXPECT_FALSE(dispatcher.waits_for_room());  // nobody is free
  EXPECT_TRUE(ids_of(dispatcher.step(ClientJoined{id_of(2), 1, false}, from_us(0))).empty());
  EXPECT_TRUE(dispatcher.waits_for_room());
  EXPECT_EQ(dispatcher.demand(), 0U);
  EXPECT_EQ(dispatcher.next_timeout(), from_us(0) + Limits{}.timing.lease);  // no linger
  EXPECT_FALSE(dispatcher.has_room_for(Submitted{1, {Msg{id_of(13), 1, {}}}, false}));
  // What the report leaves is known after its round.
  Reported report;
  report.ids = {id_of(10), id_of(11)};
  EXPECT_TRUE(ids_of(dispatcher.step(report, from_us(0))).empty());
  EXPECT_TRUE(arrived(dispatcher, of_two.total()));
  EXPECT_EQ(ids_of(dispatcher.step(TimeReached{}, from_us(0))), std::vector{id_of(12)});
  EXPECT_FALSE(dispatcher.waits_for_room());
}

TEST(Dispatcher, OwnIdsInAnyOrderNeedRoomForThePagesThatTheyFallInto) {
  Dispatcher dispatcher = make(Supply::none);
  std::vector<Msg> msgs;
  for (std::uint16_t n = 0; n < 10'000; ++n) {
    const auto low = static_cast<std::uint8_t>(n & 0xffU);
    msgs.push_back(
        {Xid{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, static_cast<std::uint8_t>(n >> 8U), low}}, 1, {}});
  }
  const Room mebibytes_of_64{(64U << 20U) / kRoomPage, (64U << 20U) / kRoomPage};
  (void)arrived(dispatcher, mebibytes_of_64);
  EXPECT_TRUE(dispatcher.has_room_for(Submitted{1, msgs, true}));
  dispatcher = make(Supply::none, 1'000'000);
  (void)arrived(dispatcher, mebibytes_of_64);
  EXPECT_FALSE(dispatcher.has_room_for(Submitted{1, msgs, true}));
  EXPECT_TRUE(dispatcher.has_room_for(Submitted{1, msgs, false}));
  EXPECT_TRUE(dispatcher.has_room_for_any());
  // Where all are known already nothing is taken.
  (void)arrived(dispatcher, {});
  EXPECT_TRUE(dispatcher.has_room_for(Submitted{1, {}, true}));
  EXPECT_FALSE(dispatcher.has_room_for_any());
}

// What is kept is for the largest of those that wait, and not for the largest that could come.
TEST(Dispatcher, OfRoomForOneGrantTheLargestThatWaitsIsTheMeasure) {
  Dispatcher dispatcher = make(Supply::none);
  const Room little{100, 10};
  (void)arrived(dispatcher, little);
  EXPECT_TRUE(dispatcher.has_room_for(Submitted{1, {Msg{id_of(1), 1, {}}}, false}));
  EXPECT_FALSE(
      dispatcher.has_room_for(Submitted{1, {Msg{id_of(1), 1, std::string(40'000, 'x')}}, false}));
  (void)arrived(dispatcher, Room::endless());
  (void)dispatcher.step(Submitted{1, {Msg{id_of(2), 1, std::string(40'000, 'x')}}}, from_us(0));
  (void)arrived(dispatcher, little);
  EXPECT_FALSE(dispatcher.has_room_for(Submitted{1, {Msg{id_of(1), 1, {}}}, false}));
}

TEST(Dispatcher, WhatWasLostAtOnceComesBackInSlices) {
  Limits limits;
  limits.missed_msgs = 10;
  Dispatcher dispatcher =
      Dispatcher::restore(limits, XidFactory({1, 1, 1}, 1), Snapshot{}, from_us(0));
  Submitted submitted{1, {}};
  for (std::uint8_t n = 100; n < 130; ++n) submitted.msgs.push_back({id_of(n), 1, {}});
  (void)dispatcher.step(submitted, from_us(0));
  for (std::uint8_t n = 1; n <= 3; ++n) {
    (void)dispatcher.step(ClientJoined{id_of(n), 10, false}, from_us(0));
  }
  for (std::uint8_t n = 1; n <= 3; ++n) (void)dispatcher.step(ClientLost{id_of(n)}, from_us(0));
  const Instant over = dispatcher.next_timeout().value();
  std::vector<std::size_t> written;
  while (dispatcher.next_timeout() && written.size() < 10) {
    EXPECT_EQ(dispatcher.next_timeout(), over);
    const Effects effects = dispatcher.step(TimeReached{}, over);
    written.push_back(
        static_cast<std::size_t>(std::ranges::count_if(effects.writes, [](const Write& write) {
          return std::holds_alternative<PutQueue>(write);
        })));
  }
  EXPECT_EQ(written, (std::vector<std::size_t>{10, 10, 10}));
}

TEST(Dispatcher, KeepsOfAnErrorWhatItsLimitHasRoomForAndNoHalfCharacter) {
  const auto kept = [](const std::string& error, std::size_t most) {
    Limits limits;
    limits.error_bytes = most;
    limits.retry_first = Duration::zero();
    Dispatcher dispatcher =
        Dispatcher::restore(limits, XidFactory({1, 1, 1}, 1), Snapshot{}, from_us(0));
    (void)dispatcher.step(ClientJoined{id_of(1), 1, false}, from_us(0));
    (void)dispatcher.step(Submitted{1, {Msg{id_of(10), 1, {}}}}, from_us(0));
    Reported report;
    report.failed = {{id_of(10), error}};
    (void)dispatcher.step(report, from_us(0));
    return dispatcher.holder(id_of(10))->msgs.at(0).misses.at(0).error;
  };
  EXPECT_EQ(kept("12345", 5), "12345");
  EXPECT_EQ(kept("123456", 5), "12…");
  EXPECT_EQ(kept("äöü", 6), "äöü");
  EXPECT_EQ(kept("äöüx", 6), "ä…");  // 3 bytes are left, of which a second ö would need 4
  EXPECT_EQ(kept("€€", 3), "…");
  EXPECT_EQ(kept(std::string(5000, 'x'), Limits{}.error_bytes).size(), 1024U);
}

TEST(Dispatcher, CountsWhatHappened) {
  Dispatcher dispatcher = make(Supply::none);
  (void)dispatcher.step(ClientJoined{id_of(1), 2, false}, from_us(0));
  (void)dispatcher.step(Submitted{1, {Msg{id_of(10), 1, {}}, Msg{id_of(11), 1, {}}}}, from_us(0));
  Reported report;
  report.ids = {id_of(10)};
  (void)dispatcher.step(report, from_us(0));
  (void)dispatcher.step(TimeReached{}, from_us(0) + milliseconds{20});
  const Counts counts = dispatcher.counts();
  EXPECT_EQ(counts.submitted, 2U);
  EXPECT_EQ(counts.reported, 1U);
  EXPECT_EQ(counts.omitted, 1U);
  EXPECT_EQ(counts.sent, 3U);
  EXPECT_EQ(counts.resent, 1U);
  EXPECT_EQ(counts.batches, 2U);
  EXPECT_EQ(counts.held, 1U);
  EXPECT_EQ(counts.clients_busy, 1U);
  EXPECT_EQ(counts.clients_free, 0U);
  EXPECT_EQ(dispatcher.waiting(), 0U);
}

TEST(Dispatcher, TellsOfOneQueueThatNoOtherIsBehindIt) {
  Dispatcher dispatcher = make(Supply::none);
  Submitted submitted{1, {Msg{id_of(10), 1, {}}, Msg{id_of(11), 1, {}, 1}}};
  submitted.queues = {"mail", "news"};
  (void)dispatcher.step(std::move(submitted), from_us(0));
  const auto told = [&](std::optional<std::string> queue, const std::string& after) {
    StatusAsked asked;
    asked.queue = std::move(queue);
    asked.after_queue = after;
    asked.limit = 1;
    const auto replies = sends_of<StatusReply>(dispatcher.step(std::move(asked), from_us(0)));
    const Status& status = *replies.at(0).status;
    std::string text;
    for (const QueueNow& one : status.queues) text += one.name;
    return text + (status.more ? " more" : "");
  };
  EXPECT_EQ(told({}, ""), "default more");
  EXPECT_EQ(told({}, "mail"), "news");
  EXPECT_EQ(told("mail", ""), "mail");
  EXPECT_EQ(told("mail", "mail"), "");
  EXPECT_EQ(told("nobody", ""), "");
}

// However fast one of them is emptied.
TEST(Dispatcher, ReadsOfQueuesInTurn) {
  for (const bool somebody_waits : {false, true}) {
    Dispatcher dispatcher = Dispatcher::restore(
        Limits{}, XidFactory({1, 1, 1}, 1),
        Snapshot{
            {}, {{kDefaultQueue, "", false, 99}, {2, "a", false, 99}, {3, "b", false, 99}}, 0, {}},
        from_us(0));
    const ClientJoined joined{id_of(1), 9, false, {}, {"default", "a", "b"}};
    if (somebody_waits) (void)dispatcher.step(joined, from_us(0));
    std::vector<QueueNumber> read;
    for (std::size_t n = 10; n < 16; ++n) {
      const auto wanted = std::get<WantedRefill>(dispatcher.wanted());
      read.push_back(wanted.queue);
      Refilled page{wanted.as_of, wanted.queue, {{{id_of(n), 1, {}, wanted.queue}, {}, {}, {}}}};
      page.more = true;
      (void)dispatcher.step(std::move(page), from_us(0));
    }
    EXPECT_EQ(read, (std::vector<QueueNumber>{0, 2, 3, 0, 2, 3}));
  }
}

// Likewise of what was missed.
TEST(Dispatcher, ReadsBodiesOfQueuesInTurn) {
  Dispatcher dispatcher = Dispatcher::restore(
      Limits{}, XidFactory({1, 1, 1}, 1),
      Snapshot{{}, {{kDefaultQueue, "", false, 2}, {2, "a", false, 1}}, 0, {}}, from_us(0));
  const auto missed = [](std::size_t n, QueueNumber queue) {
    const Miss miss{id_of(90), id_of(91), from_us(0), from_us(0), MissReason::omitted, ""};
    return QueuedMsg{{id_of(n), 1, {}, queue}, {}, {}, {miss}, 1};
  };
  for (const bool of_default : {true, false}) {
    const auto wanted = std::get<WantedRefill>(dispatcher.wanted());
    std::vector<QueuedMsg> page;
    for (const std::size_t n :
         of_default ? std::vector<std::size_t>{10, 11} : std::vector<std::size_t>{20}) {
      page.push_back(missed(n, wanted.queue));
    }
    (void)dispatcher.step(Refilled{wanted.as_of, wanted.queue, std::move(page)}, from_us(0));
  }
  (void)dispatcher.step(ClientJoined{id_of(1), 1}, from_us(0));
  (void)dispatcher.step(ClientJoined{id_of(2), 1}, from_us(0));
  (void)dispatcher.step(ClientJoined{id_of(3), 1, false, {}, {"a"}}, from_us(0));
  for (const auto& [queue, msg] : {std::pair{0U, 10}, std::pair{2U, 20}, std::pair{0U, 11}}) {
    const auto wanted = std::get<WantedBodies>(dispatcher.wanted());
    EXPECT_EQ(wanted.queue, queue);
    const auto number = static_cast<std::size_t>(msg);
    const auto sent = sends_of<SendBatch>(dispatcher.step(
        BodiesRead{wanted.as_of, wanted.queue, {missed(number, wanted.queue)}}, from_us(0)));
    ASSERT_EQ(sent.size(), 1U);
    EXPECT_EQ(sent[0].batch->msgs[0].msg.id, id_of(number));
  }
}

TEST(Dispatcher, CountsWhatTheStoresQueueHas) {
  Dispatcher dispatcher = make(Supply::none, 5);
  EXPECT_EQ(dispatcher.waiting(), 5U);
  std::uint64_t puts = 0, drops = 0;
  const auto step = [&](const Event& event) {
    for (const Write& write : dispatcher.step(event, from_us(0)).writes) {
      if (std::holds_alternative<PutQueue>(write)) ++puts;
      if (std::holds_alternative<DropQueue>(write)) ++drops;
    }
    EXPECT_EQ(dispatcher.waiting(), 5 + puts - drops);
  };
  step(Submitted{1, {Msg{id_of(20), 1, {}}, Msg{id_of(21), 1, {}}}});
  const auto refill = std::get<WantedRefill>(dispatcher.wanted());
  step(Refilled{refill.as_of,
                kDefaultQueue,
                {{{id_of(10), 1, {}}, {}, {}, {}}, {{id_of(11), 1, {}}, {}, {}, {}}},
                true});
  step(ClientJoined{id_of(1), 2, false});
  EXPECT_EQ(drops, 2U);
  Reported report;
  report.refused = {id_of(10), id_of(11)};
  step(report);  // both are granted again at once, and never had a record
  EXPECT_EQ(puts, 2U);
}

}  // namespace
}  // namespace pena::core
