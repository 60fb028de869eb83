#include "server/task_stream.hpp"

#include <array>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/redirect_error.hpp>
#include <cstdio>
#include <new>
#include <utility>

#include "pena_version.hpp"
#include "wire/sse.hpp"

namespace pena::server {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

// A large batch goes out in pieces of whole events, for between them a heartbeat may be due: the
// client counts the silence from the stamps alone.
constexpr std::size_t kPiece = 64UL * 1024;

std::size_t end_of_piece(std::string_view bytes, std::size_t from) {
  if (bytes.size() - from <= kPiece) return bytes.size();
  const std::size_t end = bytes.find("\n\n", from + kPiece);
  return end == std::string_view::npos ? bytes.size() : end + 2;
}

}  // namespace

TaskStream::TaskStream(Engine& engine, Socket& socket, const wire::TaskQuery& query)
    : engine_(engine),
      socket_(socket),
      query_(query),
      session_(engine.ids.next(core::unix_seconds(engine.clock.now()))),
      watchdog_(engine.watchdogs, socket),
      wake_(engine.io) {
  waiting_ = head(engine, session_);
  wire::append_heartbeat(waiting_, engine.clock.now());
  engine_.streams.emplace(session_, this);
  try {
    // After the first stamp: the client counts its leases from what it sent before that.
    engine_.tell(core::ClientJoined{session_, query.batchsize, query.takes_short});
  } catch (...) {
    engine_.streams.erase(session_);
    throw;
  }
}

TaskStream::~TaskStream() {
  engine_.streams.erase(session_);
  try {
    engine_.tell(core::ClientLost{session_});
  } catch (const std::bad_alloc&) {
    // What it holds comes back when its lease is over.
    engine_.log(core::LogLevel::error, "the memory is out");
  }
}

std::string TaskStream::head(const Engine& engine, const core::Xid& session) {
  const core::Timing& timing = engine.settings.limits.timing;
  const auto ms = [](core::Duration duration) {
    return std::to_string(core::to_ms(duration));
  };
  std::array<char, 32> drift{};
  std::snprintf(drift.data(), drift.size(), "%g", timing.clock_drift);
  return std::string{"HTTP/1.1 200 OK\r\nServer: pena/"} + kVersion +
         "\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache, no-transform\r\n"
         "X-Accel-Buffering: no\r\nConnection: close\r\nPena-Session: " +
         session.text() + "\r\nPena-Lease: " + ms(timing.lease) +
         "\r\nPena-Heartbeat: " + ms(timing.heartbeat) + "\r\nPena-Silence: " + ms(timing.silence) +
         "\r\nPena-Stop-Time: " + ms(timing.stop_time) + "\r\nPena-Clock-Drift: " + drift.data() +
         "\r\n\r\n";
}

void TaskStream::send(const core::Batch& batch) {
  if (ending_) return;
  if (batch_waits_) return end("the client does not read what it is sent");
  batch_waits_ = true;
  wire::append_batch_frames(waiting_, batch, engine_.settings.limits.timing.lease);
  wake_.cancel();
}

void TaskStream::end(const std::string& reason) {
  if (ending_) return;
  ending_ = true;
  engine_.log(core::LogLevel::debug, "end " + session_.text() + ": " + reason);
  wire::append_bye(waiting_, reason);
  wake_.cancel();
}

Awaitable<void> TaskStream::run() {
  using namespace asio::experimental::awaitable_operators;
  // The first that ends, ends the others.
  co_await (write_all() || beat() || listen());
}

Awaitable<void> TaskStream::write_all() {
  error_code ignored;
  while (true) {
    if (waiting_.empty()) {
      if (ending_) co_return;
      wake_.expires_at(Timer::time_point::max());
      co_await wake_.async_wait(asio::redirect_error(use_awaitable, ignored));
      continue;
    }
    // The buffer goes with the write: an idle stream keeps none.
    const std::string bytes = std::exchange(waiting_, {});
    batch_waits_ = false;
    writing_ = true;
    for (std::size_t done = 0; done < bytes.size();) {
      const std::size_t end = end_of_piece(bytes, done);
      const std::string_view piece{bytes.data() + done, end - done};
      if (!co_await write(piece)) co_return;
      done = end;
      if (!std::exchange(stamp_due_, false)) continue;
      std::string stamp;
      wire::append_heartbeat(stamp, engine_.clock.now());
      if (!co_await write(stamp)) co_return;
    }
    writing_ = false;
  }
}

Awaitable<bool> TaskStream::write(std::string_view bytes) {
  for (std::size_t done = 0; done < bytes.size();) {
    watchdog_.set(engine_.settings.limits.stalled_write_time);
    error_code error;
    done +=
        co_await socket_.async_write_some(asio::buffer(bytes.data() + done, bytes.size() - done),
                                          asio::redirect_error(use_awaitable, error));
    if (watchdog_.bit()) {
      engine_.log(core::LogLevel::info, "stream " + session_.text() + " closed: it does not read");
    }
    if (error) co_return false;
  }
  watchdog_.clear();
  co_return true;
}

Awaitable<void> TaskStream::beat() {
  Timer timer(engine_.io);
  while (true) {
    timer.expires_after(engine_.settings.limits.timing.heartbeat);
    co_await timer.async_wait(use_awaitable);
    if (ending_) continue;
    if (writing_) {
      stamp_due_ = true;
      continue;
    }
    wire::append_heartbeat(waiting_, engine_.clock.now());
    wake_.cancel();
  }
}

// A client says nothing more on its stream; what it says all the same is passed over.
Awaitable<void> TaskStream::listen() {
  std::array<char, 256> bytes{};
  error_code error;
  while (!error) {
    co_await socket_.async_read_some(asio::buffer(bytes),
                                     asio::redirect_error(use_awaitable, error));
  }
}

}  // namespace pena::server
