#include "wire/bulk_body.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "core/xid.hpp"
#include "wire/body_reader.hpp"
#include "wire/names.hpp"

namespace pena::wire {
namespace {

using core::BulkAsked;
using core::Xid;

constexpr std::string_view kExpected = R"({"ids":[…]} or {"all":true})";

class BulkReader : public BodyReader {
 public:
  BulkReader(JsonCursor& cursor, BulkAsked::What what, const core::Limits& limits)
      : BodyReader(cursor), limits_(limits) {
    asked.what = what;
  }

  bool read() {
    if (cursor_.next() != '{') return refuse_next("the body is ", kExpected);
    if (!cursor_.each_member([this](std::string_view key) { return read_member(key); })) {
      return false;
    }
    if (asked.ids && (all_ || asked.queue || asked.error || asked.before)) {
      return refuse({400, "the body has ids and says which others; expected " +
                              std::string{kExpected} +
                              ", and queue, error or before with all alone"});
    }
    if (asked.ids || all_) return true;
    return refuse(
        {400, "the body has neither ids nor \"all\":true; expected " + std::string{kExpected}});
  }

  [[nodiscard]] static int most_depth() { return 8; }

  BulkAsked asked;

 private:
  bool read_member(std::string_view key) {
    if (std::ranges::find(seen_, key) != seen_.end()) return refuse_twice(key);
    seen_.emplace_back(key);
    if (key == "ids") return read_ids();
    if (key == "all") return read_bool(key, all_);
    if (key == "dry_run") return read_bool(key, asked.dry_run);
    if (key == "queue") return read_queue();
    if (key == "before") return read_date(key, asked.before.emplace());
    if (key == "error" && is_of_fails()) {
      return read_string(key, asked.error.emplace());
    }
    return refuse({400, "the body has the key " + quote(key) +
                            "; expected ids, or all with queue, error (of failed msgs) or before; "
                            "and dry_run"});
  }

  [[nodiscard]] bool is_of_fails() const {
    return asked.what == BulkAsked::What::retry || asked.what == BulkAsked::What::forget_fails;
  }

  bool read_ids() {
    if (cursor_.next() != '[') return refuse_next("ids is ", "an array of ids");
    std::vector<Xid>& ids = asked.ids.emplace();
    const bool whole = cursor_.each_element([&] {
      if (ids.size() == limits_.report_ids) return refuse(too_many("ids", limits_.report_ids));
      return read_id("ids", ids.emplace_back());
    });
    std::ranges::sort(ids);
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    return whole;
  }

  bool read_queue() {
    std::string& name = asked.queue.emplace();
    if (!read_string("queue", name)) return false;
    if (is_queue_name(name)) return true;
    return refuse({400, "queue is " + quote(name) + "; expected " + queue_name_rule()});
  }

  const core::Limits& limits_;
  std::vector<std::string> seen_;
  bool all_ = false;
};

class NothingReader : public BodyReader {
 public:
  using BodyReader::BodyReader;

  bool read() {
    if (cursor_.next() != '{') return refuse_next("the body is ", kNothing);
    return cursor_.each_member([this](std::string_view key) {
      return refuse(
          {400, "the body has the key " + quote(key) + "; expected " + std::string{kNothing}});
    });
  }
  [[nodiscard]] static int most_depth() { return kAnyDepth; }

 private:
  static constexpr std::string_view kNothing = "none, or {}";
};

}  // namespace

std::optional<Refusal> check_no_body(std::string_view body) {
  if (body.find_first_not_of(" \t\r\n") == std::string_view::npos) return std::nullopt;
  JsonCursor cursor(body);
  NothingReader reader(cursor);
  return read_body(body, cursor, reader);
}

Outcome<BulkAsked> parse_bulk(std::string_view body, BulkAsked::What what,
                              const core::Limits& limits) {
  JsonCursor cursor(body);
  BulkReader reader(cursor, what, limits);
  if (auto refusal = read_body(body, cursor, reader)) return *refusal;
  return std::move(reader.asked);
}

std::string bulk_json(std::string_view done, const core::BulkReply& reply, bool dry_run) {
  std::string json = R"({"message":"success",")";
  json.append(done).append("\":").append(std::to_string(reply.done));
  json.append(R"(,"unknown":)").append(std::to_string(reply.unknown));
  return json + (dry_run ? R"(,"dry_run":true})" : "}");
}

}  // namespace pena::wire
