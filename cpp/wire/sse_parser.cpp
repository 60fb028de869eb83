#include <algorithm>
#include <charconv>
#include <utility>

#include "wire/sse.hpp"

namespace pena::wire {
namespace {

constexpr std::string_view kBom = "\xef\xbb\xbf";

template <class Number>
std::optional<Number> number_in(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || text.front() == '-') {
    return std::nullopt;
  }
  return number;
}

// One word of a note: "key=value".
void read_word(std::string_view word, StreamNote& note) {
  const auto equals = word.find('=');
  if (equals == std::string_view::npos) return;
  const std::string_view key = word.substr(0, equals);
  const std::string_view value = word.substr(equals + 1);
  if (value.empty()) return;
  if (key == "batch") note.batch = core::Xid::parse(value);
  if (key == "size") note.size = number_in<std::uint32_t>(value).value_or(0);
  if (key == "at") note.at_ms = number_in<std::int64_t>(value);
  if (key == "lease") note.lease_ms = number_in<std::int64_t>(value);
}

}  // namespace

StreamNote parse_note(std::string_view comment) {
  StreamNote note;
  if (comment.starts_with(' ')) comment.remove_prefix(1);
  if (comment.starts_with("bye ")) {
    note.bye = std::string{comment.substr(4)};
    return note;
  }
  while (!comment.empty()) {
    const auto space = std::min(comment.find(' '), comment.size());
    read_word(comment.substr(0, space), note);
    comment.remove_prefix(std::min(space + 1, comment.size()));
  }
  return note;
}

bool SseParser::feed(std::string_view bytes) {
  bytes = without_bom(bytes);
  while (!bytes.empty()) {
    if (after_cr_) {
      after_cr_ = false;
      // CRLF ends one line, also where the two arrive apart.
      if (bytes.front() == '\n') bytes.remove_prefix(1);
      continue;
    }
    const auto end = bytes.find_first_of("\r\n");
    std::string_view piece = bytes.substr(0, end);
    if (const std::size_t room = max_bytes_ - pending_line_.size(); piece.size() > room) {
      pending_line_ += piece.substr(0, room);
      if (!pending_line_.starts_with("data:") || !may_cut(piece.size() - room)) return false;
      piece = {};
    }
    if (end == std::string_view::npos) {
      pending_line_ += piece;
      return true;
    }
    after_cr_ = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
    if (pending_line_.empty()) {
      line(piece);
    } else {
      pending_line_ += piece;
      const std::string whole = std::move(pending_line_);
      pending_line_.clear();
      line(whole);
    }
    if (data_.size() > max_bytes_) {
      if (!may_cut(data_.size() - max_bytes_)) return false;
      data_.resize(max_bytes_);
    }
  }
  return true;
}

bool SseParser::may_cut(std::size_t bytes) {
  cut_ += bytes;
  return cut_ <= max_cut_;
}

// The stream's first three bytes may be a byte order mark, and may arrive one by one.
std::string_view SseParser::without_bom(std::string_view bytes) {
  while (!bom_done_ && !bytes.empty()) {
    if (bytes.front() != kBom[bom_seen_]) {
      bom_done_ = true;
      pending_line_.assign(kBom.substr(0, bom_seen_));
      break;
    }
    bytes.remove_prefix(1);
    bom_done_ = ++bom_seen_ == kBom.size();
  }
  return bytes;
}

void SseParser::line(std::string_view text) {
  if (text.empty()) return dispatch();
  const auto colon = text.find(':');
  std::string_view value =
      colon == std::string_view::npos ? std::string_view{} : text.substr(colon + 1);
  if (colon == 0) {
    if (on_comment) on_comment(value);
    return;
  }
  const std::string_view field = text.substr(0, colon);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (field == "data") {
    data_.append(value).append("\n");
    has_data_ = true;
  } else if (field == "event") {
    type_ = value;
  } else if (field == "id") {
    if (value.find('\0') == std::string_view::npos) last_id_ = value;
  } else if (field == "retry") {
    if (value.empty()) return;
    const auto ms = number_in<std::uint64_t>(value);
    if (ms && on_retry) on_retry(*ms);
  }
}

void SseParser::dispatch() {
  if (has_data_) {
    data_.pop_back();  // the line end behind the last line
    SseEvent event{type_.empty() ? "message" : type_, std::move(data_), last_id_, cut_};
    if (on_event) on_event(std::move(event));
  }
  data_.clear();
  type_.clear();
  cut_ = 0;
  has_data_ = false;
}

}  // namespace pena::wire
