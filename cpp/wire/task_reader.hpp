// A client's side of GET /task: what it asks for, and what comes, as events of its machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/client_event.hpp"
#include "wire/sse.hpp"

namespace pena::wire {

// What stands behind the '?'. `batches`: no more than these are wanted.
[[nodiscard]] std::string task_query(std::uint32_t batchsize, std::optional<std::uint64_t> batches);
// That of a worker, who takes any batch at once. `queues`: none are `default`. `name`: percent-encoded; empty is none.
[[nodiscard]] std::string worker_query(std::uint32_t batchsize,
                                       const std::vector<std::string>& queues,
                                       std::string_view name, bool submitted_only);

struct TaskReading {
  bool keeps_data = false;                // a MsgArrived has the data of its event
  std::size_t max_event = kLargestEvent;  // bytes
  // Of a msg whose event is larger, and of how many bytes that is. Its MsgArrived follows, and has no data.
  std::function<void(const core::Xid& msg, std::uint64_t bytes)> tell_too_large = {};
};

// Of one stream.
class TaskReader {
 public:
  using Tell = std::function<void(const core::StreamEvent&)>;

  explicit TaskReader(Tell tell, TaskReading reading = {});
  // What it tells is told from here.
  TaskReader(const TaskReader&) = delete;
  TaskReader& operator=(const TaskReader&) = delete;

  // False where it is no stream to be read on: a line of it is too long, and not of a msg.
  [[nodiscard]] bool feed(std::string_view bytes);

 private:
  void event(SseEvent&& event);
  void comment(std::string_view text);

  Tell tell_;
  TaskReading reading_;
  SseParser parser_;
};

}  // namespace pena::wire
