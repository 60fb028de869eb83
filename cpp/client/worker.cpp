#include "client/worker.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>

#include "client/clock.hpp"
#include "client/connect.hpp"
#include "client/inbox.hpp"
#include "client/payload.hpp"
#include "client/requests.hpp"
#include "client/stream_reader.hpp"
#include "client/url.hpp"
#include "core/number_text.hpp"
#include "core/worker_logic.hpp"
#include "wire/json.hpp"
#include "wire/queue_counts.hpp"
#include "wire/report_body.hpp"
#include "wire/task_reader.hpp"

namespace pena::client {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

// What an event has beside a payload: ids, the queue, the key.
constexpr std::size_t kBesidePayload = 4 * 1024;

core::WorkerRules rules_of(const WorkerSettings& settings) {
  core::WorkerRules rules;
  rules.slots = settings.slots;
  rules.run_time = settings.timeout;
  rules.max_msgs = settings.max_msgs;
  rules.until_empty = settings.until_empty;
  rules.retry.first = settings.backoff_first;
  rules.retry.most = settings.backoff_most;
  rules.stop_patience = settings.stop_patience;
  rules.server = settings.url;
  std::random_device random;
  rules.seed = settings.seed ? *settings.seed : (std::uint64_t{random()} << 32U) | random();
  return rules;
}

WorkerEndReason reason_of(core::WorkerEndReason reason) {
  switch (reason) {
    case core::WorkerEndReason::stopped:
      return WorkerEndReason::stopped;
    case core::WorkerEndReason::empty:
      return WorkerEndReason::empty;
    case core::WorkerEndReason::msgs_done:
      return WorkerEndReason::msgs_done;
    case core::WorkerEndReason::refused:
      break;
  }
  return WorkerEndReason::refused;
}

CancelReason reason_of(core::CancelReason reason) {
  switch (reason) {
    case core::CancelReason::lost:
      return CancelReason::lost;
    case core::CancelReason::timed_out:
      return CancelReason::timed_out;
    case core::CancelReason::given_back:
      break;
  }
  return CancelReason::given_back;
}

Fate fate_of(core::RunFate fate) {
  switch (fate) {
    case core::RunFate::taken:
      return Fate::taken;
    case core::RunFate::not_taken_as_result:
      return Fate::not_taken_as_result;
    case core::RunFate::too_late:
      return Fate::too_late;
    case core::RunFate::refused:
      break;
  }
  return Fate::refused;
}

}  // namespace

std::string_view word(WorkerEndReason reason) {
  switch (reason) {
    case WorkerEndReason::stopped:
      return "stopped";
    case WorkerEndReason::empty:
      return "empty";
    case WorkerEndReason::msgs_done:
      return "msgs_done";
    case WorkerEndReason::refused:
      return "refused";
  }
  return "?";
}

// The shell around core::WorkerLogic: all but the public members runs on the worker's own thread.
class Worker::Impl {
 public:
  explicit Impl(WorkerSettings settings)
      : settings_((check(settings), std::move(settings))),
        address_(parse_url(settings_.url)),
        logic_(rules_of(settings_)),
        requests_(io_.get_executor(), address_) {
    asio::post(io_, [this] { perform(logic_.start(now())); });
    try {
      thread_ = std::thread([this] { run(); });
    } catch (const std::system_error& error) {
      throw std::runtime_error("the worker's thread cannot start: " + error.code().message());
    }
  }

  ~Impl() {
    stop();
    stop();
    thread_.join();
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Inbox& inbox() { return inbox_; }

  void end_run(std::uint64_t run, core::RunOutcome outcome) {
    inbox_.forget(run);
    asio::post(io_, [this, ended = core::RunEnded{run, std::move(outcome)}] { happen(ended); });
  }

  void stop() {
    asio::post(io_, [this] { happen(core::WorkerStopAsked{}); });
  }

  std::optional<WorkerEnd> wait(std::optional<std::chrono::milliseconds> timeout) {
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

  [[nodiscard]] WorkerStats stats() const {
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
    inbox_.close();
    {
      const std::lock_guard lock(mutex_);
      thread_over_ = true;
      failure_ = failure;
    }
    ended_.notify_all();
  }

  // Leaves nothing that a later loop would have to run: there is none.
  void hang_up() noexcept {
    for (const auto& [number, stream] : streams_) stream->close();
    requests_.abandon_all();
    lives_.reset();
    log(core::LogLevel::error, "the worker failed, so it ends");
  }

  void happen(const core::WorkerEvent& event) {
    if (!logic_.ended()) perform(logic_.step(event, now()));
  }

  void perform(std::vector<core::WorkerAction> actions) {
    for (core::WorkerAction& action : actions) {
      std::visit([this](auto& what) { act(what); }, action);
    }
    {
      const std::lock_guard lock(mutex_);
      stats_ = logic_.counts();
    }
    wait_for_timeout();
  }

  void act(const core::OpenWorkerStream& open) {
    const auto stream = std::make_shared<StreamReader>(
        io_.get_executor(), address_, open.stream,
        wire::worker_query(open.batchsize, settings_.queues, percent_encoded(settings_.name),
                           !settings_.generated),
        [this](std::uint64_t number, const core::StreamEvent& event) { heard(number, event); },
        reading());
    streams_.emplace(open.stream, stream);
    asio::co_spawn(io_, stream->run(), rethrow);
  }
  wire::TaskReading reading() {
    return {true, settings_.max_payload + kBesidePayload,
            [this](const core::Xid& msg, std::uint64_t bytes) {
              log(core::LogLevel::error, "the msg " + msg.text() + " has " + std::to_string(bytes) +
                                             " bytes, " + too_large());
            }};
  }
  [[nodiscard]] std::string too_large() const {
    return "more than this worker takes: its max_payload is " +
           std::to_string(settings_.max_payload) + " bytes";
  }
  void heard(std::uint64_t number, const core::StreamEvent& event) {
    if (std::holds_alternative<core::StreamClosed>(event)) streams_.erase(number);
    if (!logic_.ended()) perform(logic_.step(number, event, now()));
  }
  void act(const core::HangUp& hang_up) {
    const auto at = streams_.find(hang_up.stream);
    if (at != streams_.end()) at->second->close();
  }

  void act(core::BeginRun& begin) {
    if (!begin.data.empty()) return inbox_.put({begin.run, begin.msg, std::move(begin.data)});
    never_begun(begin.run, core::RunFailed{"the msg is " + too_large()});
  }
  void act(const core::CancelRun& cancel) {
    if (inbox_.cancel(cancel.run, reason_of(cancel.reason))) return;
    never_begun(cancel.run, core::RunGivenBack{});
  }
  void never_begun(std::uint64_t run, core::RunOutcome outcome) {
    asio::post(io_,
               [this, ended = core::RunEnded{run, std::move(outcome), false}] { happen(ended); });
  }
  void act(const core::KeepRun& keep) { inbox_.keep(keep.run); }
  void act(const core::RunSettled& run) {
    if (!settings_.settled) return;
    call("settled", [&] {
      settings_.settled({run.run, fate_of(run.fate), run.why, run.msg, run.error});
    });
  }

  void act(const core::PostReport& post) {
    this->post(post.number, wire::report_json(post.report));
  }
  void act(const core::PostLeave& leave) { post(leave.number, wire::leave_json(leave.client)); }
  void post(std::uint64_t number, std::string body) {
    requests_.send(number, {"/report", std::move(body)}, [this, number](const Answered& answered) {
      happen(core::PostTried{number, answered.sent_at, answered.status, answered.at_ms,
                             answered.retry_after, answered.why});
    });
  }
  void act(const core::AbandonPost& abandon) { requests_.abandon(abandon.number); }

  // One queue after the other.
  void act(const core::AskCounts& ask) { ask_counts(ask.number, 0, 0); }
  void ask_counts(std::uint64_t number, std::size_t queue, std::uint64_t left) {
    if (queue == std::max<std::size_t>(settings_.queues.size(), 1)) {
      return happen(core::CountsTold{left});
    }
    const std::string name = settings_.queues.empty() ? "default" : settings_.queues[queue];
    const auto tell = [this, number, queue, left, name](const Answered& answer) {
      const auto counts = answer.status == 200 ? wire::queue_counts(answer.body) : std::nullopt;
      if (!counts) return happen(core::CountsTold{});
      if (counts->unsettled + counts->settled == 0) tell_unknown(name);
      ask_counts(number, queue + 1, left + counts->unsettled);
    };
    requests_.send(number, {"/stats?queue=" + name, {}}, tell);
  }

  void tell_unknown(const std::string& queue) {
    if (!settings_.unknown_queue || settings_.queues.empty()) return;
    if (!unknown_.insert(queue).second) return;
    call("unknown_queue", [&] { settings_.unknown_queue(queue); });
  }

  void act(const core::Say& say) { log(say.level, say.text); }
  void act(const core::EndWorker& end) {
    log(core::LogLevel::info, "the worker ends: " + end.text);
    {
      const std::lock_guard lock(mutex_);
      end_ = WorkerEnd{reason_of(end.reason), end.text};
    }
    requests_.abandon_all();
    timeout_.cancel();
    lives_.reset();
  }

  void wait_for_timeout() {
    const auto next = logic_.next_timeout();
    // Too early a wait ends in vain and begins anew: cheaper than a new one with every msg.
    if (!next || (waits_for_ && *waits_for_ <= *next)) return;
    waits_for_ = next;
    timeout_.expires_at(steady(*next));
    timeout_.async_wait([this](const error_code& error) {
      if (error) return;
      waits_for_.reset();
      happen(core::WorkerTimeReached{});
    });
  }

  // What it throws is its own trouble: the outcomes of others are still to be reported.
  template <class Callback>
  void call(const char* name, Callback callback) {
    try {
      callback();
    } catch (const std::exception& error) {
      log(core::LogLevel::error, std::string{"the callback "} + name + " failed: " + error.what());
    }
  }

  void log(core::LogLevel level, std::string_view text) const noexcept {
    try {
      if (settings_.log) settings_.log(level, text);
    } catch (const std::exception&) {
      return;  // without memory, for one: the work matters more than that it is told
    }
  }

  WorkerSettings settings_;
  ServerAddress address_;
  core::WorkerLogic logic_;
  asio::io_context io_{1};
  // While handlers work and the server is away nothing else may keep the loop.
  asio::executor_work_guard<asio::io_context::executor_type> lives_{io_.get_executor()};
  asio::steady_timer timeout_{io_};         // of the logic
  std::optional<core::Instant> waits_for_;  // the time that the timeout is set to
  Requests requests_;
  std::map<std::uint64_t, std::shared_ptr<StreamReader>> streams_;
  Inbox inbox_;
  std::set<std::string> unknown_;  // queues without a msg, which was told
  std::thread thread_;

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable ended_;
  bool thread_over_ = false;
  std::optional<WorkerEnd> end_;
  std::exception_ptr failure_;
  WorkerStats stats_;
};

Worker::Worker(WorkerSettings settings) : impl_(std::make_unique<Impl>(std::move(settings))) {}
Worker::~Worker() = default;

std::optional<Work> Worker::take(std::optional<std::chrono::milliseconds> timeout) {
  return impl_->inbox().take(timeout);
}
void Worker::done(std::uint64_t run, std::string result) {
  if (const std::string problem = result.empty() ? "" : json_problem(result); !problem.empty()) {
    throw std::invalid_argument("the result " + problem);
  }
  impl_->end_run(run, core::RunDone{std::move(result)});
}
void Worker::failed(std::uint64_t run, std::string error,
                    std::optional<std::chrono::milliseconds> retry_in, bool final) {
  impl_->end_run(run, core::RunFailed{std::move(error), retry_in, final});
}
void Worker::give_back(std::uint64_t run) {
  impl_->end_run(run, core::RunGivenBack{});
}
std::optional<CancelReason> Worker::cancelled(std::uint64_t run) const {
  return impl_->inbox().cancelled(run);
}
std::vector<Cancelled> Worker::take_cancelled(std::optional<std::chrono::milliseconds> timeout) {
  return impl_->inbox().take_cancelled(timeout);
}
int Worker::ready_descriptor() const {
  return impl_->inbox().ready_descriptor();
}
void Worker::stop() {
  impl_->stop();
}
std::optional<WorkerEnd> Worker::wait(std::optional<std::chrono::milliseconds> timeout) {
  return impl_->wait(timeout);
}
bool Worker::running() const {
  return impl_->running();
}
WorkerStats Worker::stats() const {
  return impl_->stats();
}

}  // namespace pena::client
