#include "core/worker_streams.hpp"

#include <algorithm>
#include <utility>

#include "core/sooner.hpp"

namespace pena::core {
namespace {

// Msgs that end together are one batch again, of one stream.
constexpr Duration kShortIdle = std::chrono::milliseconds{10};
constexpr Duration kLongestIdle = std::chrono::seconds{1};

}  // namespace

template <class Self>
auto WorkerStreams::find_in(Self& self, std::uint64_t stream) {
  if (self.opener_ && self.opener_->machine.is(stream)) return &*self.opener_;
  const auto at = self.open_.find(stream);
  return at == self.open_.end() ? nullptr : &at->second;
}

WorkerStreams::Stream* WorkerStreams::find(std::uint64_t stream) {
  return find_in(*this, stream);
}

const WorkerStreams::Stream* WorkerStreams::find(std::uint64_t stream) const {
  return find_in(*this, stream);
}

bool WorkerStreams::has(std::uint64_t stream) const {
  return find(stream) != nullptr;
}

// ---- how many

std::size_t WorkerStreams::asked_for() const {
  std::size_t msgs = opener_ ? opener_->batchsize : 0;
  for (const auto& [number, stream] : open_) {
    if (stream.is_free()) msgs += stream.batchsize;
  }
  return msgs;
}

// A free stream that has brought nothing yet would bring what there is.
bool WorkerStreams::has_unproven() const {
  return std::ranges::any_of(open_, [](const auto& stream) {
    return stream.second.is_free() && !stream.second.had_batch;
  });
}

void WorkerStreams::fill(std::size_t room, std::size_t least, Instant now, WorkerOutput& out) {
  const std::size_t asked = asked_for();
  opens_at_.reset();
  if (stopping_ || opener_ || room <= asked || has_unproven()) return idle_since_.reset();
  if (!idle_since_) idle_since_ = now;
  const Duration wait = room < asked + least ? kLongestIdle
                        : open_.empty()      ? Duration::zero()
                                             : kShortIdle;
  if (now < *idle_since_ + wait) {
    opens_at_ = *idle_since_ + wait;
    return;
  }
  idle_since_.reset();
  opener_.emplace(rules_);
  open(*opener_, room, now, out);
}

void WorkerStreams::open(Stream& stream, std::size_t room, Instant now, WorkerOutput& out) {
  stream.batchsize = 0;
  stream.had_batch = false;
  const std::size_t left = room - std::min(room, asked_for());
  stream.batchsize =
      static_cast<std::uint32_t>(std::clamp<std::size_t>(left, 1, rules_.most_asked_for));
  stream.number = ++last_number_;
  stream.machine.open(stream.number, now);
  out.act(OpenWorkerStream{stream.number, stream.batchsize});
}

bool WorkerStreams::keeps(std::uint64_t number, std::size_t room) {
  Stream* const stream = find(number);
  if (stream == nullptr) return false;
  const bool fits = stream->settles || asked_for() + stream->batchsize <= room;
  stream->settles = fits && !stopping_ && !stream->ends;
  stream->ends = stream->leaves = !stream->settles;
  return stream->settles;
}

void WorkerStreams::settled(std::uint64_t number, bool heard) {
  Stream* const stream = find(number);
  if (stream == nullptr) return;
  stream->batch.reset();
  stream->settles = false;
  if (!heard) stream->leaves = false;
}

// ---- what comes of one

void WorkerStreams::on(std::uint64_t stream, const StreamAsked& event, Instant now) {
  find(stream)->machine.on(event, now);
}

void WorkerStreams::on(std::uint64_t number, const StreamOpened& event, Instant now,
                       WorkerOutput& out) {
  Stream& stream = *find(number);
  ++out.counts.connects;
  out.say(stream.machine.on(event, now));
  stream.timing = event.timing;
  stream.promises_lease = event.promises_lease;
  stream.client = event.client;
  stream.clock.begin(event.requested_at, event.timing);
  if (!opener_ || &stream != &*opener_) return;
  open_.emplace(number, std::move(*opener_));
  opener_.reset();
}

void WorkerStreams::on(std::uint64_t stream, const StreamRefused& event, Instant now) {
  find(stream)->machine.on(event, now);
}

void WorkerStreams::heard(std::uint64_t number, Instant now) {
  Stream& stream = *find(number);
  if (stream.machine.is_open()) stream.machine.heard(now);
}

std::optional<WorkerBatches::Begun> WorkerStreams::noted(std::uint64_t number,
                                                         const NoteArrived& note, Instant now) {
  Stream& stream = *find(number);
  if (!stream.machine.is_open()) return std::nullopt;
  Instant granted_at = now;
  if (note.at_ms) {
    stream.clock.stamped(*note.at_ms);
    granted_at = stream.clock.earliest(*note.at_ms);
    stream.machine.stamped(granted_at);
  }
  if (!note.batch) return std::nullopt;
  stream.batch = note.batch;
  stream.had_batch = true;
  stream.settles = false;
  WorkerBatches::Begun begun{*note.batch,
                             number,
                             std::max(note.size, 1U),
                             {},
                             stream.timing.stop_time + stream.timing.slack};
  if (note.at_ms && (stream.promises_lease || note.lease)) {
    Timing timing = stream.timing;
    timing.lease = note.lease.value_or(timing.lease);
    timing.slack = std::min(timing.slack, timing.lease / 10);
    begun.keeping = {granted_at, timing.lease, timing.client_stop()};
  }
  return begun;
}

void WorkerStreams::brought_msg(std::uint64_t stream, WorkerOutput& out) {
  out.say(find(stream)->machine.brought_msg());
}

std::optional<Xid> WorkerStreams::closed(std::uint64_t number, const StreamClosed& event,
                                         Instant now, std::uint64_t chance, WorkerOutput& out) {
  Stream& stream = *find(number);
  const bool is_missed = !stream.ends && !stopping_;
  if (is_missed) {
    out.say(stream.machine.ended(event, now));
  } else {
    stream.machine.leave();
  }
  return lost(stream, now, event.retry_after, chance);
}

// It is opened again where none is about to be.
std::optional<Xid> WorkerStreams::lost(Stream& stream, Instant now,
                                       std::optional<Duration> retry_after, std::uint64_t chance) {
  const std::optional<Xid> batch = std::exchange(stream.batch, {});
  const bool is_wanted = !stream.ends && !stopping_;
  if (!opener_ || &stream != &*opener_) {
    const std::uint64_t number = stream.number;
    const bool becomes_opener = is_wanted && !opener_;
    if (becomes_opener) opener_ = std::move(stream);
    open_.erase(number);
    if (!becomes_opener) return batch;
  }
  if (!is_wanted) {
    opener_.reset();
    return batch;
  }
  opener_->batchsize = 0;
  opener_->settles = false;
  opener_->machine.want(now, retry_after, chance);
  return batch;
}

void WorkerStreams::told_time(std::uint64_t number, const PostTried& answer) {
  Stream* const stream = find(number);
  if (stream == nullptr || !stream->machine.is_open() || !answer.at_ms) return;
  stream->clock.answered(answer.sent_at, *answer.at_ms);
}

std::optional<std::uint64_t> WorkerStreams::wants_time(Instant now) {
  for (auto& [number, stream] : open_) {
    const auto at = stream.clock.renew_at();
    if (!at || now < *at) continue;
    stream.clock.asked_for_time(now);
    return number;
  }
  return std::nullopt;
}

// ---- the end

void WorkerStreams::stop(WorkerOutput& out) {
  stopping_ = true;
  opens_at_.reset();
  // One that has asked may have been granted a batch: it leaves when it is open.
  if (!opener_ || opener_->machine.has_sent()) return;
  if (opener_->machine.is(opener_->number)) out.act(HangUp{opener_->number});
  opener_.reset();
}

std::vector<std::uint64_t> WorkerStreams::to_leave(Instant now) const {
  std::vector<std::uint64_t> free;
  for (const auto& [number, stream] : open_) {
    if (!is_to_leave(stream)) continue;
    if (!stream.leave_at || now >= *stream.leave_at) free.push_back(number);
  }
  return free;
}

std::optional<Xid> WorkerStreams::client(std::uint64_t stream) const {
  const Stream* const known = find(stream);
  return known == nullptr ? std::nullopt : known->client;
}

void WorkerStreams::leaves(std::uint64_t number) {
  if (Stream* const stream = find(number)) stream->leaves = true;
}

void WorkerStreams::leave_failed(std::uint64_t number, const PostTried& event, Instant now,
                                 std::uint64_t chance) {
  Stream* const stream = find(number);
  if (stream == nullptr) return;
  stream->leaves = false;
  stream->leave_at =
      now + wait_to_retry(rules_.retry, ++stream->leave_failures, event.retry_after, chance);
}

void WorkerStreams::cannot_leave(std::uint64_t number, WorkerOutput& out) {
  const auto at = open_.find(number);
  if (at == open_.end() || at->second.batch) return;
  open_.erase(at);
  out.act(HangUp{number});
}

void WorkerStreams::hang_up_all(WorkerOutput& out) {
  stop(out);
  if (opener_) out.act(HangUp{opener_->number});
  opener_.reset();
  for (const auto& [number, stream] : open_) out.act(HangUp{number});
  open_.clear();
}

// ---- time

std::vector<Xid> WorkerStreams::look_at_time(std::size_t room, Instant now, std::uint64_t chance,
                                             WorkerOutput& out) {
  std::vector<Xid> batches;
  std::vector<std::uint64_t> numbers;
  for (const auto& [number, stream] : open_) numbers.push_back(number);
  if (opener_) {
    if (auto batch = look_at(*opener_, room, now, chance, out)) batches.push_back(*batch);
  }
  for (const std::uint64_t number : numbers) {
    const auto at = open_.find(number);
    if (at == open_.end()) continue;
    if (auto batch = look_at(at->second, room, now, chance, out)) batches.push_back(*batch);
  }
  return batches;
}

std::optional<Xid> WorkerStreams::look_at(Stream& stream, std::size_t room, Instant now,
                                          std::uint64_t chance, WorkerOutput& out) {
  switch (stream.machine.due(now)) {
    case ClientStream::Due::nothing:
      return std::nullopt;
    case ClientStream::Due::opening:
      // There may be more room later; then it is opened at once.
      if (room <= asked_for()) {
        opener_.reset();
      } else {
        open(stream, room, now, out);
      }
      return std::nullopt;
    case ClientStream::Due::word:
      out.say(stream.machine.word());
      return std::nullopt;
    case ClientStream::Due::too_late:
      out.act(HangUp{stream.number});
      return closed(stream.number, stream.machine.too_late(), now, chance, out);
    case ClientStream::Due::enough_refused:
      stream.machine.enough_refused();
      out.act(HangUp{stream.number});
      return std::nullopt;
    case ClientStream::Due::silent:
      out.act(HangUp{stream.number});
      stream.machine.leave();
      return lost(stream, now, std::nullopt, chance);
  }
  return std::nullopt;
}

std::optional<Instant> WorkerStreams::next_timeout() const {
  std::optional<Instant> next;
  if (opener_) next = opener_->machine.next_timeout();
  for (const auto& [number, stream] : open_) {
    next = sooner(next, stream.machine.next_timeout());
    next = sooner(next, stream.clock.renew_at());
    if (is_to_leave(stream)) next = sooner(next, stream.leave_at);
  }
  next = sooner(next, opens_at_);
  return next;
}

}  // namespace pena::core
