#include "wire/json_text.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/number_text.hpp"
#include "wire/json.hpp"
#include "wire/json_cursor.hpp"

namespace pena::wire {

std::string json_string(std::string_view text) {
  const auto is_plain = [](char letter) {
    return letter >= ' ' && letter <= '~' && letter != '"' && letter != '\\';
  };
  if (std::ranges::all_of(text, is_plain)) {
    std::string plain;
    plain.reserve(text.size() + 2);
    plain += '"';
    return plain.append(text).append("\"");
  }
  const std::string json =
      nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return JsonCursor::compact({.text = json, .escaped = true, .verbatim = false});
}

std::string json_date(core::Instant at) {
  return '"' + core::date_text(at) + '"';
}

void append_member(std::string& out, std::string_view key, std::string_view json) {
  out.append(",\"").append(key).append("\":").append(json);
}

void append_member(std::string& out, std::string_view key, const core::Xid& id) {
  out.append(",\"").append(key).append("\":");
  append_quoted(out, id);
}

void append_ids(std::string& out, const std::vector<core::Xid>& ids) {
  out += '[';
  for (const core::Xid& id : ids) {
    append_quoted(out, id);
    out += ',';
  }
  if (!ids.empty()) out.pop_back();
  out += ']';
}

}  // namespace pena::wire
