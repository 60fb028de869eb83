#include "cli/option_names.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace pena::cli {
namespace {

using Names = std::pair<std::string_view, std::string_view>;
constexpr std::array<Names, 36> kNames{{
    {"max_resends", "--max-resends"},
    {"stop_time", "--stop-time"},
    {"drop_grace", "--drop-grace"},
    {"period_ms", "--max-period"},
    {"payload_bytes", "--max-payload"},
    {"error_bytes", "--max-error"},
    {"report_ids", "--max-report-ids"},
    {"submit_msgs", "--max-submit"},
    {"page_ids", "--max-page-ids"},
    {"page_bytes", "--max-page"},
    {"json_depth", "--max-json-depth"},
    {"header_bytes", "--max-header"},
    {"target_bytes", "--max-target"},
    {"body_bytes", "--max-body"},
    {"framing_bytes", "--max-framing"},
    {"bodies_bytes", "--max-bodies"},
    {"header_time", "--header-time"},
    {"body_time", "--body-time"},
    {"idle_time", "--idle-time"},
    {"stalled_write_time", "--stalled-write"},
    {"drain_time", "--drain-time"},
    {"window_msgs", "--window"},
    {"window_bytes", "--window-bytes"},
    {"fewest_pieces", "--fewest-pieces"},
    {"queue_msgs", "--max-queue"},
    {"map_bytes", "--map-size"},
    {"store_fill", "--store-fill"},
    {"disk_bytes", "--min-disk"},
    {"allow_hosts", "--allow-host"},
    {"batchsize", "--max-batchsize"},
    {"connections", "--max-connections"},
    {"lease", "--lease"},
    {"heartbeat", "--heartbeat"},
    {"silence", "--silence"},
    {"slack", "--slack"},
    {"linger", "--linger"},
}};

bool is_of_a_name(char letter) {
  return (letter >= 'a' && letter <= 'z') || letter == '_';
}

}  // namespace

std::string with_option_names(const std::string& sentence) {
  std::string text;
  for (std::size_t at = 0; at < sentence.size();) {
    std::size_t end = at;
    while (end < sentence.size() && is_of_a_name(sentence[end])) ++end;
    const std::string_view word = std::string_view{sentence}.substr(at, end - at);
    const auto* const known = std::ranges::find(kNames, word, &Names::first);
    if (known != kNames.end()) {
      text += known->second;
    } else if (!word.empty()) {
      text += word;
    } else {
      text += sentence[end++];
    }
    at = end;
  }
  return text;
}

}  // namespace pena::cli
