// How msgs come to wait: handed in, made, missed, or due.
#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "core/check.hpp"
#include "core/dispatcher_state.hpp"

namespace pena::core {
namespace {

// What the queues grow by. Msgs in order share their pages. Others may each fall into another one of
// those that there are, which are no more than the msgs that are queued.
Room room_of_msgs(std::span<const Msg> msgs, const Arrival& as, std::uint64_t queued) {
  Room room;
  std::uint64_t small_bytes = 0;
  std::uint64_t small = 0;
  // Of places some fifty share a page.
  room.pages += as.in_order ? kPagesOfPlace + as.told / 25 : as.told * kPagesOfPlace;
  // How many msgs a queue has, and what it is called.
  room.pages += (as.queues - 1) * 2 * kPagesOfPlace;
  for (const Msg& msg : msgs) {
    const std::uint64_t bytes = kMsgFields + msg.payload.size() + msg.key.size();
    if (!msg.key.empty()) room.pages += kPagesOfPlace;
    const Room record = room_of_record(bytes);
    if (record.side_by_side == 0) {
      small_bytes += bytes;
      ++small;
    } else {
      room += record;
    }
  }
  if (small == 0) return room;
  // Two records to a page, half of each of them empty, and the branches above.
  const std::uint64_t shared = as.queues * kPagesOfRecord + small_bytes * 3 / kRoomPage;
  const std::uint64_t apart = as.in_order ? 0 : std::min(small, queued) * kPagesOfRecord;
  room.pages += shared + apart;
  return room;
}

// As record_bytes() has it.
std::uint64_t largest_of(std::span<const Msg> msgs) {
  std::size_t longest = 0;
  for (const Msg& msg : msgs) longest = std::max(longest, msg.payload.size() + msg.key.size());
  return kMsgFields + longest;
}

}  // namespace

void Dispatcher::State::on(Submitted&& event, Instant now) {
  counts.submitted += event.msgs.size();
  number_queues(event);
  for (const Msg& msg : event.msgs) {
    if (!msg.key.empty()) effects.writes.emplace_back(PutKey{msg.queue, msg.key, msg.id});
  }
  bulk_jobs.note_new(event.msgs, date(now));
  if (!event.later.empty()) put_off(event, now);
  accept(std::move(event.msgs), !event.names_ids, now);
  effects.sends.emplace_back(SubmitReply{event.request, false, std::move(event.known)});
}

// What stands in a submission is a place in its list of names.
void Dispatcher::State::number_queues(Submitted& submitted) {
  if (submitted.queues.empty()) return;
  std::vector<std::optional<QueueNumber>> numbers(submitted.queues.size());
  for (Msg& msg : submitted.msgs) {
    auto& number = numbers.at(msg.queue);
    if (!number) {
      const QueueNames::Stored stored = names.store(submitted.queues[msg.queue]);
      number = stored.queue;
      if (stored.is_new) {
        effects.writes.emplace_back(PutQueueName{stored.queue, submitted.queues[msg.queue], false});
      }
    }
    msg.queue = *number;
  }
}

// Those that are not due yet.
void Dispatcher::State::put_off(Submitted& submitted, Instant now) {
  std::ranges::sort(submitted.later, {}, &Submitted::Due::id);
  std::erase_if(submitted.msgs, [&](Msg& msg) {
    const auto due = std::ranges::lower_bound(submitted.later, msg.id, {}, &Submitted::Due::id);
    if (due == submitted.later.end() || due->id != msg.id || due->due_at <= now + clock_ahead) {
      return false;
    }
    const std::uint64_t bytes = kMsgFields + msg.payload.size() + msg.key.size();
    coming += room_of_record(bytes);
    coming.pages += 2 * kPagesOfPlace;
    largest = std::max(largest, bytes);
    put_later({std::move(msg), date(now), {}, {}}, due->due_at);
    return true;
  });
}

void Dispatcher::State::on(Generated&& event, Instant now) {
  counts.generated += event.msgs.size();
  for (Msg& msg : event.msgs) msg.queue = kGeneratedQueue;
  bulk_jobs.note_new(event.msgs, date(now));
  accept(std::move(event.msgs), true, now);
}

void Dispatcher::State::accept(std::vector<Msg>&& msgs, bool in_order, Instant now) {
  if (msgs.empty()) return;
  largest = std::max(largest, largest_of(msgs));
  const QueueNumber first = msgs.front().queue;
  const auto is_of_first = [first](const Msg& msg) {
    return msg.queue == first;
  };
  if (std::ranges::all_of(msgs, is_of_first)) {
    coming +=
        room_of_msgs(msgs, {in_order, first == kDefaultQueue ? 0 : msgs.size()}, queues.size());
    return add_fresh(first, std::move(msgs), now);
  }
  std::set<QueueNumber> its_queues;
  std::size_t told = 0;
  for (const Msg& msg : msgs) {
    its_queues.insert(msg.queue);
    if (msg.queue != kDefaultQueue) ++told;
  }
  coming += room_of_msgs(msgs, {in_order, told, its_queues.size()}, queues.size());
  std::map<QueueNumber, std::vector<Msg>> by_queue;
  for (Msg& msg : msgs) by_queue[msg.queue].push_back(std::move(msg));
  for (auto& [queue, its_msgs] : by_queue) add_fresh(queue, std::move(its_msgs), now);
}

void Dispatcher::State::add_fresh(QueueNumber queue, std::vector<Msg>&& msgs, Instant now) {
  touch(queue);
  queues.at(queue).add_fresh(std::move(msgs), date(now), effects.writes);
}

bool Dispatcher::State::has_room_to_accept(std::span<const Msg> msgs, const Arrival& as) const {
  return has_room(room_of_msgs(msgs, as, queues.size()) + kept_for_one(largest_of(msgs)));
}

void Dispatcher::State::enqueue(QueuedMsg&& msg) {
  largest = std::max(largest, record_bytes(msg));
  touch(msg.msg.queue);
  bulk_jobs.note_put(WantedBulk::From::queue, msg);
  queues.at(msg.msg.queue).add(std::move(msg), effects.writes);
}

void Dispatcher::State::put_later(QueuedMsg&& msg, Instant due_at) {
  ++later;
  largest = std::max(largest, record_bytes(msg));
  next_due = std::min(next_due.value_or(due_at), due_at);
  msg.queued_at = due_at;
  bulk_jobs.note_put(WantedBulk::From::later, msg);
  effects.writes.emplace_back(PutLater{std::move(msg)});
}

void Dispatcher::State::on(DueRead&& event, Instant /*now*/) {
  PENA_CHECK(event.as_of == steps);
  later -= event.msgs.size();
  next_due = event.next_due;
  std::map<QueueNumber, std::vector<QueuedMsg>> by_queue;
  for (QueuedMsg& msg : event.msgs) {
    coming += room_of_due(record_bytes(msg));
    effects.writes.emplace_back(DropLater{msg.msg.id, msg.queued_at});
    // By the dates of records, which may be ahead of the clock.
    if (!msg.misses.empty()) msg.queued_at = std::max(msg.queued_at, msg.misses.back().missed_at);
    bulk_jobs.note_put(WantedBulk::From::queue, msg);
    by_queue[msg.msg.queue].push_back(std::move(msg));
  }
  for (auto& [queue, msgs] : by_queue) {
    touch(queue);
    queues.at(queue).add_all(std::move(msgs), effects.writes);
  }
}

}  // namespace pena::core
