#include "server/task_stream.hpp"

#include <sys/socket.h>

#include <array>
#include <boost/asio/redirect_error.hpp>
#include <cerrno>
#include <new>
#include <utility>

#include "core/number_text.hpp"
#include "core/write_time.hpp"
#include "pena_version.hpp"
#include "wire/chunk.hpp"
#include "wire/sse.hpp"

namespace pena::server {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

// A large batch goes out in pieces of whole events, for between them a heartbeat may be due: the
// client counts the silence from the stamps alone.
constexpr std::size_t kPiece = 64UL * 1024;
// Heartbeats without an event between them: some libraries give up a block of lines of 64 KiB, and the
// next event is to have room in it. Nothing ends such a block unseen by all of them, so it is done
// seldom.
constexpr std::size_t kLongestBlock = 48UL * 1024;
// So soon whoever lost a stream may come back.
constexpr core::Duration kComeBackAfter = std::chrono::seconds{1};

std::size_t end_of_piece(std::string_view bytes, std::size_t from) {
  if (bytes.size() - from <= kPiece) return bytes.size();
  const std::size_t end = bytes.find("\n\n", from + kPiece);
  return end == std::string_view::npos ? bytes.size() : end + 2;
}

}  // namespace

TaskStream::TaskStream(Engine& engine, Socket& socket, const wire::TaskQuery& query, bool chunked)
    : engine_(engine),
      socket_(socket),
      query_(query),
      session_(engine.ids.next(engine.clock.date())),
      chunked_(chunked),
      watchdog_(engine.watchdogs, socket),
      wake_(engine.io),
      heartbeat_(engine.heartbeats, *this),
      ear_(std::make_shared<Ear>(Ear{this})) {
  wait_for_acknowledgements(socket.native_handle(), core::longest_write(engine.settings.limits));
  std::string first(wire::kChunkRoom, ' ');
  wire::append_heartbeat(first, engine.clock.now());
  framed_ = head(engine, session_, chunked_, !chunked_);
  framed_ += framed(first);
  engine_.streams.emplace(session_, this);
  try {
    // After the first stamp: the client counts its leases from what it sent before that.
    engine_.tell(core::ClientJoined{session_, query.batchsize, query.takes_short, query.batches});
  } catch (...) {
    engine_.streams.erase(session_);
    throw;
  }
}

TaskStream::~TaskStream() {
  ear_->stream = nullptr;
  engine_.streams.erase(session_);
  try {
    engine_.tell(core::ClientLost{session_});
  } catch (const std::bad_alloc&) {
    // What it holds comes back when its lease is over.
    engine_.log(core::LogLevel::error, "the memory is out");
  }
}

std::string TaskStream::head(Engine& engine, const core::Xid& session, bool chunked, bool closes) {
  const core::Timing& timing = engine.settings.limits.timing;
  const auto ms = [](core::Duration duration) {
    return std::to_string(core::to_ms(duration));
  };
  return "HTTP/1.1 200 OK\r\n" + engine.date_line() + "Server: pena/" + kVersion +
         "\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
         "Cache-Control: no-cache, no-transform\r\n"
         "X-Accel-Buffering: no\r\n" +
         (chunked ? "Transfer-Encoding: chunked\r\n" : "") +
         (closes ? "Connection: close\r\n" : "") + "Pena-Session: " + session.text() +
         "\r\nPena-Lease: " + ms(timing.lease) + "\r\nPena-Heartbeat: " + ms(timing.heartbeat) +
         "\r\nPena-Silence: " + ms(timing.silence) + "\r\nPena-Stop-Time: " + ms(timing.stop_time) +
         "\r\nPena-Clock-Drift: " + core::number_text(timing.clock_drift) + "\r\n\r\n";
}

void TaskStream::send(const core::SendBatch& grant) {
  if (ending_) return;
  if (batch_waits_) return end("the client does not read what it is sent");
  block_bytes_ = 0;
  const core::Duration lease = engine_.settings.limits.timing.lease;
  const core::Instant granted_at = grant.lease_until - lease;
  if (!is_idle()) {
    batch_waits_ = true;
    if (!std::exchange(told_retry_, true)) wire::append_retry(waiting(), kComeBackAfter);
    wire::append_batch_frames(waiting(), *grant.batch, granted_at, lease);
    return;
  }
  std::string& frames = engine_.frames;
  frames.assign(wire::kChunkRoom, ' ');
  if (!std::exchange(told_retry_, true)) wire::append_retry(frames, kComeBackAfter);
  wire::append_batch_frames(frames, *grant.batch, granted_at, lease);
  if (frames.size() <= kPiece) {
    send_or_keep(framed(frames));
  } else {
    waiting_ = std::exchange(frames, {});  // in pieces, and nothing large is kept
    wake_.cancel();
  }
  batch_waits_ = !is_idle();
}

std::string& TaskStream::waiting() {
  if (waiting_.empty()) waiting_.assign(wire::kChunkRoom, ' ');
  return waiting_;
}

std::string_view TaskStream::framed(std::string& text) const {
  return chunked_ ? wire::as_chunk(text) : std::string_view{text}.substr(wire::kChunkRoom);
}

void TaskStream::send_or_keep(std::string_view bytes) {
  const ssize_t sent =
      ::send(socket_.native_handle(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
  if (bytes.empty()) return;
  // The client does not read, or is gone: the write that waits finds out.
  framed_ += bytes;
  wake_.cancel();
}

void TaskStream::end(const std::string& reason, Ending ending) {
  if (ending_) return;
  ending_ = true;
  ends_well_ = ending == Ending::well;
  engine_.log(core::LogLevel::debug, "end " + session_.text() + ": " + reason);
  wire::append_bye(waiting(), reason);
  // For all that is left: a client that takes a byte now and then would keep a lost batch in memory.
  watchdog_.set(engine_.settings.limits.stalled_write_time);
  wake_.cancel();
}

Awaitable<void> TaskStream::run() {
  error_code ignored;
  listen();
  while (!gone_) {
    if (!is_idle()) {
      if (!co_await write_all()) break;
    } else if (ending_) {
      if (chunked_ && ends_well_) co_await write(wire::kLastChunk);
      break;
    } else {
      wake_.expires_at(Timer::time_point::max());
      co_await wake_.async_wait(asio::redirect_error(use_awaitable, ignored));
    }
  }
}

// Both buffers go with the write: an idle stream keeps none.
Awaitable<bool> TaskStream::write_all() {
  const std::string rest = std::exchange(framed_, {});
  std::string text = std::exchange(waiting_, {});
  batch_waits_ = false;
  writing_ = true;
  if (!rest.empty() && (!co_await write(rest) || !co_await write_stamp())) co_return false;
  // A piece is framed where it stands: what lies before it is written, and what its frame covers
  // behind it is put back.
  const std::size_t size = text.size();
  text += wire::kChunkEnd;
  for (std::size_t done = wire::kChunkRoom; done < size;) {
    const std::size_t end = end_of_piece(std::string_view{text}.substr(0, size), done);
    const std::string covered = text.substr(end, wire::kChunkEnd.size());
    const std::string_view bytes = chunked_ ? wire::as_chunk(text, done, end)
                                            : std::string_view{text}.substr(done, end - done);
    if (!co_await write(bytes) || !co_await write_stamp()) co_return false;
    text.replace(end, covered.size(), covered);
    done = end;
  }
  writing_ = false;
  co_return true;
}

// Where one was due meanwhile.
Awaitable<bool> TaskStream::write_stamp() {
  if (!std::exchange(stamp_due_, false)) co_return true;
  std::string stamp(wire::kChunkRoom, ' ');
  wire::append_heartbeat(stamp, engine_.clock.now());
  const std::string_view bytes = framed(stamp);
  co_return co_await write(bytes);
}

Awaitable<bool> TaskStream::write(std::string_view bytes) {
  for (std::size_t done = 0; done < bytes.size();) {
    if (!ending_) watchdog_.set(core::longest_write(engine_.settings.limits));
    error_code error;
    done +=
        co_await socket_.async_write_some(asio::buffer(bytes.data() + done, bytes.size() - done),
                                          asio::redirect_error(use_awaitable, error));
    // The kernel has the same patience.
    if (!peer_.is_gone() && (watchdog_.bit() || error == asio::error::timed_out)) {
      engine_.log(core::LogLevel::info, "stream " + session_.text() + " closed: it does not read");
    }
    if (error) co_return false;
  }
  if (!ending_) watchdog_.clear();
  co_return true;
}

void TaskStream::beat(std::string_view stamp, std::string_view chunk) {
  const core::Duration patience = engine_.settings.limits.stalled_write_time;
  if (!gone_ && peer_.look(socket_.native_handle(), engine_.clock.now(), patience)) {
    engine_.log(core::LogLevel::info,
                "stream " + session_.text() + " closed: its peer does not answer any more");
    leave();
  }
  if (ending_ || gone_) return;
  block_bytes_ += stamp.size();
  if (writing_) {
    stamp_due_ = true;
  } else if (!is_idle()) {
    waiting() += stamp;
  } else if (block_bytes_ < kLongestBlock) {
    send_or_keep(chunked_ ? chunk : stamp);
  } else {
    block_bytes_ = 0;
    std::string last(wire::kChunkRoom, ' ');
    last += stamp;
    wire::append_block_end(last);
    send_or_keep(framed(last));
  }
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
    self.leave();
  });
}

void TaskStream::leave() {
  gone_ = true;
  error_code ignored;
  socket_.cancel(ignored);  // what is being written has nobody to go to
  wake_.cancel();
}

bool TaskStream::heard_end() {
  std::array<char, 4096> bytes{};
  const ssize_t read = ::recv(socket_.native_handle(), bytes.data(), bytes.size(), MSG_DONTWAIT);
  return read == 0 || (read < 0 && errno != EAGAIN && errno != EINTR);
}

}  // namespace pena::server
