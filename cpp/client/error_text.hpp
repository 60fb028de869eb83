// What a server's error says to a person.
#pragma once

#include <string>
#include <string_view>

namespace pena::client {

// "400: batchsize is missing; …": the status and the sentence of {"error": …}, or the body as it
// is.
[[nodiscard]] std::string error_text(unsigned status, std::string_view body);

}  // namespace pena::client
