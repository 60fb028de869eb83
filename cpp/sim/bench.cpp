#include "sim/bench.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "core/check.hpp"
#include "store/memory_store.hpp"

namespace pena::sim {
namespace {

core::Limits checked(const core::Limits& limits) {
  if (const auto problem = limits.problem()) throw std::invalid_argument(*problem);
  return limits;
}

}  // namespace

Bench::Bench(const core::Limits& limits)
    : limits_(checked(limits)),
      now_(kStart),
      ids_({1, 1, 1}, 1),
      store_(store::make_memory_store()) {
  restart();
}

void Bench::run_rounds() {
  const core::ThrowingChecks throwing;
  for (turn::Outgoing& out : turn::run_rounds(*turn_, now_)) {
    if (auto* send = std::get_if<core::SendBatch>(&out)) grants_.push_back(std::move(send->batch));
    if (const auto* close = std::get_if<core::CloseStream>(&out)) closed_.push_back(close->client);
    if (const auto* reply = std::get_if<core::SubmitReply>(&out)) {
      last_known_ = reply->refused ? std::nullopt : std::optional{reply->known};
    }
    if (std::holds_alternative<turn::SubmitRefused>(out)) last_known_.reset();
    if (const auto* reply = std::get_if<core::ReportReply>(&out)) {
      last_reply_ = told(*reply);
    }
    if (const auto* reply = std::get_if<core::BulkReply>(&out)) last_bulk_ = *reply;
  }
}

void Bench::happen(core::Event event) {
  const core::ThrowingChecks throwing;
  turn_->take(std::move(event), now_);
  run_rounds();
}

// As of now, for nothing moves between two looks.
turn::SettledReply Bench::told(const core::ReportReply& reply) const {
  turn::Verdict verdict = turn::settled(reply, *store_);
  while (auto* const open = std::get_if<turn::OpenReport>(&verdict)) {
    core::Status status;
    for (const core::NamedId& named : open->left) {
      const core::Batch* const holder = turn_->dispatcher().holder(named.id);
      status.holders.push_back(holder == nullptr ? nullptr : turn_->dispatcher().batch(holder->id));
    }
    status.batches_granted = turn_->dispatcher().counts().batches;
    open->search.note(status);
    verdict = turn::settled(turn::OpenReport{std::move(*open)}, *store_);
  }
  return std::get<turn::SettledReply>(verdict);
}

void Bench::submit(const std::vector<core::Xid>& ids) {
  core::Submitted submitted;
  for (const core::Xid& id : ids) submitted.msgs.push_back({id, 1, {}});
  (void)submit(std::move(submitted));
}

std::optional<std::vector<core::KnownMsg>> Bench::submit(core::Submitted submitted) {
  submitted.request = next_request_++;
  happen(std::move(submitted));
  return last_known_;
}

core::Xid Bench::join(std::uint32_t batchsize, bool takes_short,
                      std::optional<std::uint64_t> batches, std::vector<std::string> queues) {
  const core::Xid client = ids_.next(now_);
  happen(core::ClientJoined{client, batchsize, takes_short, batches, std::move(queues)});
  return client;
}

void Bench::lose(const core::Xid& client) {
  happen(core::ClientLost{client});
}

turn::SettledReply Bench::report(core::Reported report) {
  report.request = next_request_++;
  happen(std::move(report));
  return last_reply_;
}

std::uint64_t Bench::leave(const core::Xid& client) {
  core::Reported leave;
  leave.client = client;
  leave.last = true;
  return report(std::move(leave)).held.value();
}

void Bench::pause(std::string queue, bool paused) {
  happen(core::PauseAsked{next_request_++, std::move(queue), paused});
}

core::BulkReply Bench::bulk(core::BulkAsked asked) {
  asked.request = next_request_++;
  happen(std::move(asked));
  return last_bulk_;
}

void Bench::advance(core::Duration by) {
  const core::Instant until = now_ + by;
  while (true) {
    const auto due = turn_->next_close(now_);
    if (!due || *due > until) break;
    now_ = std::max(now_, *due);
    run_rounds();
  }
  now_ = until;
  run_rounds();
}

void Bench::restart() {
  turn_.reset();
  turn_.emplace(limits_, *store_, *store_, std::nullopt, ids_, now_);
  run_rounds();
}

std::vector<std::shared_ptr<const core::Batch>> Bench::take_grants() {
  return std::exchange(grants_, {});
}

std::vector<core::Xid> Bench::take_closed() {
  return std::exchange(closed_, {});
}

std::optional<core::Instant> Bench::due_at(const core::Xid& id) const {
  if (where(id) != store::word(store::Bucket::later)) return std::nullopt;
  return store_->waiting(id)->queued_at;
}

std::optional<std::string> Bench::where(const core::Xid& id) const {
  if (turn_->dispatcher().holder(id) != nullptr) return "batch";
  const auto bucket = store_->find(id);
  if (!bucket) return std::nullopt;
  return std::string{store::word(*bucket)};
}

}  // namespace pena::sim
