// Carries requests to the desk, and does what it says about them.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "server/engine.hpp"
#include "turn/desk.hpp"
#include "turn/page_text.hpp"
#include "turn/request_intake.hpp"

namespace pena::server {

using Request = turn::WholeRequest;

struct Answer : turn::Answer {
  Answer() = default;
  explicit Answer(turn::Answer whole) : turn::Answer(std::move(whole)) {}
  std::shared_ptr<turn::PageText> rest;  // of the body, where that is written as it is read
};

// The answer to what was asked, but for a stream. Errors: StoreError.
[[nodiscard]] Awaitable<Answer> answer(Engine& engine, turn::Asked& asked);
// The next slice of a body, appended to `text`. Errors: StoreError.
[[nodiscard]] Awaitable<void> read_slice(Engine& engine, turn::PageText& page, std::string& text);

}  // namespace pena::server
