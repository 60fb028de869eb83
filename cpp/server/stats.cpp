#include "server/stats.hpp"

#include <algorithm>
#include <array>

namespace pena::server {
namespace {

using core::Counts;
using Json = Stat::Json;

constexpr auto kStats = std::to_array<Stat>({
    {"generated", &Counts::generated, "msgs that the generator made", Json::here},
    {"submitted", &Counts::submitted, "msgs that were submitted", Json::here},
    {"sent", &Counts::sent, "deliveries, resends included", Json::here},
    {"resent", &Counts::resent, "deliveries after the first of a msg", Json::here},
    {"reported", &Counts::reported, "msgs that were processed", Json::here},
    {"failed", &Counts::failed, "msgs whose last attempt was missed", Json::here},
    {"omitted", &Counts::omitted, "misses: left out of the report", Json::missed},
    {"said_failed", &Counts::said_failed, "misses: the client said so", Json::missed, "failed"},
    {"refused", &Counts::refused, "misses: the client had no room", Json::missed},
    {"dropped", &Counts::dropped, "misses: the stream was lost", Json::missed},
    {"expired", &Counts::expired, "misses: the lease was over", Json::missed},
    {"batches", &Counts::batches, "batches that were granted", Json::here},
    {"clients_joined", &Counts::clients_joined, "streams that began"},
    {"clients_lost", &Counts::clients_lost, "streams that were lost, or whose lease was over"},
    {"clients_free", &Counts::clients_free, "clients that hold no batch, now"},
    {"clients_busy", &Counts::clients_busy, "clients that hold one, now"},
    {"held", &Counts::held, "msgs in batches, now"},
    {"connections", &Stats::connections, "open connections, streams included, now"},
    {"generating", &Stats::generating, "whether the generator has msgs left to make"},
    {"waiting", &Stats::waiting,
     "what must come before anything moves on: \"room in the store\", \"a client\" or \"the "
     "rate\"; empty "
     "where all moves, or there is nothing to do"},
});

// A count that is not in the list is told to nobody.
static_assert(std::ranges::count_if(kStats, [](const Stat& stat) {
                return std::holds_alternative<std::uint64_t Counts::*>(stat.field);
              }) == sizeof(Counts) / sizeof(std::uint64_t));

}  // namespace

std::span<const Stat> all_stats() {
  return kStats;
}

}  // namespace pena::server
