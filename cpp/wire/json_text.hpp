// What the writers of JSON share.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/instant.hpp"
#include "core/xid.hpp"

namespace pena::wire {

// A string that may hold anything: bytes that are no UTF-8 replaced, separators of lines as escapes.
[[nodiscard]] std::string json_string(std::string_view text);
// "2026-11-23T18:00:00.000Z", quoted.
[[nodiscard]] std::string json_date(core::Instant at);

// One member of an object, with the comma in front of it.
void append_member(std::string& out, std::string_view key, std::string_view json);
void append_member(std::string& out, std::string_view key, const core::Xid& id);

// An array.
void append_ids(std::string& out, const std::vector<core::Xid>& ids);

}  // namespace pena::wire
