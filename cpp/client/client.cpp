#include "client/client.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <random>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>

#include "client/clock.hpp"
#include "client/connect.hpp"
#include "client/requests.hpp"
#include "client/simulated_work.hpp"
#include "client/stream_reader.hpp"
#include "client/url.hpp"
#include "core/client_logic.hpp"
#include "core/limits.hpp"
#include "wire/json.hpp"
#include "wire/report_body.hpp"
#include "wire/task_reader.hpp"

namespace pena::client {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr std::uint32_t kLargestBatchsize = 1'000'000;

std::uint64_t seed_of(const ClientSettings& settings) {
  if (settings.seed) return *settings.seed;
  std::random_device random;
  return (std::uint64_t{random()} << 32U) | random();
}

core::ClientRules rules_of(const ClientSettings& settings, std::uint64_t seed) {
  core::ClientRules rules;
  rules.batchsize = settings.batchsize.value_or(core::ClientLogic::draw_batchsize(seed));
  rules.max_running = settings.max_running.value_or(rules.batchsize);
  rules.panic_above = settings.panic_above;
  rules.end_above = settings.end_above;
  rules.report_panicked = settings.panicked == Panicked::report;
  rules.retry.first = settings.backoff_first;
  rules.retry.most = settings.backoff_most;
  rules.max_batches = settings.max_batches;
  rules.seed = seed;
  rules.server = settings.url;
  return rules;
}

EndReason reason_of(core::ClientEndReason reason) {
  switch (reason) {
    case core::ClientEndReason::stopped:
      return EndReason::stopped;
    case core::ClientEndReason::period_too_long:
      return EndReason::period_too_long;
    case core::ClientEndReason::batches_done:
      return EndReason::batches_done;
    case core::ClientEndReason::refused:
      break;
  }
  return EndReason::refused;
}

}  // namespace

void check(const ClientSettings& settings) {
  const auto positive = [](const char* name, std::optional<std::uint64_t> number) {
    if (number && *number == 0) {
      throw SettingsError(std::string{name} + " is 0; expected at least 1");
    }
  };
  positive("batchsize", settings.batchsize);
  positive("max_running", settings.max_running);
  positive("max_batches", settings.max_batches);
  if (settings.batchsize.value_or(1) > kLargestBatchsize) {
    throw SettingsError("batchsize is " + std::to_string(*settings.batchsize) +
                        "; expected at most " + std::to_string(kLargestBatchsize));
  }
  if (settings.backoff_first.count() < 1 || settings.backoff_most < settings.backoff_first) {
    throw SettingsError("backoff_first must be at least 1 ms and at most backoff_most");
  }
  if (settings.backoff_most > core::kLongestTime) {
    throw SettingsError("backoff_most must be at most a year");
  }
  static_cast<void>(parse_url(settings.url));
}

std::string_view word(EndReason reason) {
  switch (reason) {
    case EndReason::stopped:
      return "stopped";
    case EndReason::period_too_long:
      return "period_too_long";
    case EndReason::batches_done:
      return "batches_done";
    case EndReason::refused:
      return "refused";
  }
  return "?";
}

// The shell around core::ClientLogic: all but the public members runs on the client's own thread.
class Client::Impl {
 public:
  explicit Impl(ClientSettings settings)
      : settings_((check(settings), std::move(settings))),
        address_(parse_url(settings_.url)),
        rules_(rules_of(settings_, seed_of(settings_))),
        logic_(rules_),
        work_(io_.get_executor(), [this](const core::WorkEnded& ended) { happen(ended); }),
        requests_(io_.get_executor(), address_) {
    asio::post(io_, [this] { perform(logic_.start(now())); });
    try {
      thread_ = std::thread([this] { run(); });
    } catch (const std::system_error& error) {
      throw std::runtime_error("the client's thread cannot start: " + error.code().message());
    }
  }

  ~Impl() { stop(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  [[nodiscard]] std::uint32_t batchsize() const { return rules_.batchsize; }

  void begin_stop() {
    asio::post(io_, [this] { happen(core::StopAsked{}); });
  }
  void stop() {
    begin_stop();
    const std::lock_guard lock(join_mutex_);
    if (thread_.joinable()) thread_.join();
  }

  std::optional<ClientEnd> wait(std::optional<std::chrono::milliseconds> timeout) {
    std::unique_lock lock(mutex_);
    const auto has_ended = [this] {
      return thread_over_;
    };
    if (timeout) {
      ended_.wait_for(lock, *timeout, has_ended);
    } else {
      ended_.wait(lock, has_ended);
    }
    if (thread_over_ && failure_) std::rethrow_exception(failure_);
    return thread_over_ ? end_ : std::nullopt;
  }

  [[nodiscard]] bool running() const {
    const std::lock_guard lock(mutex_);
    return !thread_over_;
  }

  [[nodiscard]] ClientStats stats() const {
    const std::lock_guard lock(mutex_);
    return stats_;
  }

 private:
  void run() {
    std::exception_ptr failure;
    try {
      io_.run();
    } catch (...) {  // such as memory that is out
      failure = std::current_exception();
      hang_up();
    }
    {
      const std::lock_guard lock(mutex_);
      thread_over_ = true;
      failure_ = failure;
    }
    ended_.notify_all();
  }

  // Leaves nothing that a later loop would have to run: there is none.
  void hang_up() noexcept {
    if (stream_) stream_->close();
    requests_.abandon_all();
    log(core::LogLevel::error, "the client failed, so it ends");
  }

  void happen(const core::ClientEvent& event) {
    if (logic_.ended()) return;
    perform(logic_.step(event, now()));
  }

  void perform(const std::vector<core::ClientAction>& actions) {
    for (const core::ClientAction& action : actions) {
      std::visit([this](const auto& what) { act(what); }, action);
    }
    publish();
    wait_for_timeout();
  }

  void act(const core::OpenStream& open) {
    stream_ = std::make_shared<StreamReader>(
        io_.get_executor(), address_, open.stream, wire::task_query(rules_.batchsize, open.batches),
        [this](std::uint64_t stream, const core::StreamEvent& event) {
          if (!logic_.ended()) perform(logic_.step(stream, event, now()));
        });
    asio::co_spawn(io_, stream_->run(), rethrow);
  }
  void act(const core::CloseOwnStream& /*close*/) {
    if (stream_) stream_->close();
    stream_.reset();
  }
  void act(const core::StartWork& start) { work_.start(start); }
  void act(const core::StopWork& stop) {
    work_.stop(stop.id);
    asio::post(io_, [this, id = stop.id] { happen(core::WorkStopped{id}); });
  }
  void act(const core::SendReport& send) {
    requests_.send(send.number, {"/report", wire::report_body(send.report, send.form)},
                   [this, number = send.number](const Answered& answered) {
                     const auto answer = wire::parse_report_answer(answered.body);
                     note_answer(answer.value_or(wire::ReportAnswer{}));
                     happen(core::ReportTried{number, answered.sent_at, answered.status,
                                              answered.at_ms, answered.retry_after, answered.why});
                   });
  }
  void act(const core::AbandonReport& /*abandon*/) { requests_.abandon_all(); }
  void act(const core::Say& say) { log(say.level, say.text); }
  void act(const core::EndClient& end) {
    log(core::LogLevel::info, "the client ends: " + end.text);
    {
      const std::lock_guard lock(mutex_);
      end_ = ClientEnd{reason_of(end.reason), end.text, end.msg};
    }
    work_.stop_all();
    requests_.abandon_all();
    timeout_.cancel();
  }

  void wait_for_timeout() {
    const auto next = logic_.next_timeout();
    if (!next) return;
    timeout_.expires_at(steady(*next));
    timeout_.async_wait([this](const error_code& error) {
      if (!error) happen(core::ClientTimeReached{});
    });
  }

  void note_answer(const wire::ReportAnswer& answer) {
    const std::lock_guard lock(mutex_);
    stats_.reported += answer.reported;
    stats_.duplicate += answer.duplicate;
    stats_.unknown += answer.unknown;
  }

  void publish() {
    const std::lock_guard lock(mutex_);
    static_cast<core::ClientCounts&>(stats_) = logic_.counts();
  }

  void log(core::LogLevel level, std::string_view text) const noexcept {
    try {
      if (settings_.log) settings_.log(level, text);
    } catch (const std::exception&) {
      return;  // without memory, for one: the work matters more than that it is told
    }
  }

  ClientSettings settings_;
  ServerAddress address_;
  core::ClientRules rules_;
  core::ClientLogic logic_;
  asio::io_context io_{1};
  asio::steady_timer timeout_{io_};  // of the logic
  SimulatedWork work_;
  Requests requests_;
  std::shared_ptr<StreamReader> stream_;

  std::mutex join_mutex_;
  std::thread thread_;

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable ended_;
  bool thread_over_ = false;
  std::optional<ClientEnd> end_;
  std::exception_ptr failure_;
  ClientStats stats_;
};

Client::Client(ClientSettings settings) : impl_(std::make_unique<Impl>(std::move(settings))) {}
Client::~Client() = default;

std::uint32_t Client::batchsize() const {
  return impl_->batchsize();
}
void Client::stop() {
  impl_->stop();
}
void Client::begin_stop() {
  impl_->begin_stop();
}
std::optional<ClientEnd> Client::wait(std::optional<std::chrono::milliseconds> timeout) {
  return impl_->wait(timeout);
}
bool Client::running() const {
  return impl_->running();
}
ClientStats Client::stats() const {
  return impl_->stats();
}

}  // namespace pena::client
