// JSON text in two steps: nlohmann says whether it is valid, then its parts are walked where they
// lie. So a payload keeps its numbers digit for digit, and nothing is built that nobody reads.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "wire/outcome.hpp"

namespace pena::wire {

// Refuses what is no JSON text: bad syntax, bad UTF-8, a key twice in one object, too deep.
[[nodiscard]] std::optional<Refusal> check_json(std::string_view text, int most_depth);

// A value within text that check_json has passed; what follows is undefined for other text.
class JsonValue {
 public:
  explicit JsonValue(std::string_view text);

  [[nodiscard]] bool is_object() const { return text_.front() == '{'; }
  [[nodiscard]] bool is_array() const { return text_.front() == '['; }
  [[nodiscard]] bool is_string() const { return text_.front() == '"'; }
  [[nodiscard]] bool is_null() const { return text_ == "null"; }
  [[nodiscard]] std::string_view text() const { return text_; }

  // Calls back for each part, in order, until the callback gives a refusal.
  using Member = std::function<std::optional<Refusal>(const std::string& key, JsonValue value)>;
  using Element = std::function<std::optional<Refusal>(JsonValue value)>;
  [[nodiscard]] std::optional<Refusal> for_each_member(const Member& member) const;
  [[nodiscard]] std::optional<Refusal> for_each_element(const Element& element) const;

  // Of a string: its characters, escapes resolved.
  [[nodiscard]] std::string string() const;
  // The value without white space between its parts.
  [[nodiscard]] std::string compact() const;

 private:
  std::string_view text_;
};

}  // namespace pena::wire
