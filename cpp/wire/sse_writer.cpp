#include <charconv>

#include "wire/json.hpp"
#include "wire/sse.hpp"

namespace pena::wire {
namespace {

void append_number(std::string& out, std::int64_t number) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, number);
  out.append(digits, end.ptr);
}

void append_xid(std::string& out, const core::Xid& xid) {
  char text[core::Xid::kTextLength];
  xid.write_text(text);
  out.append(text, sizeof text);
}

}  // namespace

void append_batch_frames(std::string& out, const core::Batch& batch, core::Instant granted_at,
                         const core::Limits& limits, const QueueNames& names) {
  out += ": batch=";
  append_xid(out, batch.id);
  out += " size=";
  append_number(out, static_cast<std::int64_t>(batch.msgs.size()));
  out += " at=";
  append_number(out, core::to_ms(granted_at));
  out += " lease=";
  append_number(out, core::to_ms(limits.timing.lease));
  out += "\n";
  std::string start = "id: ";
  append_xid(start, batch.id);
  start += "\ndata: ";
  constexpr std::size_t kAnEvent = 96;  // of a msg without a payload
  out.reserve(out.size() + batch.msgs.size() * kAnEvent);
  for (const core::QueuedMsg& msg : batch.msgs) {
    out += start;
    const bool says_queue = msg.msg.queue >= core::kFirstNamedQueue && names;
    append_msg_json(out, msg, limits.max_resends,
                    says_queue ? names(msg.msg.queue) : std::string_view{});
    out += "\n\n";
  }
}

void append_heartbeat(std::string& out, core::Instant now) {
  out += ": at=";
  append_number(out, core::to_ms(now));
  out += "\n";
}

void append_retry(std::string& out, core::Duration time) {
  out += "retry: ";
  append_number(out, core::to_ms(time));
  out += "\n";
}

void append_block_end(std::string& out) {
  out += "id:\n\n";
}

void append_bye(std::string& out, std::string_view reason) {
  out += ": bye ";
  for (const char letter : reason) out += letter == '\n' || letter == '\r' ? ' ' : letter;
  out += "\n";
}

}  // namespace pena::wire
