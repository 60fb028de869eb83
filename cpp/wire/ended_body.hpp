// The bodies of POST /fail/retry, DELETE /fail and DELETE /report.
#pragma once

#include <string>
#include <string_view>

#include "core/effect.hpp"
#include "core/limits.hpp"
#include "wire/outcome.hpp"

namespace pena::wire {

// {"ids":[…]}, or {"all":true,"queue"?,"error"?,"before"?}; with both "dry_run"?. `what` decides whether
// `error` may be there. `request` of the event is left 0.
[[nodiscard]] Outcome<core::EndedAsked> parse_ended(std::string_view body,
                                                    core::EndedAsked::What what,
                                                    const core::Limits& limits);

// {"message":"success","retried":n,"unknown":n[,"dry_run":true]}, or "deleted" in the place of "retried".
[[nodiscard]] std::string ended_json(std::string_view done, const core::EndedReply& reply,
                                     bool dry_run);

}  // namespace pena::wire
