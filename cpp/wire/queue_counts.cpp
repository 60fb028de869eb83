#include "wire/queue_counts.hpp"

#include "wire/body_reader.hpp"
#include "wire/json_cursor.hpp"

namespace pena::wire {
namespace {

constexpr int kDeepest = 8;

bool read_row(JsonCursor& cursor, QueueCounts& counts) {
  return cursor.next() == '{' && cursor.each_member([&](std::string_view key) {
    const auto value = cursor.value(kDeepest);
    if (!value) return false;
    const bool is_unsettled = key == "queued" || key == "later" || key == "held";
    if (!is_unsettled && key != "reported" && key != "failed") return true;
    const auto count = whole_number<std::uint64_t>(value->text);
    if (count) (is_unsettled ? counts.unsettled : counts.settled) += *count;
    return count.has_value();
  });
}

}  // namespace

std::optional<QueueCounts> queue_counts(std::string_view stats) {
  JsonCursor cursor(stats);
  QueueCounts counts;
  bool has_queues = false;
  const bool whole = cursor.next() == '{' && cursor.each_member([&](std::string_view key) {
    if (key != "queues") return cursor.value(kDeepest).has_value();
    has_queues = true;
    return cursor.next() == '[' && cursor.each_element([&] { return read_row(cursor, counts); });
  });
  return whole && has_queues && cursor.end() ? std::optional{counts} : std::nullopt;
}

}  // namespace pena::wire
