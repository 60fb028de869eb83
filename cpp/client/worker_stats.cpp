#include "client/worker_stats.hpp"

#include <array>

namespace pena::client {
namespace {

constexpr auto kStats = std::to_array<WorkerStat>({
    {"received", &WorkerStats::received, "msgs that came"},
    {"begun", &WorkerStats::begun, "msgs that were begun"},
    {"done", &WorkerStats::done, "msgs whose work ended well"},
    {"failed", &WorkerStats::failed, "msgs whose work failed, or took too long"},
    {"timed_out", &WorkerStats::timed_out, "msgs whose work took too long"},
    {"given_back", &WorkerStats::given_back, "msgs that were given back"},
    {"reported", &WorkerStats::reported, "outcomes that the server took"},
    {"too_late", &WorkerStats::too_late,
     "outcomes that the server did not take, for their batch was over"},
    {"lost", &WorkerStats::lost, "batches whose stream was lost, or whose lease was over"},
    {"connects", &WorkerStats::connects, "streams that began"},
    {"ignored", &WorkerStats::ignored, "events that were no msg"},
    {"running", &WorkerStats::running, "msgs that are worked on, now"},
});

// A count that is not in the list is told to nobody.
static_assert(kStats.size() == sizeof(WorkerStats) / sizeof(std::uint64_t));

}  // namespace

std::span<const WorkerStat> all_worker_stats() {
  return kStats;
}

}  // namespace pena::client
