// How it stands, as GET /clients, GET /batch and GET /stats say it. Dates are as those of pages.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.hpp"

namespace pena::wire {

// {"clients":[{"client","name"?,"address"?,"queues","submitted"?:true,"batchsize","since","holds",
// "batch"?,"lease_left"?}],"next"?}
[[nodiscard]] std::string clients_json(const core::Status& status);

// {"batches":[{"batch","client","name"?,"granted_at","state","until","lease_left","ids"}],"next"?}.
// Of the ids those of msgs in the queues that are wanted.
[[nodiscard]] std::string batches_json(const core::Status& status,
                                       const std::function<bool(core::QueueNumber)>& is_wanted);

// What the store has of a queue.
struct QueueHas {
  std::uint64_t queued = 0, later = 0, reported = 0, failed = 0;
  std::optional<core::Instant> oldest;  // when the first that waits was accepted; none: none waits
};
// {"clients","queued","later","held","reports","fails","counts","per_second","queues":[{"queue","paused",
// "clients","queued","later","held","reported","failed","oldest_ms"?}],"next"?}. `has`: of each of its
// queues, in that order. `counts`: the object, as JSON.
[[nodiscard]] std::string stats_json(const core::Status& status, const std::vector<QueueHas>& has,
                                     std::string_view counts);

// {"queue":"mail","paused":true,"known":false?}
[[nodiscard]] std::string paused_json(std::string_view queue, bool paused, bool unknown);

}  // namespace pena::wire
