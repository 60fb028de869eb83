// Payloads, which are JSON, as text.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace pena::client {

// Without the space between its parts; nothing where it is no JSON, or is deeper than a server takes by default.
[[nodiscard]] std::optional<std::string> compact_json(std::string_view text);
// What is wrong with a text that is to be JSON, as "is not JSON: …"; empty: nothing.
[[nodiscard]] std::string json_problem(std::string_view text);

// The characters of a string, and anything else as compact JSON. No payload is no text.
[[nodiscard]] std::string payload_text(std::string_view payload);
// Likewise, of a member of an object: "to", or of an object in it, "address.city". Nothing where there is none, or it
// is null.
[[nodiscard]] std::optional<std::string> payload_field(std::string_view payload,
                                                       std::string_view path);
// Whether that is text or a number, as what names a msg is.
[[nodiscard]] bool is_name_field(std::string_view payload, std::string_view path);

}  // namespace pena::client
