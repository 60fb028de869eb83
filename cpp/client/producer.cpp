#include "client/producer.hpp"

#include <boost/asio/io_context.hpp>
#include <mutex>
#include <random>
#include <thread>
#include <utility>

#include "client/clock.hpp"
#include "client/payload.hpp"
#include "client/requests.hpp"
#include "client/url.hpp"
#include "core/dice.hpp"
#include "core/limits.hpp"
#include "core/number_text.hpp"
#include "core/patience.hpp"
#include "wire/names.hpp"
#include "wire/submit_body.hpp"

namespace pena::client {

namespace asio = boost::asio;

namespace {

using std::chrono::milliseconds;

constexpr std::uint16_t kMostResends = 1000;
// How often `goes_on` is asked.
constexpr milliseconds kLook{20};
// Who has no patience, or does not want to go on, still hears of a request that is answered soon.
constexpr milliseconds kLastAnswer{1000};

std::uint64_t random_number() {
  std::random_device random;
  return (std::uint64_t{random()} << 32U) | random();
}

// Machine and process are chance, so the ids of two producers differ but for one chance in 2^40; where they do
// not, the server says so, and others are drawn.
core::XidFactory random_ids() {
  const std::uint64_t chance = random_number();
  const auto byte = [chance](unsigned shift) {
    return static_cast<std::uint8_t>(chance >> shift);
  };
  return core::XidFactory{{byte(0), byte(8), byte(16)}, static_cast<std::uint16_t>(chance >> 24U)};
}

core::Instant wall_clock() {
  return core::Instant{std::chrono::duration_cast<core::Duration>(
      std::chrono::system_clock::now().time_since_epoch())};
}

core::RetryRules retry_of(const ProducerSettings& settings) {
  core::RetryRules rules;
  rules.first = settings.backoff_first;
  rules.most = settings.backoff_most;
  return rules;
}

// Empty: nothing.
std::string problem_of(const NewMsg& msg) {
  if (!msg.payload.empty()) {
    if (const std::string problem = json_problem(msg.payload); !problem.empty()) {
      return "has a payload that " + problem;
    }
  }
  if (!msg.key.empty() && !wire::is_key(msg.key)) {
    return "has a key of " + std::to_string(msg.key.size()) + " bytes; expected " +
           wire::key_rule();
  }
  const milliseconds delay = msg.delay.value_or(milliseconds{0});
  if (delay.count() < 0 || delay > core::kLongestTime) {
    return "has a delay of " + std::to_string(delay.count()) + " ms; expected 0 to a year";
  }
  if (msg.max_resends.value_or(0) > kMostResends) {
    return "has max_resends " + std::to_string(*msg.max_resends) + "; expected 0 to " +
           std::to_string(kMostResends);
  }
  return "";
}

wire::Submission submission_of(NewMsg msg) {
  wire::Submission submission{msg.id, msg.period, std::move(msg.payload), nullptr};
  if (!msg.key.empty() || msg.delay || msg.max_resends) {
    submission.wishes = std::make_unique<wire::Wishes>();
    submission.wishes->key = std::move(msg.key);
    if (msg.delay) submission.wishes->delay = *msg.delay;
    submission.wishes->max_resends = msg.max_resends;
  }
  return submission;
}

// The answer says that nothing of the request was taken. 503 does not: a server that ends says it of what its disk may
// have, and a proxy of what it has handed on.
bool is_not_taken(unsigned status) {
  return status == 408 || status == 425 || status == 429;
}

std::string of_place(std::size_t place) {
  return "the msg at place " + std::to_string(place) + " ";
}

}  // namespace

void check(const ProducerSettings& settings) {
  if (!settings.queue.empty() && !wire::is_queue_name(settings.queue)) {
    throw SettingsError("queue is \"" + settings.queue + "\"; expected " + wire::queue_name_rule());
  }
  if (settings.patience &&
      (settings.patience->count() < 0 || *settings.patience > core::kLongestTime)) {
    throw SettingsError("patience must be from 0 to a year");
  }
  if (settings.backoff_first.count() < 1 || settings.backoff_most < settings.backoff_first) {
    throw SettingsError("backoff_first must be at least 1 ms and at most backoff_most");
  }
  if (settings.backoff_most > core::kLongestTime) {
    throw SettingsError("backoff_most must be at most a year");
  }
  if (settings.request.bytes == 0 || settings.request.msgs == 0) {
    throw SettingsError("request has no room for a msg; expected at least 1 byte and 1 msg");
  }
  static_cast<void>(parse_url(settings.url));
}

std::size_t size_of(const NewMsg& msg) {
  constexpr std::size_t kOfTheRest = 128;  // the id and what else stands around a payload
  return msg.payload.size() + msg.key.size() + kOfTheRest;
}

// Requests are made on a loop that the thread which submits runs, for as long as it waits.
class Producer::Impl {
 public:
  explicit Impl(ProducerSettings settings)
      : settings_((check(settings), std::move(settings))),
        target_("/task?queue=" + (settings_.queue.empty() ? "default" : settings_.queue)),
        size_(settings_.request),
        random_(core::mix(settings_.seed ? *settings_.seed : random_number())),
        requests_(io_.get_executor(), parse_url(settings_.url)) {}

  std::vector<AcceptedMsg> submit(std::vector<NewMsg> msgs, const std::function<bool()>& goes_on) {
    const std::lock_guard lock(mutex_);
    goes_on_ = goes_on;
    stopped_at_.reset();
    for (std::size_t place = 0; place < msgs.size(); ++place) {
      const std::string problem = problem_of(msgs[place]);
      if (problem.empty()) continue;
      SubmitError error{SubmitError::Why::bad_msg, of_place(place) + problem};
      error.place = place;
      throw error;
    }
    std::vector<wire::Submission> bodies;
    bodies.reserve(msgs.size());
    for (NewMsg& msg : msgs) bodies.push_back(submission_of(std::move(msg)));
    core::SubmitPlan plan{planned(bodies), size_};
    while (!plan.next().empty()) send_next(plan, bodies);
    size_ = plan.size();
    return plan.accepted();
  }

 private:
  struct Tried {
    Answered answer;
    bool again = false;   // there was an earlier try: what is known may be known by that
    bool unsure = false;  // and it may have been taken
  };

  std::vector<core::ToSubmit> planned(const std::vector<wire::Submission>& bodies) {
    std::vector<core::ToSubmit> msgs;
    msgs.reserve(bodies.size());
    for (const wire::Submission& body : bodies) {
      core::ToSubmit msg;
      if (body.wishes) msg.key = body.wishes->key;
      msg.id = body.id;
      msg.is_made = !body.id && msg.key.empty();
      if (msg.is_made) msg.id = ids_.next(wall_clock());
      msg.bytes = wire::submission_json(body).size() + core::Xid::kTextLength;
      msgs.push_back(std::move(msg));
    }
    return msgs;
  }

  void send_next(core::SubmitPlan& plan, std::vector<wire::Submission>& bodies) {
    std::string body = "[";
    for (const std::size_t place : plan.next()) {
      bodies[place].id = plan.msg(place).id;
      body += wire::submission_json(bodies[place]) + ",";
    }
    body.back() = ']';
    const Tried tried = ask(plan, {target_, std::move(body)});
    core::SubmitAnswer answer{tried.answer.status, tried.answer.why, {}, {}, tried.again};
    if (auto accepted = wire::parse_accepted(tried.answer.body)) {
      answer.ids = std::move(accepted->ids);
      answer.known = std::move(accepted->known);
    }
    const auto refusal = plan.answered(answer, [this] {
      ids_ = random_ids();
      return ids_.next(wall_clock());
    });
    if (!refusal) return;
    size_ = plan.size();
    throw error_of(SubmitError::Why::refused, plan, refusal->place, refusal->status,
                   "is refused: " + refusal->why);
  }

  // Until it is answered for good.
  Tried ask(core::SubmitPlan& plan, const Request& request) {
    Tried tried;
    core::Patience patience{retry_of(settings_), settings_.patience};
    const core::Instant began = now();
    while (true) {
      tried.answer = ask_once(request, answer_by(began));
      const Answered& answer = tried.answer;
      if (!core::may_be_tried_again(answer.status)) break;
      const bool was_sent = answer.sent_at != core::Instant{};
      tried.again = tried.again || was_sent;
      tried.unsure = tried.unsure || (was_sent && !is_not_taken(answer.status));
      auto wait = patience.failed(now(), answer.retry_after, dice());
      if (is_over(began)) wait.reset();
      const bool goes_on = !goes_on_ || goes_on_();
      if (!wait || !goes_on) throw given_up(plan, tried, goes_on);
      if (patience.failures() == 1) say_trouble(answer.why);
      rest(*wait);
    }
    if (patience.failures() > 0) say(core::LogLevel::info, settings_.url + " answers again");
    return tried;
  }

  // Of a request that was sent first at that time: when its next try is given up.
  [[nodiscard]] core::Instant answer_by(core::Instant began) const {
    const core::Instant latest = now() + core::kAnswerTime;
    if (!settings_.patience) return latest;
    return std::min(latest,
                    std::max<core::Instant>(began + *settings_.patience, now() + kLastAnswer));
  }
  [[nodiscard]] bool is_over(core::Instant began) const {
    return settings_.patience && now() >= began + *settings_.patience;
  }

  Answered ask_once(const Request& request, core::Instant until) {
    // Where `goes_on_` throws, nobody waits here any more when its end is told.
    const auto told = std::make_shared<std::optional<Answered>>();
    const std::uint64_t number = ++last_request_;
    requests_.send(number, request, [told](const Answered& answered) { *told = answered; });
    bool is_late = false;
    io_.restart();
    try {
      while (!*told) {
        io_.run_one_for(kLook);
        if (*told || is_late) continue;
        if (goes_on_ && !goes_on_()) until = std::min(until, stopped_at() + kLastAnswer);
        is_late = now() >= until;
        if (is_late) requests_.abandon(number);
      }
    } catch (...) {
      requests_.abandon(number);
      throw;
    }
    Answered got = std::move(**told);
    if (is_late && got.status == 0) got.why = "it has not answered in time";
    return got;
  }

  // When it was first seen that the caller does not want to go on.
  core::Instant stopped_at() {
    if (!stopped_at_) stopped_at_ = now();
    return *stopped_at_;
  }

  void rest(core::Duration wait) {
    const core::Instant until = now() + wait;
    while (now() < until && (!goes_on_ || goes_on_())) {
      std::this_thread::sleep_for(std::min<core::Duration>(kLook, until - now()));
    }
  }

  [[nodiscard]] SubmitError given_up(core::SubmitPlan& plan, const Tried& tried,
                                     bool goes_on) const {
    const std::vector<std::size_t>& places = plan.next();
    const std::string why = settings_.url + " does not take it: " + tried.answer.why;
    SubmitError error = error_of(
        goes_on ? SubmitError::Why::unavailable : SubmitError::Why::stopped, plan, places.front(),
        tried.answer.status,
        "is not accepted: " + why +
            (goes_on ? "; tried for " + core::number_text(seconds_of(*settings_.patience)) + " s"
                     : ""));
    if (tried.unsure) error.unsure = places.size();
    return error;
  }

  static double seconds_of(milliseconds time) { return static_cast<double>(time.count()) / 1000; }

  static SubmitError error_of(SubmitError::Why why, const core::SubmitPlan& plan, std::size_t place,
                              unsigned status, const std::string& text) {
    SubmitError error{why, of_place(place) + text};
    error.status = status;
    error.place = place;
    error.submitted = plan.accepted();
    return error;
  }

  std::uint64_t dice() {
    random_ += core::kGoldenRatio;
    return core::mix(random_);
  }

  void say_trouble(const std::string& why) const {
    std::string text = settings_.url + ": " + why + "; trying again";
    if (settings_.patience) {
      text += " for " + core::number_text(seconds_of(*settings_.patience)) + " s at most";
    }
    say(core::LogLevel::warning, text);
  }
  void say(core::LogLevel level, const std::string& text) const {
    if (settings_.log) settings_.log(level, text);
  }

  ProducerSettings settings_;
  std::string target_;
  std::mutex mutex_;  // guards what follows
  RequestSize size_;
  std::uint64_t random_;
  core::XidFactory ids_ = random_ids();
  std::function<bool()> goes_on_;  // of the submission that runs
  std::optional<core::Instant> stopped_at_;
  std::uint64_t last_request_ = 0;
  asio::io_context io_{1};
  Requests requests_;
};

Producer::Producer(ProducerSettings settings)
    : impl_(std::make_unique<Impl>(std::move(settings))) {}
Producer::~Producer() = default;

std::vector<AcceptedMsg> Producer::submit(std::vector<NewMsg> msgs,
                                          const std::function<bool()>& goes_on) {
  return impl_->submit(std::move(msgs), goes_on);
}
AcceptedMsg Producer::submit(NewMsg msg) {
  std::vector<NewMsg> msgs;
  msgs.push_back(std::move(msg));
  return impl_->submit(std::move(msgs), {}).front();
}

}  // namespace pena::client
