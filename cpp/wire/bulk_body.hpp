// The bodies of POST /fail/retry, DELETE /fail, DELETE /report and DELETE /queue; and of requests that
// need none.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/effect.hpp"
#include "core/limits.hpp"
#include "wire/outcome.hpp"

namespace pena::wire {

// {"ids":[…]}, or {"all":true,"queue"?,"error"?,"before"?}; with both "dry_run"?. `what` decides whether
// `error` may be there. `request` of the event is left 0.
[[nodiscard]] Outcome<core::BulkAsked> parse_bulk(std::string_view body, core::BulkAsked::What what,
                                                  const core::Limits& limits);

// POST /queue/<name>/pause and /resume: nothing, or {}.
[[nodiscard]] std::optional<Refusal> check_no_body(std::string_view body);

// {"message":"success","retried":n,"unknown":n[,"dry_run":true]}, or "deleted" in the place of "retried".
[[nodiscard]] std::string bulk_json(std::string_view done, const core::BulkReply& reply,
                                    bool dry_run);

}  // namespace pena::wire
