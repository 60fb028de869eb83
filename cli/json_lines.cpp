// What the commands print as JSON: the only file of the command that knows nlohmann.
#include "cli/json_lines.hpp"

#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "cli/crew.hpp"
#include "cli/output.hpp"
#include "cli/story.hpp"
#include "cli/worked.hpp"
#include "core/number_text.hpp"

namespace pena::cli {
namespace {

using Json = nlohmann::ordered_json;

// One line; bytes that are no UTF-8 are replaced, for a log must not fail.
std::string line(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string utc_now() {
  return core::date_text(core::Instant{std::chrono::duration_cast<core::Duration>(
      std::chrono::system_clock::now().time_since_epoch())});
}

}  // namespace

std::optional<std::string> json_text(std::string_view text) {
  try {
    return Json(text).dump();
  } catch (const Json::type_error&) {
    return std::nullopt;
  }
}

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
  Json json;
  Json missed;
  for (const server::Stat& stat : server::all_stats()) {
    if (stat.json == server::Stat::Json::none) continue;
    Json& object = stat.json == server::Stat::Json::missed ? missed : json;
    with_field(stats, stat, [&](const auto& value) { object[std::string{stat.key}] = value; });
  }
  json["missed"] = std::move(missed);
  return line(json);
}

std::string json_run(const Run& run) {
  Json json{{"client", run.client + 1},
            {"batchsize", run.batchsize},
            {"end", client::word(run.end.reason)},
            {"text", run.end.text}};
  if (run.end.msg) json["msg"] = run.end.msg->text();
  for (const client::ClientStat& stat : client::all_client_stats()) {
    if (!stat.now) json[std::string{stat.name}] = run.stats.*stat.field;
  }
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

std::string json_put(const core::Xid& id, const std::string& place, bool known) {
  return line({{"id", id.text()}, {"place", place}, {"known", known}});
}

std::string json_worked(const Worked& worked) {
  Json json{{"id", worked.msg.id.text()}, {"queue", nullptr},        {"key", nullptr},
            {"attempt", nullptr},         {"outcome", word(worked)}, {"exit", nullptr},
            {"seconds", worked.seconds},  {"error", nullptr}};
  if (worked.is_read) {
    json["queue"] = worked.msg.queue;
    json["attempt"] = worked.msg.attempt;
  }
  if (!worked.msg.key.empty()) json["key"] = worked.msg.key;
  if (worked.exit) json["exit"] = *worked.exit;
  if (worked.not_taken) {
    json["error"] = *worked.not_taken;
  } else if (const auto* const failed = failure(worked.outcome)) {
    json["error"] = failed->error;
  }
  if (is_final(worked)) json["final"] = true;
  return line(json);
}

}  // namespace pena::cli
