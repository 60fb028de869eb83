// The environment of a command that is run for a msg.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "client/handlers.hpp"

namespace pena::cli {

// What it is told of the msg.
inline constexpr std::array<std::string_view, 6> kMsgVariables{
    "PENA_ID", "PENA_ATTEMPT", "PENA_LAST_ATTEMPT", "PENA_QUEUE", "PENA_KEY", "PENA_PAYLOAD"};

// The entries of `environment` (`NAME=value` …, null) but for those that are of a msg: whoever runs within a command
// that is run for one has them, too.
[[nodiscard]] std::vector<std::string> without_msg(const char* const* environment);
// Those of a msg. `payload`: as text; left out where it is longer than a system takes, or has a NUL.
[[nodiscard]] std::vector<std::string> variables_of(const client::Msg& msg,
                                                    const std::string& payload);

}  // namespace pena::cli
