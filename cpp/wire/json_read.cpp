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

// `on_other` has what is neither id nor period.
template <class OnOther>
std::optional<MsgHead> read_msg(std::string_view data, bool is_cut, OnOther on_other) {
  JsonCursor cursor(data);
  std::optional<Xid> id;
  std::optional<std::uint32_t> period;
  const bool whole = cursor.next() == '{' && cursor.each_member([&](std::string_view key) {
    const auto value = cursor.value(kAnyDepth);
    if (!value) return false;
    const bool is_text = value->text.front() == '"';
    if (key == "id" && is_text) {
      id = Xid::parse(JsonCursor::characters(*value));
    } else if (key == "period") {
      period = whole_number<std::uint32_t>(value->text);
    } else {
      on_other(key, *value, is_text);
    }
    return true;
  });
  if (!is_cut && !(whole && cursor.end())) return std::nullopt;
  return id && period ? std::optional{MsgHead{*id, *period}} : std::nullopt;
}

}  // namespace

std::optional<ReceivedMsg> parse_msg_json(std::string_view data) {
  ReceivedMsg msg;
  const auto head = read_msg(
      data, false, [&](std::string_view key, const JsonCursor::Value& value, bool is_text) {
        read_optional(key, value, is_text, msg);
      });
  if (!head) return std::nullopt;
  msg.id = head->id;
  msg.period = head->period;
  return msg;
}

std::optional<MsgHead> parse_msg_head(std::string_view data, bool is_cut) {
  // Of a server that sends more, what is not known is passed over.
  return read_msg(data, is_cut, [](std::string_view, const JsonCursor::Value&, bool) {});
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
