// The shipped turn and dispatcher on a store in memory, moved by hand: one call, one round. For
// tests from outside, such as the state machine of tests/py.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "store/store.hpp"
#include "turn/settled.hpp"
#include "turn/turn.hpp"

namespace pena::sim {

class Bench {
 public:
  static constexpr core::Instant kStart = core::from_us(1'700'000'000'000'000);

  // Throws std::invalid_argument with the sentence where the limits do not fit together.
  explicit Bench(const core::Limits& limits);

  void submit(const std::vector<core::Xid>& ids);
  // What of it was known. Nothing where it was refused.
  std::optional<std::vector<core::KnownMsg>> submit(core::Submitted submitted);
  // The id of the new client.
  [[nodiscard]] core::Xid join(std::uint32_t batchsize, bool takes_short,
                               std::optional<std::uint64_t> batches,
                               std::vector<std::string> queues = {});
  void lose(const core::Xid& client);
  turn::SettledReply report(core::Reported report);
  // It says that it takes no more; how many msgs it holds.
  std::uint64_t leave(const core::Xid& client);
  void pause(std::string queue, bool paused);
  // Msgs are tried again or forgotten, all that are meant; how many were.
  core::BulkReply bulk(core::BulkAsked asked);
  // Lets time pass; all that is due happens on the way, at its instant.
  void advance(core::Duration by);
  // The process ends and another starts on the same store; the clients are gone.
  void restart();

  // What was granted, and which streams were closed by the server, since this was last asked.
  [[nodiscard]] std::vector<std::shared_ptr<const core::Batch>> take_grants();
  [[nodiscard]] std::vector<core::Xid> take_closed();
  // What of the queue is in memory.
  [[nodiscard]] core::InMemory in_memory() const { return turn_->dispatcher().in_memory(); }
  [[nodiscard]] core::Instant now() const { return now_; }
  // Of a msg that waits to be due.
  [[nodiscard]] std::optional<core::Instant> due_at(const core::Xid& id) const;
  // "queue", "later", "batch", "report" or "fail"; nothing for an id that is not known.
  [[nodiscard]] std::optional<std::string> where(const core::Xid& id) const;

 private:
  void happen(core::Event event);
  void run_rounds();
  [[nodiscard]] turn::SettledReply told(const core::ReportReply& reply) const;

  core::Limits limits_;
  core::Instant now_;
  core::XidFactory ids_;
  std::unique_ptr<store::Store> store_;
  std::optional<turn::Turn> turn_;
  core::RequestId next_request_ = 1;
  turn::SettledReply last_reply_;
  core::BulkReply last_bulk_;
  std::optional<std::vector<core::KnownMsg>> last_known_;
  std::vector<std::shared_ptr<const core::Batch>> grants_;
  std::vector<core::Xid> closed_;
};

}  // namespace pena::sim
