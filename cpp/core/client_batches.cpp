#include "core/client_batches.hpp"

#include <algorithm>

namespace pena::core {
namespace {

constexpr Xid kNoBatch{};

}  // namespace

ClientBatches::Batch& ClientBatches::of(const std::optional<Xid>& batch) {
  const auto [at, is_new] = batches_.try_emplace(batch.value_or(kNoBatch));
  if (is_new) {
    at->second.size = rules_.batchsize;
    at->second.report.batch = batch;
  }
  return at->second;
}

void ClientBatches::begin(const Xid& batch, std::uint32_t size, std::optional<Instant> stop_at) {
  Batch& begun = of(batch);
  if (size > 0) begun.size = size;
  if (stop_at) begun.stop_at = stop_at;
}

bool ClientBatches::add(const MsgArrived& msg, ClientOutput& out) {
  if (msg.batch && msg.batch == given_up_) return true;
  ++out.counts.received;
  const Xid key = msg.batch.value_or(kNoBatch);
  Batch& batch = of(msg.batch);
  ++batch.arrived;
  if (running() >= rules_.max_running || batch_of_msg_.contains(msg.id)) {
    ++out.counts.refused;  // R13
    batch.report.refused.push_back(msg.id);
  } else if (msg.period > rules_.end_above) {
    return false;
  } else {
    batch.running.insert(msg.id);
    batch_of_msg_.emplace(msg.id, key);
    out.act(StartWork{msg.id, msg.period, msg.period > rules_.panic_above});
  }
  move_if_whole(key);
  return true;
}

void ClientBatches::pass_over(const std::optional<Xid>& batch) {
  const auto at = batch ? batches_.find(*batch) : batches_.end();
  if (at == batches_.end()) return;
  ++at->second.arrived;
  move_if_whole(*batch);
}

void ClientBatches::ended(const WorkEnded& work, ClientOutput& out) {
  const auto at = batch_of_msg_.find(work.id);
  if (at == batch_of_msg_.end()) return;
  const Xid key = at->second;
  ++(work.panicked ? out.counts.panicked : out.counts.processed);
  if (!work.panicked || rules_.report_panicked) batches_.at(key).report.ids.push_back(work.id);
  forget_msg(key, work.id);
}

void ClientBatches::stopped(const WorkStopped& work) {
  const auto at = batch_of_msg_.find(work.id);
  if (at != batch_of_msg_.end()) forget_msg(Xid{at->second}, work.id);
}

void ClientBatches::forget_msg(const Xid& batch, const Xid& msg) {
  batch_of_msg_.erase(msg);
  batches_.at(batch).running.erase(msg);
  move_if_whole(batch);
}

// R16: all msgs of the batch have come, and all have ended one way or another.
void ClientBatches::move_if_whole(const Xid& batch) {
  const auto at = batches_.find(batch);
  Batch& look = at->second;
  if (!look.running.empty() || !(look.given_up || look.arrived >= look.size)) return;
  whole_.push_back(std::move(look.report));
  batches_.erase(at);
}

void ClientBatches::give_up(const Xid& key, ClientOutput& out) {
  Batch& batch = batches_.at(key);
  if (batch.given_up) return;
  batch.given_up = true;
  batch.stop_at.reset();
  given_up_ = key;
  stop_running(batch, out);
  // A server that names no batches would have its next one under the same key.
  if (!batch.report.batch) forget_running(batch);
  move_if_whole(key);
}

void ClientBatches::give_up_all(ClientOutput& out) {
  std::vector<Xid> keys;
  for (const auto& [key, batch] : batches_) keys.push_back(key);
  for (const Xid& key : keys) give_up(key, out);
}

void ClientBatches::give_up_due(Instant now, ClientOutput& out) {
  std::vector<Xid> keys;
  for (const auto& [key, batch] : batches_) {
    if (batch.stop_at && now >= *batch.stop_at) keys.push_back(key);
  }
  for (const Xid& key : keys) give_up(key, out);
}

void ClientBatches::drop_all(ClientOutput& out) {
  for (const auto& [key, batch] : batches_) {
    if (!batch.given_up) stop_running(batch, out);
  }
  batches_.clear();
  batch_of_msg_.clear();
}

void ClientBatches::stop_running(const Batch& batch, ClientOutput& out) {
  for (const Xid& id : batch.running) {
    out.act(StopWork{id});
    ++out.counts.stopped;
  }
}

void ClientBatches::forget_running(Batch& batch) {
  for (const Xid& id : batch.running) batch_of_msg_.erase(id);
  batch.running.clear();
}

std::optional<Instant> ClientBatches::next_timeout() const {
  std::optional<Instant> next;
  for (const auto& [key, batch] : batches_) {
    if (batch.stop_at && (!next || *batch.stop_at < *next)) next = batch.stop_at;
  }
  return next;
}

}  // namespace pena::core
