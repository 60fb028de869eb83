// What a worker should have done by now.
#include <algorithm>
#include <cstdint>
#include <string>

#include "core/instant.hpp"
#include "sim/worker_law.hpp"

namespace pena::sim {

using namespace std::chrono_literals;
using core::Xid;

namespace {

// A slot beside those that work may wait for company.
constexpr core::Duration kForASlot = 1s;

}  // namespace

core::Duration WorkerLaw::longest_wait(std::optional<core::Duration> retry_after) const {
  return rules_.retry.most +
         std::clamp<core::Duration>(retry_after.value_or(0us), 0us, rules_.retry.retry_after_most);
}

void WorkerLaw::look(core::Instant now) {
  take_in();
  for (const auto& [id, batch] : batches_) look_at(id, batch, now);
  look_at_runs(now);
  look_for_work(now);
  look_for_end(now);
}

void WorkerLaw::look_at_runs(core::Instant now) const {
  if (!rules_.run_time) return;
  for (const auto& [number, run] : runs_) {
    breaks(!run.ends_by && now >= run.begun_at + *rules_.run_time + timing_.slack + kMoment,
           "run_time", "lets a run of " + run.msg.text() + " take longer than it may");
  }
}

void WorkerLaw::look_at(const Xid& id, const Batch& batch, core::Instant now) const {
  const core::Duration late = 2 * timing_.slack + timing_.stop_time + kMoment;
  const bool works = !batch.lost && std::ranges::any_of(runs_, [&](const auto& run) {
    return run.second.batch == id && !run.second.cancelled;
  });
  // What is left of a lease has to last for another try, also where an answer does not come.
  const core::Duration kept_for = batch.under_way ? timing_.lease / 2 : timing_.lease / 3;
  breaks(works && now >= batch.kept_at + kept_for + batch.wait + late, "leases_kept",
         "does not keep " + id.text());
  if (batch.under_way) {
    return breaks(now >= batch.kept_at + kForAnAnswer + late, "outcomes_arrive",
                  "waits for an answer beyond its time");
  }
  const bool owes = std::ranges::any_of(outcomes_, [&](const auto& one) {
    return one.first.first == id && batch.open.contains(one.first.second);
  });
  const core::Instant since = std::max(batch.owes_since, batch.kept_at + batch.wait);
  breaks(owes && now >= since + late, "outcomes_arrive",
         "does not report what became of msgs of " + id.text());
}

// What works beside them, or waits for an answer, keeps no slot from asking.
void WorkerLaw::look_for_work(core::Instant now) {
  const bool asks = std::ranges::any_of(
      streams_, [](const auto& stream) { return !stream.second.batch && !stream.second.ends; });
  std::uint64_t taken = runs_.size();
  for (const auto& [id, batch] : batches_) taken += batch.to_come;
  const bool may_begin = !rules_.max_msgs || begun_ + taken < *rules_.max_msgs;
  const bool ends = stops_ > 0 || empty_looks_ >= kLooks;
  if (ends || asks || taken >= rules_.slots || !may_begin) return idle_since_.reset();
  if (!idle_since_) idle_since_ = now;
  breaks(now >= *idle_since_ + longest_wait(rules_.retry.retry_after_most) + kForASlot +
                    timing_.slack + kMoment,
         "asks_for_work",
         "has " + std::to_string(taken) + " of " + std::to_string(rules_.slots) +
             " slots taken, and no stream for the others");
}

void WorkerLaw::look_for_rest(core::Instant now) {
  if (works()) return rests_at_.reset();
  if (!rests_at_) rests_at_ = now;
}

void WorkerLaw::look_for_end(core::Instant now) const {
  if (stops_ == 0 || !rests_at_) return;
  const core::Duration patience = stops_ > 1 ? rules_.hurry_patience : rules_.stop_patience;
  breaks(now >= *rests_at_ + patience + timing_.slack + 2s, "stops", "does not end");
}

}  // namespace pena::sim
