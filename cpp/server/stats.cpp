#include "server/stats.hpp"

#include <array>
#include <vector>

#include "turn/count_list.hpp"

namespace pena::server {
namespace {

constexpr auto kOfServer = std::to_array<Stat>({
    {"connections", &Stats::connections, "open connections, streams included, now"},
    {"logged", &Stats::logged, "writes that the log in front of the store took"},
    {"past_log", &Stats::past_log,
     "writes that went past the log: they were too large for it, or it was full or not ready yet"},
    {"log_waiting", &Stats::log_waiting, "bytes in the log that are not in the store yet, now"},
    {"generating", &Stats::generating, "whether the generator has msgs left to make"},
    {"waiting", &Stats::waiting,
     "what must come before anything moves on: \"room in the store\", \"a client\", \"a "
     "resume\" or \"the rate\"; empty "
     "where all moves, or there is nothing to do"},
});

std::vector<Stat> both() {
  std::vector<Stat> all;
  for (const turn::CountRow& row : turn::all_counts()) {
    all.push_back({row.name, row.field, row.help, row.json, row.key});
  }
  all.insert(all.end(), kOfServer.begin(), kOfServer.end());
  return all;
}

}  // namespace

std::span<const Stat> all_stats() {
  static const std::vector<Stat> all = both();
  return all;
}

}  // namespace pena::server
