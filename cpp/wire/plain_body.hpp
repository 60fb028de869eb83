// Bodies as nearly every client sends them, read straight through. Whatever else there may be (escapes,
// white space in odd places, characters beyond ASCII, anything wrong) gives nothing, and is left to the
// readers of json.hpp, which say what is wrong with it.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "core/event.hpp"
#include "core/limits.hpp"
#include "wire/json.hpp"

namespace pena::wire {

// {"batch":"…","ids":["…",…]} or ["…",…].
[[nodiscard]] std::optional<core::Reported> plain_report(std::string_view body,
                                                         const core::Limits& limits);

// {"period":382,"payload":…} or an array of such.
[[nodiscard]] std::optional<std::vector<Submission>> plain_submissions(std::string_view body,
                                                                       const core::Limits& limits);

}  // namespace pena::wire
