#include "wire/body_reader.hpp"

namespace pena::wire {

using core::Xid;

bool BodyReader::refuse_next(std::string_view said, std::string_view expected) {
  const auto value = cursor_.value(kAnyDepth);
  if (!value) return false;
  return refuse(
      {400, std::string{said} + quote(value->text) + "; expected " + std::string{expected}});
}

// One that has escapes, or is none.
bool BodyReader::read_unusual_id(std::string_view where, Xid& id) {
  const std::string said = std::string{where} + " has the id ";
  const auto value = cursor_.string();
  if (!value) {
    return !cursor_.wrong() && refuse_next(said, "a string of 20 characters");
  }
  const std::string text = JsonCursor::characters(*value);
  const auto read = Xid::parse(text);
  if (!read) {
    return refuse({400, said + quote(text) +
                            "; expected 20 characters of 0-9 and a-v, the last of them 0 or g"});
  }
  id = *read;
  return true;
}

bool BodyReader::read_bool(std::string_view key, bool& into) {
  const auto value = cursor_.value(kAnyDepth);
  if (!value) return false;
  into = value->text == "true";
  if (into || value->text == "false") return true;
  return refuse({400, std::string{key} + " is " + quote(value->text) + "; expected true or false"});
}

bool BodyReader::read_number(std::string_view key, std::string_view what, std::uint64_t most,
                             std::uint64_t& into, std::uint64_t least) {
  std::string_view text;
  std::optional<std::uint64_t> number = cursor_.small_number();
  if (!number) {
    const auto value = cursor_.value(kAnyDepth);
    if (!value) return false;
    text = value->text;
    number = whole_number<std::uint64_t>(text);
  }
  if (!number || *number < least || *number > most) {
    return refuse({400, std::string{key} + " is " +
                            quote(text.empty() ? std::to_string(*number) : std::string{text}) +
                            "; expected a whole number" + std::string{what} + " from " +
                            std::to_string(least) + " to " + std::to_string(most)});
  }
  into = *number;
  return true;
}

bool BodyReader::read_date(std::string_view key, core::Instant& into) {
  constexpr auto kMost = static_cast<std::uint64_t>(core::to_ms(core::XidFactory::kEndOfDates)) - 1;
  std::uint64_t ms = 0;
  if (!read_number(key, " of unix ms, not seconds,", kMost, ms, kLeastDateMs)) return false;
  into = core::from_us(static_cast<std::int64_t>(ms) * 1000);
  return true;
}

bool BodyReader::read_string(std::string_view key, std::string& into) {
  const auto value = cursor_.string();
  if (!value) return !cursor_.wrong() && refuse_next(std::string{key} + " is ", "a string");
  into = JsonCursor::characters(*value);
  return true;
}

}  // namespace pena::wire
