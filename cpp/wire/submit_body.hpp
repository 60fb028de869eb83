// POST /task as a client sees it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/xid.hpp"
#include "wire/json.hpp"

namespace pena::wire {

// A msg of the body, as an object. Its queue is not among it: that is the query's.
[[nodiscard]] std::string submission_json(const Submission& msg);

// What a good answer says; nothing where it is none.
struct AcceptedAnswer {
  std::vector<core::Xid> ids, known;
};
[[nodiscard]] std::optional<AcceptedAnswer> parse_accepted(std::string_view body);

}  // namespace pena::wire
