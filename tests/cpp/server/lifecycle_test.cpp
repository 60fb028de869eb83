// Stop, restart, and what a server does when it is short of something.
#include <gmock/gmock.h>
#include <sys/resource.h>

#include <csignal>
#include <future>
#include <mutex>

#include "server_test.hpp"
#include "support/held_port.hpp"

namespace pena::server::test {
namespace {

using testing::HasSubstr;

class LifecycleTest : public ServerTest {};

TEST_F(LifecycleTest, ARestartKeepsEverything) {
  settings.limits.timing.drop_grace = seconds{60};  // in which the report surely comes
  start();
  const auto ids = submit(4);
  TaskClient one{server->port(), 1};
  const ReceivedBatch reported = one.next_batch();
  EXPECT_EQ(report(reported, reported.ids).status, 200);
  const ReceivedBatch held = one.next_batch();
  TaskClient two{server->port(), 1};
  const ReceivedBatch lost = two.next_batch();
  restart();
  EXPECT_EQ(buckets(), (store::BucketCounts{.queue = 1, .batch = 2, .report = 1, .fail = 0}));

  EXPECT_EQ(nlohmann::json::parse(report(held, held.ids).body).at("reported"), 1);
  TaskClient three{server->port(), 1};
  const ReceivedBatch fresh = three.next_batch();  // at once
  EXPECT_EQ(fresh.ids.front(), ids[3]);
  report(fresh, fresh.ids);
  settings.limits.timing.drop_grace = milliseconds{100};  // is waited for
  restart();
  TaskClient four{server->port(), 1};
  const ReceivedBatch again = four.next_batch();
  EXPECT_EQ(again.ids, lost.ids);
  EXPECT_EQ(nlohmann::json::parse(again.data[0]).at("attempt"), 2);
}

TEST_F(LifecycleTest, AStopEndsTheStreamsWithAWord) {
  const pena::test::HeldPort port;  // or else another may listen there after the stop
  settings.listen = port.address();
  start();
  TaskClient one{server->port(), 1};
  TaskClient two{server->port(), 2};
  const HttpClient idle{server->port()};
  server->stop();
  EXPECT_THAT(one.read_to_end(), HasSubstr(": bye the server stops"));
  EXPECT_FALSE(one.ended_well());
  EXPECT_THAT(two.read_to_end(), HasSubstr(": bye the server stops"));
  EXPECT_FALSE(server->running());
  EXPECT_TRUE(server->wait(milliseconds{0}));
  EXPECT_EQ(server->stop(), 0U);  // once more changes nothing
  EXPECT_THROW(HttpClient{server->port()}, std::runtime_error);
}

TEST_F(LifecycleTest, AStopFromManyThreadsIsOne) {
  start();
  const TaskClient client{server->port(), 1};
  std::vector<std::future<void>> stops;
  for (int i = 0; i < 4; ++i) {
    stops.push_back(std::async(std::launch::async, [this] {
      server->stop();
      EXPECT_FALSE(server->running());
    }));
  }
  EXPECT_TRUE(server->wait());
}

TEST_F(LifecycleTest, AStoppedServerLetsGoOfItsStoreAndStillReadsIt) {
  start();
  const auto ids = submit(2);
  server->stop();
  EXPECT_EQ(server->buckets().counts().queue, 2U);
  Server next{settings};
  EXPECT_EQ(next.buckets().counts().queue, 2U);
}

// A request that was begun before the stop is answered; its report is in the store.
TEST_F(LifecycleTest, AStopAnswersWhatWasAsked) {
  start();
  submit(1);
  TaskClient stream{server->port(), 1};
  const ReceivedBatch batch = stream.next_batch();
  const std::string body = nlohmann::json{{"batch", batch.id}, {"ids", batch.ids}}.dump();
  const std::string expect = "Expect: 100-continue\r\n";
  HttpClient reporter{server->port()};
  reporter.send(HttpClient::head("POST", "/report", body.size(), expect));
  EXPECT_EQ(reporter.read_answer().status, 100);
  HttpClient submitter{server->port()};
  submitter.send(HttpClient::head("POST", "/task", 2, expect));
  EXPECT_EQ(submitter.read_answer().status, 100);

  auto stopped = std::async(std::launch::async, [this] { server->stop(); });
  EXPECT_THAT(stream.read_to_end(), HasSubstr(": bye"));
  submitter.send("{}");
  const HttpAnswer refused = submitter.read_answer();
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.field("retry-after"), "1");
  reporter.send(body);
  const HttpAnswer answer = reporter.read_answer();
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.field("connection"), "close");
  stopped.get();
  EXPECT_EQ(server->buckets().counts(),
            (store::BucketCounts{.queue = 0, .batch = 0, .report = 1, .fail = 0}));
}

TEST_F(LifecycleTest, BeyondTheCapOneIsToldSoAndTheOthersAreServed) {
  settings.limits.connections = 2;
  start();
  submitted = 1;
  HttpClient requests{server->port()};
  EXPECT_EQ(requests.request("GET", "/healthz").status, 200);
  TaskClient stream{server->port(), 1};
  for (int i = 0; i < 3; ++i) {
    HttpClient third{server->port()};
    const HttpAnswer refused = third.read_answer();
    EXPECT_EQ(refused.status, 503);
    EXPECT_EQ(refused.field("retry-after"), "1");
  }
  EXPECT_EQ(requests.request("POST", "/task", "{}").status, 201);
  EXPECT_EQ(stream.next_batch().ids.size(), 1U);
  EXPECT_EQ(log.count("as many as may be"), 1U);  // once, not once a connection
  stream.close();
  log.wait_for("lost " + stream.id());
  EXPECT_EQ(ask("GET", "/healthz").status, 200);
}

TEST_F(LifecycleTest, WithoutDescriptorsThoseWhoAreThereAreServed) {
  start();
  submitted = 2;
  HttpClient requests{server->port()};
  TaskClient stream{server->port(), 1};
  // All of it once before: UndefinedBehaviorSanitizer needs a descriptor when it first meets a class.
  EXPECT_EQ(requests.request("POST", "/task", "{}").status, 201);
  const std::string first = stream.next_batch().ids.at(0);
  EXPECT_EQ(requests.request("POST", "/report", "[\"" + first + "\"]").status, 200);
  HttpClient late{0};  // has its descriptor, and is not connected yet
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const int next = ::dup(0);
  ::close(next);
  rlimit none_left = before;
  none_left.rlim_cur = static_cast<rlim_t>(next);
  ::setrlimit(RLIMIT_NOFILE, &none_left);
  late.connect(server->port());
  log.wait_for("cannot accept a connection");
  EXPECT_EQ(requests.request("POST", "/task", "{}").status, 201);
  EXPECT_EQ(stream.next_batch().ids.size(), 1U);
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_EQ(late.request("GET", "/healthz").status, 200);
}

TEST_F(LifecycleTest, AFullStoreTakesReportsButNoWork) {
  settings.limits.map_bytes = 16U << 20U;
  settings.limits.store_fill = 0.4;
  start();
  const std::string msg = nlohmann::json{{"payload", std::string(60'000, 'x')}}.dump();
  HttpAnswer answer;
  while ((answer = ask("POST", "/task", msg)).status == 201) ++submitted;
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.field("retry-after"), "1");
  EXPECT_THAT(error_of(answer), HasSubstr("full"));
  EXPECT_GT(submitted, 5U);
  EXPECT_EQ(ask("POST", "/task", msg).status, 503);
  log.wait_for(
      "the store is full: 0.4 of its 16777216 bytes are in use, as many as new msgs may take: new "
      "msgs are refused, and no client is connected");
  EXPECT_EQ(ask("POST", "/task", msg).status, 503);
  EXPECT_EQ(log.count("new msgs are refused"), 1U);  // once, not once a request
  TaskClient client{server->port(), 2};
  const ReceivedBatch batch = client.next_batch();
  EXPECT_EQ(report(batch, batch.ids).status, 200);
  EXPECT_TRUE(server->running());
}

TEST_F(LifecycleTest, AServerWhoseDiskIsLowNamesIt) {
  settings.limits.disk_bytes = std::size_t{1} << 62U;
  start();
  const HttpAnswer answer = ask("POST", "/task", "{}");
  EXPECT_EQ(answer.status, 503);
  EXPECT_THAT(error_of(answer), HasSubstr("the disk of the store is full: it has less than "));
}

// What was not committed is not answered, the server ends and says why; what was, is there.
TEST_F(LifecycleTest, ACommitThatFailsEndsTheServer) {
  start();
  submit(2);
  HttpClient client{server->port()};
  // From here on no file takes a byte, as on a disk that is broken.
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  rlimit nothing = before;
  nothing.rlim_cur = 1;
  ::setrlimit(RLIMIT_FSIZE, &nothing);
  client.send(HttpClient::head("POST", "/task", 2) + "{}");
  EXPECT_THROW(server->wait(), store::StoreError);
  ::setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_FALSE(server->running());
  log.wait_for("the store failed");
  const HttpAnswer answer = client.read_answer();
  EXPECT_EQ(answer.status, 503);
  EXPECT_THAT(error_of(answer), HasSubstr("the outcome is unknown"));
  EXPECT_EQ(server->stop(), 1U);
  server.reset();
  start();
  EXPECT_EQ(buckets(), (store::BucketCounts{.queue = 2, .batch = 0, .report = 0, .fail = 0}));
}

TEST_F(LifecycleTest, AServerInMemoryKeepsNothing) {
  settings.store.clear();
  start();
  submit(2);
  EXPECT_EQ(buckets().queue, 2U);
  server->stop();
  EXPECT_EQ(server->buckets().counts().queue, 2U);
  restart();
  EXPECT_EQ(buckets().queue, 0U);
}

TEST_F(LifecycleTest, ManyClientsShareWhatIsGenerated) {
  constexpr std::uint64_t kCount = 300;
  settings.generator = {true, kCount, std::nullopt, 7, {}};
  start();
  std::promise<void> settled;
  std::once_flag once;
  const auto work = [&](unsigned batchsize) {
    TaskClient client{server->port(), batchsize};
    try {
      for (std::size_t round = 0;; ++round) {
        ReceivedBatch batch = client.next_batch();
        if (round % 3 == 2) batch.ids.pop_back();  // left out: sent again
        report(batch, batch.ids);
        if (buckets().report + buckets().fail == kCount) {
          std::call_once(once, [&] { settled.set_value(); });
        }
      }
    } catch (const std::runtime_error&) {  // the server ended the stream
    }
  };
  std::vector<std::future<void>> clients;
  for (const unsigned batchsize : {2U, 5U, 10U}) {
    clients.push_back(std::async(std::launch::async, work, batchsize));
  }
  EXPECT_EQ(settled.get_future().wait_for(seconds{120}), std::future_status::ready);
  server->stop();
  EXPECT_EQ(server->stats().counts.generated, kCount);
}

}  // namespace
}  // namespace pena::server::test
