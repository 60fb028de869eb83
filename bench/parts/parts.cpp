// What the parts of the hot path cost, each by itself. `bench/parts/instructions` counts the instructions of
// the same cases, which a busy machine does not change.
#include <arpa/inet.h>
#include <benchmark/benchmark.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/dispatcher.hpp"
#include "load/crowd.hpp"
#include "server/server.hpp"
#include "store/format.hpp"
#include "store/lmdb_store.hpp"
#include "wire/json.hpp"
#include "wire/sse.hpp"

namespace pena {
namespace {

constexpr core::Instant kStart = core::from_us(1'700'000'000'000'000);

core::XidFactory& ids() {
  static core::XidFactory factory({1, 2, 3}, 4);
  return factory;
}

core::Xid new_id() {
  return ids().next(kStart);
}

std::vector<core::Msg> new_msgs(std::size_t count) {
  std::vector<core::Msg> msgs;
  for (std::size_t i = 0; i < count; ++i) msgs.push_back({new_id(), 382, {}});
  return msgs;
}

core::Batch new_batch(std::size_t size) {
  core::Batch batch{new_id(), new_id(), kStart, {}};
  for (core::Msg& msg : new_msgs(size)) batch.msgs.push_back({std::move(msg), kStart, kStart, {}});
  return batch;
}

void count_msgs(benchmark::State& state) {
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void sse_frames(benchmark::State& state) {
  const core::Batch batch = new_batch(static_cast<std::size_t>(state.range(0)));
  const core::Limits limits;
  std::string out;
  for (auto _ : state) {
    out.clear();
    wire::append_batch_frames(out, batch, kStart, limits);
    benchmark::DoNotOptimize(out.data());
  }
  count_msgs(state);
}

void report_parse(benchmark::State& state) {
  core::Reported report;
  report.batch = new_id();
  for (std::int64_t i = 0; i < state.range(0); ++i) report.ids.push_back(new_id());
  const std::string body = wire::report_json(report);
  const core::Limits limits;
  for (auto _ : state) benchmark::DoNotOptimize(wire::parse_report(body, limits));
  count_msgs(state);
}

// Bodies as clients of several languages write them (`pena bench --payload`).
template <load::Payload payload>
void submit_parse(benchmark::State& state) {
  const std::string body = load::submission_of(static_cast<std::uint32_t>(state.range(0)), payload);
  const core::Limits limits;
  for (auto _ : state) benchmark::DoNotOptimize(wire::parse_submissions(body, limits));
  count_msgs(state);
}

// A report, the msgs that fill the next batch, and its grant.
void dispatcher_cycle(benchmark::State& state) {
  const auto size = static_cast<std::size_t>(state.range(0));
  core::Limits limits;
  auto dispatcher = core::Dispatcher::restore(limits, ids(), {}, kStart);
  (void)dispatcher.step(core::SupplyChanged{core::Supply::open}, kStart);
  (void)dispatcher.step(core::ClientJoined{new_id(), static_cast<std::uint32_t>(size), false},
                        kStart);
  core::Effects effects = dispatcher.step(core::Generated{new_msgs(size)}, kStart);
  for (auto _ : state) {
    const auto& batch = *std::get<core::SendBatch>(effects.sends.back()).batch;
    core::Reported report;
    report.batch = batch.id;
    report.ids.reserve(size);
    for (const core::QueuedMsg& msg : batch.msgs) report.ids.push_back(msg.msg.id);
    benchmark::DoNotOptimize(dispatcher.step(std::move(report), kStart));
    effects = dispatcher.step(core::Generated{new_msgs(size)}, kStart);
  }
  count_msgs(state);
}

void record_encode(benchmark::State& state) {
  const core::Batch batch = new_batch(static_cast<std::size_t>(state.range(0)));
  std::string out;
  for (auto _ : state) {
    store::encode(batch, out);
    benchmark::DoNotOptimize(out.data());
  }
  count_msgs(state);
}

void record_decode(benchmark::State& state) {
  const core::Batch batch = new_batch(static_cast<std::size_t>(state.range(0)));
  std::string value;
  store::encode(batch, value);
  for (auto _ : state) benchmark::DoNotOptimize(store::decode_batch(batch.id, value));
  count_msgs(state);
}

// A folder beside the working directory: /tmp may be memory, which is never synced.
class Folder {
 public:
  Folder() {
    if (mkdtemp(path_.data()) == nullptr) throw std::runtime_error("cannot make " + path_);
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_ = "./pena-parts-XXXXXX";
};

// What a report and the grant behind it write: a batch goes, its msgs are put, a batch comes.
void commit(benchmark::State& state) {
  const auto size = static_cast<std::size_t>(state.range(0));
  const Folder folder;
  const auto store = store::open_lmdb_store(folder.path(), core::Limits{}.map_bytes);
  auto held = std::make_shared<const core::Batch>(new_batch(size));
  store->commit({core::PutBatch{held}});
  for (auto _ : state) {
    store::ChangeSet changes;
    changes.reserve(size + 2);
    for (const core::QueuedMsg& msg : held->msgs) {
      changes.emplace_back(core::PutReport{held, msg, kStart, {}});
    }
    changes.emplace_back(core::DropBatch{held->id});
    held = std::make_shared<const core::Batch>(new_batch(size));
    changes.emplace_back(core::PutBatch{held});
    store->commit(changes);
  }
  count_msgs(state);
}

// A connection to a real server in this process.
class Caller {
 public:
  explicit Caller(std::uint16_t port) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
      throw std::runtime_error("cannot connect");
    }
    const int on = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  ~Caller() { close(fd_); }
  Caller(const Caller&) = delete;
  Caller& operator=(const Caller&) = delete;

  // The answers are short: each comes in one piece.
  void ask(const std::string& request) {
    if (send(fd_, request.data(), request.size(), 0) < 0) throw std::runtime_error("cannot send");
    if (recv(fd_, answer_.data(), answer_.size(), 0) <= 0) throw std::runtime_error("no answer");
  }

 private:
  int fd_;
  std::array<char, 4096> answer_{};
};

void http_request(benchmark::State& state) {
  const Folder folder;
  server::ServerSettings settings;
  settings.listen = "127.0.0.1:0";
  settings.store = folder.path();
  settings.generator.enabled = false;
  server::Server server(settings);
  Caller caller(server.port());
  const std::string request = "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
  for (auto _ : state) caller.ask(request);
  state.SetItemsProcessed(state.iterations());
}

// Where the instructions are counted, so many iterations and no more.
int registered() {
  const char* const given = std::getenv("PENA_ITERATIONS");
  const auto add = [given](const char* name, void (*run)(benchmark::State&), bool sized) {
    auto* const one = benchmark::RegisterBenchmark(name, run);
    if (sized) one->Arg(1)->Arg(10)->Arg(1000);
    if (given != nullptr) one->Iterations(std::atoi(given));
    return one;
  };
  add("sse_frames", sse_frames, true);
  add("report_parse", report_parse, true);
  add("submit_parse_none", submit_parse<load::Payload::none>, true);
  add("submit_parse_compact", submit_parse<load::Payload::compact>, true);
  add("submit_parse_spaced", submit_parse<load::Payload::spaced>, true);
  add("submit_parse_mixed", submit_parse<load::Payload::mixed>, true);
  add("dispatcher_cycle", dispatcher_cycle, true);
  add("record_encode", record_encode, true);
  add("record_decode", record_decode, true);
  add("commit", commit, true)->UseRealTime();
  add("http_request", http_request, false)->UseRealTime();
  return 0;
}

const int kRegistered = registered();

}  // namespace
}  // namespace pena

BENCHMARK_MAIN();
