// What the commands print for machines: one JSON object a line, without its line end.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/log.hpp"
#include "core/xid.hpp"
#include "server/server.hpp"

namespace pena::cli {

struct Run;
struct Story;
struct Worked;

// The text as JSON; nothing where it is no UTF-8.
[[nodiscard]] std::optional<std::string> json_text(std::string_view text);
[[nodiscard]] std::string json_error(std::string_view sentence);
[[nodiscard]] std::string json_url(const std::string& url);
[[nodiscard]] std::string json_log(core::LogLevel level, std::string_view text);
[[nodiscard]] std::string json_summary(const server::Stats& stats);
[[nodiscard]] std::string json_run(const Run& run);
[[nodiscard]] std::string json_story(const Story& story);
// Of a msg that `pena put` has submitted. `place`: "line 3".
[[nodiscard]] std::string json_put(const core::Xid& id, const std::string& place, bool known);
[[nodiscard]] std::string json_worked(const Worked& worked);

}  // namespace pena::cli
