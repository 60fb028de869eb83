#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

#include "wire/json.hpp"
#include "wire/json_cursor.hpp"
#include "wire/quote.hpp"

namespace pena::wire {
namespace {

using core::Xid;

Refusal too_many(const std::string& what, std::size_t most) {
  return {413, "more than " + std::to_string(most) + " " + what + " in one request"};
}

template <class Number>
std::optional<Number> whole_number(std::string_view text) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// Deeper than any limit: of a value that is only quoted in a refusal, or passed over.
constexpr int kAnyDepth = 1'000'000;

// What the readers of both bodies share. A reader says what a body should have been; whether it is JSON
// at all is said first, by read_body.
class BodyReader {
 public:
  explicit BodyReader(JsonCursor& cursor) : cursor_(cursor) {}
  [[nodiscard]] const Refusal& refusal() const { return refusal_; }

 protected:
  bool refuse(Refusal refusal) {
    refusal_ = std::move(refusal);
    return false;
  }
  // `said` and what comes next do not go together with what is expected.
  bool refuse_next(std::string_view said, std::string_view expected) {
    const auto value = cursor_.value(kAnyDepth);
    if (!value) return false;
    return refuse(
        {400, std::string{said} + quote(value->text) + "; expected " + std::string{expected}});
  }
  bool refuse_twice(std::string_view key) {
    return refuse({400, "the key " + quote(key) + " stands twice in one object; expected it once"});
  }

  bool read_id(std::string_view where, Xid& id) {
    const auto parse = [](std::string_view text) {
      return Xid::parse(text);
    };
    if (const auto plain = cursor_.string_of(Xid::kTextLength, parse)) {
      id = *plain;
      return true;
    }
    const std::string said = std::string{where} + " has the id ";
    const auto value = cursor_.string();
    if (!value) {
      return !cursor_.wrong() && refuse_next(said, "a string of 20 characters");
    }
    const std::string text = JsonCursor::characters(*value);
    const auto read = Xid::parse(text);
    if (!read) {
      return refuse({400, said + quote(text) +
                              "; expected 20 characters of 0-9 and a-v, the last of them 0 or g"});
    }
    id = *read;
    return true;
  }

  JsonCursor& cursor_;

 private:
  Refusal refusal_;
};

// ---- POST /task

class SubmissionReader : public BodyReader {
 public:
  SubmissionReader(JsonCursor& cursor, const core::Limits& limits)
      : BodyReader(cursor), limits_(limits) {}

  bool read() {
    const char first = cursor_.next();
    if (first == '{') return read_msg();
    if (first != '[') {
      return refuse_next("the body is ", "a msg {\"period\"?, \"payload\"?, \"id\"?} or an array");
    }
    if (!cursor_.each_element([this] { return read_msg(); })) return false;
    if (msgs.empty()) return refuse({400, "the array is empty; expected msgs in it"});
    return ids_differ();
  }

  std::vector<Submission> msgs;

 private:
  bool read_msg() {
    if (msgs.size() == limits_.submit_msgs) return refuse(too_many("msgs", limits_.submit_msgs));
    if (cursor_.next() != '{') return refuse_next("a msg is ", "an object");
    Submission& msg = msgs.emplace_back();
    bool has_period = false;
    bool has_payload = false;
    return cursor_.each_member([&](std::string_view key) {
      if (key == "period") {
        if (std::exchange(has_period, true)) return refuse_twice(key);
        return read_period(msg);
      }
      if (key == "payload") {
        if (std::exchange(has_payload, true)) return refuse_twice(key);
        return read_payload(msg);
      }
      if (key == "id") {
        if (msg.id) return refuse_twice(key);
        return read_id("a msg", msg.id.emplace());
      }
      return refuse({400, "a msg has the key " + quote(key) + "; expected period, payload or id"});
    });
  }

  bool read_period(Submission& msg) {
    std::string_view text;
    auto period = cursor_.small_number();
    if (!period) {
      const auto value = cursor_.value(kAnyDepth);
      if (!value) return false;
      text = value->text;
      period = whole_number<std::uint32_t>(text);
    }
    if (!period || *period > limits_.period_ms) {
      return refuse({400, "period is " +
                              quote(text.empty() ? std::to_string(*period) : std::string{text}) +
                              "; expected a whole number of ms from 0 to " +
                              std::to_string(limits_.period_ms)});
    }
    msg.period = *period;
    return true;
  }

  bool read_payload(Submission& msg) {
    const auto value = cursor_.value(limits_.json_depth);
    if (!value) return false;
    if (value->text == "null") return true;
    msg.payload = JsonCursor::compact(*value);
    if (msg.payload.size() <= limits_.payload_bytes) return true;
    return refuse({413, "a payload has " + std::to_string(msg.payload.size()) +
                            " bytes; expected at most " + std::to_string(limits_.payload_bytes)});
  }

  bool ids_differ() {
    std::vector<Xid> ids;
    for (const Submission& msg : msgs) {
      if (msg.id) ids.push_back(*msg.id);
    }
    if (!std::ranges::is_sorted(ids)) std::ranges::sort(ids);
    const auto twin = std::ranges::adjacent_find(ids);
    if (twin == ids.end()) return true;
    return refuse({400, "the id " + twin->text() + " stands twice; expected it once"});
  }

  const core::Limits& limits_;
};

// ---- POST /report

class ReportReader : public BodyReader {
 public:
  ReportReader(JsonCursor& cursor, std::size_t body_bytes, const core::Limits& limits)
      : BodyReader(cursor),
        limits_(limits),
        // Of ids with their quotes and commas.
        room_(std::min(body_bytes / (Xid::kTextLength + 3) + 1, limits.report_ids)) {}

  bool read() {
    switch (cursor_.next()) {
      case '"':
        report.partial = true;
        return add_id("the report", report.ids);
      case '[':
        return read_ids("the report", report.ids);
      case '{':
        break;
      default:
        return refuse_next("the report is ", "{\"ids\":[…]}, an array of ids or one id");
    }
    if (!cursor_.each_member([this](std::string_view key) { return read_member(key); })) {
      return false;
    }
    if (!has_ids_ && !has_failed_ && !has_refused_) {
      return refuse(
          {400, "the report has none of ids, failed and refused; expected {\"ids\":[…]}"});
    }
    if (!report.last || report.batch) return true;
    return refuse({400,
                   "last is true in a report without batch; expected the batch whose client takes "
                   "no more"});
  }

  core::Reported report;

 private:
  bool read_member(std::string_view key) {
    if (key == "ids") {
      if (std::exchange(has_ids_, true)) return refuse_twice(key);
      return read_ids(key, report.ids);
    }
    if (key == "batch") {
      if (std::exchange(has_batch_, true)) return refuse_twice(key);
      return read_batch();
    }
    if (key == "refused") {
      if (std::exchange(has_refused_, true)) return refuse_twice(key);
      return read_ids(key, report.refused);
    }
    if (key == "failed") {
      if (std::exchange(has_failed_, true)) return refuse_twice(key);
      return read_failed();
    }
    if (key == "partial") {
      if (std::exchange(has_partial_, true)) return refuse_twice(key);
      return read_bool(key, report.partial);
    }
    if (key == "last") {
      if (std::exchange(has_last_, true)) return refuse_twice(key);
      return read_bool(key, report.last);
    }
    return refuse({400, "the report has the key " + quote(key) +
                            "; expected ids, batch, failed, refused, partial or last"});
  }

  bool read_batch() {
    if (cursor_.next() == 'n') return cursor_.value(0).has_value();  // null: none
    return read_id("batch", report.batch.emplace());
  }

  bool read_bool(std::string_view key, bool& into) {
    const auto value = cursor_.value(kAnyDepth);
    if (!value) return false;
    into = value->text == "true";
    if (into || value->text == "false") return true;
    return refuse(
        {400, std::string{key} + " is " + quote(value->text) + "; expected true or false"});
  }

  bool read_ids(std::string_view where, std::vector<Xid>& ids) {
    if (cursor_.next() != '[') {
      return refuse_next(std::string{where} + " is ", "an array of ids");
    }
    ids.reserve(room_);
    return cursor_.each_element([&] { return add_id(where, ids); });
  }

  bool add_id(std::string_view where, std::vector<Xid>& ids) {
    return count_one() && read_id(where, ids.emplace_back());
  }

  bool count_one() {
    return ++count_ <= limits_.report_ids || refuse(too_many("ids", limits_.report_ids));
  }

  bool read_failed() {
    if (cursor_.next() != '[') return refuse_next("failed is ", kFailedArray);
    return cursor_.each_element([this] { return count_one() && read_failed_one(); });
  }

  bool read_failed_one() {
    if (cursor_.next() != '{') return refuse_next("failed has ", kFailedEntry);
    core::FailedId& failed = report.failed.emplace_back();
    bool has_id = false;
    bool has_error = false;
    const bool whole = cursor_.each_member([&](std::string_view key) {
      if (key == "id") {
        if (std::exchange(has_id, true)) return refuse_twice(key);
        return read_id("failed", failed.id);
      }
      if (key != "error") {
        return refuse({400, "failed has the key " + quote(key) + "; expected id or error"});
      }
      if (std::exchange(has_error, true)) return refuse_twice(key);
      const auto error = cursor_.string();
      if (!error) return !cursor_.wrong() && refuse_next("error is ", "a string");
      failed.error = JsonCursor::characters(*error);
      return true;
    });
    if (!whole || has_id) return whole;
    return refuse({400, "failed has an entry without an id; expected {\"id\", \"error\"}"});
  }

  static constexpr std::string_view kFailedArray = "an array of {\"id\", \"error\"}";
  static constexpr std::string_view kFailedEntry = "{\"id\", \"error\"}";

  const core::Limits& limits_;
  std::size_t room_;
  std::size_t count_ = 0;
  bool has_ids_ = false, has_batch_ = false, has_failed_ = false, has_refused_ = false,
       has_partial_ = false, has_last_ = false;
};

// Reads the whole body. That it is not JSON comes before all that else may be wrong with it.
template <class Reader>
std::optional<Refusal> read_body(std::string_view body, JsonCursor& cursor, Reader& reader,
                                 int most_depth) {
  if (reader.read() && cursor.end()) return std::nullopt;
  if (cursor.wrong()) return cursor.wrong();
  if (auto refusal = check_json(body, most_depth)) return refusal;
  return reader.refusal();
}

// An id that stands twice counts once, at its first place.
void keep_once(std::vector<Xid>& ids) {
  // Most clients report in the order of the batch, which ascends.
  const auto descends = [](const Xid& a, const Xid& b) {
    return a >= b;
  };
  if (std::ranges::adjacent_find(ids, descends) == ids.end()) return;
  std::vector<Xid> sorted = ids;
  std::sort(sorted.begin(), sorted.end());
  if (std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end()) return;
  std::set<Xid> seen;
  std::erase_if(ids, [&](const Xid& id) { return !seen.insert(id).second; });
}

}  // namespace

Outcome<std::vector<Submission>> parse_submissions(std::string_view body,
                                                   const core::Limits& limits) {
  JsonCursor cursor(body);
  SubmissionReader reader(cursor, limits);
  // The msg and the array around it are levels of the body, not of the payload.
  if (auto refusal = read_body(body, cursor, reader, limits.json_depth + 2)) return *refusal;
  return std::move(reader.msgs);
}

// Of one with whatever else in it.
constexpr int kReportDepth = 16;

Outcome<core::Reported> parse_report(std::string_view body, const core::Limits& limits) {
  JsonCursor cursor(body);
  ReportReader reader(cursor, body.size(), limits);
  if (auto refusal = read_body(body, cursor, reader, kReportDepth)) return *refusal;
  keep_once(reader.report.ids);
  keep_once(reader.report.refused);
  return std::move(reader.report);
}

// ---- what a client reads

std::optional<ReceivedMsg> parse_msg_json(std::string_view data) {
  JsonCursor cursor(data);
  ReceivedMsg msg;
  bool has_id = false;
  bool has_period = false;
  // Of a server that sends more, what is not known is passed over.
  const bool whole = cursor.next() == '{' && cursor.each_member([&](std::string_view key) {
    const auto value = cursor.value(kAnyDepth);
    if (!value) return false;
    if (key == "id" && value->text.front() == '"') {
      const auto id = Xid::parse(JsonCursor::characters(*value));
      has_id = id.has_value();
      if (id) msg.id = *id;
    } else if (key == "payload") {
      msg.payload = JsonCursor::compact(*value);
    } else if (key == "period") {
      const auto period = whole_number<std::uint32_t>(value->text);
      has_period = period.has_value();
      msg.period = period.value_or(0);
    } else if (key == "attempt") {
      const auto attempt = whole_number<int>(value->text);
      msg.attempt = attempt && *attempt > 0 ? *attempt : 1;
    }
    return true;
  });
  return whole && cursor.end() && has_id && has_period ? std::optional{std::move(msg)}
                                                       : std::nullopt;
}

std::optional<ReportAnswer> parse_report_answer(std::string_view body) {
  JsonCursor cursor(body);
  ReportAnswer answer;
  bool success = false;
  const bool whole = cursor.next() == '{' && cursor.each_member([&](std::string_view key) {
    const auto value = cursor.value(kAnyDepth);
    if (!value) return false;
    const std::uint64_t number = whole_number<std::uint64_t>(value->text).value_or(0);
    if (key == "message") success = value->text == "\"success\"";
    if (key == "reported") answer.reported = number;
    if (key == "duplicate") answer.duplicate = number;
    if (key == "unknown") answer.unknown = number;
    return true;
  });
  return whole && cursor.end() && success ? std::optional{answer} : std::nullopt;
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
