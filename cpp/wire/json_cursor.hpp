// JSON text (RFC 8259), read once from the front. Whatever a value is made of is checked as the cursor
// passes it: syntax, UTF-8, depth, keys that stand twice (but those of each_member, whose caller
// knows which there may be). Nothing is built that nobody reads, and a number is its digits, never a
// double: what goes in comes out digit for digit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <forward_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wire/outcome.hpp"

namespace pena::wire {

// The longest number that is taken, in bytes. Python's json refuses whole numbers of more than 4,300
// digits, and no language has use for as many.
inline constexpr std::size_t kLongestNumber = 4096;

class JsonCursor {
 public:
  // `text` outlives the cursor and whatever it gives.
  explicit JsonCursor(std::string_view text);

  // The first byte of what comes next, white space passed over; 0 at the end.
  char next() {
    while (is_space(peek())) ++at_;
    return static_cast<char>(peek());
  }
  // Passes `wanted` where it comes next.
  [[nodiscard]] bool pass(char wanted) {
    if (next() != wanted) return false;
    ++at_;
    return true;
  }
  // What is wrong at this place of the text, where it is not as JSON has to be. Always false.
  bool fail(std::string_view what = {});

  struct Value {
    std::string_view text;  // as it stands there
    bool escaped = false;   // has a backslash
    bool verbatim = true;   // no space between its parts, no separator of lines in its strings
  };
  // Passes a value with at most so many levels of objects and arrays. Nothing where it is wrong.
  [[nodiscard]] std::optional<Value> value(int most_depth);
  // Passes a string. Nothing where what comes is none, or is wrong (then wrong() says what).
  [[nodiscard]] std::optional<Value> string();

  // For strings of one length that a parser knows to the letter: passes it where both quotes are in
  // their places and `parse` takes all that lies between them, which is plain ASCII without quotes and
  // backslashes then. Otherwise nothing, and nothing is passed.
  template <class Parse>
  [[nodiscard]] auto string_of(std::size_t bytes, Parse parse)
      -> decltype(parse(std::string_view{})) {
    if (next() != '"' || peek(bytes + 1) != '"') return {};
    auto parsed = parse(text_.substr(at_ + 1, bytes));
    if (parsed) at_ += bytes + 2;
    return parsed;
  }

  // Passes a whole number of up to nine digits. Otherwise nothing, and nothing is passed.
  [[nodiscard]] std::optional<std::uint32_t> small_number();

  // Passes an object or an array whose opening byte comes next. The callbacks pass the member's
  // value or the element, and say false where the walk is to end. False where it ended early.
  template <class OnMember>
  [[nodiscard]] bool each_member(OnMember on_member) {
    if (!pass('{')) return fail("expected an object");
    if (pass('}')) return true;
    do {
      if (const auto plain = short_key()) {
        if (!pass(':')) return fail("expected a colon");
        if (!on_member(*plain)) return false;
        continue;
      }
      const auto key = string();
      if (!key) return fail("expected a key in quotes");
      if (!pass(':')) return fail("expected a colon");
      if (!(key->escaped ? on_member(std::string_view{characters(*key)})
                         : on_member(key->text.substr(1, key->text.size() - 2)))) {
        return false;
      }
    } while (pass(','));
    return pass('}') || fail("expected a comma or the end of the object");
  }
  template <class OnElement>
  [[nodiscard]] bool each_element(OnElement on_element) {
    if (!pass('[')) return fail("expected an array");
    if (pass(']')) return true;
    do {
      if (!on_element()) return false;
    } while (pass(','));
    return pass(']') || fail("expected a comma or the end of the array");
  }

  // Nothing may follow but white space. False, and wrong() says so, where something does.
  bool end();
  [[nodiscard]] const std::optional<Refusal>& wrong() const { return wrong_; }

  // A string's characters, its escapes resolved.
  [[nodiscard]] static std::string characters(const Value& string);
  // A value without space between its parts, and with its line separators (U+0085, U+2028, U+2029)
  // as escapes: there are readers of lines that would break an event there.
  [[nodiscard]] static std::string compact(const Value& value);

 private:
  struct Level {
    bool object = false;
    std::size_t keys_from = 0;  // in keys_
  };

  [[nodiscard]] static constexpr bool is_space(unsigned char byte) {
    return byte <= ' ' && (byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t');
  }
  // Passes a key of up to seven plain bytes. Otherwise nothing, and nothing is passed.
  [[nodiscard]] std::optional<std::string_view> short_key();
  bool pass_scalar();
  bool pass_word(std::string_view word);
  bool pass_number();
  bool pass_string();
  bool pass_escape();
  bool pass_beyond_ascii();
  [[nodiscard]] std::optional<unsigned> hex4();
  bool pass_key();
  bool keys_differ(std::size_t from);
  void skip_space();
  [[nodiscard]] unsigned char peek(std::size_t offset = 0) const {
    return at_ + offset < text_.size() ? static_cast<unsigned char>(text_[at_ + offset]) : 0;
  }
  bool close_level();
  bool pass_parts(int most_depth);

  std::string_view text_;
  std::size_t at_ = 0;
  bool escaped_ = false;                     // of what is being passed: a backslash,
  bool verbatim_ = true;                     // and neither space nor separators of lines
  std::vector<Level> levels_;                // the objects and arrays that are open
  std::vector<std::string_view> keys_;       // of the open objects
  std::forward_list<std::string> resolved_;  // those of them that had escapes, where they stay
  std::optional<Refusal> wrong_;
};

// What is wrong with a text that is to be one JSON value, or nothing.
[[nodiscard]] std::optional<Refusal> check_json(std::string_view text, int most_depth);

}  // namespace pena::wire
