// Which settings of a worker can be.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "client/settings_error.hpp"
#include "client/url.hpp"
#include "client/worker.hpp"
#include "core/instant.hpp"
#include "core/limits.hpp"
#include "wire/names.hpp"

namespace pena::client {
namespace {

constexpr std::uint32_t kMostSlots = 10'000;
// What a server may be told to take.
constexpr std::size_t kMostPayload = std::size_t{1} << 31U;

void check_queues(const std::vector<std::string>& queues) {
  if (queues.size() > core::kMostQueuesOfClient) {
    throw SettingsError("queues has " + std::to_string(queues.size()) +
                        " names; expected at most " + std::to_string(core::kMostQueuesOfClient));
  }
  for (const std::string& queue : queues) {
    if (wire::is_queue_name(queue)) continue;
    throw SettingsError("queues has the name \"" + queue + "\"; expected names of " +
                        wire::queue_name_rule());
  }
}

}  // namespace

void check(const WorkerSettings& settings) {
  const auto positive = [](const char* name, std::optional<std::int64_t> number) {
    if (number && *number < 1) {
      throw SettingsError(std::string{name} + " is " + std::to_string(*number) +
                          "; expected at least 1");
    }
  };
  positive("slots", settings.slots);
  if (settings.slots > kMostSlots) {
    throw SettingsError("slots is " + std::to_string(settings.slots) + "; expected at most " +
                        std::to_string(kMostSlots));
  }
  if (settings.max_payload < 1 || settings.max_payload > kMostPayload) {
    throw SettingsError("max_payload is " + std::to_string(settings.max_payload) +
                        " bytes; expected 1 to " + std::to_string(kMostPayload));
  }
  if (settings.max_msgs == 0) throw SettingsError("max_msgs is 0; expected at least 1");
  if (settings.timeout) positive("timeout in ms", settings.timeout->count());
  if (settings.timeout && *settings.timeout > core::kLongestTime) {
    throw SettingsError("timeout must be at most a year");
  }
  if (settings.backoff_first.count() < 1 || settings.backoff_most < settings.backoff_first) {
    throw SettingsError("backoff_first must be at least 1 ms and at most backoff_most");
  }
  if (settings.backoff_most > core::kLongestTime || settings.stop_patience > core::kLongestTime) {
    throw SettingsError("backoff_most and stop_patience must be at most a year");
  }
  if (settings.stop_patience.count() < 0) throw SettingsError("stop_patience must not be negative");
  if (settings.name.size() > core::kLongestClientName) {
    throw SettingsError("name has " + std::to_string(settings.name.size()) +
                        " bytes; expected at most " + std::to_string(core::kLongestClientName));
  }
  check_queues(settings.queues);
  static_cast<void>(parse_url(settings.url));
}

}  // namespace pena::client
