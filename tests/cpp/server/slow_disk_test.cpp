// A disk that hangs: another process holds the store's write lock meanwhile.
#include <gmock/gmock.h>
#include <lmdb.h>
#include <sys/wait.h>

#include <future>

#include "server_test.hpp"

namespace pena::server::test {
namespace {

// Forked before the test has threads. Takes the lock on the first word, lets go on the second.
class LockHolder {
 public:
  explicit LockHolder(const std::string& store) {
    if (::pipe(to_) != 0 || ::pipe(from_) != 0) throw std::runtime_error("no pipe");
    child_ = ::fork();
    if (child_ == 0) hold(store);
  }
  ~LockHolder() {
    for (const int end : {to_[0], to_[1], from_[0], from_[1]}) ::close(end);
    ::waitpid(child_, nullptr, 0);
  }
  LockHolder(const LockHolder&) = delete;
  LockHolder& operator=(const LockHolder&) = delete;

  void next() {
    char word = 'x';
    if (::write(to_[1], &word, 1) != 1 || ::read(from_[0], &word, 1) != 1) {
      throw std::runtime_error("the holder of the lock is gone");
    }
  }

 private:
  [[noreturn]] void hold(const std::string& store) const {
    ::close(to_[1]);
    char word = 0;
    MDB_env* env = nullptr;
    MDB_txn* txn = nullptr;
    const bool held = ::read(to_[0], &word, 1) == 1 && mdb_env_create(&env) == 0 &&
                      mdb_env_open(env, store.c_str(), 0, 0600) == 0 &&
                      mdb_txn_begin(env, nullptr, 0, &txn) == 0;
    if (!held || ::write(from_[1], &word, 1) != 1) ::_exit(1);
    const bool told = ::read(to_[0], &word, 1) == 1;
    mdb_txn_abort(txn);
    if (told && ::write(from_[1], &word, 1) != 1) ::_exit(1);
    ::_exit(0);
  }

  int to_[2]{};
  int from_[2]{};
  pid_t child_ = 0;
};

class SlowDiskTest : public ServerTest {};

TEST_F(SlowDiskTest, AStopAnswersWhomTheDiskKeepsWaiting) {
  settings.limits.drain_time = milliseconds{50};
  LockHolder holder{settings.store};
  start();
  const auto ids = submit(1);
  TaskClient stream{server->port(), 1};
  const ReceivedBatch batch = stream.next_batch();
  log.wait_for("grant ");
  holder.next();
  HttpClient submitter{server->port()};
  submitter.send(HttpClient::head("POST", "/task", 2) + "{}");
  log.wait_for(": submitted ");
  const std::string body = nlohmann::json{{"batch", batch.id}, {"ids", batch.ids}}.dump();
  HttpClient reporter{server->port()};
  reporter.send(HttpClient::head("POST", "/report", body.size()) + body);
  log.wait_for(": reported ");
  HttpClient half{server->port()};
  half.send(HttpClient::head("POST", "/task", 10, "Expect: 100-continue\r\n"));
  EXPECT_EQ(half.read_answer().status, 100);
  half.send("{");
  auto stopped = std::async(std::launch::async, [this] { return server->stop(); });
  for (HttpClient* waiting : {&submitter, &reporter}) {
    const HttpAnswer answer = waiting->read_answer();
    EXPECT_EQ(answer.status, 503);
    EXPECT_EQ(answer.field("retry-after"), "1");
    EXPECT_THAT(error_of(answer), testing::HasSubstr("the outcome is unknown"));
    EXPECT_EQ(waiting->read_to_end(), "");
  }
  const HttpAnswer answer = half.read_answer();
  EXPECT_EQ(answer.status, 503);
  EXPECT_THAT(error_of(answer), testing::HasSubstr("nothing of the request has been done"));
  half.close();
  log.wait_for("2 requests were left without a commit");
  holder.next();
  EXPECT_EQ(stopped.get(), 2U);
  // Both were carried out after all.
  submitted = 2;
  const store::BucketCounts counts = server->buckets().counts();
  EXPECT_EQ(counts.report, 1U);
  EXPECT_EQ(counts.queue + counts.batch, 1U);
}

TEST_F(SlowDiskTest, NeitherHeartbeatsNorReadsWaitForACommit) {
  LockHolder holder{settings.store};
  start();
  TaskClient stream{server->port(), 1};
  holder.next();
  HttpClient submitter{server->port()};
  submitter.send(HttpClient::head("POST", "/task", 2) + "{}");
  for (int beat = 0; beat < 5; ++beat) EXPECT_TRUE(stream.next_comment().starts_with(": at="));
  EXPECT_EQ(ask("GET", "/healthz").status, 200);
  EXPECT_EQ(ask("GET", "/report").status, 200);
  EXPECT_FALSE(submitter.has_something_within(0));  // not answered before its commit
  EXPECT_EQ(buckets(), (store::BucketCounts{.queue = 0, .batch = 0, .report = 0, .fail = 0}));
  holder.next();
  EXPECT_EQ(submitter.read_answer().status, 201);
  submitted = 1;
  EXPECT_EQ(stream.next_batch().ids.size(), 1U);
}

}  // namespace
}  // namespace pena::server::test
