#include <algorithm>
#include <array>
#include <charconv>

#include "wire/json.hpp"
#include "wire/json_text.hpp"

namespace pena::wire {
namespace {

using core::Xid;

// And the end of the object.
void append_counts(std::string& out, const ReportAnswer& answer) {
  out.append(R"(,"reported":)").append(std::to_string(answer.reported));
  out.append(R"(,"duplicate":)").append(std::to_string(answer.duplicate));
  out.append(R"(,"unknown":)").append(std::to_string(answer.unknown));
  if (answer.held) out.append(R"(,"held":)").append(std::to_string(*answer.held));
  out += '}';
}

void append_failed(std::string& out, const std::vector<core::FailedId>& ids) {
  out += ",\"failed\":[";
  for (const core::FailedId& failed : ids) {
    out += "{\"id\":";
    append_quoted(out, failed.id);
    append_member(out, "error", json_string(failed.error));
    if (failed.retry_in) {
      append_member(out, "retry_in", std::to_string(core::to_ms(*failed.retry_in)));
    }
    if (failed.final) out += ",\"final\":true";
    out += "},";
  }
  out.back() = ']';
}

void append_results(std::string& out, const std::vector<core::Result>& results) {
  out += ",\"results\":{";
  for (const core::Result& result : results) {
    append_quoted(out, result.id);
    out.append(":").append(result.json).append(",");
  }
  out.back() = '}';
}

}  // namespace

void append_quoted(std::string& out, const Xid& id) {
  std::array<char, Xid::kTextLength + 2> text{};
  text.front() = '"';
  id.write_text(text.data() + 1);
  text.back() = '"';
  out.append(text.data(), text.size());
}

void append_msg_json(std::string& out, const core::QueuedMsg& msg, int max_resends,
                     std::string_view queue_name) {
  // Put together aside, and appended in one piece.
  constexpr std::string_view kId = "{\"id\":\"";
  constexpr std::string_view kPeriod = "\",\"period\":";
  std::array<char, kId.size() + Xid::kTextLength + kPeriod.size() + 11> text{};
  char* at = std::ranges::copy(kId, text.data()).out;
  msg.msg.id.write_text(at);
  at = std::ranges::copy(kPeriod, at + Xid::kTextLength).out;
  at = std::to_chars(at, text.data() + text.size(), msg.msg.period).ptr;
  const bool is_last = msg.is_at_last_attempt(max_resends);
  const bool more = !msg.msg.payload.empty() || msg.attempt() > 1 || is_last ||
                    !queue_name.empty() || !msg.msg.key.empty();
  if (!more) *at++ = '}';
  out.append(text.data(), at);
  if (!more) return;
  if (!msg.msg.payload.empty()) out.append(",\"payload\":").append(msg.msg.payload);
  if (!queue_name.empty()) out.append(",\"queue\":\"").append(queue_name).append("\"");
  if (!msg.msg.key.empty()) append_member(out, "key", json_string(msg.msg.key));
  if (msg.attempt() > 1) out.append(",\"attempt\":").append(std::to_string(msg.attempt()));
  if (is_last) out += ",\"last_attempt\":true";
  out += '}';
}

std::string error_json(std::string_view sentence) {
  return "{\"error\":" + json_string(sentence) + "}";
}

std::string ids_json(const std::vector<Xid>& ids) {
  std::string out = "{\"ids\":";
  out.reserve(ids.size() * (Xid::kTextLength + 3) + 64);
  append_ids(out, ids);
  return out + "}";
}

std::string accepted_json(const std::vector<Xid>& ids, const std::vector<Xid>& known) {
  std::string out = "{\"ids\":";
  out.reserve((ids.size() + known.size()) * (Xid::kTextLength + 3) + 64);
  append_ids(out, ids);
  out += ",\"known\":";
  append_ids(out, known);
  return out + "}";
}

std::string report_success_json(const ReportAnswer& answer) {
  constexpr std::size_t kMostBytes = 128;
  std::string json;
  json.reserve(kMostBytes);
  json.append(R"({"message":"success")");
  append_counts(json, answer);
  return json;
}

std::string report_error_json(std::string_view sentence, const ReportAnswer& answer) {
  std::string json = "{\"error\":" + json_string(sentence);
  append_counts(json, answer);
  return json;
}

std::string report_json(const core::Reported& report) {
  if (report.client) return R"({"client":")" + report.client->text() + R"(","last":true})";
  std::string out = "{\"ids\":";
  append_ids(out, report.ids);
  if (report.batch) append_member(out, "batch", *report.batch);
  if (!report.failed.empty()) append_failed(out, report.failed);
  if (!report.refused.empty()) {
    out += ",\"refused\":";
    append_ids(out, report.refused);
  }
  if (!report.results.empty()) append_results(out, report.results);
  if (report.partial) out += ",\"partial\":true";
  if (report.last) out += ",\"last\":true";
  return out + "}";
}

std::string leave_json(const Xid& client) {
  std::string out = "{\"client\":";
  append_quoted(out, client);
  return out + ",\"last\":true}";
}

}  // namespace pena::wire
