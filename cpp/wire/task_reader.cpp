#include "wire/task_reader.hpp"

#include <chrono>
#include <utility>

#include "wire/json.hpp"

namespace pena::wire {
namespace {

// More than the event of any msg: a payload has 2 GiB at most, and escapes may double it.
constexpr std::uint64_t kMostCut = std::uint64_t{4} << 30U;

}  // namespace

std::string task_query(std::uint32_t batchsize, std::optional<std::uint64_t> batches) {
  return "batchsize=" + std::to_string(batchsize) +
         (batches ? "&batches=" + std::to_string(*batches) : "");
}

std::string worker_query(std::uint32_t batchsize, const std::vector<std::string>& queues,
                         std::string_view name, bool submitted_only) {
  std::string query = task_query(batchsize, std::nullopt) + "&short=1";
  if (submitted_only) query += "&submitted=1";
  for (std::size_t i = 0; i < queues.size(); ++i) query += (i == 0 ? "&queue=" : ",") + queues[i];
  if (!name.empty()) query.append("&name=").append(name);
  return query;
}

TaskReader::TaskReader(Tell tell, TaskReading reading)
    : tell_(std::move(tell)), reading_(std::move(reading)), parser_(reading_.max_event, kMostCut) {
  parser_.on_event = [this](SseEvent&& event) {
    this->event(std::move(event));
  };
  parser_.on_comment = [this](std::string_view text) {
    comment(text);
  };
}

bool TaskReader::feed(std::string_view bytes) {
  if (!bytes.empty()) tell_(core::StreamHeard{});
  return parser_.feed(bytes);
}

void TaskReader::event(SseEvent&& event) {
  const auto batch = core::Xid::parse(event.id);
  const bool is_cut = event.cut > 0;
  const auto msg = parse_msg_head(event.data, is_cut);
  if (!msg) return tell_(core::StrangeArrived{std::move(event.data), batch});
  core::MsgArrived arrived{msg->id, msg->period, batch};
  if (is_cut) {
    if (reading_.tell_too_large) reading_.tell_too_large(msg->id, event.data.size() + event.cut);
  } else if (reading_.keeps_data) {
    arrived.data = std::move(event.data);
  }
  tell_(std::move(arrived));
}

void TaskReader::comment(std::string_view text) {
  const StreamNote note = parse_note(text);
  if (!note.batch && !note.at_ms) return;
  core::NoteArrived arrived{note.batch, note.size, note.at_ms, {}};
  if (note.lease_ms) arrived.lease = std::chrono::milliseconds{*note.lease_ms};
  tell_(arrived);
}

}  // namespace pena::wire
