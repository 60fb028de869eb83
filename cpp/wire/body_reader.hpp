// What the readers of the bodies of requests share (submissions.cpp, report_read.cpp). A reader says what
// a body should have been; whether it is JSON at all is said first, by read_body.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/instant.hpp"
#include "core/xid.hpp"
#include "wire/json_cursor.hpp"
#include "wire/quote.hpp"

namespace pena::wire {

// Deeper than any limit: of a value that is only quoted in a refusal, or passed over.
inline constexpr int kAnyDepth = 1'000'000;

// What is less, as a date in unix ms, was meant in seconds: those of all dates to come are, and as ms they
// would be of 1973 or before.
inline constexpr std::uint64_t kLeastDateMs = 100'000'000'000;

[[nodiscard]] inline Refusal too_many(const std::string& what, std::size_t most) {
  return {413, "more than " + std::to_string(most) + " " + what + " in one request"};
}

// Decimal digits alone, with a minus in front where the type has one.
template <class Number>
[[nodiscard]] std::optional<Number> whole_number(std::string_view text) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

class BodyReader {
 public:
  explicit BodyReader(JsonCursor& cursor) : cursor_(cursor) {}
  [[nodiscard]] const Refusal& refusal() const { return refusal_; }

 protected:
  bool refuse(Refusal refusal) {
    refusal_ = std::move(refusal);
    return false;
  }
  // `said` and what comes next do not go together with what is expected.
  bool refuse_next(std::string_view said, std::string_view expected);
  bool refuse_twice(std::string_view key) {
    return refuse({400, "the key " + quote(key) + " stands twice in one object; expected it once"});
  }

  bool read_id(std::string_view where, core::Xid& id) {
    const auto plain = cursor_.string_of(core::Xid::kTextLength, core::Xid::parse);
    if (!plain) return read_unusual_id(where, id);
    id = *plain;
    return true;
  }
  bool read_bool(std::string_view key, bool& into);
  // A whole number from `least` to `most`. `what`: what it is a number of, with a space in front, or "".
  bool read_number(std::string_view key, std::string_view what, std::uint64_t most,
                   std::uint64_t& into, std::uint64_t least = 0);
  // A date from kLeastDateMs on, before kEndOfDates.
  bool read_date(std::string_view key, core::Instant& into);
  // A string, its escapes resolved.
  bool read_string(std::string_view key, std::string& into);

  JsonCursor& cursor_;

 private:
  bool read_unusual_id(std::string_view where, core::Xid& id);

  Refusal refusal_;
};

// Reads the whole body. That it is not JSON comes before all that else may be wrong with it.
template <class Reader>
[[nodiscard]] std::optional<Refusal> read_body(std::string_view body, JsonCursor& cursor,
                                               Reader& reader) {
  if (reader.read() && cursor.end()) return std::nullopt;
  if (cursor.wrong()) return cursor.wrong();
  if (auto refusal = check_json(body, reader.most_depth())) return refusal;
  return reader.refusal();
}

}  // namespace pena::wire
