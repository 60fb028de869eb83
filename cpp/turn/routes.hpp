// Where a method and a path lead, and what is answered where they lead nowhere.
#pragma once

#include <cstdint>
#include <string_view>
#include <variant>

#include "turn/answer.hpp"

namespace pena::turn {

enum class Route : std::uint8_t {
  stream,          // GET /task
  submit,          // POST /task
  report,          // POST /report
  reports,         // GET /report
  fails,           // GET /fail
  queue,           // GET /queue
  later,           // GET /later
  batches,         // GET /batch
  clients,         // GET /clients
  stats,           // GET /stats
  msg,             // GET /task/<id>
  retry,           // POST /fail/retry
  forget_fails,    // DELETE /fail
  forget_reports,  // DELETE /report
  forget_waiting,  // DELETE /queue
  pause,           // POST /queue/<name>/pause
  resume,          // POST /queue/<name>/resume
  health,          // GET /healthz
};

// HEAD leads where GET does. OPTIONS is answered with Allow; a method that does not go with its path with
// 405 and Allow, a path that is not there with 404.
[[nodiscard]] std::variant<Route, Answer> find_route(std::string_view method,
                                                     std::string_view path);
// Of a path that leads to Route::msg: what stands for the id.
[[nodiscard]] std::string_view msg_of(std::string_view path);
// Of one that leads to Route::pause or resume: what stands for the name.
[[nodiscard]] std::string_view queue_of(std::string_view path);

}  // namespace pena::turn
