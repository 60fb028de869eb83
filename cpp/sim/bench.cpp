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

void Bench::commit() {
  const core::ThrowingChecks throwing;
  for (store::Outgoing& out : committer_->commit(now_)) {
    if (auto* send = std::get_if<core::SendBatch>(&out)) grants_.push_back(std::move(send->batch));
    if (const auto* close = std::get_if<core::CloseStream>(&out)) closed_.push_back(close->session);
    if (const auto* reply = std::get_if<core::ReportReply>(&out)) {
      last_reply_ = store::settled(*reply, *store_);
    }
  }
}

void Bench::submit(const std::vector<core::Xid>& ids) {
  core::Submitted submitted{next_request_++, {}};
  for (const core::Xid& id : ids) submitted.msgs.push_back({id, 1, {}});
  committer_->take(std::move(submitted), now_);
  commit();
}

core::Xid Bench::join(std::uint32_t batchsize, bool takes_short,
                      std::optional<std::uint64_t> batches) {
  const core::Xid session = ids_.next(now_);
  committer_->take(core::ClientJoined{session, batchsize, takes_short, batches}, now_);
  commit();
  return session;
}

void Bench::lose(const core::Xid& session) {
  committer_->take(core::ClientLost{session}, now_);
  commit();
}

store::SettledReply Bench::report(core::Reported report) {
  report.request = next_request_++;
  committer_->take(std::move(report), now_);
  commit();
  return last_reply_;
}

void Bench::advance(core::Duration by) {
  const core::Instant until = now_ + by;
  while (true) {
    const auto due = committer_->next_timeout(now_);
    if (!due || *due > until) break;
    now_ = std::max(now_, *due);
    commit();
  }
  now_ = until;
  commit();
}

void Bench::restart() {
  committer_.reset();
  committer_.emplace(limits_, *store_, std::nullopt, ids_, now_);
  commit();
}

std::vector<std::shared_ptr<const core::Batch>> Bench::take_grants() {
  return std::exchange(grants_, {});
}

std::vector<core::Xid> Bench::take_closed() {
  return std::exchange(closed_, {});
}

std::optional<std::string> Bench::where(const core::Xid& id) const {
  if (committer_->dispatcher().holder(id) != nullptr) return "batch";
  const auto bucket = store_->find(id);
  if (!bucket) return std::nullopt;
  return std::string{store::word(*bucket)};
}

}  // namespace pena::sim
