// What a server's answer says.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/instant.hpp"

namespace pena::client {

// "400: batchsize is missing; …": the status and the sentence of {"error": …}, or the body, in
// one line.
[[nodiscard]] std::string error_text(unsigned status, std::string_view body);

// The field Retry-After: a number of seconds, or a date, which is counted from the answer's own Date,
// for this side's wall clock may be any. Nothing where it is neither, or a date without a Date.
[[nodiscard]] std::optional<core::Duration> retry_after(std::string_view field,
                                                        std::string_view date);

}  // namespace pena::client
