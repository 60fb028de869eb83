// JSON bodies: bytes in, values out, and back. Bodies are read as JSON whatever their Content-Type
// says.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/event.hpp"
#include "core/limits.hpp"
#include "core/msg.hpp"
#include "wire/outcome.hpp"

namespace pena::wire {

// What most msgs of POST /task do not say.
struct Wishes {
  std::string key;    // empty: none
  std::string queue;  // empty: `default`
  // Not to be sent before: so long from now, or that date. At most one of them.
  std::optional<core::Duration> delay;
  std::optional<core::Instant> due_at;
  std::optional<std::uint16_t> max_resends;
};
// One msg of it. Small, for there are many, and they are moved as their list grows.
struct Submission {
  std::optional<core::Xid> id;
  std::uint32_t period = 0;        // ms; 0 where not given
  std::string payload;             // compact JSON text; empty: none. An explicit null is none.
  std::unique_ptr<Wishes> wishes;  // null: none
};
// A msg or an array of them: {"period"?, "payload"?, "id"?, "key"?, "queue"?, "delay"? or "due"?,
// "max_resends"?}. `queue`: of those that name none; empty: `default`. Refuses (400) what is not JSON,
// is too deep, has duplicate or unknown keys, wrong types, the same id twice, or the same key twice in
// one queue; (413) too many or too large.
[[nodiscard]] Outcome<std::vector<Submission>> parse_submissions(std::string_view body,
                                                                 const core::Limits& limits,
                                                                 std::string_view queue = {});

// POST /report: {"ids":[…], "batch"?, "failed"?:[{"id", "error"?, "retry_in"? or "final"?:true}],
// "refused"?:[…], "results"?:{"<id>":…}, "partial"?:true, "last"?:true},
// or […], or "id", or {"client":"<id>", "last":true}. A bare string is partial. `request` of the event is left 0. Refuses as above.
// An id that is no xid is a 400 that names it; an id that stands twice counts once; unknown keys
// are refused by name; an object without any of client, ids, failed and refused is refused, and so are a
// `last` without `batch` or `client`, a `client` without `last` or with anything else, and a result of what is
// not among `ids`. A result that is null is none.
[[nodiscard]] Outcome<core::Reported> parse_report(std::string_view body,
                                                   const core::Limits& limits);

// {"id":"…","period":382[,"payload":…][,"queue":"…"][,"key":"…"][,"attempt":2][,"last_attempt":true]}: the
// data of an event, appended to `out`. `max_resends`: where the msg does not say so itself. `queue_name`:
// of the msg's queue; empty: `default`, which is not said.
void append_msg_json(std::string& out, const core::QueuedMsg& msg, int max_resends,
                     std::string_view queue_name = {});

// What a client reads out of such data.
struct ReceivedMsg {
  core::Xid id;
  std::uint32_t period = 0;
  std::string payload;
  std::string queue;  // empty: `default`
  std::string key;
  int attempt = 1;
  bool last_attempt = false;
};
[[nodiscard]] std::optional<ReceivedMsg> parse_msg_json(std::string_view data);
// What every msg has, of data that is one. `is_cut`: its end is missing, and it is enough where they stand before.
struct MsgHead {
  core::Xid id;
  std::uint32_t period = 0;
};
[[nodiscard]] std::optional<MsgHead> parse_msg_head(std::string_view data, bool is_cut);

// The answers.
[[nodiscard]] std::string error_json(std::string_view sentence);
// Appends the id in quotation marks.
void append_quoted(std::string& out, const core::Xid& id);

[[nodiscard]] std::string ids_json(const std::vector<core::Xid>& ids);
// {"ids":[…],"known":[…]}: of a submission, and those of its ids that were accepted before.
[[nodiscard]] std::string accepted_json(const std::vector<core::Xid>& ids,
                                        const std::vector<core::Xid>& known);

// What became of a report. `held`: how many msgs its batch or its client still holds; none: it named neither.
struct ReportAnswer {
  std::uint64_t reported = 0, duplicate = 0, unknown = 0;
  std::optional<std::uint64_t> held = std::nullopt;
};
[[nodiscard]] std::string report_success_json(const ReportAnswer& answer);
// Where not all of it was taken: {"error":"…", and the same counts}.
[[nodiscard]] std::string report_error_json(std::string_view sentence, const ReportAnswer& answer);
// What the client reads out of either; nothing where it is neither.
[[nodiscard]] std::optional<ReportAnswer> parse_report_answer(std::string_view body);

// The sentence of an {"error": …}; nothing where it is none.
[[nodiscard]] std::optional<std::string> parse_error(std::string_view body);

// A report as the client sends it:
// {"ids":[…][,"batch":…][,"failed":[…]][,"refused":[…]][,"results":{…}][,"partial":true][,"last":true]},
// or {"client":"…","last":true}.
[[nodiscard]] std::string report_json(const core::Reported& report);
// That a client takes no more: {"client":"…","last":true}.
[[nodiscard]] std::string leave_json(const core::Xid& client);

}  // namespace pena::wire
