// The load on a peer, as `pena bench --work submitted` is the load on Pena, and the same words on the
// command line and in what is printed.
//   closed loop  each worker puts a batch, takes a batch, acks it, and so on
//   open loop    16 producers put one message at a time when it is due; workers take and ack
#include <CLI/CLI.hpp>
#include <atomic>
#include <barrier>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "load/cpu.hpp"
#include "load/latencies.hpp"
#include "peers/peer.hpp"

namespace pena::bench {
namespace {

using load::Clock;
using load::cpu_seconds;
using load::Latencies;

constexpr std::uint32_t kProducers = 16;
constexpr std::size_t kBodySize = 46;  // bytes, what a msg of Pena is on the wire

struct Settings {
  Peer peer;
  std::uint32_t workers = 16;
  std::optional<double> rate;
  double warmup_s = 1, duration_s = 5;
};

std::chrono::nanoseconds span_of(double seconds) {
  return std::chrono::nanoseconds{static_cast<std::int64_t>(seconds * 1e9)};
}

std::string body_of(std::string text) {
  text.resize(kBodySize, ' ');
  return text;
}

class Run {
 public:
  explicit Run(const Settings& settings)
      : settings_(settings),
        producers_(settings.rate ? kProducers : 0),
        everybody_(static_cast<std::ptrdiff_t>(settings.workers + producers_ + 1)),
        seats_(settings.workers) {}

  nlohmann::ordered_json whole() {
    prepare(settings_.peer);
    std::vector<std::jthread> threads;
    for (Seat& seat : seats_) {
      threads.emplace_back([this, &seat] { live([&] { work(seat); }); });
    }
    for (std::uint32_t i = 0; i < producers_; ++i) {
      threads.emplace_back([this] { live([&] { produce(); }); });
    }
    everybody_.arrive_and_wait();  // all are connected
    began_ = Clock::now();
    everybody_.arrive_and_wait();
    std::this_thread::sleep_for(span_of(settings_.warmup_s));
    measuring_ = true;
    const std::uint64_t before = acked();
    const double cpu_before = cpu_seconds();
    const auto from = Clock::now();
    std::this_thread::sleep_for(span_of(settings_.duration_s));
    const double seconds = std::chrono::duration<double>(Clock::now() - from).count();
    const std::uint64_t msgs = acked() - before;
    const double cpu = cpu_seconds() - cpu_before;
    over_ = true;
    threads.clear();
    return told(seconds, msgs, cpu);
  }

 private:
  // What one worker counts, on a cache line of its own.
  struct alignas(64) Seat {
    std::atomic<std::uint64_t> acked = 0;
    Latencies waits;
  };

  template <class Life>
  void live(Life life) {
    try {
      life();
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s\n", error.what());
      std::_Exit(1);  // the others wait for this one
    }
  }

  void begin_together() {
    everybody_.arrive_and_wait();
    everybody_.arrive_and_wait();  // began_ is set
  }

  void work(Seat& seat) {
    const std::unique_ptr<Link> link =
        connect(settings_.peer, settings_.rate ? Role::worker : Role::both);
    begin_together();
    const std::uint32_t batch = settings_.peer.batchsize;
    const std::vector<std::string> bodies(batch, body_of("0"));
    while (!over_) {
      if (!settings_.rate) link->put(bodies);
      const std::uint32_t taken = settings_.rate ? take_some(*link, seat) : take_all(*link, batch);
      if (taken == 0) continue;
      link->ack();
      seat.acked.fetch_add(taken, std::memory_order_relaxed);
    }
  }

  // As many as it has put: whatever the others do, that many are there for it.
  std::uint32_t take_all(Link& link, std::uint32_t batch) {
    std::uint32_t taken = 0;
    while (taken < batch && !over_) {
      taken += static_cast<std::uint32_t>(link.take(batch - taken, true).size());
    }
    return taken;
  }

  std::uint32_t take_some(Link& link, Seat& seat) {
    const auto bodies = link.take(settings_.peer.batchsize, false);
    const auto now = Clock::now().time_since_epoch();
    for (const std::string& body : bodies) {
      const Clock::duration due{std::strtoll(body.c_str(), nullptr, 10)};
      if (measuring_) seat.waits.add(now - due);
    }
    return static_cast<std::uint32_t>(bodies.size());
  }

  void produce() {
    const std::unique_ptr<Link> link = connect(settings_.peer, Role::producer);
    begin_together();
    while (!over_) {
      // Whoever is free takes the msg that is due next.
      const auto msg = static_cast<double>(next_.fetch_add(1, std::memory_order_relaxed));
      const auto due = began_ + span_of(msg / *settings_.rate);
      std::this_thread::sleep_until(due);
      const std::string body = body_of(std::to_string(due.time_since_epoch().count()));
      link->put({&body, 1});
    }
  }

  [[nodiscard]] std::uint64_t acked() const {
    std::uint64_t sum = 0;
    for (const Seat& seat : seats_) sum += seat.acked.load(std::memory_order_relaxed);
    return sum;
  }

  [[nodiscard]] nlohmann::ordered_json told(double seconds, std::uint64_t msgs, double cpu) const {
    nlohmann::ordered_json json{{"workers", settings_.workers},
                                {"batchsize", settings_.peer.batchsize},
                                {"rate", nullptr},
                                {"seconds", seconds},
                                {"msgs", msgs},
                                {"msgs_per_s", static_cast<double>(msgs) / seconds},
                                {"waits", nullptr},
                                {"load_share", cpu / seconds}};
    if (!settings_.rate) return json;
    Latencies waits;
    for (const Seat& seat : seats_) waits.add(seat.waits);
    const load::Spread spread = waits.spread();
    json["rate"] = *settings_.rate;
    json["waits"] = {{"samples", spread.samples},
                     {"p50_ms", spread.p50_ms},
                     {"p90_ms", spread.p90_ms},
                     {"p99_ms", spread.p99_ms},
                     {"max_ms", spread.max_ms}};
    return json;
  }

  const Settings& settings_;
  const std::uint32_t producers_;
  std::barrier<> everybody_;
  std::vector<Seat> seats_;
  Clock::time_point began_;
  std::atomic<std::uint64_t> next_ = 0;
  std::atomic<bool> measuring_ = false, over_ = false;
};

}  // namespace
}  // namespace pena::bench

int main(int argc, char** argv) {
  using namespace pena::bench;
  Settings settings;
  CLI::App app{"Puts a peer's server under the load that `pena bench` puts a Pena server under."};
  const CLI::AsNumberWithUnit seconds{std::map<std::string, double>{{"ms", 0.001}, {"s", 1}},
                                      CLI::AsNumberWithUnit::UNIT_REQUIRED, "DURATION"};
  app.add_option("--host", settings.peer.host, "its address")->capture_default_str();
  app.add_option("--port", settings.peer.port, "its port")->required();
  app.add_option("--workers", settings.workers, "how many")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--batchsize", settings.peer.batchsize, "messages that a worker takes at once")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--rate", settings.rate, "messages a second, put by the clock: the open loop")
      ->check(CLI::PositiveNumber);
  app.add_option("--warmup", settings.warmup_s, "before anything is measured")->transform(seconds);
  app.add_option("--duration", settings.duration_s, "of what is measured")->transform(seconds);
  CLI11_PARSE(app, argc, argv);
  try {
    std::printf("%s\n", Run(settings).whole().dump().c_str());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", argv[0], error.what());
    return 1;
  }
  return 0;
}
