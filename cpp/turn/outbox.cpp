#include "turn/outbox.hpp"

#include <utility>

#include "core/check.hpp"
#include "core/write_time.hpp"
#include "wire/sse.hpp"

namespace pena::turn {
namespace {

// Stamps without an event between them: some libraries give up a block of lines of 64 KiB, and the next
// event is to have room in it. Nothing ends such a block unseen by all of them, so it is done seldom.
constexpr std::size_t kLongestBlock = 48UL * 1024;
// So soon whoever lost a stream may come back.
constexpr core::Duration kComeBackAfter = std::chrono::seconds{1};

constexpr std::string_view kUnread = "the client does not read what it is sent";
constexpr std::string_view kLate = "it does not read";
constexpr std::string_view kVanished = "its peer does not answer any more";

}  // namespace

// ---- a stamp

void Stamp::write(core::Instant now) {
  text_.assign(wire::kChunkRoom, ' ');
  wire::append_heartbeat(text_, now);
  length_ = text_.size() - wire::kChunkRoom;
  chunk_ = wire::as_chunk(text_);
}

std::string_view Stamp::bytes(Framing framing) const {
  return framing == Framing::chunks ? chunk_
                                    : std::string_view{text_}.substr(wire::kChunkRoom, length_);
}

// ---- what is to be sent

Outbox::Outbox(const core::Limits& limits, Framing framing, std::string head, core::Instant now,
               std::size_t piece)
    : limits_(limits),
      kept_(std::move(head)),
      pieces_(framing, piece),
      piece_(piece),
      framing_(framing) {
  Stamp first;
  first.write(now);
  kept_ += first.bytes(framing);
  bytes_ = kept_;
}

Outbox::Given Outbox::batch(const core::Batch& batch, core::Instant granted_at, std::string& frames,
                            const wire::QueueNames& names) {
  PENA_CHECK(state_ != State::offered);
  if (is_ending()) return {};
  if (state_ == State::writing && !waiting_.empty()) {
    end(kUnread);
    return {{}, kUnread};
  }
  block_bytes_ = 0;
  if (state_ == State::writing) {
    append_frames(waiting_, batch, granted_at, names);
    return {};
  }
  append_frames(frames, batch, granted_at, names);
  if (frames.size() <= piece_) return {offer(framed(frames, framing_)), {}};
  pieces_.begin(std::exchange(frames, {}));  // nothing large is kept by the caller
  state_ = State::writing;
  return {};
}

// The first of a stream says how soon its client may come back.
void Outbox::append_frames(std::string& out, const core::Batch& batch, core::Instant granted_at,
                           const wire::QueueNames& names) {
  out.assign(wire::kChunkRoom, ' ');
  if (!std::exchange(told_retry_, true)) wire::append_retry(out, kComeBackAfter);
  wire::append_batch_frames(out, batch, granted_at, limits_, names);
}

std::string_view Outbox::offer(std::string_view bytes) {
  state_ = State::offered;
  return bytes_ = bytes;
}

std::string_view Outbox::stamp(const Stamp& stamp) {
  PENA_CHECK(state_ != State::offered);
  if (is_ending()) return {};
  block_bytes_ += stamp.bytes(Framing::plain).size();
  if (state_ == State::writing) {
    stamp_due_ = true;
    return {};
  }
  return block_bytes_ < kLongestBlock ? offer(stamp.bytes(framing_)) : write_block_end(stamp);
}

std::string_view Outbox::write_block_end(const Stamp& stamp) {
  kept_.assign(wire::kChunkRoom, ' ');
  kept_ += stamp.bytes(Framing::plain);
  wire::append_block_end(kept_);
  bytes_ = framed(kept_, framing_);
  block_bytes_ = 0;
  state_ = State::writing;
  return bytes_;
}

// Without the stamp that may be due: the client need not wait for anything any more.
bool Outbox::end(std::string_view reason, Ending ending) {
  PENA_CHECK(state_ != State::offered);
  if (is_ending()) return false;
  if (waiting_.empty()) waiting_.assign(wire::kChunkRoom, ' ');
  wire::append_bye(waiting_, reason);
  if (ending == Ending::well && framing_ == Framing::chunks) last_ = wire::kLastChunk;
  stamp_due_ = false;
  until_.reset();
  state_ = State::ending;
  return true;
}

// ---- how it goes

// While it is written each byte that is sent gives the others all their time. What is left at the
// end has one time: a client that takes a byte now and then would keep a lost batch in memory.
Outbox::Next Outbox::next(core::Instant now) {
  if (state_ == State::over) return Over{};
  if (state_ == State::idle) return Rest{};
  if (bytes_.empty()) make_bytes(now);
  if (!until_) {
    until_ =
        now + (state_ == State::ending ? limits_.stalled_write_time : core::longest_write(limits_));
  }
  return Write{bytes_, *until_};
}

void Outbox::make_bytes(core::Instant now) {
  if (stamp_due_) {
    kept_.assign(wire::kChunkRoom, ' ');
    wire::append_heartbeat(kept_, now);
    bytes_ = framed(kept_, framing_);
    stamp_due_ = false;
  } else if (!pieces_.is_over() || !waiting_.empty()) {
    if (pieces_.is_over()) pieces_.begin(std::exchange(waiting_, {}));
    bytes_ = pieces_.next();
  } else {
    bytes_ = std::exchange(last_, {});
  }
}

void Outbox::sent(std::size_t bytes) {
  PENA_CHECK(bytes <= bytes_.size());
  bytes_.remove_prefix(bytes);
  if (state_ == State::over) return;
  if (bytes > 0) overdue_ = false;
  if (bytes > 0 && state_ != State::ending) until_.reset();
  if (bytes_.empty()) {
    settle();
  } else if (state_ == State::offered) {
    keep_rest();
  }
}

// A stream whose rest cannot be kept is torn, so it is over.
void Outbox::keep_rest() {
  state_ = State::over;
  kept_ = bytes_;
  bytes_ = kept_;
  state_ = State::writing;
}

void Outbox::settle() {
  if (state_ == State::offered) {
    state_ = State::idle;
    return;
  }
  pieces_.written();
  if (stamp_due_ || !pieces_.is_over() || !waiting_.empty() || !last_.empty()) return;
  state_ = state_ == State::ending ? State::over : State::idle;
  pieces_.drop();
  std::string{}.swap(kept_);
}

// ---- what ends it at once; what is being written stands, for it may be on its way

void Outbox::overdue() {
  overdue_ = state_ == State::writing || state_ == State::ending;
}

std::string_view Outbox::vanished() {
  return close(kVanished);
}

std::string_view Outbox::broke(bool timed_out) {
  return close(overdue_ || timed_out ? kLate : std::string_view{});
}

std::string_view Outbox::close(std::string_view why) {
  return std::exchange(state_, State::over) == State::over ? std::string_view{} : why;
}

}  // namespace pena::turn
