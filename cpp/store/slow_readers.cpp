#include "store/slow_readers.hpp"

#include <unistd.h>

#include <algorithm>
#include <vector>

namespace pena::store {
namespace {

constexpr std::chrono::seconds kBetweenLooks{1};
// Reads take milliseconds; whoever takes longer is stopped, or walks through much in one go.
constexpr std::chrono::seconds kSlow{5};

}  // namespace

std::optional<std::string> SlowReaders::warning(const LmdbEnv& env, FillGauge& gauge,
                                                Clock::time_point now) {
  if (now < looked_at_ + kBetweenLooks) return std::nullopt;
  looked_at_ = now;
  const std::vector<LmdbEnv::Reader> readers = env.readers();
  const auto oldest = std::ranges::min_element(readers, {}, &LmdbEnv::Reader::txn);
  if (oldest == readers.end() || oldest->txn >= env.last_txn()) {
    oldest_ = {};
    return std::nullopt;
  }
  if (*oldest != oldest_) {
    oldest_ = *oldest;
    seen_at_ = now;
    told_ = false;
  }
  if (told_ || now < seen_at_ + kSlow) return std::nullopt;
  told_ = true;
  gauge.scan(env, false);
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now - seen_at_).count();
  const bool own = oldest_.process == ::getpid();
  return std::string{own ? "this process" : "the process "} +
         (own ? "" : std::to_string(oldest_.process)) + " has read the store for " +
         std::to_string(seconds) + " s without a pause, and keeps " +
         std::to_string(gauge.held_bytes() / 1024) +
         " KiB from being used again: the store grows until it goes on or ends";
}

}  // namespace pena::store
