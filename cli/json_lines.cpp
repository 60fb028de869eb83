// What the commands print as JSON: the only file of the command that knows nlohmann.
#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>

#include "cli/crew.hpp"
#include "cli/output.hpp"
#include "cli/story.hpp"

namespace pena::cli {
namespace {

using Json = nlohmann::ordered_json;

// One line; bytes that are no UTF-8 are replaced, for a log must not fail.
std::string line(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string utc_now() {
  const auto now = std::chrono::system_clock::now();
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch());
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 32> date{};
  std::array<char, 8> fraction{};
  std::strftime(date.data(), date.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  std::snprintf(fraction.data(), fraction.size(), ".%03dZ", static_cast<int>(ms.count() % 1000));
  return std::string{date.data()} + fraction.data();
}

}  // namespace

std::string json_error(std::string_view sentence) {
  return line({{"error", sentence}});
}

std::string json_url(const std::string& url) {
  return line({{"url", url}});
}

std::string json_log(core::LogLevel level, std::string_view text) {
  return line({{"time", utc_now()}, {"level", word(level)}, {"message", text}});
}

std::string json_summary(const server::Stats& stats) {
  const core::Counts& counts = stats.counts;
  return line({{"generated", counts.generated},
               {"submitted", counts.submitted},
               {"sent", counts.sent},
               {"resent", counts.resent},
               {"reported", counts.reported},
               {"failed", counts.failed},
               {"batches", counts.batches},
               {"missed",
                {{"omitted", counts.omitted},
                 {"failed", counts.said_failed},
                 {"refused", counts.refused},
                 {"dropped", counts.dropped},
                 {"expired", counts.expired}}}});
}

std::string json_run(const Run& run) {
  const client::ClientStats& stats = run.stats;
  Json json{{"client", run.client + 1},
            {"batchsize", run.batchsize},
            {"end", client::word(run.end.reason)},
            {"text", run.end.text}};
  if (run.end.msg) json["msg"] = run.end.msg->text();
  json.update({{"received", stats.received},
               {"processed", stats.processed},
               {"panicked", stats.panicked},
               {"refused", stats.refused},
               {"stopped", stats.stopped},
               {"batches", stats.batches},
               {"reported", stats.reported},
               {"duplicate", stats.duplicate},
               {"unknown", stats.unknown},
               {"connects", stats.connects},
               {"stream_losses", stats.stream_losses}});
  return line(json);
}

std::string json_story(const Story& story) {
  Json because = Json::object();
  for (const auto& [reason, count] : story.resent_because)
    because[std::string{word(reason)}] = count;
  return line({{"adds_up", story.adds_up()},
               {"problems", story.problems},
               {"interrupted", story.interrupted},
               {"seed", story.seed},
               {"clients", story.clients},
               {"seconds", story.seconds},
               {"generated", story.generated},
               {"sent", story.sent},
               {"batches", story.batches},
               {"reported", story.reported},
               {"resent", story.resent},
               {"resent_because", because},
               {"failed", story.failed},
               {"waiting", story.waiting},
               {"clients_ended", story.clients_ended},
               {"panicked", story.panicked},
               {"harmless", story.harmless},
               {"harmless_failed", story.harmless_failed},
               {"harmless_up_to", story.harmless_up_to}});
}

}  // namespace pena::cli
