// The laws of what a store has: what became durable, and nothing else.
#include <map>
#include <string>

#include "sim/oracle.hpp"

namespace pena::sim {

using core::Xid;

void Oracle::check_store(const store::View& view) const {
  std::map<Xid, int> seen;
  const auto expect = [&](const Xid& id, bool right, const char* bucket) {
    law(right, "conservation", std::string{"the store has "} + id.text() + " in " + bucket);
    ++seen[id];
  };
  for (const store::QueueInfo& queue : view.queues()) {
    for (const auto& msg : view.queue(queue.number, {}, SIZE_MAX).records) {
      const auto at = msgs_.find(msg.msg.id);
      expect(msg.msg.id, at != msgs_.end() && at->second.queued, "queue");
    }
  }
  for (const auto& msg : view.later({}, SIZE_MAX).records) {
    const auto at = msgs_.find(msg.msg.id);
    expect(msg.msg.id, at != msgs_.end() && at->second.later, "later");
  }
  for (const auto& batch : view.batches()) {
    for (const auto& msg : batch.msgs) {
      const auto at = msgs_.find(msg.msg.id);
      expect(msg.msg.id, at != msgs_.end() && at->second.batch == batch.id, "batch");
    }
  }
  for (const auto& record : view.reports({}, SIZE_MAX).records) {
    const auto at = msgs_.find(record.id);
    expect(record.id, at != msgs_.end() && at->second.reported, "report");
  }
  for (const auto& record : view.fails({}, SIZE_MAX).records) {
    const auto at = msgs_.find(record.msg.id);
    expect(record.msg.id, at != msgs_.end() && at->second.failed, "fail");
  }
  law(seen.size() == msgs_.size() - forgotten_, "conservation",
      "the store has " + std::to_string(seen.size()) + " msgs of " +
          std::to_string(msgs_.size() - forgotten_));
  for (const store::QueueInfo& queue : view.queues()) {
    law(queue.number == core::kGeneratedQueue || queue.paused == paused_.contains(queue.number),
        "paused", "a restart does not know whether the queue " + queue.name + " is paused");
  }
}

}  // namespace pena::sim
