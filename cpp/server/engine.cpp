#include "server/engine.hpp"

#include <utility>

#include "core/describe.hpp"
#include "pena_version.hpp"
#include "server/task_stream.hpp"
#include "turn/stop.hpp"
#include "wire/http_date.hpp"

namespace pena::server {

namespace asio = boost::asio;

namespace {

// Of a list in a line of the log that tells of a request.
constexpr std::size_t kLoggedIds = 100;

}  // namespace

class Engine::Waiter {
 public:
  Waiter(Engine& engine, core::RequestId request)
      : answered(engine.io), all_(engine.waiters_), request_(request) {
    all_.emplace(request_, this);
  }
  ~Waiter() { all_.erase(request_); }
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  Timer answered;  // cancelled when the reply is there
  std::optional<turn::Reply> reply;

 private:
  std::unordered_map<core::RequestId, Waiter*>& all_;
  core::RequestId request_;
};

Engine::Engine(const ServerSettings& settings_given, const Clock& clock_given,
               core::XidFactory ids_given, const store::View& buckets_given)
    : settings(settings_given),
      clock(clock_given),
      buckets(buckets_given),
      desk(settings.limits, std::move(ids_given), kVersion),
      bodies(settings.limits.bodies_bytes) {}

Engine::~Engine() {
  watchdogs.end();
  heartbeats.end();
  owned_io_.reset();
}

void Engine::tell(core::Event event) const {
  if (settings.log.wants(core::LogLevel::debug)) {
    log(core::LogLevel::debug, core::describe(event));
  }
  turns->push(std::move(event));
}

turn::Asked Engine::ask(const turn::Request& request) {
  return desk.ask(request, {clock.now(), clock.date(), turns->full(), turns->waits_for()});
}

Awaitable<turn::Reply> Engine::reply_to(turn::Waits& asked) {
  if (settings.log.wants(core::LogLevel::debug)) {
    core::Wording bounded;
    bounded.most = kLoggedIds;
    log(core::LogLevel::debug,
        "request " + std::to_string(asked.request) + ": " + core::describe(asked.event, bounded));
  }
  Waiter waiter(*this, asked.request);
  turns->push(std::move(asked.event));
  waiter.answered.expires_at(Timer::time_point::max());
  boost::system::error_code ignored;
  while (!waiter.reply) {
    co_await waiter.answered.async_wait(into(ignored));
  }
  co_return std::move(*waiter.reply);
}

void Engine::deliver(std::vector<turn::Outgoing>& outgoing) {
  for (turn::Outgoing& out : outgoing) {
    std::visit([this](auto& what) { deliver_one(what); }, out);
  }
}

template <class What>
void Engine::deliver_one(What& what) {
  if (auto reply = desk.resolve(std::move(what))) hand_on(std::move(*reply));
}

void Engine::hand_on(turn::Reply reply) {
  const auto waiting = waiters_.find(reply.request);
  if (waiting == waiters_.end()) return;
  waiting->second->reply = std::move(reply);
  waiting->second->answered.cancel();
}

void Engine::deliver_one(core::SendBatch& send) {
  if (settings.log.wants(core::LogLevel::debug)) {
    log(core::LogLevel::debug, core::describe_grant(*send.batch));
  }
  // A stream that is gone has told the dispatcher, or is about to.
  const auto stream = streams.find(send.client);
  if (stream != streams.end()) stream->second->send(send);
}

void Engine::deliver_one(core::CloseStream& close) {
  const auto stream = streams.find(close.client);
  if (stream != streams.end()) {
    stream->second->end(close.reason,
                        close.complete ? TaskStream::Ending::well : TaskStream::Ending::cut);
  }
}

std::size_t Engine::give_up() {
  for (Socket* socket : sockets) {
    boost::system::error_code ignored;
    socket->cancel(ignored);
  }
  std::size_t left = 0;
  for (; auto reply = desk.give_up(); ++left) hand_on(std::move(*reply));
  if (left > 0) {
    log(core::LogLevel::error, std::to_string(left) +
                                   (left == 1 ? " request was" : " requests were") +
                                   " left without a commit: what became of them is unknown");
  }
  return left;
}

void Engine::hang_up() {
  for (Socket* socket : sockets) {
    boost::system::error_code ignored;
    socket->close(ignored);
  }
}

void Engine::drain() {
  desk.drain();
  turns->push(core::DrainBegan{});
  for (const auto& [client, stream] : streams) stream->end(turn::kServerStops);
  for (Socket* socket : idle) {
    boost::system::error_code ignored;
    socket->cancel(ignored);
  }
}

const std::string& Engine::date_line() {
  const std::int64_t second = core::to_us(clock.date()) / 1'000'000;
  if (second != date_of_) {
    date_line_ = "Date: " + wire::http_date(second) + "\r\n";
    date_of_ = second;
  }
  return date_line_;
}

void Engine::log(core::LogLevel level, std::string_view text) const noexcept {
  try {
    if (settings.log) settings.log(level, text);
  } catch (const std::exception&) {
    // Without memory, for one. What is being dealt with matters more than that it is told.
    return;
  }
}

}  // namespace pena::server
