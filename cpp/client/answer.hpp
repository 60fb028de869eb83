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

// The field Retry-After, where it is a number of seconds. Nothing where it is a date: this side's
// wall clock may be any.
[[nodiscard]] std::optional<core::Duration> retry_after(std::string_view field);

}  // namespace pena::client
