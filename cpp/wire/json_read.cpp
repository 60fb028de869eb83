#include <algorithm>
#include <charconv>
#include <set>

#include "wire/json.hpp"
#include "wire/json_text.hpp"
#include "wire/plain_body.hpp"
#include "wire/quote.hpp"

namespace pena::wire {
namespace {

using core::Xid;

Refusal too_many(const std::string& what, std::size_t most) {
  return {413, "more than " + std::to_string(most) + " " + what + " in one request"};
}

std::optional<std::uint64_t> whole_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

Outcome<Xid> read_id(std::string_view where, const JsonValue& value) {
  if (!value.is_string()) {
    return Refusal{400, std::string{where} + " has the id " + quote(value.text()) +
                            "; expected a string of 20 characters"};
  }
  const std::string text = value.string();
  const auto id = Xid::parse(text);
  if (!id) {
    return Refusal{400, std::string{where} + " has the id " + quote(text) +
                            "; expected 20 characters of 0-9 and a-v"};
  }
  return *id;
}

// Sets `refusal` from an outcome, or hands its value on.
template <class T, class Take>
std::optional<Refusal> with(const Outcome<T>& outcome, Take take) {
  if (!outcome) return outcome.refusal();
  take(*outcome);
  return std::nullopt;
}

// ---- POST /task

class SubmissionReader {
 public:
  explicit SubmissionReader(const core::Limits& limits) : limits_(limits) {}

  std::optional<Refusal> read(const JsonValue& body) {
    if (body.is_object()) return read_msg(body);
    if (!body.is_array()) {
      return Refusal{400, "the body is " + quote(body.text()) +
                              "; expected a msg {\"period\"?, \"payload\"?, \"id\"?} or an array"};
    }
    auto refusal =
        body.for_each_element([this](const JsonValue& value) { return read_msg(value); });
    if (!refusal && msgs.empty()) return Refusal{400, "the array is empty; expected msgs in it"};
    return refusal;
  }

  std::vector<Submission> msgs;

 private:
  std::optional<Refusal> read_msg(const JsonValue& value) {
    if (msgs.size() == limits_.submit_msgs) return too_many("msgs", limits_.submit_msgs);
    if (!value.is_object()) {
      return Refusal{400, "a msg is " + quote(value.text()) + "; expected an object"};
    }
    Submission msg;
    auto refusal = value.for_each_member([&](const std::string& key, const JsonValue& member) {
      return read_member(key, member, msg);
    });
    if (refusal) return refusal;
    if (msg.id && !ids_.insert(*msg.id).second) {
      return Refusal{400, "the id " + msg.id->text() + " stands twice; expected it once"};
    }
    msgs.push_back(std::move(msg));
    return std::nullopt;
  }

  std::optional<Refusal> read_member(const std::string& key, const JsonValue& value,
                                     Submission& msg) {
    if (key == "id") {
      return with(read_id("a msg", value), [&](const Xid& id) { msg.id = id; });
    }
    if (key == "period") return read_period(value, msg);
    if (key == "payload") return read_payload(value, msg);
    return Refusal{400, "a msg has the key " + quote(key) + "; expected period, payload or id"};
  }

  std::optional<Refusal> read_period(const JsonValue& value, Submission& msg) const {
    const auto period = whole_number(value.text());
    if (!period || *period > limits_.period_ms) {
      return Refusal{400, "period is " + quote(value.text()) +
                              "; expected a whole number of ms from 0 to " +
                              std::to_string(limits_.period_ms)};
    }
    msg.period = static_cast<std::uint32_t>(*period);
    return std::nullopt;
  }

  std::optional<Refusal> read_payload(const JsonValue& value, Submission& msg) const {
    if (value.is_null()) return std::nullopt;
    msg.payload = value.compact();
    if (msg.payload.size() <= limits_.payload_bytes) return std::nullopt;
    return Refusal{413, "a payload has " + std::to_string(msg.payload.size()) +
                            " bytes; expected at most " + std::to_string(limits_.payload_bytes)};
  }

  const core::Limits& limits_;
  std::set<Xid> ids_;
};

// ---- POST /report

class ReportReader {
 public:
  explicit ReportReader(const core::Limits& limits) : limits_(limits) {}

  std::optional<Refusal> read(const JsonValue& body) {
    if (body.is_string()) {
      report.partial = true;
      return add_id("the report", body, report.ids);
    }
    if (body.is_array()) return read_ids("the report", body, report.ids);
    if (!body.is_object()) {
      return Refusal{400, "the report is " + quote(body.text()) +
                              "; expected {\"ids\":[…]}, an array of ids or one id"};
    }
    auto refusal = body.for_each_member(
        [this](const std::string& key, const JsonValue& value) { return read_member(key, value); });
    if (!refusal && !names_ids_) {
      return Refusal{400, "the report has none of ids, failed and refused; expected {\"ids\":[…]}"};
    }
    return refusal;
  }

  core::Reported report;

 private:
  std::optional<Refusal> read_member(const std::string& key, const JsonValue& value) {
    names_ids_ = names_ids_ || key == "ids" || key == "failed" || key == "refused";
    if (key == "ids") return read_ids("ids", value, report.ids);
    if (key == "refused") return read_ids("refused", value, report.refused);
    if (key == "failed") return read_failed(value);
    if (key == "partial") return read_partial(value);
    if (key != "batch") {
      return Refusal{400, "the report has the key " + quote(key) +
                              "; expected ids, batch, failed, refused or partial"};
    }
    if (value.is_null()) return std::nullopt;
    return with(read_id("batch", value), [this](const Xid& id) { report.batch = id; });
  }

  std::optional<Refusal> read_partial(const JsonValue& value) {
    report.partial = value.text() == "true";
    if (report.partial || value.text() == "false") return std::nullopt;
    return Refusal{400, "partial is " + quote(value.text()) + "; expected true or false"};
  }

  std::optional<Refusal> read_ids(std::string_view where, const JsonValue& value,
                                  std::vector<Xid>& ids) {
    if (!value.is_array()) {
      return Refusal{
          400, std::string{where} + " is " + quote(value.text()) + "; expected an array of ids"};
    }
    return value.for_each_element(
        [&](const JsonValue& element) { return add_id(where, element, ids); });
  }

  std::optional<Refusal> add_id(std::string_view where, const JsonValue& value,
                                std::vector<Xid>& ids) {
    if (++count_ > limits_.report_ids) return too_many("ids", limits_.report_ids);
    return with(read_id(where, value), [&](const Xid& id) { ids.push_back(id); });
  }

  std::optional<Refusal> read_failed(const JsonValue& value) {
    if (!value.is_array()) {
      return Refusal{
          400, "failed is " + quote(value.text()) + "; expected an array of {\"id\", \"error\"}"};
    }
    return value.for_each_element([this](const JsonValue& element) {
      if (++count_ > limits_.report_ids) {
        return std::optional{too_many("ids", limits_.report_ids)};
      }
      return read_failed_one(element);
    });
  }

  std::optional<Refusal> read_failed_one(const JsonValue& value) {
    if (!value.is_object()) {
      return Refusal{400, "failed has " + quote(value.text()) + "; expected {\"id\", \"error\"}"};
    }
    std::optional<Xid> id;
    core::FailedId failed;
    auto refusal = value.for_each_member(
        [&](const std::string& key, const JsonValue& member) -> std::optional<Refusal> {
          if (key == "id") {
            return with(read_id("failed", member), [&](const Xid& read) { id = read; });
          }
          if (key != "error" || !member.is_string()) {
            return Refusal{400, "failed has " + quote(key) + ": " + quote(member.text()) +
                                    "; expected an id and an error, both strings"};
          }
          failed.error = member.string();
          return std::nullopt;
        });
    if (refusal) return refusal;
    if (!id) return Refusal{400, "failed has an entry without an id; expected {\"id\", \"error\"}"};
    failed.id = *id;
    report.failed.push_back(std::move(failed));
    return std::nullopt;
  }

  const core::Limits& limits_;
  std::size_t count_ = 0;
  bool names_ids_ = false;
};

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
  if (auto plain = plain_submissions(body, limits)) return std::move(*plain);
  // The msg and the array around it are levels of the body, not of the payload.
  if (auto refusal = check_json(body, limits.json_depth + 2)) return *refusal;
  SubmissionReader reader(limits);
  if (auto refusal = reader.read(JsonValue(body))) return *refusal;
  return std::move(reader.msgs);
}

Outcome<core::Reported> parse_report(std::string_view body, const core::Limits& limits) {
  auto plain = plain_report(body, limits);
  if (!plain) {
    if (auto refusal = check_json(body, limits.json_depth)) return *refusal;
    ReportReader reader(limits);
    if (auto refusal = reader.read(JsonValue(body))) return *refusal;
    plain = std::move(reader.report);
  }
  keep_once(plain->ids);
  keep_once(plain->refused);
  return std::move(*plain);
}

std::optional<ReceivedMsg> parse_msg_json(std::string_view data) {
  constexpr int kDepth = 1000;  // the server's limit is the one that counts
  if (check_json(data, kDepth)) return std::nullopt;
  const JsonValue value(data);
  if (!value.is_object()) return std::nullopt;
  ReceivedMsg msg;
  bool has_id = false;
  bool has_period = false;
  const auto refusal = value.for_each_member(
      [&](const std::string& key, const JsonValue& member) -> std::optional<Refusal> {
        const auto number = whole_number(member.text());
        if (key == "id") {
          has_id = true;
          return with(read_id("a msg", member), [&](const Xid& id) { msg.id = id; });
        }
        if (key == "payload") msg.payload = member.compact();
        if (key == "period" && number && *number <= UINT32_MAX) {
          msg.period = static_cast<std::uint32_t>(*number);
          has_period = true;
        }
        if (key == "attempt" && number && *number <= INT32_MAX) {
          msg.attempt = static_cast<int>(*number);
        }
        return std::nullopt;
      });
  return !refusal && has_id && has_period ? std::optional{std::move(msg)} : std::nullopt;
}

std::optional<ReportAnswer> parse_report_answer(std::string_view body) {
  constexpr int kDepth = 16;
  if (check_json(body, kDepth) || !JsonValue(body).is_object()) return std::nullopt;
  ReportAnswer answer;
  bool success = false;
  const auto refusal = JsonValue(body).for_each_member(
      [&](const std::string& key, const JsonValue& member) -> std::optional<Refusal> {
        const std::uint64_t number = whole_number(member.text()).value_or(0);
        if (key == "message") success = member.text() == "\"success\"";
        if (key == "reported") answer.reported = number;
        if (key == "duplicate") answer.duplicate = number;
        if (key == "unknown") answer.unknown = number;
        return std::nullopt;
      });
  return !refusal && success ? std::optional{answer} : std::nullopt;
}

std::optional<std::string> parse_error(std::string_view body) {
  constexpr int kDepth = 16;
  if (check_json(body, kDepth) || !JsonValue(body).is_object()) return std::nullopt;
  std::optional<std::string> sentence;
  const auto refusal = JsonValue(body).for_each_member(
      [&](const std::string& key, const JsonValue& member) -> std::optional<Refusal> {
        if (key == "error" && member.is_string()) sentence = member.string();
        return std::nullopt;
      });
  return refusal ? std::nullopt : sentence;
}

}  // namespace pena::wire
