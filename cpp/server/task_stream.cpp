#include "server/task_stream.hpp"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <new>
#include <variant>

#include "core/describe.hpp"
#include "core/number_text.hpp"
#include "core/write_time.hpp"
#include "pena_version.hpp"

namespace pena::server {

namespace asio = boost::asio;
using boost::system::error_code;

TaskStream::TaskStream(Engine& engine, Socket& socket, const core::ClientJoined& joined,
                       bool chunked)
    : engine_(engine),
      socket_(socket),
      client_(joined.client),
      name_(joined.name),
      outbox_(engine.settings.limits, chunked ? turn::Framing::chunks : turn::Framing::plain,
              head(engine, client_, chunked, !chunked), engine.clock.now()),
      watchdog_(engine.watchdogs, socket, [this] { outbox_.overdue(); }),
      wake_(engine.io),
      heartbeat_(engine.heartbeats, *this),
      ear_(std::make_shared<Ear>(Ear{this})) {
  wait_for_acknowledgements(socket.native_handle(), core::longest_write(engine.settings.limits));
  engine_.streams.emplace(client_, this);
  try {
    // After the first stamp: the client counts its leases from what it sent before that.
    engine_.tell(joined);
  } catch (...) {
    engine_.streams.erase(client_);
    throw;
  }
}

TaskStream::~TaskStream() {
  ear_->stream = nullptr;
  engine_.streams.erase(client_);
  try {
    engine_.tell(core::ClientLost{client_, name_});
  } catch (const std::bad_alloc&) {
    // What it holds comes back when its lease is over.
    engine_.log(core::LogLevel::error, "the memory is out");
  }
}

std::string TaskStream::head(Engine& engine, const core::Xid& client, bool chunked, bool closes) {
  const core::Timing& timing = engine.settings.limits.timing;
  const auto ms = [](core::Duration duration) {
    return std::to_string(core::to_ms(duration));
  };
  return "HTTP/1.1 200 OK\r\n" + engine.date_line() + "Server: pena/" + kVersion +
         "\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
         "Cache-Control: no-cache, no-transform\r\n"
         "X-Accel-Buffering: no\r\n" +
         (chunked ? "Transfer-Encoding: chunked\r\n" : "") +
         (closes ? "Connection: close\r\n" : "") + "Pena-Client: " + client.text() +
         "\r\nPena-Lease: " + ms(timing.lease) + "\r\nPena-Heartbeat: " + ms(timing.heartbeat) +
         "\r\nPena-Silence: " + ms(timing.silence) + "\r\nPena-Stop-Time: " + ms(timing.stop_time) +
         "\r\nPena-Clock-Drift: " + core::number_text(timing.clock_drift) + "\r\n\r\n";
}

void TaskStream::send(const core::SendBatch& grant) {
  const auto [at_once, ends] =
      outbox_.batch(*grant.batch, grant.granted_at, engine_.frames,
                    [&](core::QueueNumber queue) { return grant.queue_name(queue); });
  say_end(ends);
  send_at_once(at_once);
}

void TaskStream::end(const std::string& reason, Ending ending) {
  if (outbox_.end(reason, ending)) say_end(reason);
  go_on();
}

void TaskStream::beat(const turn::Stamp& stamp) {
  const core::Duration patience = engine_.settings.limits.stalled_write_time;
  if (peer_.look(socket_.native_handle(), engine_.clock.now(), patience)) {
    say_closed(outbox_.vanished());
    return leave();
  }
  send_at_once(outbox_.stamp(stamp));
}

void TaskStream::send_at_once(std::string_view bytes) {
  if (!bytes.empty()) {
    const ssize_t sent =
        ::send(socket_.native_handle(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    // After an error, too: the write that waits finds out.
    outbox_.sent(sent > 0 ? static_cast<std::size_t>(sent) : 0);
  }
  go_on();
}

void TaskStream::go_on() {
  if (outbox_.is_idle()) return;
  const core::Instant now = engine_.clock.now();
  const turn::Outbox::Next next = outbox_.next(now);
  if (const auto* due = std::get_if<turn::Outbox::Write>(&next)) watchdog_.set(due->until - now);
  wake_.cancel();
}

Awaitable<void> TaskStream::run() {
  error_code ignored;
  listen();
  while (true) {
    const turn::Outbox::Next next = outbox_.next(engine_.clock.now());
    if (std::holds_alternative<turn::Outbox::Over>(next)) break;
    if (const auto* due = std::get_if<turn::Outbox::Write>(&next)) {
      co_await write(*due);
    } else {
      watchdog_.clear();
      wake_.expires_at(Timer::time_point::max());
      co_await wake_.async_wait(into(ignored));
    }
  }
}

Awaitable<void> TaskStream::write(turn::Outbox::Write write) {
  error_code error;
  watchdog_.set(write.until - engine_.clock.now());
  const std::size_t written = co_await socket_.async_write_some(
      asio::buffer(write.bytes.data(), write.bytes.size()), into(error));
  error ? broke(error) : outbox_.sent(written);
}

// A client says nothing more on its stream; what it says all the same is passed over. No coroutine
// and no buffer: each of many idle streams would keep them.
void TaskStream::listen() {
  socket_.async_wait(Socket::wait_read, [ear = ear_](const error_code& error) {
    if (ear->stream == nullptr) return;
    TaskStream& self = *ear->stream;
    if (!error && !self.heard_end()) {
      try {
        return self.listen();
      } catch (const std::bad_alloc&) {
        self.engine_.log(core::LogLevel::error, "the memory is out");
      }
    }
    self.broke(error);
    self.leave();
  });
}

// In no order: who listens hears of it, and who writes.
void TaskStream::broke(const error_code& error) {
  say_closed(outbox_.broke(error == asio::error::timed_out));
}

// The outbox is over: what is being written has nobody to go to.
void TaskStream::leave() {
  error_code ignored;
  socket_.cancel(ignored);
  wake_.cancel();
}

bool TaskStream::heard_end() {
  std::array<char, 4096> bytes{};
  const ssize_t read = ::recv(socket_.native_handle(), bytes.data(), bytes.size(), MSG_DONTWAIT);
  return read == 0 || (read < 0 && errno != EAGAIN && errno != EINTR);
}

std::string TaskStream::client() const {
  return client_.text() + core::describe_name(name_);
}

void TaskStream::say_end(std::string_view reason) {
  if (reason.empty()) return;
  engine_.log(core::LogLevel::debug, "end " + client() + ": " + std::string{reason});
}

void TaskStream::say_closed(std::string_view why) {
  if (why.empty()) return;
  engine_.log(core::LogLevel::info, "stream " + client() + " closed: " + std::string{why});
}

}  // namespace pena::server
