#include "wire/queue_counts.hpp"

#include "wire/body_reader.hpp"
#include "wire/json_cursor.hpp"

namespace pena::wire {
namespace {

constexpr int kDeepest = 8;

bool read_row(JsonCursor& cursor, std::uint64_t& msgs) {
  return cursor.next() == '{' && cursor.each_member([&](std::string_view key) {
    const auto value = cursor.value(kDeepest);
    if (!value) return false;
    if (key == "queued" || key == "later" || key == "held") {
      const auto count = whole_number<std::uint64_t>(value->text);
      if (!count) return false;
      msgs += *count;
    }
    return true;
  });
}

}  // namespace

std::optional<std::uint64_t> unsettled_msgs(std::string_view stats) {
  JsonCursor cursor(stats);
  std::uint64_t msgs = 0;
  bool has_queues = false;
  const bool whole = cursor.next() == '{' && cursor.each_member([&](std::string_view key) {
    if (key != "queues") return cursor.value(kDeepest).has_value();
    has_queues = true;
    return cursor.next() == '[' && cursor.each_element([&] { return read_row(cursor, msgs); });
  });
  return whole && has_queues && cursor.end() ? std::optional{msgs} : std::nullopt;
}

}  // namespace pena::wire
