// What a store would hold after the writes of a run, and the laws that every write must keep. A
// write that breaks one throws, so a test that runs the dispatcher against a ledger fails where it
// happens.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/describe.hpp"
#include "core/dispatcher.hpp"

namespace pena::core::test {

struct LawBroken : std::logic_error {
  using std::logic_error::logic_error;
};

class Ledger {
 public:
  explicit Ledger(int max_resends) : max_attempts_(max_resends + 1) {}

  // One step's writes: the laws between msgs hold when all are applied.
  void apply(const std::vector<Write>& writes);

  [[nodiscard]] Snapshot snapshot() const;
  [[nodiscard]] Refilled refill(const WantedRefill& wanted) const;
  [[nodiscard]] DueRead due(const WantedDue& wanted) const;
  [[nodiscard]] BulkRead bulk(const WantedBulk& wanted) const;
  [[nodiscard]] BodiesRead bodies(const WantedBodies& wanted, std::size_t bytes = SIZE_MAX) const;
  // What the dispatcher wants of the store, if anything: bodies first.
  [[nodiscard]] std::optional<Event> answer(const Dispatcher& dispatcher) const;
  // Of queue, later, batch, report and fail together.
  [[nodiscard]] std::size_t msgs() const;

  std::map<Xid, QueuedMsg> queue;  // of all queues
  std::map<Xid, QueuedMsg> later;
  std::map<QueueNumber, std::string> names;
  std::set<QueueNumber> paused;
  bool forgets_waiting = false;  // somebody wants msgs that wait to be deleted
  std::map<std::pair<QueueNumber, std::string>, Xid> keys;
  bool may_be_final = false;  // a client may have said that a failure is final
  std::map<Xid, Batch> batches;
  std::map<Xid, ReportRecord> reports;
  std::map<Xid, FailRecord> fails;

 private:
  void apply_one(const Write& write);
  void check_conserved();
  void check_misses(const std::vector<Miss>& misses, Instant until) const;
  [[nodiscard]] int most_attempts(const Msg& msg) const;
  void check_attempts(const QueuedMsg& msg) const;

  int max_attempts_;
  [[nodiscard]] BulkRead waiting(const WantedBulk& wanted) const;
  std::size_t ever_ = 0;
  std::uint64_t settled_ = 0;
};

}  // namespace pena::core::test
