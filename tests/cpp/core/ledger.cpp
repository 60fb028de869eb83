#include "core/ledger.hpp"

#include <algorithm>

#include "support/whereabouts.hpp"

namespace pena::core::test {
namespace {

void law(bool holds, const std::string& what) {
  if (!holds) throw LawBroken(what);
}

}  // namespace

void Ledger::apply(const std::vector<Write>& writes) {
  for (const Write& write : writes) {
    try {
      apply_one(write);
    } catch (const LawBroken& broken) {
      throw LawBroken(describe(write) + ": " + broken.what());
    }
  }
  check_conserved();
}

void Ledger::apply_one(const Write& write) {
  if (const auto* put = std::get_if<PutQueue>(&write)) {
    law(queue.emplace(put->msg.msg.id, put->msg).second, "it waits already");
    check_attempts(put->msg);
    check_misses(put->msg.misses, put->msg.queued_at);
    law(put->msg.msg.queue < kFirstNamedQueue || names.contains(put->msg.msg.queue),
        "its queue has no name");
  } else if (const auto* drop = std::get_if<DropQueue>(&write)) {
    const auto at = queue.find(drop->id);
    law(at != queue.end(), "it does not wait");
    law(at->second.msg.queue == drop->queue, "it waits in another queue");
    queue.erase(at);
  } else if (const auto* put_off = std::get_if<PutLater>(&write)) {
    law(later.emplace(put_off->msg.msg.id, put_off->msg).second, "it is put off already");
    check_attempts(put_off->msg);
    check_misses(put_off->msg.misses, put_off->msg.queued_at);
  } else if (const auto* due = std::get_if<DropLater>(&write)) {
    const auto at = later.find(due->id);
    law(at != later.end() && at->second.queued_at == due->due_at, "it is not put off until then");
    later.erase(at);
  } else if (const auto* batch = std::get_if<PutBatch>(&write)) {
    law(!batch->batch->msgs.empty(), "it is empty");
    batches.insert_or_assign(batch->batch->id, *batch->batch);
    for (const QueuedMsg& msg : batch->batch->msgs) {
      check_attempts(msg);
      check_misses(msg.misses, batch->batch->granted_at);
    }
  } else if (const auto* gone = std::get_if<DropBatch>(&write)) {
    law(batches.erase(gone->id) == 1, "no such batch");
  } else if (const auto* report = std::get_if<PutReport>(&write)) {
    const ReportRecord record = record_of(report->fields());
    const auto [at, is_new] = reports.emplace(record.id, record);
    law(is_new, "reported twice");
    at->second.order = ++settled_;
    law(batches.contains(record.batch), "reported by a batch that is over");
    check_misses(record.misses, record.granted_at);
  } else if (const auto* fail = std::get_if<PutFail>(&write)) {
    const auto [at, is_new] = fails.emplace(fail->record.msg.id, fail->record);
    law(is_new, "failed twice");
    at->second.order = ++settled_;
    const int most = most_attempts(fail->record.msg);
    law(fail->record.attempts == most || (may_be_final && fail->record.attempts < most),
        "failed too early or late");
    check_misses(fail->record.misses, fail->record.failed_at);
  } else if (const auto* dropped = std::get_if<DropFail>(&write)) {
    law(fails.erase(dropped->id) == 1, "it has not failed");
    --ever_;  // until it waits again, in this step; or for good
  } else if (const auto* over = std::get_if<DropReport>(&write)) {
    law(reports.erase(over->id) == 1, "it is not reported");
    --ever_;
  } else if (const auto* free = std::get_if<DropKey>(&write)) {
    law(keys.erase({free->queue, free->key}) == 1, "there is no such key");
  } else if (const auto* key = std::get_if<PutKey>(&write)) {
    law(keys.emplace(std::pair{key->queue, key->key}, key->id).second, "the key is taken");
  } else if (const auto* name = std::get_if<PutQueueName>(&write)) {
    names[name->queue] = name->name;
    if (name->paused) {
      paused.insert(name->queue);
    } else {
      paused.erase(name->queue);
    }
  }
}

int Ledger::most_attempts(const Msg& msg) const {
  return msg.max_resends ? *msg.max_resends + 1 : max_attempts_;
}

void Ledger::check_attempts(const QueuedMsg& msg) const {
  law(msg.attempt() <= most_attempts(msg.msg), "it has had all its attempts");
  law(msg.attempts <= msg.misses.size(), "it has more attempts behind it than its story");
}

// One attempt ends before the next begins.
void Ledger::check_misses(const std::vector<Miss>& misses, Instant until) const {
  Instant free_at = from_us(0);
  for (const Miss& miss : misses) {
    law(miss.granted_at >= free_at, "two attempts overlap");
    law(miss.missed_at >= miss.granted_at, "missed before it was granted");
    free_at = miss.missed_at;
  }
  law(until >= free_at, "it goes on before its last attempt is over");
}

void Ledger::check_conserved() {
  pena::test::Whereabouts all;
  for (const auto& [id, msg] : queue) all.add(msg);
  for (const auto& [id, msg] : later) all.add_later(msg);
  for (const auto& [id, batch] : batches) all.add(batch);
  for (const auto& [id, record] : reports) all.add(record);
  for (const auto& [id, record] : fails) all.add(record);
  law(all.broken().empty(), all.broken());
  law(all.msgs() >= ever_ || forgets_waiting, "a msg is lost");
  ever_ = all.msgs();
}

std::size_t Ledger::msgs() const {
  std::size_t held = 0;
  for (const auto& [id, batch] : batches) held += batch.msgs.size();
  return queue.size() + later.size() + held + reports.size() + fails.size();
}

Snapshot Ledger::snapshot() const {
  Snapshot snapshot;
  for (const auto& [id, batch] : batches) snapshot.batches.push_back(batch);
  std::map<QueueNumber, std::uint64_t> queued;
  for (const auto& [number, name] : names) queued[number] = 0;
  for (const auto& [id, msg] : queue) ++queued[msg.msg.queue];
  for (const auto& [number, msgs] : queued) {
    const auto name = names.find(number);
    snapshot.queues.push_back(
        {number, name == names.end() ? "" : name->second, paused.contains(number), msgs});
  }
  snapshot.later = later.size();
  snapshot.reports = reports.size();
  snapshot.fails = fails.size();
  for (const auto& [id, msg] : later) {
    snapshot.next_due = std::min(snapshot.next_due.value_or(msg.queued_at), msg.queued_at);
  }
  return snapshot;
}

Refilled Ledger::refill(const WantedRefill& wanted) const {
  Refilled answer{wanted.as_of, wanted.queue, {}, false};
  auto at = wanted.after ? queue.upper_bound(*wanted.after) : queue.begin();
  std::size_t bytes = 0;
  for (; at != queue.end(); ++at) {
    if (at->second.msg.queue != wanted.queue) continue;
    answer.more = answer.msgs.size() >= wanted.limit || bytes >= wanted.bytes;
    if (answer.more) break;
    bytes += at->second.memory_bytes();
    answer.msgs.push_back(at->second);
  }
  return answer;
}

DueRead Ledger::due(const WantedDue& wanted) const {
  std::map<std::pair<Instant, Xid>, const QueuedMsg*> in_order;
  for (const auto& [id, msg] : later) in_order.emplace(std::pair{msg.queued_at, id}, &msg);
  DueRead answer{wanted.as_of, {}, std::nullopt};
  for (const auto& [place, msg] : in_order) {
    if (place.first > wanted.up_to || answer.msgs.size() >= wanted.limit) {
      answer.next_due = place.first;
      break;
    }
    answer.msgs.push_back(*msg);
  }
  return answer;
}

// Pages of two, so that it takes several.
constexpr std::size_t kPage = 2;

BulkRead Ledger::waiting(const WantedBulk& wanted) const {
  BulkRead answer;
  answer.as_of = wanted.as_of;
  answer.looked_up = wanted.ids.size();
  for (const Xid& id : wanted.ids) {
    if (const auto at = queue.find(id); at != queue.end())
      answer.waiting.push_back({at->second, false});
    if (const auto at = later.find(id); at != later.end())
      answer.waiting.push_back({at->second, true});
  }
  if (!wanted.ids.empty()) return answer;
  const bool of_later = wanted.from == WantedBulk::From::later;
  std::map<std::pair<Instant, Xid>, const QueuedMsg*> behind;
  for (const auto& [id, msg] : of_later ? later : queue) {
    const std::pair place{of_later ? msg.queued_at : Instant{}, id};
    const bool is_behind = of_later ? !wanted.after_due || place > *wanted.after_due
                                    : !wanted.after_id || id > *wanted.after_id;
    if (is_behind && (of_later || msg.msg.queue == wanted.queue)) behind.emplace(place, &msg);
  }
  for (const auto& [place, msg] : behind) {
    answer.more = answer.waiting.size() == kPage;
    if (answer.more) break;
    answer.waiting.push_back({*msg, of_later});
  }
  return answer;
}

BulkRead Ledger::bulk(const WantedBulk& wanted) const {
  using From = WantedBulk::From;
  if (wanted.from == From::queue || wanted.from == From::later) return waiting(wanted);
  BulkRead answer;
  answer.as_of = wanted.as_of;
  const auto read = [&](const auto& bucket, auto& found) {
    for (const Xid& id : wanted.ids) {
      if (const auto at = bucket.find(id); at != bucket.end()) found.push_back(at->second);
    }
    answer.looked_up = wanted.ids.size();
    if (!wanted.ids.empty()) return;
    std::vector<const typename std::decay_t<decltype(bucket)>::mapped_type*> in_order;
    for (const auto& [id, record] : bucket) in_order.push_back(&record);
    std::ranges::sort(in_order, {}, [](const auto* record) { return record->order; });
    for (const auto* record : in_order) {
      if (record->order <= wanted.after) continue;
      answer.more = found.size() == std::min(kPage, wanted.limit);
      if (answer.more) break;
      found.push_back(*record);
      answer.up_to = record->order;
    }
  };
  wanted.from == From::report ? read(reports, answer.reports) : read(fails, answer.fails);
  return answer;
}

BodiesRead Ledger::bodies(const WantedBodies& wanted, std::size_t bytes) const {
  BodiesRead answer{wanted.as_of, wanted.queue, {}};
  std::size_t read = 0;
  for (const Xid& id : wanted.ids) {
    if (read >= bytes) break;
    const auto at = queue.find(id);
    law(at != queue.end() && at->second.msg.queue == wanted.queue,
        id.text() + " is to be read, but does not wait there");
    read += at->second.memory_bytes();
    answer.msgs.push_back(at->second);
  }
  return answer;
}

std::optional<Event> Ledger::answer(const Dispatcher& dispatcher) const {
  const Wanted wanted = dispatcher.wanted();
  if (const auto* ids = std::get_if<WantedBodies>(&wanted)) return bodies(*ids);
  if (const auto* date = std::get_if<WantedDue>(&wanted)) return due(*date);
  if (const auto* over = std::get_if<WantedBulk>(&wanted)) return bulk(*over);
  if (const auto* page = std::get_if<WantedRefill>(&wanted)) return refill(*page);
  return std::nullopt;
}

}  // namespace pena::core::test
