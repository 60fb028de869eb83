#include "wire/submit_body.hpp"

#include <utility>

#include "wire/body_reader.hpp"
#include "wire/json_cursor.hpp"
#include "wire/json_text.hpp"

namespace pena::wire {
namespace {

bool read_ids(JsonCursor& cursor, std::vector<core::Xid>& ids) {
  return cursor.next() == '[' && cursor.each_element([&] {
    const auto id = cursor.string_of(core::Xid::kTextLength, core::Xid::parse);
    if (id) ids.push_back(*id);
    return id.has_value();
  });
}

void append_wishes(std::string& out, const Wishes& wishes) {
  if (!wishes.key.empty()) append_member(out, "key", json_string(wishes.key));
  if (wishes.delay) append_member(out, "delay", std::to_string(core::to_ms(*wishes.delay)));
  if (wishes.due_at) append_member(out, "due", std::to_string(core::to_ms(*wishes.due_at)));
  if (wishes.max_resends) append_member(out, "max_resends", std::to_string(*wishes.max_resends));
}

}  // namespace

std::string submission_json(const Submission& msg) {
  std::string out = "{\"period\":" + std::to_string(msg.period);
  if (msg.id) append_member(out, "id", *msg.id);
  if (!msg.payload.empty()) append_member(out, "payload", msg.payload);
  if (msg.wishes) append_wishes(out, *msg.wishes);
  return out + "}";
}

std::optional<AcceptedAnswer> parse_accepted(std::string_view body) {
  JsonCursor cursor(body);
  AcceptedAnswer answer;
  bool has_ids = false;
  const bool whole = cursor.next() == '{' && cursor.each_member([&](std::string_view key) {
    if (key == "ids") return has_ids = read_ids(cursor, answer.ids);
    if (key == "known") return read_ids(cursor, answer.known);
    return cursor.value(kAnyDepth).has_value();
  });
  return whole && has_ids && cursor.end() ? std::optional{std::move(answer)} : std::nullopt;
}

}  // namespace pena::wire
