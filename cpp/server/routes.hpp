// What each method and path does.
#pragma once

#include <string>
#include <string_view>

#include "server/engine.hpp"
#include "wire/outcome.hpp"

namespace pena::server {

struct Request {
  std::string method, path, query, body;
};

struct Answer {
  unsigned status = 200;
  std::string body;     // application/json
  std::string headers;  // further header lines, each with its line end
};

[[nodiscard]] Answer refuse(const wire::Refusal& refusal);
// The answer to a request other than GET and HEAD /task, which are streams.
[[nodiscard]] Awaitable<Answer> answer(Engine& engine, Request request);
// Path and query of a target.
void split_target(std::string_view target, std::string& path, std::string& query);

}  // namespace pena::server
