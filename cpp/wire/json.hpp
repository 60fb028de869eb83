// JSON bodies: bytes in, values out, and back. Bodies are read as JSON whatever their Content-Type
// says.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/event.hpp"
#include "core/limits.hpp"
#include "core/msg.hpp"
#include "wire/outcome.hpp"

namespace pena::wire {

// One msg of POST /task.
struct Submission {
  std::optional<core::Xid> id;
  std::uint32_t period = 0;  // ms; 0 where not given
  std::string payload;       // compact JSON text; empty: none. An explicit null is none.
};
// A msg or an array of them: {"period"?, "payload"?, "id"?}. Refuses (400) what is not JSON, is too
// deep, has duplicate or unknown keys, wrong types, the same id twice; (413) too many or too large.
[[nodiscard]] Outcome<std::vector<Submission>> parse_submissions(std::string_view body,
                                                                 const core::Limits& limits);

// POST /report: {"ids":[…], "batch"?, "failed"?:[{"id","error"}], "refused"?:[…], "partial"?:true,
// "last"?:true},
// or […], or "id". A bare string is partial. `request` of the event is left 0. Refuses as above.
// An id that is no xid is a 400 that names it; an id that stands twice counts once; unknown keys
// are refused by name; an object without any of ids, failed and refused is refused, and so is a `last`
// without `batch`.
[[nodiscard]] Outcome<core::Reported> parse_report(std::string_view body,
                                                   const core::Limits& limits);

// {"id":"…","period":382[,"payload":…][,"attempt":2]}: the data of an event, appended to `out`.
void append_msg_json(std::string& out, const core::QueuedMsg& msg);

// What a client reads out of such data.
struct ReceivedMsg {
  core::Xid id;
  std::uint32_t period = 0;
  std::string payload;
  int attempt = 1;
};
[[nodiscard]] std::optional<ReceivedMsg> parse_msg_json(std::string_view data);

// The answers.
[[nodiscard]] std::string error_json(std::string_view sentence);
// Appends the id in quotation marks.
void append_quoted(std::string& out, const core::Xid& id);

[[nodiscard]] std::string ids_json(const std::vector<core::Xid>& ids);
[[nodiscard]] std::string report_success_json(std::uint64_t reported, std::uint64_t duplicate,
                                              std::uint64_t unknown);
// What the client reads out of that answer; nothing where it is none.
struct ReportAnswer {
  std::uint64_t reported = 0, duplicate = 0, unknown = 0;
};
[[nodiscard]] std::optional<ReportAnswer> parse_report_answer(std::string_view body);

// The sentence of an {"error": …}; nothing where it is none.
[[nodiscard]] std::optional<std::string> parse_error(std::string_view body);

// {"ids":[…],"next"?} or {"records":[…],"next"?}, appended to one text or to one after the other.
// Instants are in ISO 8601 UTC with ms ("2026-11-23T18:00:00.000Z").
class PageJson {
 public:
  explicit PageJson(std::string_view name) : name_(name) {}  // "ids" or "records"
  void add(std::string& out, const core::Xid& id);
  void add(std::string& out, const core::ReportRecord& record);
  void add(std::string& out, const core::FailRecord& record);
  // `next`: where the next page begins; none: this is the last.
  void end(std::string& out, const std::optional<core::Xid>& next);

 private:
  void begin_one(std::string& out);

  std::string_view name_;
  bool begun_ = false;
};

// A report as the client sends it:
// {"batch":…,"ids":[…][,"failed":[…]][,"refused":[…]][,"partial":true][,"last":true]}.
[[nodiscard]] std::string report_json(const core::Reported& report);

}  // namespace pena::wire
