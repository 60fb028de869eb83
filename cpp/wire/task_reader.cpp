#include "wire/task_reader.hpp"

#include <chrono>
#include <utility>

#include "wire/json.hpp"

namespace pena::wire {

std::string task_query(std::uint32_t batchsize, std::optional<std::uint64_t> batches) {
  return "batchsize=" + std::to_string(batchsize) +
         (batches ? "&batches=" + std::to_string(*batches) : "");
}

TaskReader::TaskReader(Tell tell) : tell_(std::move(tell)) {
  parser_.on_event = [this](const SseEvent& event) {
    if (const auto msg = parse_msg_json(event.data)) {
      tell_(core::MsgArrived{msg->id, msg->period, core::Xid::parse(event.id)});
    } else {
      tell_(core::StrangeArrived{event.data, core::Xid::parse(event.id)});
    }
  };
  parser_.on_comment = [this](std::string_view text) {
    comment(text);
  };
}

bool TaskReader::feed(std::string_view bytes) {
  if (!bytes.empty()) tell_(core::StreamHeard{});
  return parser_.feed(bytes);
}

void TaskReader::comment(std::string_view text) {
  const StreamNote note = parse_note(text);
  if (!note.batch && !note.at_ms) return;
  core::NoteArrived arrived{note.batch, note.size, note.at_ms, {}};
  if (note.lease_ms) arrived.lease = std::chrono::milliseconds{*note.lease_ms};
  tell_(arrived);
}

}  // namespace pena::wire
