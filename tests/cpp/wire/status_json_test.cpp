// How it stands, word for word.
#include "wire/status_json.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "sample_ids.hpp"

namespace pena::wire::test {
namespace {

using namespace std::chrono_literals;
using core::Status;
using testing::HasSubstr;

core::ClientNow client(const core::Xid& id) {
  core::ClientNow shown;
  shown.id = id;
  shown.queues = {"default"};
  shown.since = core::from_us(1'500'000);
  return shown;
}

TEST(ClientsJson, SaysOfEachWhatIsKnown) {
  Status status;
  EXPECT_EQ(clients_json(status), R"({"clients":[]})");
  status.clients = {client(kIdA), client(kIdB)};
  core::ClientNow& busy = status.clients.front();
  busy.name = "worker \"1\"";
  busy.address = "10.0.0.7 port 4711";
  busy.queues = {"high", "low"};
  busy.submitted_only = true;
  busy.batchsize = 10;
  busy.batch = kIdB;
  busy.holds = 3;
  busy.left = 29'999'999us;
  EXPECT_EQ(
      clients_json(status),
      R"({"clients":[{"client":")" + kA +
          R"(","name":"worker \"1\"","address":"10.0.0.7 port 4711","queues":["high","low"],)"
          R"("submitted":true,"batchsize":10,"since":"1970-01-01T00:00:01.500Z","holds":3,"batch":")" +
          kB + R"(","lease_left":29999},{"client":")" + kB +
          R"(","queues":["default"],"batchsize":1,"since":"1970-01-01T00:00:01.500Z","holds":0}]})");
  status.more = true;
  EXPECT_THAT(clients_json(status), testing::EndsWith(R"(}],"next":")" + kB + R"("})"));
}

core::BatchNow batch(const core::Xid& id) {
  auto held = std::make_shared<core::Batch>();
  held->id = id;
  held->client = kIdA;
  held->granted_at = core::from_us(2'000'000);
  for (const core::QueueNumber queue : {0U, 5U}) {
    core::QueuedMsg& msg = held->msgs.emplace_back();
    msg.msg.id = queue == 5 ? kIdB : kIdA;
    msg.msg.queue = queue;
  }
  return {std::move(held), core::Lease::State::running, 2s};
}

TEST(BatchesJson, SaysWhoHoldsWhatUntilWhen) {
  Status status;
  status.date = core::from_us(10'000'000);
  status.batches = {batch(kIdB), batch(kIdA)};
  status.batches[1].state = core::Lease::State::dropped;
  status.batches[1].left = -1ms;  // it is over, and the step that says so is yet to come
  const auto any = [](core::QueueNumber) {
    return true;
  };
  const std::string of_a =
      R"(","client":")" + kA + R"(","granted_at":"1970-01-01T00:00:02.000Z","state":)";
  EXPECT_EQ(batches_json(status, any),
            R"({"batches":[{"batch":")" + kB + of_a +
                R"("running","until":"1970-01-01T00:00:12.000Z","lease_left":2000,"ids":[")" + kA +
                R"(",")" + kB + R"("]},{"batch":")" + kA + of_a +
                R"("dropped","until":"1970-01-01T00:00:09.999Z","lease_left":0,"ids":[")" + kA +
                R"(",")" + kB + R"("]}]})");
  status.batches[1].state = core::Lease::State::expired;
  status.more = true;
  const std::string mail = batches_json(status, [](core::QueueNumber queue) { return queue == 5; });
  EXPECT_THAT(mail, HasSubstr(R"("expired")"));
  EXPECT_THAT(mail, HasSubstr(R"("ids":[")" + kB + R"("]})"));
  EXPECT_THAT(mail, testing::EndsWith(R"(}],"next":")" + kA + R"("})"));
}

TEST(StatsJson, SaysWhereAllIs) {
  Status status;
  status.date = core::from_us(10'000'000);
  status.counts.clients_free = 1;
  status.counts.clients_busy = 2;
  status.counts.held = 3;
  status.queued = 4;
  status.later = 5;
  status.reports = 6;
  status.fails = 7;
  status.rates = {0.1, 0, 1234.56789, 1e6, 2.0 / 3, 0.0004, 60s};
  status.queues = {{0, "default", false, 8, 9}, {5, "mail", true, 0, 0}};
  const std::vector<QueueHas> has{{10, 11, 12, 13, core::from_us(7'499'000)}, {0, 0, 0, 0, {}}};
  const std::string json = stats_json(status, has, R"({"generated":1})");
  EXPECT_EQ(json,
            R"({"clients":{"free":1,"busy":2},"queued":4,"later":5,"held":3,"reports":6,"fails":7,)"
            R"("counts":{"generated":1},"per_second":{"submitted":0.1,"generated":0,)"
            R"("sent":1234.568,"reported":1e+06,"missed":0.667,"failed":0,"over_ms":60000},)"
            R"("queues":[{"queue":"default","paused":false,"clients":8,"queued":10,"later":11,)"
            R"("held":9,"reported":12,"failed":13,"oldest_ms":2501},{"queue":"mail","paused":true,)"
            R"("clients":0,"queued":0,"later":0,"held":0,"reported":0,"failed":0}]})");
  status.more = true;
  EXPECT_THAT(stats_json(status, has, "{}"), testing::EndsWith(R"(}],"next":"mail"})"));
}

TEST(StatsJson, AClockThatWasSetBackMakesNothingYoungerThanNow) {
  Status status;
  status.queues = {{0, "default", false, 0, 0}};
  EXPECT_THAT(stats_json(status, {{1, 0, 0, 0, core::from_us(1'000'000)}}, "{}"),
              HasSubstr(R"("oldest_ms":0)"));
}

TEST(PausedJson, NamesTheQueue) {
  EXPECT_EQ(paused_json("mail", true, false), R"({"queue":"mail","paused":true})");
  EXPECT_EQ(paused_json("mial", true, true), R"({"queue":"mial","paused":true,"known":false})");
  EXPECT_EQ(paused_json("default", false, false), R"({"queue":"default","paused":false})");
}

}  // namespace
}  // namespace pena::wire::test
