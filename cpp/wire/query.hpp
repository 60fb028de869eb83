// The queries of Pena's targets. Unknown keys are ignored: SSE libraries add their own.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/limits.hpp"
#include "core/xid.hpp"
#include "wire/outcome.hpp"

namespace pena::wire {

struct TaskQuery {
  std::uint32_t batchsize = 0;
  bool takes_short = false;              // short=1
  std::optional<std::uint64_t> batches;  // batches=N: the client wants no more; none: any number
};
// `query` is what stands behind the '?', percent-encoded, without it. Refuses (400) a batchsize
// that is missing, repeated, not decimal, 0, negative, signed or above the limit, a `batches` that is
// no such number, and a `short` other than 0, 1.
[[nodiscard]] Outcome<TaskQuery> parse_task_query(std::string_view query,
                                                  const core::Limits& limits);

struct PageQuery {
  std::optional<core::Xid> after;  // exclusive
  std::size_t limit = 0;           // limits.page_ids where not given
  bool records = false;            // records=1: whole records, not ids alone
};
[[nodiscard]] Outcome<PageQuery> parse_page_query(std::string_view query,
                                                  const core::Limits& limits);

}  // namespace pena::wire
