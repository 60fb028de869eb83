#include "load/load.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include "load/cpu.hpp"
#include "load/crowd.hpp"

namespace pena::load {
namespace {

constexpr std::size_t kProducers = 16;
constexpr std::uint32_t kChunk = 10'000;  // msgs of one POST that fills the backlog
constexpr std::chrono::milliseconds kLook{100};
constexpr std::chrono::seconds kLongestLeave{2};

double seconds(Clock::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

// Two sockets a worker.
void raise_file_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

class Run {
 public:
  Run(const LoadSettings& settings, const std::function<bool(const LoadProgress&)>& go_on)
      : settings_(settings), go_on_(go_on), address_(client::parse_url(settings.url)) {
    tally_.takes_waits = settings.rate.has_value();
  }

  LoadResult whole() {
    raise_file_limit();
    if (settings_.backlog > 0) fill();
    connect();
    if (settings_.rate) begin_schedule();
    work(LoadProgress::Phase::warmup, settings_.warmup);
    before_ = tally_;
    tally_.answers = {};
    tally_.waits = {};
    const double cpu_before = cpu_seconds();
    const Clock::time_point began = Clock::now();
    work(LoadProgress::Phase::measuring, settings_.duration);
    const LoadResult measured = result(seconds(Clock::now() - began), cpu_seconds() - cpu_before);
    try {
      leave();
    } catch (const LoadError&) {
      return measured;  // the server is gone, which takes nothing from what it did before
    }
    return measured;
  }

 private:
  // As fast as it goes, by two at a time.
  void fill() {
    begin(LoadProgress::Phase::filling);
    const std::string chunk = submission_of(kChunk, settings_.payload);
    std::array<std::unique_ptr<Producer>, 2> producers;
    for (auto& producer : producers) {
      producer = std::make_unique<Producer>(poller_, address_, tally_);
    }
    std::uint64_t asked_for = 0;
    while (tally_.submitted < settings_.backlog && goes_on(tally_.submitted)) {
      for (const auto& producer : producers) {
        const auto left = std::min<std::uint64_t>(kChunk, settings_.backlog - asked_for);
        if (producer->busy() || left == 0) continue;
        const auto msgs = static_cast<std::uint32_t>(left);
        producer->submit(msgs, msgs == kChunk ? chunk : submission_of(msgs, settings_.payload));
        asked_for += left;
      }
      poller_.wait(Clock::now() + kLook);
    }
  }

  void connect() {
    begin(LoadProgress::Phase::connecting);
    for (std::uint32_t i = 0; i < settings_.workers && goes_on(i); ++i) {
      workers_.push_back(std::make_unique<Worker>(poller_, address_, settings_, tally_));
      poller_.wait(Clock::now());
    }
    while (tally_.streams < workers_.size() && goes_on(tally_.streams)) {
      poller_.wait(Clock::now() + kLook);
    }
  }

  void begin_schedule() {
    for (std::size_t i = 0; i < kProducers; ++i) {
      producers_.push_back(std::make_unique<Producer>(poller_, address_, tally_));
    }
    schedule_began_ = Clock::now();
  }

  void work(LoadProgress::Phase phase, core::Duration duration) {
    begin(phase);
    const std::uint64_t reported = tally_.reported;
    const auto until = began_ + duration;
    while (Clock::now() < until && goes_on(tally_.reported - reported)) {
      auto wake_at = std::min<Clock::time_point>(until, Clock::now() + kLook);
      if (settings_.rate) wake_at = std::min(wake_at, submit_what_is_due());
      poller_.wait(wake_at);
    }
  }

  // Nobody is waited for for long: the server may be gone, or have nothing to send.
  void leave() {
    const auto until = Clock::now() + kLongestLeave;
    const auto all_have_left = [this] {
      std::size_t left = 0;
      for (const auto& worker : workers_) left += worker->leave() ? 1 : 0;
      return left == workers_.size();
    };
    const auto is_busy = [](const auto& producer) {
      return producer->busy();
    };
    while (Clock::now() < until && (!all_have_left() || std::ranges::any_of(producers_, is_busy))) {
      poller_.wait(
          std::min<Clock::time_point>(until, Clock::now() + std::chrono::milliseconds{10}));
    }
  }

  // Returns when the next is due, as far as somebody is free to submit it.
  Clock::time_point submit_what_is_due() {
    for (const auto& producer : producers_) {
      if (producer->busy()) continue;
      const auto due = schedule_began_ +
                       std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(
                           static_cast<double>(next_) / *settings_.rate));
      if (due > Clock::now()) return due;
      ++next_;
      producer->submit(1, submission_due(due));
    }
    return Clock::time_point::max();
  }

  void begin(LoadProgress::Phase phase) {
    phase_ = phase;
    began_ = Clock::now();
    look_at_ = began_;
  }

  bool goes_on(std::uint64_t done) {
    const auto now = Clock::now();
    if (now >= look_at_) {
      look_at_ = now + kLook;
      stopped_ = stopped_ || !go_on_({phase_, seconds(now - began_), done});
    }
    return !stopped_;
  }

  [[nodiscard]] LoadResult result(double took, double cpu) const {
    LoadResult result;
    result.seconds = took;
    result.msgs = tally_.reported - before_.reported;
    result.batches = tally_.batches - before_.batches;
    result.repeated = tally_.repeated - before_.repeated;
    result.heartbeats = tally_.heartbeats - before_.heartbeats;
    result.answers = tally_.answers.spread();
    if (settings_.rate) result.waits = tally_.waits.spread();
    result.load_share = cpu / took;
    return result;
  }

  const LoadSettings& settings_;
  const std::function<bool(const LoadProgress&)>& go_on_;
  client::ServerAddress address_;
  Poller poller_;
  Tally tally_, before_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::unique_ptr<Producer>> producers_;
  Clock::time_point schedule_began_;
  std::uint64_t next_ = 0;  // the msg of the schedule that is due next
  LoadProgress::Phase phase_ = LoadProgress::Phase::connecting;
  Clock::time_point began_, look_at_;
  bool stopped_ = false;
};

}  // namespace

LoadResult run(const LoadSettings& settings,
               const std::function<bool(const LoadProgress&)>& go_on) {
  return std::make_unique<Run>(settings, go_on)->whole();
}

}  // namespace pena::load
