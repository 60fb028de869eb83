#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/number_text.hpp"
#include "wire/json.hpp"
#include "wire/json_cursor.hpp"

namespace pena::wire {
namespace {

using core::Xid;

// A string that may hold anything: bytes that are no UTF-8 replaced, separators of lines as escapes.
std::string json_string(std::string_view text) {
  const std::string json =
      nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return JsonCursor::compact({.text = json, .escaped = true, .verbatim = false});
}

void append_ids(std::string& out, const std::vector<Xid>& ids) {
  out += '[';
  for (const Xid& id : ids) {
    append_quoted(out, id);
    out += ',';
  }
  if (!ids.empty()) out.pop_back();
  out += ']';
}

// "2026-11-23T18:00:00.000Z", quoted.
std::string date(core::Instant at) {
  return '"' + core::date_text(at) + '"';
}

// One member of an object, with the comma in front of it.
void member(std::string& out, std::string_view key, const std::string& json) {
  out.append(",\"").append(key).append("\":").append(json);
}
void member(std::string& out, std::string_view key, const Xid& id) {
  out.append(",\"").append(key).append("\":");
  append_quoted(out, id);
}

void append_misses(std::string& out, const std::vector<core::Miss>& misses) {
  out += ",\"misses\":[";
  for (const core::Miss& miss : misses) {
    out += "{\"reason\":" + json_string(word(miss.reason));
    member(out, "batch", miss.batch);
    member(out, "client", miss.client);
    member(out, "granted_at", date(miss.granted_at));
    member(out, "missed_at", date(miss.missed_at));
    if (!miss.error.empty()) member(out, "error", json_string(miss.error));
    out += "},";
  }
  if (!misses.empty()) out.pop_back();
  out += ']';
}

void append_record(std::string& out, const core::ReportRecord& record) {
  out += "{\"id\":";
  append_quoted(out, record.id);
  member(out, "period", std::to_string(record.period));
  member(out, "attempts", std::to_string(record.attempts()));
  member(out, "client", record.client);
  member(out, "batch", record.batch);
  member(out, "accepted_at", date(record.accepted_at));
  member(out, "granted_at", date(record.granted_at));
  member(out, "reported_at", date(record.reported_at));
  append_misses(out, record.misses);
  out += '}';
}

void append_record(std::string& out, const core::FailRecord& record) {
  out += "{\"id\":";
  append_quoted(out, record.msg.id);
  member(out, "period", std::to_string(record.msg.period));
  if (!record.msg.payload.empty()) member(out, "payload", record.msg.payload);
  member(out, "attempts", std::to_string(record.misses.size()));
  member(out, "accepted_at", date(record.accepted_at));
  member(out, "failed_at", date(record.failed_at));
  append_misses(out, record.misses);
  out += '}';
}

}  // namespace

void append_quoted(std::string& out, const Xid& id) {
  std::array<char, Xid::kTextLength + 2> text{};
  text.front() = '"';
  id.write_text(text.data() + 1);
  text.back() = '"';
  out.append(text.data(), text.size());
}

void append_msg_json(std::string& out, const core::QueuedMsg& msg) {
  // Put together aside, and appended in one piece.
  constexpr std::string_view kId = "{\"id\":\"";
  constexpr std::string_view kPeriod = "\",\"period\":";
  std::array<char, kId.size() + Xid::kTextLength + kPeriod.size() + 11> text{};
  char* at = std::ranges::copy(kId, text.data()).out;
  msg.msg.id.write_text(at);
  at = std::ranges::copy(kPeriod, at + Xid::kTextLength).out;
  at = std::to_chars(at, text.data() + text.size(), msg.msg.period).ptr;
  const bool more = !msg.msg.payload.empty() || msg.attempt() > 1;
  if (!more) *at++ = '}';
  out.append(text.data(), at);
  if (!more) return;
  if (!msg.msg.payload.empty()) out.append(",\"payload\":").append(msg.msg.payload);
  if (msg.attempt() > 1) out.append(",\"attempt\":").append(std::to_string(msg.attempt()));
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

std::string report_success_json(std::uint64_t reported, std::uint64_t duplicate,
                                std::uint64_t unknown) {
  constexpr std::size_t kMostBytes = 128;
  std::string json;
  json.reserve(kMostBytes);
  json.append(R"({"message":"success","reported":)").append(std::to_string(reported));
  json.append(R"(,"duplicate":)").append(std::to_string(duplicate));
  json.append(R"(,"unknown":)").append(std::to_string(unknown));
  return json.append("}");
}

void PageJson::add(std::string& out, const Xid& id) {
  begin_one(out);
  append_quoted(out, id);
}

void PageJson::add(std::string& out, const core::ReportRecord& record) {
  begin_one(out);
  append_record(out, record);
}

void PageJson::add(std::string& out, const core::FailRecord& record) {
  begin_one(out);
  append_record(out, record);
}

void PageJson::begin_one(std::string& out) {
  if (std::exchange(begun_, true)) {
    out += ',';
  } else {
    out.append("{\"").append(name_).append("\":[");
  }
}

void PageJson::end(std::string& out, const std::optional<Xid>& next) {
  if (!begun_) out.append("{\"").append(name_).append("\":[");
  out += ']';
  if (next) member(out, "next", *next);
  out += '}';
}

std::string report_json(const core::Reported& report) {
  std::string out = "{\"ids\":";
  append_ids(out, report.ids);
  if (report.batch) member(out, "batch", *report.batch);
  if (!report.failed.empty()) {
    out += ",\"failed\":[";
    for (const core::FailedId& failed : report.failed) {
      out += "{\"id\":";
      append_quoted(out, failed.id);
      member(out, "error", json_string(failed.error));
      out += "},";
    }
    out.back() = ']';
  }
  if (!report.refused.empty()) {
    out += ",\"refused\":";
    append_ids(out, report.refused);
  }
  if (report.partial) out += ",\"partial\":true";
  if (report.last) out += ",\"last\":true";
  return out + "}";
}

}  // namespace pena::wire
