// POST /task.
#include <algorithm>
#include <memory>
#include <utility>

#include "wire/body_reader.hpp"
#include "wire/json.hpp"
#include "wire/names.hpp"

namespace pena::wire {
namespace {

using core::Xid;

constexpr std::uint64_t kMostResends = 1000;
constexpr auto kMostDelay = static_cast<std::uint64_t>(core::to_ms(core::kLongestTime));

class SubmissionReader : public BodyReader {
 public:
  SubmissionReader(JsonCursor& cursor, const core::Limits& limits, std::string_view queue)
      : BodyReader(cursor), limits_(limits), queue_(short_queue_name(queue)) {}

  bool read() {
    const char first = cursor_.next();
    if (first == '{') return read_msg();
    if (first != '[') {
      return refuse_next("the body is ", "a msg {\"period\"?, \"payload\"?, \"id\"?} or an array");
    }
    if (!cursor_.each_element([this] { return read_msg(); })) return false;
    if (msgs.empty()) return refuse({400, "the array is empty; expected msgs in it"});
    return ids_differ() && keys_differ();
  }
  // The msg and the array around it are levels of the body, not of the payload.
  [[nodiscard]] int most_depth() const { return limits_.json_depth + 2; }

  std::vector<Submission> msgs;

 private:
  // What was read of a msg, but for what says so itself.
  struct Has {
    bool period = false, payload = false, queue = false;
  };

  static Wishes& wishes_of(Submission& msg) {
    if (!msg.wishes) msg.wishes = std::make_unique<Wishes>();
    return *msg.wishes;
  }

  bool read_msg() {
    if (msgs.size() == limits_.submit_msgs) return refuse(too_many("msgs", limits_.submit_msgs));
    if (cursor_.next() != '{') return refuse_next("a msg is ", "an object");
    Submission& msg = msgs.emplace_back();
    Has has;
    if (!cursor_.each_member([&](std::string_view key) { return read_member(key, msg, has); })) {
      return false;
    }
    if (!has.queue && !queue_.empty()) wishes_of(msg).queue = queue_;
    if (!msg.wishes || !msg.wishes->delay || !msg.wishes->due_at) return true;
    return refuse({400, "a msg has both delay and due; expected one of them"});
  }

  bool read_member(std::string_view key, Submission& msg, Has& has) {
    if (key == "period") {
      if (std::exchange(has.period, true)) return refuse_twice(key);
      return read_period(msg);
    }
    if (key == "payload") {
      if (std::exchange(has.payload, true)) return refuse_twice(key);
      return read_payload(msg);
    }
    if (key == "id") {
      if (msg.id) return refuse_twice(key);
      if (!read_id("a msg", msg.id.emplace())) return false;
      // The store knows a hole by it (store/settled_table).
      return !msg.id->is_nil() ||
             refuse({400, "id is " + msg.id->text() + "; expected another one: no msg has that"});
    }
    Wishes& wishes = wishes_of(msg);
    if (key == "key") return wishes.key.empty() ? read_key(wishes.key) : refuse_twice(key);
    if (key == "queue") {
      if (std::exchange(has.queue, true)) return refuse_twice(key);
      return read_queue(wishes.queue);
    }
    return read_rule(key, wishes);
  }

  // What a msg says of its sending.
  bool read_rule(std::string_view key, Wishes& wishes) {
    std::uint64_t number = 0;
    if (key == "delay") {
      if (wishes.delay) return refuse_twice(key);
      if (!read_number(key, " of ms", kMostDelay, number)) return false;
      wishes.delay = std::chrono::milliseconds{number};
    } else if (key == "due") {
      if (wishes.due_at) return refuse_twice(key);
      return read_date(key, wishes.due_at.emplace());
    } else if (key == "max_resends") {
      if (wishes.max_resends) return refuse_twice(key);
      if (!read_number(key, "", kMostResends, number)) return false;
      wishes.max_resends = static_cast<std::uint16_t>(number);
    } else {
      return refuse({400, "a msg has the key " + quote(key) +
                              "; expected period, payload, id, key, queue, delay, due or "
                              "max_resends"});
    }
    return true;
  }

  bool read_period(Submission& msg) {
    std::uint64_t period = 0;
    if (!read_number("period", " of ms", limits_.period_ms, period)) return false;
    msg.period = static_cast<std::uint32_t>(period);
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

  bool read_key(std::string& key) {
    if (!read_string("key", key)) return false;
    has_keys_ = true;
    if (is_key(key)) return true;
    return refuse({400, "key is " + quote(key) + ", of " + std::to_string(key.size()) +
                            " bytes; expected " + key_rule()});
  }

  bool read_queue(std::string& queue) {
    if (!read_string("queue", queue)) return false;
    if (!is_queue_name(queue)) {
      return refuse({400, "queue is " + quote(queue) + "; expected " + queue_name_rule()});
    }
    if (short_queue_name(queue).empty()) queue.clear();
    return true;
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

  // Within a queue.
  bool keys_differ() {
    if (!has_keys_) return true;
    std::vector<std::pair<std::string_view, std::string_view>> keys;
    for (const Submission& msg : msgs) {
      const Wishes* const wishes = msg.wishes.get();
      if (wishes != nullptr && !wishes->key.empty()) keys.emplace_back(wishes->queue, wishes->key);
    }
    std::ranges::sort(keys);
    const auto twin = std::ranges::adjacent_find(keys);
    if (twin == keys.end()) return true;
    return refuse({400, "the msg key " + shown_key(twin->second) + " stands twice for the queue " +
                            std::string{full_queue_name(twin->first)} + "; expected it once"});
  }

  const core::Limits& limits_;
  std::string_view queue_;
  bool has_keys_ = false;
};

}  // namespace

Outcome<std::vector<Submission>> parse_submissions(std::string_view body,
                                                   const core::Limits& limits,
                                                   std::string_view queue) {
  JsonCursor cursor(body);
  SubmissionReader reader(cursor, limits, queue);
  if (auto refusal = read_body(body, cursor, reader)) return *refusal;
  return std::move(reader.msgs);
}

}  // namespace pena::wire
