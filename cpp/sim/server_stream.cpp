#include "sim/server_stream.hpp"

#include <algorithm>
#include <utility>

#include "sim/law.hpp"
#include "wire/sse.hpp"

namespace pena::sim {

namespace {

// Small, so that a batch may be several.
constexpr std::size_t kPiece = 300;

}  // namespace

ServerStream::ServerStream(const core::Limits& limits, std::shared_ptr<Connection> connection,
                           bool chunked, std::size_t room, core::Instant now)
    : connection_(std::move(connection)),
      room_(room),
      outbox_(limits, chunked ? turn::Framing::chunks : turn::Framing::plain, {}, now, kPiece) {
  connection_->send({Packet::Kind::head, chunked ? kChunked : ""});
}

ServerStream::~ServerStream() {
  connection_->ended_at_server = nullptr;
  connection_->room_at_server = nullptr;
  connection_->close_by_server();
}

ServerStream::State ServerStream::batch(const core::SendBatch& grant, core::Instant now) {
  const turn::Outbox::Given given =
      outbox_.batch(*grant.batch, grant.granted_at, frames_,
                    [&](core::QueueNumber queue) { return grant.queue_name(queue); });
  if (given.ends.empty() && !ends_) owed_.push_back(grant.batch->id);
  ends_ = ends_ || !given.ends.empty();
  send(given.at_once, now);
  return go_on(now);
}

ServerStream::State ServerStream::stamp(const turn::Stamp& stamp, core::Instant now) {
  send(outbox_.stamp(stamp), now);
  return go_on(now);
}

ServerStream::State ServerStream::end(std::string_view reason, bool complete, core::Instant now) {
  ends_ = true;
  outbox_.end(reason, complete ? turn::Outbox::Ending::well : turn::Outbox::Ending::cut);
  return go_on(now);
}

ServerStream::State ServerStream::go_on(core::Instant now) {
  while (true) {
    const turn::Outbox::Next next = outbox_.next(now);
    if (std::holds_alternative<turn::Outbox::Over>(next)) {
      law(!said_bye_ || owed_.empty(), "owed",
          "a stream has ended with a bye, and was not sent all of its batches");
      return {{}, true};
    }
    const auto* const write = std::get_if<turn::Outbox::Write>(&next);
    if (write == nullptr) return {};
    if (connection_->backlog() >= room_) return {write->until, false};
    send(write->bytes, now);
  }
}

void ServerStream::send(std::string_view bytes, core::Instant now) {
  if (bytes.empty()) return;
  const std::size_t used = std::min(connection_->backlog(), room_);
  const std::size_t takes = std::min(bytes.size(), room_ - used);
  if (takes > 0) {
    connection_->send({Packet::Kind::bytes, std::string{bytes.substr(0, takes)}});
    look_at(bytes.substr(0, takes), now);
  }
  outbox_.sent(takes);
}

// Lines are whole within a chunk, so what frames the chunks stands on lines of its own.
void ServerStream::look_at(std::string_view bytes, core::Instant now) {
  line_ += bytes;
  std::size_t from = 0;
  for (std::size_t end = 0; (end = line_.find('\n', from)) != std::string::npos; from = end + 1) {
    const std::string line = line_.substr(from, end - from);
    law(!said_bye_ || line.size() < 3, "owed", "behind a bye comes " + line);
    if (line.starts_with(": bye ")) said_bye_ = true;
    const wire::StreamNote note =
        wire::parse_note(std::string_view{line}.substr(line.find(':') + 1));
    if (!line.starts_with(':')) continue;
    law(!note.at_ms || *note.at_ms <= core::to_ms(now), "stamps_are_true",
        "a stamp is from later than it is: " + line);
    if (!note.batch) continue;
    law(!owed_.empty() && owed_.front() == *note.batch, "owed",
        "batch " + note.batch->text() + " goes out, and another was given before it");
    owed_.pop_front();
  }
  line_.erase(0, from);
}

}  // namespace pena::sim
