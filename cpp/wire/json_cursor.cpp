#include "wire/json_cursor.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

#include "wire/digit.hpp"
#include "wire/hex_digit.hpp"
#include "wire/quote.hpp"
#include "wire/utf8.hpp"

namespace pena::wire {
namespace {

constexpr unsigned char closing(bool object) {
  return object ? '}' : ']';
}

// How many bytes at the front of eight are neither a quote nor a backslash, and plain ASCII: where
// the high bit of a byte of `stops` is set, it is one of them. A borrow may set it above the first
// such byte, never below.
std::size_t plain_bytes(const char* text) {
  static_assert(std::endian::native == std::endian::little);
  constexpr std::uint64_t kOnes = 0x0101010101010101U;
  constexpr std::uint64_t kHighs = 0x8080808080808080U;
  std::uint64_t word = 0;
  std::memcpy(&word, text, sizeof word);
  const auto zeros = [](std::uint64_t bytes) {
    return (bytes - kOnes) & ~bytes;
  };
  const std::uint64_t stops = (zeros(word ^ (kOnes * '"')) | zeros(word ^ (kOnes * '\\')) |
                               ((word - kOnes * 0x20) & ~word) | word) &
                              kHighs;
  return stops == 0 ? sizeof word : static_cast<std::size_t>(std::countr_zero(stops)) / 8;
}

// The separators of lines beyond ASCII: U+0085, and U+2028 and U+2029.
constexpr std::string_view kNextLine = "\xc2\x85";
constexpr std::string_view kLineSeparator = "\xe2\x80\xa8";
constexpr std::string_view kParagraphSeparator = "\xe2\x80\xa9";

void append_utf8(std::string& out, std::uint32_t point) {
  const auto push = [&](std::uint32_t byte) {
    out += static_cast<char>(byte);
  };
  if (point < 0x80) {
    push(point);
  } else if (point < 0x800) {
    push(0xc0U | (point >> 6U));
    push(0x80U | (point & 0x3fU));
  } else if (point < 0x10000) {
    push(0xe0U | (point >> 12U));
    push(0x80U | ((point >> 6U) & 0x3fU));
    push(0x80U | (point & 0x3fU));
  } else {
    push(0xf0U | (point >> 18U));
    push(0x80U | ((point >> 12U) & 0x3fU));
    push(0x80U | ((point >> 6U) & 0x3fU));
    push(0x80U | (point & 0x3fU));
  }
}

std::uint32_t hex4_of(std::string_view digits) {
  std::uint32_t value = 0;
  for (const char digit : digits.substr(0, 4)) {
    value = value * 16 + hex_value(digit);
  }
  return value;
}

constexpr bool is_high_surrogate(std::uint32_t unit) {
  return unit >= 0xd800 && unit <= 0xdbff;
}
constexpr bool is_low_surrogate(std::uint32_t unit) {
  return unit >= 0xdc00 && unit <= 0xdfff;
}

}  // namespace

JsonCursor::JsonCursor(std::string_view text) : text_(text) {
  if (text.starts_with("\xef\xbb\xbf")) {
    wrong_ = Refusal{400, "the body begins with a byte order mark; expected JSON in UTF-8 alone"};
    text_ = {};
  }
}

bool JsonCursor::fail(std::string_view what) {
  if (wrong_) return false;
  std::string sentence = "the body is not JSON: wrong at byte " + std::to_string(at_ + 1);
  if (!what.empty()) sentence.append(": ").append(what);
  wrong_ = Refusal{400, std::move(sentence)};
  return false;
}

bool JsonCursor::end() {
  next();
  return !wrong_ && (at_ == text_.size() || fail("expected the end"));
}

// ---- values

std::optional<JsonCursor::Value> JsonCursor::value(int most_depth) {
  next();
  const std::size_t from = at_;
  escaped_ = false;
  verbatim_ = true;
  const bool has_parts = peek() == '{' || peek() == '[';
  if (!(has_parts ? pass_parts(most_depth) : pass_scalar())) return std::nullopt;
  return Value{text_.substr(from, at_ - from), escaped_, verbatim_};
}

std::optional<JsonCursor::Value> JsonCursor::string() {
  if (next() != '"') return std::nullopt;
  const std::size_t from = at_;
  escaped_ = false;
  verbatim_ = true;
  if (!pass_string()) return std::nullopt;
  return Value{text_.substr(from, at_ - from), escaped_, verbatim_};
}

std::optional<std::string_view> JsonCursor::short_key() {
  if (next() != '"' || at_ + 1 + 8 > text_.size()) return std::nullopt;
  const std::size_t plain = plain_bytes(text_.data() + at_ + 1);
  if (peek(1 + plain) != '"' || plain == 8) return std::nullopt;
  const std::string_view key = text_.substr(at_ + 1, plain);
  at_ += plain + 2;
  return key;
}

std::optional<std::uint32_t> JsonCursor::small_number() {
  constexpr std::size_t kMostDigits = 9;
  next();
  std::size_t digits = 0;
  std::uint32_t number = 0;
  for (; digits < kMostDigits && is_digit(peek(digits)); ++digits) {
    number = number * 10 + (peek(digits) - std::uint32_t{'0'});
  }
  const unsigned char behind = peek(digits);
  const bool goes_on = is_digit(behind) || behind == '.' || behind == 'e' || behind == 'E';
  if (digits == 0 || (digits > 1 && peek() == '0') || goes_on) return std::nullopt;
  at_ += digits;
  return number;
}

// An object or array and all that is in it. A loop and a list of what is open, for a text may be as deep as it
// is long.
bool JsonCursor::pass_parts(int most_depth) {
  levels_.clear();
  keys_.clear();
  if (!resolved_.empty()) resolved_.clear();
  while (true) {
    const unsigned char first = peek();
    if (first == '{' || first == '[') {
      if (levels_.size() >= static_cast<std::size_t>(std::max(most_depth, 0))) {
        if (!wrong_) {
          wrong_ = Refusal{400, "the body is nested deeper than " + std::to_string(most_depth) +
                                    " levels at byte " + std::to_string(at_ + 1)};
        }
        return false;
      }
      levels_.push_back({first == '{', keys_.size()});
      ++at_;
      skip_space();
      if (peek() != closing(first == '{')) {
        if (first == '{' && !pass_key()) return false;
        continue;
      }
    } else if (!pass_scalar()) {
      return false;
    }
    // Behind a value: what closes here, and whether another follows.
    while (true) {
      if (levels_.empty()) return true;
      skip_space();
      if (peek() == ',') break;
      if (!close_level()) return false;
    }
    ++at_;
    skip_space();
    if (levels_.back().object && !pass_key()) return false;
  }
}

bool JsonCursor::close_level() {
  const Level level = levels_.back();
  if (peek() != closing(level.object)) {
    return fail(level.object ? "expected a comma or the end of the object"
                             : "expected a comma or the end of the array");
  }
  ++at_;
  levels_.pop_back();
  if (!level.object) return true;
  const bool differ = keys_differ(level.keys_from);
  keys_.resize(level.keys_from);
  return differ;
}

// A key and its colon, up to the value.
bool JsonCursor::pass_key() {
  const std::size_t from = at_;
  const bool escaped_before = escaped_;
  escaped_ = false;
  if (peek() != '"') return fail("expected a key in quotes");
  if (!pass_string()) return false;
  const Value key{text_.substr(from, at_ - from), escaped_, true};
  keys_.push_back(escaped_ ? std::string_view{resolved_.emplace_front(characters(key))}
                           : key.text.substr(1, key.text.size() - 2));
  escaped_ = escaped_ || escaped_before;
  skip_space();
  if (peek() != ':') return fail("expected a colon");
  ++at_;
  skip_space();
  return true;
}

// Of one object, when it is whole. Few keys are compared with each other, many are sorted.
bool JsonCursor::keys_differ(std::size_t from) {
  constexpr std::size_t kFew = 12;
  const auto first = keys_.begin() + static_cast<std::ptrdiff_t>(from);
  auto twin = keys_.end();
  if (keys_.size() - from <= kFew) {
    for (auto key = first; key != keys_.end() && twin == keys_.end(); ++key) {
      if (std::find(first, key, *key) != key) twin = key;
    }
  } else {
    std::sort(first, keys_.end());
    twin = std::adjacent_find(first, keys_.end());
  }
  if (twin == keys_.end()) return true;
  if (!wrong_) {
    wrong_ =
        Refusal{400, "the key " + quote(*twin) + " stands twice in one object; expected it once"};
  }
  return false;
}

// ---- scalars

void JsonCursor::skip_space() {
  if (!is_space(peek())) return;
  verbatim_ = false;
  while (is_space(peek())) ++at_;
}

bool JsonCursor::pass_scalar() {
  switch (peek()) {
    case '"':
      return pass_string();
    case 't':
      return pass_word("true");
    case 'f':
      return pass_word("false");
    case 'n':
      return pass_word("null");
    default:
      return pass_number();
  }
}

bool JsonCursor::pass_word(std::string_view word) {
  if (!text_.substr(at_).starts_with(word)) return fail("expected a value");
  at_ += word.size();
  return true;
}

bool JsonCursor::pass_number() {
  const std::size_t from = at_;
  const auto digits = [this] {
    if (!is_digit(peek())) return false;
    while (is_digit(peek())) ++at_;
    return true;
  };
  if (peek() == '-') ++at_;
  const bool zero = peek() == '0';
  const std::size_t whole = at_;
  if (!digits()) return fail(at_ == from ? "expected a value" : "expected a digit");
  if (zero && at_ > whole + 1) {
    at_ = whole;
    return fail("expected a number without a zero in front");
  }
  if (peek() == '.') {
    ++at_;
    if (!digits()) return fail("expected a digit");
  }
  if (peek() == 'e' || peek() == 'E') {
    ++at_;
    if (peek() == '+' || peek() == '-') ++at_;
    if (!digits()) return fail("expected a digit");
  }
  if (at_ - from <= kLongestNumber) return true;
  at_ = from;
  return fail("expected a number of at most " + std::to_string(kLongestNumber) + " bytes");
}

bool JsonCursor::pass_string() {
  ++at_;
  while (true) {
    while (at_ + 8 <= text_.size()) {
      const std::size_t plain = plain_bytes(text_.data() + at_);
      at_ += plain;
      if (plain < 8) break;
    }
    const unsigned char byte = peek();
    if (byte == '"') {
      ++at_;
      return true;
    }
    if (byte == '\\') {
      if (!pass_escape()) return false;
    } else if (byte >= 0x80) {
      if (!pass_beyond_ascii()) return false;
    } else if (byte >= 0x20) {
      ++at_;
    } else {
      return fail(at_ == text_.size() ? "expected the end of the string"
                                      : "expected a control character as an escape");
    }
  }
}

std::optional<unsigned> JsonCursor::hex4() {
  for (std::size_t i = 0; i < 4; ++i) {
    if (hex_value(static_cast<char>(peek(i))) == kNoHexDigit) return std::nullopt;
  }
  const std::uint32_t unit = hex4_of(text_.substr(at_));
  at_ += 4;
  return unit;
}

bool JsonCursor::pass_escape() {
  escaped_ = true;
  constexpr std::string_view kShort = "\"\\/bfnrt";
  const auto letter = static_cast<char>(peek(1));
  if (letter != 'u') {
    if (letter == 0 || kShort.find(letter) == std::string_view::npos) {
      return fail("expected an escape of JSON");
    }
    at_ += 2;
    return true;
  }
  const std::size_t from = at_;
  at_ += 2;
  const auto unit = hex4();
  if (!unit) return fail("expected four hexadecimal digits");
  if (!is_high_surrogate(*unit) && !is_low_surrogate(*unit)) return true;
  if (is_high_surrogate(*unit) && peek() == '\\' && peek(1) == 'u') {
    at_ += 2;
    const auto second = hex4();
    if (second && is_low_surrogate(*second)) return true;
  }
  at_ = from;
  return fail("expected surrogates in pairs");
}

bool JsonCursor::pass_beyond_ascii() {
  const std::size_t length = utf8_length(text_.substr(at_));
  if (length == 0) return fail("expected UTF-8");
  const std::string_view character = text_.substr(at_, length);
  if (character == kNextLine || character == kLineSeparator || character == kParagraphSeparator) {
    verbatim_ = false;
  }
  at_ += length;
  return true;
}

// ---- what becomes of a value

std::string JsonCursor::characters(const Value& string) {
  const std::string_view inside = string.text.substr(1, string.text.size() - 2);
  if (!string.escaped) return std::string{inside};
  std::string out;
  out.reserve(inside.size());
  for (std::size_t at = 0; at < inside.size(); ++at) {
    if (inside[at] != '\\') {
      out += inside[at];
      continue;
    }
    constexpr std::string_view kLetters = "bfnrt";
    constexpr std::string_view kBytes = "\b\f\n\r\t";
    const char letter = inside[++at];
    const std::size_t known = kLetters.find(letter);
    if (letter == 'u') {
      std::uint32_t point = hex4_of(inside.substr(at + 1));
      at += 4;
      if (is_high_surrogate(point)) {
        point = 0x10000 + ((point - 0xd800) << 10U) + (hex4_of(inside.substr(at + 3)) - 0xdc00);
        at += 6;
      }
      append_utf8(out, point);
    } else {
      out += known == std::string_view::npos ? letter : kBytes[known];
    }
  }
  return out;
}

std::string JsonCursor::compact(const Value& value) {
  if (value.verbatim) return std::string{value.text};
  std::string out;
  out.reserve(value.text.size());
  bool in_string = false;
  for (std::size_t at = 0; at < value.text.size(); ++at) {
    const char letter = value.text[at];
    const std::string_view rest = value.text.substr(at);
    if (in_string && letter == '\\') {
      out.append(rest.substr(0, 2));
      ++at;
    } else if (in_string && rest.starts_with(kNextLine)) {
      out += "\\u0085";
      at += kNextLine.size() - 1;
    } else if (in_string &&
               (rest.starts_with(kLineSeparator) || rest.starts_with(kParagraphSeparator))) {
      out += rest.starts_with(kLineSeparator) ? "\\u2028" : "\\u2029";
      at += kLineSeparator.size() - 1;
    } else if (in_string || !is_space(static_cast<unsigned char>(letter))) {
      if (letter == '"') in_string = !in_string;
      out += letter;
    }
  }
  return out;
}

std::optional<Refusal> check_json(std::string_view text, int most_depth) {
  JsonCursor cursor(text);
  if (cursor.value(most_depth)) cursor.end();
  return cursor.wrong();
}

}  // namespace pena::wire
