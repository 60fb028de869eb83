// The queries of Pena's targets. What is not known there is refused (400): a key that does nothing was meant
// to do something. Of a stream alone it is passed over, for SSE libraries add keys of their own.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/event.hpp"
#include "core/instant.hpp"
#include "core/limits.hpp"
#include "core/xid.hpp"
#include "wire/outcome.hpp"

namespace pena::wire {

struct TaskQuery {
  std::uint32_t batchsize = 0;
  bool takes_short = false;              // short=1
  std::optional<std::uint64_t> batches;  // batches=N: the client wants no more; none: any number
  std::vector<std::string> queues = {};  // queue=high,low; empty: `default` alone
  bool submitted_only = false;           // submitted=1
  std::string name = {};                 // name=…; empty: none
};
// `query` is what stands behind the '?', percent-encoded, without it. Refuses (400) a batchsize
// that is missing, repeated, not decimal, 0, negative, signed or above the limit, a `batches` that is
// no such number, a `short` or `submitted` other than 0, 1, a queue's name that is none or stands twice,
// more of them than may be, and a client's name that is none.
[[nodiscard]] Outcome<TaskQuery> parse_task_query(std::string_view query,
                                                  const core::Limits& limits);

// Of POST /task: the queue of the msgs that name none; empty: `default`.
[[nodiscard]] Outcome<std::string> parse_submit_query(std::string_view query);

// Of GET /task: one msg is asked for, and no stream.
struct KeyQuery {
  std::string key;
  std::string queue;  // empty: `default`
};
// Nothing where there is no `key`.
[[nodiscard]] Outcome<std::optional<KeyQuery>> parse_key_query(std::string_view query);

// What may be asked of a bucket beside the rest.
struct PageKind {
  bool has_since = false;   // records have an order in which they were settled
  bool is_by_date = false;  // they stand by date and id, and `after` names both
};
struct PageQuery {
  std::optional<core::Xid> after;                     // exclusive
  std::size_t limit = 0;                              // limits.page_ids where not given
  bool records = false;                               // records=1: whole records, not ids alone
  std::optional<std::string> queue = std::nullopt;    // queue=…: of that one alone; "": `default`
  std::optional<std::uint64_t> since = std::nullopt;  // since=N: behind that place, exclusive
  core::Instant after_date = {};                      // of `after`, in what is by date
};
[[nodiscard]] Outcome<PageQuery> parse_page_query(std::string_view query,
                                                  const core::Limits& limits, PageKind kind = {});

// Of GET /clients, /batch and /stats, whose lists are one answer and no pages of a store.
inline constexpr std::size_t kMostStatus = 1000;  // entries, and where no limit is given
// `request` of the event is left 0. `after` is a queue's name in `stats`, and an id in the others.
[[nodiscard]] Outcome<core::StatusAsked> parse_status_query(std::string_view query,
                                                            core::StatusAsked::What what);

// Of a request that takes none.
[[nodiscard]] std::optional<Refusal> refuse_query(std::string_view query);

// `after` of what is by date: the page's "next", without quotation marks.
[[nodiscard]] std::string date_place(core::Instant date, const core::Xid& id);

}  // namespace pena::wire
