// One connection: requests one after the other, each checked before its body is read.
#pragma once

#include "server/engine.hpp"

namespace pena::server {

// Serves until either side closes. Throws nothing but what is a bug.
[[nodiscard]] Awaitable<void> serve_connection(Engine& engine, Socket socket);

// Answers 503 to the request that is about to come, and closes.
[[nodiscard]] Awaitable<void> turn_away(Engine& engine, Socket socket);

}  // namespace pena::server
