#include "client/stats.hpp"

#include <array>

namespace pena::client {
namespace {

constexpr auto kStats = std::to_array<ClientStat>({
    {"received", &ClientStats::received, "msgs that came"},
    {"processed", &ClientStats::processed, "msgs that slept their period to the end"},
    {"panicked", &ClientStats::panicked,
     "ended by a panic, for their period was above `panic_above`"},
    {"refused", &ClientStats::refused, "not begun, for as many were running as may"},
    {"stopped", &ClientStats::stopped,
     "given up, for the stream was lost or the lease was near its end"},
    {"batches", &ClientStats::batches, "batches that were reported"},
    {"ignored", &ClientStats::ignored, "events that were no msg"},
    {"reported", &ClientStats::reported, "ids that the server took now, as it answered"},
    {"duplicate", &ClientStats::duplicate, "ids that were reported before, as it answered"},
    {"unknown", &ClientStats::unknown, "ids that were not held under their batch, as it answered"},
    {"connects", &ClientStats::connects, "streams that began"},
    {"stream_losses", &ClientStats::stream_losses, "streams that were lost"},
    {"running", &ClientStats::running, "msgs that are worked on, now", true},
});

// A count that is not in the list is told to nobody.
static_assert(kStats.size() == sizeof(ClientStats) / sizeof(std::uint64_t));

}  // namespace

std::span<const ClientStat> all_client_stats() {
  return kStats;
}

}  // namespace pena::client
