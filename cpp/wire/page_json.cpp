#include "wire/page_json.hpp"

#include <utility>

#include "wire/json.hpp"
#include "wire/json_text.hpp"

namespace pena::wire {
namespace {

void append_number(std::string& out, std::string_view key, std::uint64_t number) {
  append_member(out, key, std::to_string(number));
}

void append_name(std::string& out, std::string_view name) {
  if (!name.empty()) append_member(out, "name", json_string(name));
}

void append_queue(std::string& out, std::string_view queue) {
  if (!queue.empty()) append_member(out, "queue", json_string(queue));
}

void append_key(std::string& out, std::string_view key) {
  if (!key.empty()) append_member(out, "key", json_string(key));
}

void append_misses(std::string& out, const std::vector<core::Miss>& misses) {
  out += ",\"misses\":[";
  for (const core::Miss& miss : misses) {
    out += "{\"reason\":" + json_string(word(miss.reason));
    append_member(out, "batch", miss.batch);
    append_member(out, "client", miss.client);
    append_name(out, miss.client_name);
    append_member(out, "granted_at", json_date(miss.granted_at));
    append_member(out, "missed_at", json_date(miss.missed_at));
    if (!miss.error.empty()) append_member(out, "error", json_string(miss.error));
    out += "},";
  }
  if (!misses.empty()) out.pop_back();
  out += ']';
}

void append_msg(std::string& out, const core::Msg& msg, std::string_view queue) {
  out += "{\"id\":";
  append_quoted(out, msg.id);
  append_number(out, "period", msg.period);
  if (!msg.payload.empty()) append_member(out, "payload", msg.payload);
  append_queue(out, queue);
  append_key(out, msg.key);
  if (msg.max_resends) append_number(out, "max_resends", *msg.max_resends);
}

void append_record(std::string& out, const core::ReportRecord& record, std::string_view queue) {
  out += "{\"id\":";
  append_quoted(out, record.id);
  append_number(out, "period", record.period);
  append_queue(out, queue);
  append_key(out, record.key);
  if (record.max_resends) append_number(out, "max_resends", *record.max_resends);
  if (!record.result.empty()) append_member(out, "result", record.result);
  append_number(out, "attempts", record.attempts);
  append_member(out, "client", record.client);
  append_name(out, record.client_name);
  append_member(out, "batch", record.batch);
  append_member(out, "accepted_at", json_date(record.accepted_at));
  append_member(out, "granted_at", json_date(record.granted_at));
  append_member(out, "reported_at", json_date(record.reported_at));
  append_misses(out, record.misses);
  out += '}';
}

void append_record(std::string& out, const core::FailRecord& record, std::string_view queue) {
  append_msg(out, record.msg, queue);
  append_number(out, "attempts", record.attempts);
  append_member(out, "accepted_at", json_date(record.accepted_at));
  append_member(out, "failed_at", json_date(record.failed_at));
  append_misses(out, record.misses);
  out += '}';
}

// ---- a story

// What happened to a delivery. Without an end it goes on.
struct Chapter {
  core::Xid batch, client;
  std::string_view client_name;
  core::Instant granted_at;
  std::optional<core::Instant> ended_at;
  std::string_view outcome;
  std::string_view error = {};
};

void append_chapter(std::string& out, const Chapter& chapter) {
  out += "{\"batch\":";
  append_quoted(out, chapter.batch);
  append_member(out, "client", chapter.client);
  append_name(out, chapter.client_name);
  append_member(out, "granted_at", json_date(chapter.granted_at));
  if (chapter.ended_at) append_member(out, "ended_at", json_date(*chapter.ended_at));
  append_member(out, "outcome", json_string(chapter.outcome));
  if (!chapter.error.empty()) append_member(out, "error", json_string(chapter.error));
  out += "},";
}

// And the end of the object.
void append_story(std::string& out, const std::vector<core::Miss>& misses,
                  const std::optional<Chapter>& last) {
  out += ",\"story\":[";
  for (const core::Miss& miss : misses) {
    append_chapter(out, {miss.batch, miss.client, miss.client_name, miss.granted_at, miss.missed_at,
                         word(miss.reason), miss.error});
  }
  if (last) append_chapter(out, *last);
  if (out.back() == ',') out.pop_back();
  out += "]}";
}

// Up to what differs between the states.
std::string begin_story(const core::Msg& msg, std::string_view queue, std::string_view state,
                        core::Instant accepted_at) {
  std::string out;
  append_msg(out, msg, queue.empty() ? core::kDefaultQueueName : queue);
  append_member(out, "state", json_string(state));
  append_member(out, "accepted_at", json_date(accepted_at));
  return out;
}

}  // namespace

void PageJson::add(std::string& out, const core::Xid& id) {
  begin_one(out);
  append_quoted(out, id);
}

void PageJson::add(std::string& out, const core::ReportRecord& record, std::string_view queue) {
  begin_one(out);
  append_record(out, record, queue);
}

void PageJson::add(std::string& out, const core::FailRecord& record, std::string_view queue) {
  begin_one(out);
  append_record(out, record, queue);
}

void PageJson::add(std::string& out, const core::QueuedMsg& msg, bool is_later,
                   std::string_view queue) {
  begin_one(out);
  append_msg(out, msg.msg, queue);
  append_number(out, "attempt", static_cast<std::uint64_t>(msg.attempt()));
  append_member(out, "accepted_at", json_date(msg.accepted_at));
  append_member(out, is_later ? "due_at" : "queued_at", json_date(msg.queued_at));
  append_misses(out, msg.misses);
  out += '}';
}

void PageJson::begin_one(std::string& out) {
  if (std::exchange(begun_, true)) {
    out += ',';
  } else {
    out.append("{\"").append(name_).append("\":[");
  }
}

void PageJson::end(std::string& out, const std::optional<core::Xid>& next) {
  std::string json;
  if (next) append_quoted(json, *next);
  end_at(out, json);
}

void PageJson::end_at(std::string& out, std::string_view next, std::optional<std::uint64_t> first) {
  if (!begun_) out.append("{\"").append(name_).append("\":[");
  out += ']';
  if (!next.empty()) append_member(out, "next", next);
  if (first) append_number(out, "first", *first);
  out += '}';
}

// ---- a story

std::string story_json(const core::QueuedMsg& msg, bool is_later, std::string_view queue) {
  std::string out = begin_story(msg.msg, queue, is_later ? "later" : "queued", msg.accepted_at);
  append_number(out, "attempt", static_cast<std::uint64_t>(msg.attempt()));
  append_member(out, is_later ? "due_at" : "queued_at", json_date(msg.queued_at));
  append_story(out, msg.misses, std::nullopt);
  return out;
}

std::string story_json(const core::QueuedMsg& msg, const core::Batch& held_in,
                       std::string_view queue) {
  std::string out = begin_story(msg.msg, queue, "held", msg.accepted_at);
  append_number(out, "attempt", static_cast<std::uint64_t>(msg.attempt()));
  append_story(out, msg.misses,
               Chapter{held_in.id, held_in.client, held_in.client_name, held_in.granted_at,
                       std::nullopt, "held"});
  return out;
}

std::string story_json(const core::ReportRecord& record, std::string_view queue) {
  core::Msg msg{record.id, record.period, {}, record.queue, record.max_resends, record.key};
  std::string out = begin_story(msg, queue, "reported", record.accepted_at);
  if (!record.result.empty()) append_member(out, "result", record.result);
  append_number(out, "attempts", record.attempts);
  append_member(out, "reported_at", json_date(record.reported_at));
  append_story(out, record.misses,
               Chapter{record.batch, record.client, record.client_name, record.granted_at,
                       record.reported_at, "reported"});
  return out;
}

std::string story_json(const core::FailRecord& record, std::string_view queue) {
  std::string out = begin_story(record.msg, queue, "failed", record.accepted_at);
  append_number(out, "attempts", record.attempts);
  append_member(out, "failed_at", json_date(record.failed_at));
  append_story(out, record.misses, std::nullopt);
  return out;
}

}  // namespace pena::wire
