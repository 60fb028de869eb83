#include "core/ledger.hpp"

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
    law(put->msg.attempt() <= max_attempts_, "it has had all its attempts");
    check_misses(put->msg.misses, put->msg.queued_at);
  } else if (const auto* drop = std::get_if<DropQueue>(&write)) {
    law(queue.erase(drop->id) == 1, "it does not wait");
  } else if (const auto* batch = std::get_if<PutBatch>(&write)) {
    law(!batch->batch->msgs.empty(), "it is empty");
    batches.insert_or_assign(batch->batch->id, *batch->batch);
    for (const QueuedMsg& msg : batch->batch->msgs) {
      law(msg.attempt() <= max_attempts_, "a msg has had all its attempts");
      check_misses(msg.misses, batch->batch->granted_at);
    }
  } else if (const auto* gone = std::get_if<DropBatch>(&write)) {
    law(batches.erase(gone->id) == 1, "no such batch");
  } else if (const auto* report = std::get_if<PutReport>(&write)) {
    law(reports.emplace(report->record.id, report->record).second, "reported twice");
    law(batches.contains(report->record.batch), "reported by a batch that is over");
    check_misses(report->record.misses, report->record.granted_at);
  } else if (const auto* fail = std::get_if<PutFail>(&write)) {
    law(fails.emplace(fail->record.msg.id, fail->record).second, "failed twice");
    law(static_cast<int>(fail->record.misses.size()) == max_attempts_, "failed too early or late");
    check_misses(fail->record.misses, fail->record.failed_at);
  }
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
  for (const auto& [id, batch] : batches) all.add(batch);
  for (const auto& [id, record] : reports) all.add(record);
  for (const auto& [id, record] : fails) all.add(record);
  law(all.broken().empty(), all.broken());
  law(all.msgs() >= ever_, "a msg is lost");
  ever_ = all.msgs();
}

std::size_t Ledger::msgs() const {
  std::size_t held = 0;
  for (const auto& [id, batch] : batches) held += batch.msgs.size();
  return queue.size() + held + reports.size() + fails.size();
}

Snapshot Ledger::snapshot() const {
  Snapshot snapshot{{}, queue.size()};
  for (const auto& [id, batch] : batches) snapshot.batches.push_back(batch);
  return snapshot;
}

Refilled Ledger::refill(const WantedRefill& wanted) const {
  Refilled answer{wanted.as_of, {}, false};
  auto at = wanted.after ? queue.upper_bound(*wanted.after) : queue.begin();
  std::size_t bytes = 0;
  for (; at != queue.end() && answer.msgs.size() < wanted.limit && bytes < wanted.bytes; ++at) {
    bytes += at->second.memory_bytes();
    answer.msgs.push_back(at->second);
  }
  answer.more = at != queue.end();
  return answer;
}

BodiesRead Ledger::bodies(const WantedBodies& wanted, std::size_t bytes) const {
  BodiesRead answer{wanted.as_of, {}};
  std::size_t read = 0;
  for (const Xid& id : wanted.ids) {
    if (read >= bytes) break;
    const auto at = queue.find(id);
    law(at != queue.end(), id.text() + " is to be read, but does not wait");
    read += at->second.memory_bytes();
    answer.msgs.push_back(at->second);
  }
  return answer;
}

std::optional<Event> Ledger::answer(const Dispatcher& dispatcher) const {
  const Wanted wanted = dispatcher.wanted();
  if (const auto* ids = std::get_if<WantedBodies>(&wanted)) return bodies(*ids);
  if (const auto* page = std::get_if<WantedRefill>(&wanted)) return refill(*page);
  return std::nullopt;
}

}  // namespace pena::core::test
