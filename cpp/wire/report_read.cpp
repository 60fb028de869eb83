// POST /report.
#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "wire/body_reader.hpp"
#include "wire/json.hpp"

namespace pena::wire {
namespace {

using core::Xid;

constexpr auto kMostRetryIn = static_cast<std::uint64_t>(core::to_ms(core::kLongestTime));

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
    if (has_client_) return client_fits();
    if (!has_ids_ && !has_failed_ && !has_refused_) {
      return refuse(
          {400, "the report has none of ids, failed and refused; expected {\"ids\":[…]}"});
    }
    if (!results_fit()) return false;
    if (!report.last || report.batch) return true;
    return refuse({400,
                   "last is true in a report without batch; expected the batch whose client takes "
                   "no more, or that client"});
  }

  // A result may be as deep as a payload, within two objects.
  [[nodiscard]] int most_depth() const { return limits_.json_depth + 2; }

  core::Reported report;

 private:
  // What was read of an entry of `failed`, but for what says so itself.
  struct HasOfFailed {
    bool id = false, error = false, final = false;
  };

  bool read_member(std::string_view key) {
    if (key == "ids") {
      if (std::exchange(has_ids_, true)) return refuse_twice(key);
      return read_ids(key, report.ids);
    }
    if (key == "batch") {
      if (std::exchange(has_batch_, true)) return refuse_twice(key);
      return read_batch();
    }
    if (key == "client") {
      if (std::exchange(has_client_, true)) return refuse_twice(key);
      return read_id("client", report.client.emplace());
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
    if (key == "results") {
      if (std::exchange(has_results_, true)) return refuse_twice(key);
      return read_results();
    }
    return refuse({400, "the report has the key " + quote(key) +
                            "; expected ids, batch, client, failed, refused, results, partial or "
                            "last"});
  }

  // Nothing is settled with it, so whatever else is said was meant otherwise.
  bool client_fits() {
    const std::array<std::pair<bool, const char*>, 6> others{{{has_ids_, "ids"},
                                                              {has_batch_, "batch"},
                                                              {has_failed_, "failed"},
                                                              {has_refused_, "refused"},
                                                              {has_results_, "results"},
                                                              {has_partial_, "partial"}}};
    for (const auto& [is_there, name] : others) {
      if (!is_there) continue;
      return refuse({400, std::string{"the report has both client and "} + name +
                              "; expected client with last alone: " + kLeave});
    }
    if (!report.last) {
      return refuse(
          {400, std::string{"the report has client without \"last\":true; expected "} + kLeave});
    }
    if (*report.client != Xid{}) return true;
    return refuse({400,
                   "client is the id of zeros, which the answer to HEAD /task has; expected the "
                   "Pena-Client of a stream"});
  }

  bool read_batch() {
    if (cursor_.next() == 'n') return cursor_.value(0).has_value();  // null: none
    return read_id("batch", report.batch.emplace());
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
    HasOfFailed has;
    if (!cursor_.each_member(
            [&](std::string_view key) { return read_failed_member(key, failed, has); })) {
      return false;
    }
    if (!has.id) {
      return refuse({400, "failed has an entry without an id; expected {\"id\", \"error\"}"});
    }
    if (!failed.final || !failed.retry_in) return true;
    return refuse({400, "failed has " + failed.id.text() +
                            " with both retry_in and final; expected one of them"});
  }

  bool read_failed_member(std::string_view key, core::FailedId& failed, HasOfFailed& has) {
    if (key == "id") {
      if (std::exchange(has.id, true)) return refuse_twice(key);
      return read_id("failed", failed.id);
    }
    if (key == "error") {
      if (std::exchange(has.error, true)) return refuse_twice(key);
      return read_string(key, failed.error);
    }
    if (key == "retry_in") {
      if (failed.retry_in) return refuse_twice(key);
      std::uint64_t ms = 0;
      if (!read_number(key, " of ms", kMostRetryIn, ms)) return false;
      failed.retry_in = std::chrono::milliseconds{ms};
      return true;
    }
    if (key == "final") {
      if (std::exchange(has.final, true)) return refuse_twice(key);
      return read_bool(key, failed.final);
    }
    return refuse(
        {400, "failed has the key " + quote(key) + "; expected id, error, retry_in or final"});
  }

  bool read_results() {
    if (cursor_.next() != '{') return refuse_next("results is ", "an object {\"<id>\": <result>}");
    return cursor_.each_member([this](std::string_view key) { return read_result(key); });
  }

  bool read_result(std::string_view key) {
    const auto id = Xid::parse(key);
    if (!id) {
      return refuse({400, "results has the key " + quote(key) + "; expected the ids of msgs"});
    }
    const auto value = cursor_.value(limits_.json_depth);
    if (!value) return false;
    core::Result& result = report.results.emplace_back();
    result.id = *id;
    if (value->text == "null") return true;
    result.json = JsonCursor::compact(*value);
    if (result.json.size() <= limits_.result_bytes) return true;
    return refuse({413, "the result of " + id->text() + " has " +
                            std::to_string(result.json.size()) + " bytes; expected at most " +
                            std::to_string(limits_.result_bytes)});
  }

  // Each once, and of a msg that the report says is processed. What is null is left out.
  bool results_fit() {
    if (report.results.empty()) return true;
    std::vector<Xid> ids = report.ids;
    std::ranges::sort(ids);
    std::ranges::sort(report.results, {}, &core::Result::id);
    const auto twin = std::ranges::adjacent_find(report.results, {}, &core::Result::id);
    if (twin != report.results.end()) return refuse_twice(twin->id.text());
    for (const core::Result& result : report.results) {
      if (std::ranges::binary_search(ids, result.id)) continue;
      return refuse({400, "results has " + result.id.text() +
                              ", which is not among ids; expected what came out of msgs that are "
                              "processed"});
    }
    std::erase_if(report.results, [](const core::Result& result) { return result.json.empty(); });
    return true;
  }

  static constexpr const char* kLeave = R"({"client":"<id>","last":true})";
  static constexpr std::string_view kFailedArray = "an array of {\"id\", \"error\"}";
  static constexpr std::string_view kFailedEntry = "{\"id\", \"error\"}";

  const core::Limits& limits_;
  std::size_t room_;
  std::size_t count_ = 0;
  bool has_ids_ = false, has_batch_ = false, has_failed_ = false, has_refused_ = false,
       has_partial_ = false, has_last_ = false, has_results_ = false, has_client_ = false;
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

Outcome<core::Reported> parse_report(std::string_view body, const core::Limits& limits) {
  JsonCursor cursor(body);
  ReportReader reader(cursor, body.size(), limits);
  if (auto refusal = read_body(body, cursor, reader)) return *refusal;
  keep_once(reader.report.ids);
  keep_once(reader.report.refused);
  return std::move(reader.report);
}

}  // namespace pena::wire
