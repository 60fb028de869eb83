// What the log says of requests that are refused.
//
// Pure: time comes in. One owner.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "core/instant.hpp"
#include "turn/answer.hpp"
#include "turn/log_quota.hpp"

namespace pena::turn {

class RefusalLog {
 public:
  // Whether there is a line on an answer of that status; and then how many had none since the last one.
  // At 500 the log has one already, with more in it.
  [[nodiscard]] std::optional<std::size_t> note(unsigned status, core::Instant now) {
    return status < 400 || status == 500 ? std::nullopt : quota_.allow(now);
  }
  // The line. `asked`: method and target, or "" where nobody could read them.
  [[nodiscard]] static std::string line(std::string_view asked, std::string_view from,
                                        const Answer& answer, std::size_t untold);

 private:
  LogQuota quota_{10};  // whoever is refused may ask again at once, for ever
};

}  // namespace pena::turn
