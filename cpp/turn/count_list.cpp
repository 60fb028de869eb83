#include "turn/count_list.hpp"

#include <array>

namespace pena::turn {
namespace {

using core::Counts;
using Json = CountRow::Json;

constexpr auto kCounts = std::to_array<CountRow>({
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
    {"retried", &Counts::retried, "failed msgs that were to be tried again", Json::here},
    {"forgotten", &Counts::forgotten, "msgs that somebody had deleted", Json::here},
    {"swept_reports", &Counts::swept_reports, "reports that --keep-reports let go", Json::here},
    {"swept_fails", &Counts::swept_fails, "failed msgs that --keep-fails let go", Json::here},
    {"room_reports", &Counts::room_reports,
     "reports that were forgotten to make room in the store for new msgs", Json::here},
    {"clients_joined", &Counts::clients_joined, "streams that began"},
    {"clients_lost", &Counts::clients_lost, "streams that were lost, or whose lease was over"},
    {"clients_free", &Counts::clients_free, "clients that hold no batch, now"},
    {"clients_busy", &Counts::clients_busy, "clients that hold one, now"},
    {"held", &Counts::held, "msgs in batches, now"},
});

// A count that is not in the list is told to nobody.
static_assert(kCounts.size() == sizeof(Counts) / sizeof(std::uint64_t));

std::string object_of(const Counts& counts, Json json) {
  std::string out = "{";
  for (const CountRow& row : kCounts) {
    if (row.json != json) continue;
    out.append("\"").append(row.key).append("\":");
    out.append(std::to_string(counts.*row.field)).append(",");
  }
  out.back() = '}';
  return out;
}

}  // namespace

std::span<const CountRow> all_counts() {
  return kCounts;
}

std::string counts_json(const Counts& counts) {
  std::string out = object_of(counts, Json::here);
  out.back() = ',';
  return out.append("\"missed\":").append(object_of(counts, Json::missed)).append("}");
}

}  // namespace pena::turn
