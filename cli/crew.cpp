#include "cli/crew.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "cli/run.hpp"
#include "core/dice.hpp"

namespace pena::cli {
namespace {

// Near seeds give far results.
std::uint64_t mixed(std::uint64_t x) {
  return core::mix(x + core::kGoldenRatio);
}

bool ended_by_period(const Run& run) {
  return run.end.reason == client::EndReason::period_too_long;
}

}  // namespace

std::uint64_t seed_of(std::uint64_t seed, std::size_t client, std::uint64_t start) {
  return mixed(mixed(mixed(seed) + client) + start);
}

std::uint32_t demo_batchsize(std::uint64_t seed, std::size_t client, std::uint64_t start) {
  constexpr std::uint64_t kSizes = 9;
  // A step that is prime to the number of sizes meets each of them once.
  const std::uint64_t draw =
      start == 0 ? mixed(seed) % kSizes + 4 * client : seed_of(seed, client, start);
  return static_cast<std::uint32_t>(2 + draw % kSizes);
}

Crew::Crew(std::size_t clients, bool restart, SettingsOf settings_of)
    : restart_(restart), settings_of_(std::move(settings_of)), places_(clients) {
  try {
    for (std::size_t index = 0; index < clients; ++index) start(index);
  } catch (...) {
    stop();
    throw;
  }
}

void Crew::start(std::size_t index) {
  Place& place = places_[index];
  place.client = std::make_unique<client::Client>(settings_of_(index, place.starts));
  ++place.starts;
}

void Crew::note_end(std::size_t index, client::ClientEnd end) {
  Place& place = places_[index];
  runs_.push_back({index, place.client->batchsize(), std::move(end), place.client->stats()});
  place.client.reset();
}

void Crew::tend() {
  for (std::size_t index = 0; index < places_.size(); ++index) {
    if (!places_[index].client) continue;
    auto end = places_[index].client->wait(std::chrono::milliseconds{0});
    if (!end) continue;
    note_end(index, std::move(*end));
    if (restart_ && ended_by_period(runs_.back())) start(index);
  }
}

bool Crew::ended() const {
  return std::ranges::none_of(places_, [](const Place& place) { return bool{place.client}; });
}

void Crew::stop() {
  for (const Place& place : places_) {
    if (place.client) place.client->begin_stop();
  }
  for (const Place& place : places_) {
    if (place.client) place.client->stop();
  }
  restart_ = false;
  tend();
}

client::ClientStats total(std::span<const Run> runs) {
  client::ClientStats sum;
  for (const Run& run : runs) {
    for (const client::ClientStat& stat : client::all_client_stats()) {
      if (!stat.now) sum.*stat.field += run.stats.*stat.field;
    }
  }
  return sum;
}

int exit_code_of(std::span<const Run> runs) {
  const auto refused = [](const Run& run) {
    return run.end.reason == client::EndReason::refused;
  };
  if (std::ranges::any_of(runs, refused)) return kFailed;
  const bool all_too_long = !runs.empty() && std::ranges::all_of(runs, ended_by_period);
  return all_too_long ? kClientEnded : kOk;
}

}  // namespace pena::cli
