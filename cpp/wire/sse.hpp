// Server-Sent Events (WHATWG HTML, 9.2): the frames that the server writes and the client's parser.
//
// What only Pena's own clients need rides in comments, so that any SSE library is a working client:
//   : batch=<xid> size=<msgs> at=<server's time, ms> lease=<ms>   before the msgs of a batch
//   : at=<server's time, ms>                      a heartbeat, and the first bytes
//   : bye <reason>                                the last words of a stream
// No empty line follows them: some libraries (httpx-sse, fetch-event-source) take one for an event
// without data. The lines are of a block with the next event.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "core/limits.hpp"
#include "core/msg.hpp"

namespace pena::wire {

// What a queue is called. Asked of those alone that are not `default`.
using QueueNames = std::function<std::string_view(core::QueueNumber)>;

// One batch whole: the comment, then an event a msg (`id:` the batch, `data:` the msg). `granted_at`
// is of the clock that the stamps are of, which is steady; the batch's own is a date for the records.
// Without `names` no msg says its queue. `limits`: the lease, and which attempt is the last.
void append_batch_frames(std::string& out, const core::Batch& batch, core::Instant granted_at,
                         const core::Limits& limits, const QueueNames& names = {});
void append_heartbeat(std::string& out, core::Instant now);
void append_bye(std::string& out, std::string_view reason);
// How soon a client that lost its stream may come back: a field of the next event's block.
void append_retry(std::string& out, core::Duration time);
// Ends a block that has no event, for parsers that take so much and no more. The id is taken back
// first: then it is no event to httpx-sse either.
void append_block_end(std::string& out);

// What such a comment says, read back.
struct StreamNote {
  std::optional<core::Xid> batch;
  std::uint32_t size = 0;
  std::optional<std::int64_t> at_ms;
  std::optional<std::int64_t> lease_ms;
  std::optional<std::string> bye;
};
// `comment` is the text behind the colon. A comment of somebody else gives an empty note.
[[nodiscard]] StreamNote parse_note(std::string_view comment);

struct SseEvent {
  std::string type;  // "message" where the stream names none
  std::string data;
  std::string id;         // the last event id
  std::uint64_t cut = 0;  // so many bytes of the data's end were passed over
};

// Of a line or an event, where nobody says otherwise.
inline constexpr std::size_t kLargestEvent = std::size_t{16} << 20U;

// Takes the bytes of a stream in pieces of any size and calls back for what is complete. CR, LF and
// CRLF end a line, one leading BOM is skipped, an `id` with a NUL is ignored, `retry` takes digits
// only, an event without data is not dispatched. Throws nothing but what the callbacks throw.
class SseParser {
 public:
  std::function<void(SseEvent&&)> on_event;
  std::function<void(std::string_view)> on_comment;
  std::function<void(std::uint64_t)> on_retry;  // ms

  // False once a line or an event is longer than `max_bytes`: the stream is not to be read on. But up to
  // `max_cut` bytes of data beyond them are passed over, so that what comes behind its event can be read.
  [[nodiscard]] bool feed(std::string_view bytes);
  explicit SseParser(std::size_t max_bytes = kLargestEvent, std::uint64_t max_cut = 0)
      : max_bytes_(max_bytes), max_cut_(max_cut) {}

 private:
  std::string_view without_bom(std::string_view bytes);
  [[nodiscard]] bool may_cut(std::size_t bytes);
  void line(std::string_view text);
  void dispatch();

  std::size_t max_bytes_;
  std::uint64_t max_cut_;
  std::uint64_t cut_ = 0;  // of the event that comes
  std::string pending_line_;
  std::string data_;
  std::string type_;
  std::string last_id_;
  bool has_data_ = false;
  bool after_cr_ = false;
  std::size_t bom_seen_ = 0;
  bool bom_done_ = false;
};

}  // namespace pena::wire
