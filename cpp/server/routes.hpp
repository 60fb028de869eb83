// What each method and path does.
#pragma once

#include <string>

#include "server/body_room.hpp"
#include "server/engine.hpp"
#include "wire/outcome.hpp"

namespace pena::server {

struct Request {
  std::string method, path, query, body;
  BodyShare share;  // what the body takes of the room for all
};

struct Answer {
  unsigned status = 200;
  std::string body;     // application/json
  std::string headers;  // further header lines, each with its line end
};

[[nodiscard]] Answer refuse(const wire::Refusal& refusal);
// The answer to a request other than GET and HEAD /task, which are streams.
[[nodiscard]] Awaitable<Answer> answer(Engine& engine, Request request);

}  // namespace pena::server
