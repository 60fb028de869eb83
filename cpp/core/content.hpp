// What a msg says, apart from who it is: what makes two submissions under one id or key the same.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/msg.hpp"

namespace pena::core {

// When a msg is to be sent is no part of it: a retry of a delay says another date.
struct Content {
  QueueNumber queue = kDefaultQueue;
  std::uint32_t period = 0;
  std::optional<std::uint16_t> max_resends;
  std::string key;
  std::optional<PayloadHash> payload;  // none: not known, in what an older version wrote
};

[[nodiscard]] Content content_of(const Msg& msg);
[[nodiscard]] Content content_of(const ReportRecord& record);
// What of them is not the same, as people call it: "payload", "period and queue"; empty: nothing. Where one of
// them does not know its payload, the rest counts. `max_resends`: of one that does not say it, so both may mean
// the same.
[[nodiscard]] std::string difference(const Content& a, const Content& b, int max_resends);

// All zeros for none.
[[nodiscard]] PayloadHash hash_of(std::string_view payload);

}  // namespace pena::core
