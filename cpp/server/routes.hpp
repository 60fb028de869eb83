// What each method and path does.
#pragma once

#include <memory>
#include <string>

#include "server/body_room.hpp"
#include "server/engine.hpp"
#include "server/page_text.hpp"
#include "wire/outcome.hpp"

namespace pena::server {

struct Request {
  std::string method, path, query, body;
  BodyShare share;  // what the body takes of the room for all
};

struct Answer {
  unsigned status = 200;
  std::string body;                     // application/json
  std::string headers;                  // further header lines, each with its line end
  std::shared_ptr<PageText> rest = {};  // of the body, where that is written as it is read
};

[[nodiscard]] Answer refuse(const wire::Refusal& refusal);
// The answer to a request other than GET and HEAD /task, which are streams.
[[nodiscard]] Awaitable<Answer> answer(Engine& engine, Request request);
// The next slice of a body, appended to `text`. Errors: StoreError.
[[nodiscard]] Awaitable<void> read_slice(Engine& engine, PageText& page, std::string& text);

}  // namespace pena::server
