#include "server/engine.hpp"

#include <boost/asio/redirect_error.hpp>
#include <utility>

#include "core/describe.hpp"
#include "server/task_stream.hpp"
#include "wire/http_date.hpp"

namespace pena::server {

namespace asio = boost::asio;

namespace {

// Of a list in a line of the log that tells of a request.
constexpr std::size_t kLoggedIds = 100;

}  // namespace

Engine::Engine(const ServerSettings& settings_given, const Clock& clock_given,
               core::XidFactory ids_given, const store::BucketView& buckets_given)
    : settings(settings_given),
      clock(clock_given),
      ids(std::move(ids_given)),
      buckets(buckets_given),
      bodies(settings.limits.bodies_bytes) {}

Engine::~Engine() {
  waiters_.clear();
  watchdogs.end();
  heartbeats.end();
  owned_io_.reset();
}

void Engine::tell(core::Event event) const {
  if (settings.log.wants(core::LogLevel::debug)) {
    log(core::LogLevel::debug, core::describe(event));
  }
  commits->push(std::move(event));
}

Awaitable<std::optional<Committed>> Engine::commit(core::Event event, core::RequestId request) {
  if (settings.log.wants(core::LogLevel::debug)) {
    core::Wording bounded;
    bounded.most = kLoggedIds;
    log(core::LogLevel::debug,
        "request " + std::to_string(request) + ": " + core::describe(event, bounded));
  }
  auto waiter = std::make_shared<Waiter>(io);
  waiters_.emplace(request, waiter);
  commits->push(std::move(event));
  waiter->answered.expires_at(Timer::time_point::max());
  boost::system::error_code ignored;
  while (!waiter->done) {
    co_await waiter->answered.async_wait(asio::redirect_error(use_awaitable, ignored));
  }
  co_return waiter->committed;
}

template <class Reply>
void Engine::deliver_one(const Reply& reply) {
  const auto waiting = waiters_.extract(reply.request);
  if (waiting.empty()) return;
  waiting.mapped()->committed = reply;
  waiting.mapped()->done = true;
  waiting.mapped()->answered.cancel();
}

void Engine::deliver(std::vector<store::Outgoing>& outgoing) {
  for (const store::Outgoing& out : outgoing) {
    std::visit([this](const auto& what) { deliver_one(what); }, out);
  }
}

void Engine::deliver_one(const core::SendBatch& send) {
  if (settings.log.wants(core::LogLevel::debug)) {
    log(core::LogLevel::debug, core::describe_grant(*send.batch));
  }
  // A stream that is gone has told the dispatcher, or is about to.
  const auto stream = streams.find(send.session);
  if (stream != streams.end()) stream->second->send(send);
}

void Engine::deliver_one(const core::CloseStream& close) {
  const auto stream = streams.find(close.session);
  if (stream != streams.end()) {
    stream->second->end(close.reason,
                        close.complete ? TaskStream::Ending::well : TaskStream::Ending::cut);
  }
}

std::size_t Engine::give_up() {
  gave_up = true;
  draining = true;
  for (Socket* socket : sockets) {
    boost::system::error_code ignored;
    socket->cancel(ignored);
  }
  const std::size_t left = waiters_.size();
  for (const auto& [request, waiter] : waiters_) {
    waiter->done = true;
    waiter->answered.cancel();
  }
  waiters_.clear();
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
  draining = true;
  for (const auto& [session, stream] : streams) stream->end("the server stops");
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
