// What a client reads.
#include "wire/body_reader.hpp"
#include "wire/json.hpp"

namespace pena::wire {
namespace {

using core::Xid;

// What a msg may be without.
void read_optional(std::string_view key, const JsonCursor::Value& value, bool is_text,
                   ReceivedMsg& msg) {
  if (key == "payload") {
    msg.payload = JsonCursor::compact(value);
  } else if (key == "queue" && is_text) {
    msg.queue = JsonCursor::characters(value);
  } else if (key == "key" && is_text) {
    msg.key = JsonCursor::characters(value);
  } else if (key == "attempt") {
    const auto attempt = whole_number<int>(value.text);
    msg.attempt = attempt && *attempt > 0 ? *attempt : 1;
  } else if (key == "last_attempt") {
    msg.last_attempt = value.text == "true";
  }
}

}  // namespace

std::optional<ReceivedMsg> parse_msg_json(std::string_view data, bool is_cut) {
  JsonCursor cursor(data);
  ReceivedMsg msg;
  bool has_id = false;
  bool has_period = false;
  // Of a server that sends more, what is not known is passed over.
  const bool whole = cursor.next() == '{' && cursor.each_member([&](std::string_view key) {
    const auto value = cursor.value(kAnyDepth);
    if (!value) return false;
    const bool is_text = value->text.front() == '"';
    if (key == "id" && is_text) {
      const auto id = Xid::parse(JsonCursor::characters(*value));
      has_id = id.has_value();
      if (id) msg.id = *id;
    } else if (key == "period") {
      const auto period = whole_number<std::uint32_t>(value->text);
      has_period = period.has_value();
      msg.period = period.value_or(0);
    } else {
      read_optional(key, *value, is_text, msg);
    }
    return true;
  });
  const bool is_read = is_cut || (whole && cursor.end());
  return is_read && has_id && has_period ? std::optional{std::move(msg)} : std::nullopt;
}

std::optional<ReportAnswer> parse_report_answer(std::string_view body) {
  JsonCursor cursor(body);
  ReportAnswer answer;
  // Where not all was taken, an error tells so beside the counts.
  bool success = false;
  bool has_error = false;
  bool has_reported = false;
  const bool whole = cursor.next() == '{' && cursor.each_member([&](std::string_view key) {
    const auto value = cursor.value(kAnyDepth);
    if (!value) return false;
    const std::uint64_t number = whole_number<std::uint64_t>(value->text).value_or(0);
    if (key == "message") success = value->text == "\"success\"";
    if (key == "error") has_error = true;
    if (key == "reported") {
      has_reported = true;
      answer.reported = number;
    }
    if (key == "duplicate") answer.duplicate = number;
    if (key == "unknown") answer.unknown = number;
    if (key == "held") answer.held = whole_number<std::uint64_t>(value->text);
    return true;
  });
  return whole && cursor.end() && (success || (has_error && has_reported)) ? std::optional{answer}
                                                                           : std::nullopt;
}

std::optional<std::string> parse_error(std::string_view body) {
  JsonCursor cursor(body);
  std::optional<std::string> sentence;
  const bool whole = cursor.next() == '{' && cursor.each_member([&](std::string_view key) {
    const auto value = cursor.value(kAnyDepth);
    if (value && key == "error" && value->text.front() == '"') {
      sentence = JsonCursor::characters(*value);
    }
    return value.has_value();
  });
  return whole && cursor.end() ? sentence : std::nullopt;
}

}  // namespace pena::wire
